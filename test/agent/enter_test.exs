# SPDX-License-Identifier: MIT

defmodule AgentTest.EnterTest do
  use AgentTest.Case, async: true

  @moduletag :root

  defp enter(target, request \\ %{}, opts \\ []) do
    request = Map.merge(%{target: target.pid, argv: actor(["pause"])}, request)
    wire = parked({:enter, request}, opts)
    send_term(wire, :proceed)
    assert_frame(wire, {:status, :running})
    await_output(wire, "ready\n")
    wire
  end

  # The eight links of /proc/<pid>/ns, read on the host.
  defp assert_inside(target, wire),
    do: assert(Host.namespaces(wire.host_pid) == Host.namespaces(target.pid))

  describe "enter joins every namespace of a target" do
    test "made by unshare, with its own mount and pid namespace and its own /proc" do
      target = Target.unshare(Target.everything())
      ours = Host.namespaces()
      different = for {name, link} <- Host.namespaces(target.pid), ours[name] != link, do: name
      assert different == ~w(cgroup ipc mnt net pid time uts)
      wire = enter(target)
      assert_inside(target, wire)
      kill(wire)
    end

    test "made by unshare, with a user namespace besides" do
      target = Target.unshare(["--user", "--map-root-user" | Target.everything()])
      ours = Host.namespaces()
      for {name, link} <- Host.namespaces(target.pid), do: assert(ours[name] != link, name)
      wire = enter(target)
      assert_inside(target, wire)
      kill(wire)
    end

    test "made by an agent, with all eight" do
      namespaces = ~w(user mount uts ipc cgroup net time pid)a
      made = parked(%{argv: actor(["pause"]), namespaces: namespaces})

      for map <- ["uid_map", "gid_map"],
          do: File.write!("/proc/#{made.host_pid}/#{map}", "0 0 1\n")

      send_term(made, :proceed)
      assert_frame(made, {:status, :running})
      target = %{pid: made.host_pid}
      wire = enter(target)
      assert_inside(target, wire)
      kill(wire)
      kill(made)
    end

    test "whose /proc is another file system's mount point" do
      target = Target.unshare(~w(--fork --kill-child --pid --mount --net --uts), ["hide-proc"])
      wire = enter(target)
      assert_inside(target, wire)
      kill(wire)
    end

    test "that has no /proc at all" do
      script = "umount -l /proc && exec #{path("actor")} pause"

      program = [
        "/usr/bin/unshare",
        "--mount",
        "--fork",
        "--kill-child",
        "--pid",
        "/bin/sh",
        "-c",
        script
      ]

      made = start(program: program)
      await_output(made, "ready\n")
      target = %{pid: hd(Host.children(made.agent))}
      wire = enter(target, %{stdio: [stdin: :devnull]})
      assert_inside(target, wire)
      kill(wire)
    end

    test "that is parked at another agent's checkpoint" do
      made = parked(%{argv: actor(["pause"]), namespaces: ~w(mount uts ipc net pid)a})
      target = %{pid: made.host_pid}
      wire = enter(target)
      assert_inside(target, wire)
      kill(wire)
      send_term(made, :abort)
      finish(made)
    end

    test "also when it shares all of them with the agent" do
      target = Target.plain()
      wire = enter(target)
      assert_inside(target, wire)
      kill(wire)
      wire = enter(target, %{namespaces: ~w(user mount uts ipc cgroup net time pid)a})
      assert_inside(target, wire)
      kill(wire)
    end

    test "while the child is parked already" do
      target = Target.unshare(Target.everything())
      wire = parked({:enter, %{target: target.pid, argv: actor(["pause"])}})
      assert_inside(target, wire)
      send_term(wire, :abort)
      assert final(finish(wire)) == {:status, :aborted, wire.child_pid}
    end
  end

  describe ":namespaces of an enter" do
    test "names those that are joined; the others stay the agent's" do
      target = Target.unshare(Target.everything())
      there = Host.namespaces(target.pid)
      here = Host.namespaces()

      for {names, links} <- [
            {[:net], ["net"]},
            {[:uts, :mount], ["uts", "mnt"]},
            {[:pid], ["pid"]},
            {[:time], ["time"]},
            {[], []}
          ] do
        wire = enter(target, %{namespaces: names})
        assert Host.namespaces(wire.host_pid) == Map.merge(here, Map.take(there, links))
        kill(wire)
      end
    end
  end

  describe "an entered workload" do
    test "has the pid that :ready says, in the target's pid namespace" do
      target = Target.unshare(Target.everything())
      wire = enter(target)
      assert Host.status(wire.host_pid)["NSpid"] == "#{wire.host_pid}\t#{wire.child_pid}"
      assert wire.child_pid != wire.host_pid
      kill(wire)
    end

    test "is found in the target's own /proc" do
      target = Target.unshare(Target.everything())

      result =
        run(
          {:enter,
           %{
             target: target.pid,
             argv: ["/bin/sh", "-c", "echo $$; readlink /proc/self/exe; cat /proc/1/comm"]
           }}
        )

      {:status, :ready, child_pid} = List.keyfind(result.frames, :ready, 1)
      assert ["" <> pid, _shell, "actor"] = String.split(result.output, "\n", trim: true)
      assert pid == "#{child_pid}"
    end

    test "is reported on like any other" do
      target = Target.unshare(Target.everything())
      enter = fn argv -> {:enter, %{target: target.pid, argv: argv}} end
      assert final(run(enter.(actor(["exit", 7])))) == {:status, :exited, 7}
      assert final(run(enter.(actor(["die", 15])))) == {:status, :signaled, 15}
      assert final(run(enter.(["/no/such"]))) == {:error, errno(:enoent), :execve}
      assert run(enter.(actor(["die", 15]))).frames |> length() == 4
    end

    test "has its file and its working directory from the target's root" do
      dir = directory()

      script =
        "mount -t tmpfs linx #{dir} && mkdir #{dir}/inside && cp #{path("actor")} #{dir}/inside/ && exec #{path("actor")} pause"

      made = start(program: ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script])
      await_output(made, "ready\n")
      request = %{target: made.agent, argv: ["./actor", "say", "inside"], cwd: dir <> "/inside"}
      assert run({:enter, request}).output == "inside\n"
      refute File.exists?(dir <> "/inside")
      # Without the mount namespace the directory is the host's, where the file does not exist.
      result = run({:enter, Map.put(request, :namespaces, [])})
      assert final(result) == {:error, errno(:enoent), :chdir}
    end

    test "connects to the host's sockets, not the target's" do
      dir = directory()
      path = dir <> "/socket"
      {:ok, listener} = :gen_tcp.listen(0, [:binary, active: false, ifaddr: {:local, path}])
      script = "mount -t tmpfs linx #{dir} && exec #{path("actor")} pause"
      made = start(program: ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script])
      await_output(made, "ready\n")

      result =
        run(
          {:enter,
           %{
             target: made.agent,
             argv: ["/bin/echo", "out"],
             stdio: [stdout: {:connect_unix, path}]
           }}
        )

      assert final(result) == {:status, :exited, 0}
      {:ok, stdout} = :gen_tcp.accept(listener, 30_000)
      assert {:ok, "out\n"} = :gen_tcp.recv(stdout, 0, 30_000)
    end

    test "has a terminal that works" do
      target = Target.unshare(Target.everything())
      result = run({:enter, %{target: target.pid, argv: actor(["tty"]), stdio: :pty}})
      assert result.pty =~ "isatty 1 1 1\r\n"
      assert result.pty =~ "foreground 1\r\n"
    end

    test "is id 0 where 0 is mapped, and keeps its capabilities over exec" do
      target = Target.unshare(["--user", "--map-root-user" | Target.everything()])
      wire = enter(target, %{}, driver: ["--groups", 1234, 2345])
      assert Host.mask(wire.host_pid, "CapEff") == Host.mask(target.pid, "CapEff")
      assert Host.mask(wire.host_pid, "CapEff") != 0
      kill(wire)
      result = run({:enter, %{target: target.pid, argv: actor(["attributes"])}})
      assert result.output =~ "uid 0 0 gid 0 0\n"
    end

    test "leads a session and a process group of its own" do
      target = Target.unshare(Target.everything())
      wire = enter(target)
      stat = Host.stat(wire.host_pid)
      assert {stat.session, stat.pgrp} == {wire.host_pid, wire.host_pid}
      kill(wire)
    end

    test "dies with its agent" do
      target = Target.unshare(["--user", "--map-root-user" | Target.everything()])
      {listener, argv} = Beacon.actor(["pause"])
      wire = running({:enter, %{target: target.pid, argv: argv}})
      beacon = Beacon.await_lit(listener)
      kill_agent(wire, beacon)
      assert Host.alive?(target.pid)
    end
  end

  # A directory whose path is short enough for a socket's address, and needs no quotes in a shell.
  defp directory do
    path = scratch("enter")
    File.mkdir!(path)
    on_exit(fn -> File.rm_rf!(path) end)
    path
  end

  describe "the agent's binary" do
    test "is not what /proc/<pid>/exe of an entering child leads to" do
      target = Target.unshare(Target.everything())
      wire = parked({:enter, %{target: target.pid, argv: actor(["pause"])}})
      refute same_file?("/proc/#{wire.host_pid}/exe", agent())
      send_term(wire, :abort)
      finish(wire)
    end

    test "is not what /proc/<pid>/exe of a parked child that is a pid namespace's first leads to" do
      wire = parked(%{argv: actor(["pause"]), namespaces: [:pid, :mount]})
      refute same_file?("/proc/#{wire.host_pid}/exe", agent())
      send_term(wire, :abort)
      finish(wire)
    end

    test "cannot be written through an entering child's /proc/<pid>/exe" do
      target = Target.unshare(Target.everything())
      wire = parked({:enter, %{target: target.pid, argv: actor(["pause"])}})
      assert {:error, reason} = File.write("/proc/#{wire.host_pid}/exe", "x", [:append])
      assert reason in [:etxtbsy, :eacces, :eperm]
      send_term(wire, :abort)
      finish(wire)
      assert File.stat!(agent()).size > 0
    end

    defp same_file?(one, other) do
      {:ok, one} = File.stat(one)
      {:ok, other} = File.stat(other)
      {one.major_device, one.inode} == {other.major_device, other.inode}
    end
  end

  @tag :userns
  test "an ordinary user enters the user namespace that is its own" do
    user = ["--user", 65_534]

    flags =
      ~w(--user --map-root-user --fork --kill-child --pid --mount-proc --mount --uts --ipc --net)

    target = Target.unshare(flags, ["pause"], driver: user)
    wire = enter(target, %{}, driver: user)
    assert_inside(target, wire)
    kill(wire)
    result = run({:enter, %{target: target.pid, argv: actor(["attributes"])}}, driver: user)
    assert result.output =~ "uid 0 0 gid 0 0\n"
  end
end
