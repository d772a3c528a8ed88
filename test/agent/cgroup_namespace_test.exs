# SPDX-License-Identifier: MIT

defmodule AgentTest.CgroupNamespaceTest do
  use AgentTest.Case, async: true

  # cgroup_namespaces(7): the root of a cgroup namespace is the cgroup of the process that makes it, at that
  # moment. A child is moved into its cgroup at the checkpoint, so the namespace is made after it.

  @moduletag :root
  @moduletag :cgroup2

  @argv ["/bin/cat", "/proc/self/cgroup"]

  setup do
    cgroup =
      Path.join(Host.cgroup2(), "linx-#{System.unique_integer([:positive])}-#{System.pid()}")

    File.mkdir!(cgroup)
    on_exit(fn -> File.rmdir!(cgroup) end)
    %{cgroup: cgroup, name: Path.basename(cgroup)}
  end

  defp move(wire, cgroup),
    do: File.write!(Path.join(cgroup, "cgroup.procs"), "#{wire.host_pid}\n")

  defp fresh?(wire) do
    [inside, outside] = for pid <- [wire.host_pid, wire.agent], do: Host.namespaces(pid)["cgroup"]
    inside != outside
  end

  # In a session of root's without a user namespace, and in one with it.
  for others <- [[], [:pid, :mount], [:user], [:time]] do
    test "a child moved at the checkpoint has its cgroup as the root, with #{inspect(others)}",
         %{cgroup: cgroup} do
      wire = parked(%{argv: @argv, namespaces: [:cgroup | unquote(others)]})
      if :user in unquote(others), do: map_ids(wire, "0 0 1\n")
      move(wire, cgroup)
      send_term(wire, :proceed)
      assert finish(wire).output =~ ~r{^0::/$}m
    end
  end

  test "a file system of cgroups that the child opens shows the namespace, whose root is its cgroup then",
       %{cgroup: cgroup} do
    wire =
      parked(%{
        argv: ["/bin/sh", "-c", "cat /proc/self/mountinfo"],
        namespaces: [:cgroup, :mount]
      })

    move(wire, cgroup)

    for command <- [
          {:mount_open, 0, "cgroup2", "cgroup2", []},
          {:attach, 0, "/mnt", [], []},
          :proceed
        ],
        do: send_term(wire, command)

    # The fourth field is the directory of the file system that the mount shows (proc(5), mountinfo).
    assert finish(wire).output =~ ~r{^\d+ \d+ \S+ / /mnt }m
  end

  test "without the namespace it sees the cgroup's path", %{cgroup: cgroup, name: name} do
    wire = parked(%{argv: @argv})
    move(wire, cgroup)
    send_term(wire, :proceed)
    assert finish(wire).output =~ "/#{name}\n"
  end

  test "it is the workload's, and the child at the checkpoint has the agent's" do
    wire = parked(%{argv: actor(["pause"]), namespaces: [:cgroup, :uts]})
    refute fresh?(wire)
    send_term(wire, :proceed)
    assert_frame(wire, {:status, :running})
    assert fresh?(wire)
    kill(wire)
  end

  test "without a checkpoint it is made after the set-up commands" do
    for setup <- [[], [{:set_umask, 0o77}], [{:set_credentials, 1234, 1234, []}]] do
      wire =
        requested(%{argv: actor(["pause"]), namespaces: [:cgroup], setup: setup, proceed: true})

      assert_frame(wire, {:status, :spawned, host_pid})
      assert_frame(wire, {:status, :ready, _})
      assert_frame(wire, {:status, :running})
      assert fresh?(%{wire | host_pid: host_pid})
      send_term(wire, {:signal, 9})
      assert final(finish(wire)) == {:status, :signaled, 9}
    end
  end

  # Commands after which the child cannot make it any more.
  for command <- [
        {:set_credentials, 1234, 1234, []},
        {:set_user, "1234:1234", []},
        {:cap_set_thread, 0, 0, 0}
      ] do
    test "#{elem(command, 0)} takes what it needs, so it comes just before that" do
      command = unquote(Macro.escape(command))
      request = %{argv: actor(["pause"]), namespaces: [:cgroup], ack: true}
      wire = parked(request)
      send_term(wire, {:set_umask, 0o77})
      assert_frame(wire, {:status, :applied, 1})
      refute fresh?(wire)
      send_term(wire, command)
      assert_frame(wire, {:status, :applied, 2})
      assert fresh?(wire)
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      kill(wire)

      for list <- [:setup, :final] do
        wire = running(Map.put(request, list, [command]))
        assert fresh?(wire)
        kill(wire)
      end
    end
  end

  test "a child moved before such a command has its cgroup as the root", %{cgroup: cgroup} do
    wire = parked(%{argv: @argv, namespaces: [:cgroup]})
    move(wire, cgroup)
    send_term(wire, {:set_credentials, 1234, 1234, []})
    send_term(wire, :proceed)
    assert finish(wire).output =~ ~r{^0::/$}m
  end

  test "without the privilege no workload runs" do
    opts = [driver: ["--user", 65_534]]
    result = run(%{argv: actor(["say", "outside"]), namespaces: [:cgroup]}, opts)
    refute ran?(result)
    assert final(result) == {:error, errno(:eperm), :unshare_cgroup}
    result = run(%{argv: actor(["say", "outside"]), namespaces: [:cgroup], proceed: true}, opts)
    refute ran?(result)
    assert final(result) == {:error, errno(:eperm), :unshare_cgroup}
  end

  test "what enters the child at the checkpoint is in the agent's, and afterwards in the session's" do
    made = parked(%{argv: actor(["pause"]), namespaces: [:cgroup, :uts]})

    entered = fn ->
      wire = running({:enter, %{target: made.host_pid, argv: actor(["pause"])}})
      assert Host.namespaces(wire.host_pid) == Host.namespaces(made.host_pid)
      fresh = fresh?(wire)
      kill(wire)
      fresh
    end

    refute entered.()
    send_term(made, :proceed)
    assert_frame(made, {:status, :running})
    assert entered.()
    kill(made)
  end
end
