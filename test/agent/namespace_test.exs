# SPDX-License-Identifier: MIT

defmodule AgentTest.NamespaceTest do
  use AgentTest.Case, async: true

  @moduletag :root
  @moduletag :tmp_dir

  @all ~w(user mount uts ipc cgroup net time pid)a
  @links %{mount: "mnt"}

  defp link(name), do: Map.get(@links, name, to_string(name))

  defp running_in(namespaces, request \\ %{}) do
    wire = parked(Map.merge(%{argv: actor(["pause"]), namespaces: namespaces}, request))
    if :user in namespaces, do: map_ids(wire, "0 0 1\n")
    send_term(wire, :proceed)
    assert_frame(wire, {:status, :running})
    await_output(wire, "ready\n")
    wire
  end

  for name <- @all do
    test "[#{inspect(name)}] is fresh, and the others are the agent's" do
      wire = running_in([unquote(name)])
      agent = Host.namespaces(wire.agent)
      workload = Host.namespaces(wire.host_pid)
      different = for {key, value} <- workload, agent[key] != value, do: key
      assert different == [link(unquote(name))]
      kill(wire)
    end
  end

  test "all eight at once are fresh" do
    wire = running_in(@all)
    agent = Host.namespaces(wire.agent)
    for {key, value} <- Host.namespaces(wire.host_pid), do: assert(agent[key] != value, key)
    kill(wire)
  end

  # test/agent/cgroup_namespace_test.exs has the one that comes later.
  test "the child is in them already at the checkpoint, but for the cgroup namespace" do
    wire = parked(%{argv: actor(["pause"]), namespaces: @all})
    agent = Host.namespaces(wire.agent)
    same = for {key, value} <- Host.namespaces(wire.host_pid), agent[key] == value, do: key
    assert same == ["cgroup"]
    send_term(wire, :abort)
    finish(wire)
  end

  test "in a fresh pid namespace the child sees itself as 1, and the host another pid" do
    wire = running_in([:pid])
    assert wire.child_pid == 1
    assert Host.status(wire.host_pid)["NSpid"] == "#{wire.host_pid}\t1"
    kill(wire)
  end

  test "in a fresh pid namespace an exit, a signal and an abort are reported as ever" do
    assert final(run(%{argv: actor(["exit", 5]), namespaces: [:pid]})) == {:status, :exited, 5}
    wire = parked(%{argv: actor(["exit", 0]), namespaces: [:pid]})
    send_term(wire, :abort)
    assert final(finish(wire)) == {:status, :aborted, 1}
    wire = parked(%{argv: actor(["exit", 0]), namespaces: [:pid]})
    Host.signal(wire.host_pid, 9)
    assert final(finish(wire)) == {:status, :signaled, 9}
  end

  test "the end of a pid namespace's first process is the end of all in it" do
    {listener, argv} = Beacon.actor(["leave-child"])
    wire = running(%{argv: argv, namespaces: [:pid]})
    beacon = Beacon.await_lit(listener)
    finish(wire)
    Beacon.await_dark(beacon)
  end

  # time_namespaces(7): the link names the namespace; its offsets are all zero until written.
  test "a fresh time namespace is the workload's own, not only its children's" do
    wire = running_in([:time])
    time = Host.namespaces(wire.host_pid)["time"]
    assert time != Host.namespaces(wire.agent)["time"]
    assert File.read_link!("/proc/#{wire.host_pid}/ns/time_for_children") == time
    kill(wire)
  end

  test "a fresh network namespace has nothing but its loopback" do
    wire = running_in([:net])

    [_, _ | interfaces] =
      "/proc/#{wire.host_pid}/net/dev" |> File.read!() |> String.split("\n", trim: true)

    assert [only] = interfaces
    assert only =~ ~r/^ *lo:/
    kill(wire)
  end

  test "without the privilege, creation fails with exit code 3 and no child" do
    wire =
      requested(%{argv: actor(["exit", 0]), namespaces: [:mount]}, driver: ["--user", 65_534])

    assert finish(wire, exit: 3).frames == [{:error, errno(:eperm), :clone}]
  end

  describe "a fresh user namespace" do
    defp map(pid, name, line), do: File.write!("/proc/#{pid}/#{name}", line)

    test "has the child as id 0 where 0 is mapped, with every capability" do
      wire =
        parked(%{argv: actor(["pause"]), namespaces: [:user]}, driver: ["--groups", 1234, 2345])

      map(wire.host_pid, "uid_map", "0 100000 10\n")
      map(wire.host_pid, "gid_map", "0 200000 10\n")
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      await_output(wire, "ready\n")
      status = Host.status(wire.host_pid)
      assert status["Uid"] == Enum.join(List.duplicate(100_000, 4), "\t")
      assert status["Gid"] == Enum.join(List.duplicate(200_000, 4), "\t")
      assert status["Groups"] == ""
      assert Host.mask(wire.host_pid, "CapEff") == Host.mask(wire.host_pid, "CapBnd")
      assert Host.mask(wire.host_pid, "CapEff") != 0
      kill(wire)
    end

    test "leaves ids that were set alone where 0 is not mapped" do
      wire = parked(%{argv: actor(["attributes"]), namespaces: [:user]})
      map(wire.host_pid, "uid_map", "1000 0 1\n")
      map(wire.host_pid, "gid_map", "1000 0 1\n")
      send_term(wire, {:set_credentials, 1000, 1000, []})
      send_term(wire, :proceed)
      assert finish(wire).output =~ "uid 1000 1000 gid 1000 1000\n"
    end

    test "that denies setgroups still makes the child id 0" do
      wire = parked(%{argv: actor(["attributes"]), namespaces: [:user]})
      map(wire.host_pid, "setgroups", "deny")
      map(wire.host_pid, "uid_map", "0 0 1\n")
      map(wire.host_pid, "gid_map", "0 0 1\n")
      send_term(wire, :proceed)
      assert finish(wire).output =~ "uid 0 0 gid 0 0\n"
    end

    @tag :userns
    test "of an ordinary user can be mapped by that user while the child is parked" do
      user = ["--user", 65_534]
      namespaces = [:user, :mount, :pid, :net, :uts, :ipc]
      wire = parked(%{argv: actor(["attributes"]), namespaces: namespaces}, driver: user)
      proc = "/proc/#{wire.host_pid}"

      script =
        "echo deny >#{proc}/setgroups && echo 0 65534 1 >#{proc}/uid_map && echo 0 65534 1 >#{proc}/gid_map"

      writer = start(program: ["/bin/sh", "-c", script], driver: user)
      assert %{agent: {:exited, 0, _}} = await_gone(writer)
      send_term(wire, :proceed)
      result = finish(wire)
      assert result.output =~ "uid 0 0 gid 0 0\n"
      assert result.output =~ "pid 1 session 1 group 1\n"
      # The changes of ids have not cleared it.
      assert result.output =~ "pdeathsig 9\n"
    end
  end

  describe "mounts of a child in a fresh mount namespace" do
    # An agent whose own mounts are shared, whether those of this machine are or not.
    defp shared_mounts(request, opts \\ []) do
      program = ["/usr/bin/unshare", "--mount", "--propagation", "shared", agent()]
      parked(request, [program: program] ++ opts)
    end

    defp mounted?(pid, dir),
      do: "/proc/#{pid}/mountinfo" |> File.read!() |> String.contains?(" #{dir} ")

    defp mount_from_within(namespaces, dir) do
      wire = shared_mounts(%{argv: actor(["mount", dir]), namespaces: namespaces})
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      assert await_output(wire, "ready\n") =~ "mount ok\n"
      assert mounted?(wire.host_pid, dir)
      seen_outside = mounted?(wire.agent, dir)
      kill(wire)
      seen_outside
    end

    test "do not travel to the host", %{tmp_dir: dir} do
      refute mount_from_within([:mount], dir)
      # The control: without the namespace the mount is the agent's own, and the observer sees it.
      assert mount_from_within([], dir)
    end

    test "do not travel to the host with a user and a pid namespace either", %{tmp_dir: dir} do
      wire = shared_mounts(%{argv: actor(["mount", dir]), namespaces: [:user, :mount, :pid]})
      map(wire.host_pid, "uid_map", "0 0 1\n")
      map(wire.host_pid, "gid_map", "0 0 1\n")
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      assert await_output(wire, "ready\n") =~ "mount ok\n"
      refute mounted?(wire.agent, dir)
      kill(wire)
    end

    test "are a slave's: what the host mounts arrives in the child", %{tmp_dir: dir} do
      wire = shared_mounts(%{argv: actor(["pause"]), namespaces: [:mount]})
      mount = ["-t", "#{wire.agent}", "-m", "mount", "-t", "tmpfs", "linx", dir]
      {_, 0} = System.cmd("nsenter", mount)
      assert mounted?(wire.host_pid, dir)
      send_term(wire, :abort)
      finish(wire)
    end
  end
end
