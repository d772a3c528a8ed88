# SPDX-License-Identifier: MIT

defmodule AgentTest.KeepTest do
  use AgentTest.Case, async: true

  # {:keep, %{}} is no session: the agent holds a sealed copy of its program, from which others are started.

  defp keeper(opts \\ []) do
    wire = start([stdout: false] ++ opts)
    send_term(wire, {:keep, %{}})
    assert_frame(wire, {:status, :kept, fd})
    {wire, fd, "/proc/#{wire.agent}/fd/#{fd}"}
  end

  defp inode(path), do: File.stat!(path).inode

  # A session's agent and its parked child, with the inodes of their programs.
  defp isolated(program) do
    wire = parked(%{argv: actor(["exit", 0]), namespaces: [:pid]}, program: program)
    programs = for pid <- [wire.agent, wire.host_pid], do: inode("/proc/#{pid}/exe")
    assert "/memfd:" <> _ = Host.exe(wire.host_pid)
    send_term(wire, :proceed)
    assert final(finish(wire)) == {:status, :exited, 0}
    programs
  end

  test "it stays, and ends with its channel" do
    {wire, _fd, _copy} = keeper()
    send_term(wire, {:signal, 9})
    send_term(wire, :any_other_frame)
    assert Host.alive?(wire.agent)
    close_commands(wire)
    result = await_gone(wire)
    assert [{:status, :kept, _fd}] = result.frames
    assert {:exited, 0, _cpu_us} = result.agent
    assert result.orphans == []
  end

  test "it ends when its frames are not read any more" do
    wire = start(stdout: false, frames: :socket)
    read_frames(wire)
    send_term(wire, {:keep, %{}})
    assert_frame(wire, {:status, :kept, _fd})
    close_frames(wire)
    assert {:exited, 0, _cpu_us} = await_agent_exit(wire)
  end

  test "it keeps nothing of the BEAM's in use" do
    {wire, fd, _copy} = keeper()
    fds = Host.fds(wire.agent)
    assert Enum.sort(Map.keys(fds)) == [0, 1, 2, 3, 4, fd]
    for standard <- [0, 1, 2], do: assert(fds[standard] == "/dev/null")
    assert Host.cwd(wire.agent) == "/"
  end

  # Any other process that has the copy open could otherwise get a write lease.
  @tag :root
  test "the descriptor only reads, and closes on exec" do
    {wire, fd, _copy} = keeper()
    assert [_, flags] = Regex.run(~r/^flags:\s+0([0-7]+)$/m, fdinfo(wire.agent, fd))
    # O_CLOEXEC, without O_WRONLY and O_RDWR; O_LARGEFILE is always there.
    assert Bitwise.band(String.to_integer(flags, 8), 0o2000003) == 0o2000000
  end

  defp fdinfo(pid, fd), do: File.read!("/proc/#{pid}/fdinfo/#{fd}")

  @tag :root
  test "the copy is the program, and can be neither written nor cut nor lengthened" do
    {_wire, _fd, copy} = keeper()
    assert File.read!(copy) == File.read!(agent())

    {:ok, file} = :file.open(copy, [:read, :write, :raw, :binary])
    assert :file.write(file, "x") == {:error, :eperm}
    assert :file.pwrite(file, File.stat!(copy).size, "x") == {:error, :eperm}
    {:ok, 1} = :file.position(file, 1)
    assert :file.truncate(file) == {:error, :eperm}
    :file.close(file)
    assert File.read!(copy) == File.read!(agent())
  end

  # By the seals, not by a name or an argument: fcntl(2), F_GET_SEALS.
  @tag :root
  test "an agent that is started from the copy makes none of its own" do
    {_wire, _fd, copy} = keeper()
    shared = inode(copy)
    for _ <- 1..2, do: assert(isolated([copy]) == [shared, shared])
  end

  @tag :root
  test "an agent that is started from any other file makes one" do
    own = inode(agent())
    [program, program] = isolated([agent()])
    assert program != own
    file = scratch("agent")
    File.cp!(agent(), file)
    [program, program] = isolated([file])
    assert program != inode(file)
    File.rm!(file)
  end

  @tag :root
  test "an argument that says so makes no copy of an agent" do
    wire = start(program: [agent(), "--sealed", "9"], driver: ["--read", "9", "/dev/null"])
    send_term(wire, {:spawn, %{argv: actor(["exit", 0]), namespaces: [:pid]}})
    einval = errno(:einval)
    assert [{:error, ^einval, :memfd}] = finish(wire, exit: 3).frames
  end

  @tag :root
  test "the copy outlives its keeper in the agents that run it" do
    {wire, _fd, copy} = keeper()
    session = parked(%{argv: actor(["exit", 0]), namespaces: [:pid]}, program: [copy])
    close_commands(wire)
    await_gone(wire)
    send_term(session, :proceed)
    assert final(finish(session)) == {:status, :exited, 0}
  end

  describe "its descriptors can be opened by" do
    @describetag :root

    defp as(options), do: ["/usr/bin/setpriv" | options] ++ [agent()]

    defp readable?(copy, options) do
      argv = options ++ ["/bin/dd", "if=#{copy}", "of=/dev/null", "status=none"]
      match?({_, 0}, System.cmd("/usr/bin/setpriv", argv, stderr_to_stdout: true))
    end

    @ordinary ~w(--reuid=65534 --regid=65534 --clear-groups)

    test "processes of the same ordinary user" do
      {_wire, _fd, copy} = keeper(program: as(@ordinary))
      assert readable?(copy, @ordinary)
      refute readable?(copy, ~w(--reuid=65533 --regid=65534 --clear-groups))
      refute readable?(copy, ~w(--reuid=65533 --regid=65533 --clear-groups))
    end

    test "no process without CAP_SYS_PTRACE, when root holds the copy" do
      {_wire, _fd, copy} = keeper()
      assert readable?(copy, ["--no-new-privs"])
      refute readable?(copy, ["--bounding-set=-sys_ptrace"])
      refute readable?(copy, @ordinary)
    end

    test "no process of its user, when it has a capability" do
      capable = @ordinary ++ ~w(--inh-caps=+net_raw --ambient-caps=+net_raw)
      {_wire, _fd, copy} = keeper(program: as(capable))
      refute readable?(copy, @ordinary)
      refute readable?(copy, capable)
    end
  end

  @tag :root
  test "without memory files there is no copy" do
    dir = scratch("filter")
    File.mkdir_p!(dir)
    filter = Path.join(dir, "filter")
    File.write!(filter, Bpf.deny([:memfd_create], errno(:enosys)))
    wire = start(stdout: false, driver: ["--filter", filter])
    send_term(wire, {:keep, %{}})
    enosys = errno(:enosys)
    assert [{:error, ^enosys, :memfd}] = finish(wire, exit: 3).frames
    File.rm_rf!(dir)
  end
end
