# SPDX-License-Identifier: MIT

defmodule Linx.CallEnterTest do
  # Calls whose program runs in the namespaces of a live process.
  use Linx.SessionCase, async: true

  # A session that runs as root in namespaces of its own.
  defp container(opts \\ []) do
    {session, host_pid} = parked([namespaces: [:user, :mount, :uts, :pid, :ipc]] ++ opts)
    :ok = become_root(host_pid)
    :ok = Linx.Process.proceed(session)
    :running = next_event(session)
    {session, host_pid}
  end

  defp uts(host_pid), do: File.read_link!("/proc/#{host_pid}/ns/uts") <> "\n"

  @tag :userns
  test "every call runs its program where a session's is" do
    {session, host_pid} = container()
    there = uts(host_pid)
    refute there == uts("self")
    readlink = ["readlink", "/proc/self/ns/uts"]

    for target <- [session, host_pid] do
      assert {:ok, %{stdout: ^there, status: 0}} = Linx.run(readlink, enter: target)
      assert {:ok, %{stdout: [^there]}} = Linx.run(readlink, enter: target, into: [])
      assert Linx.cmd("readlink", ["/proc/self/ns/uts"], enter: target) == {there, 0}
      assert Linx.shell("readlink /proc/self/ns/uts", enter: target) == {there, 0}
      assert readlink |> Linx.stream!(enter: target) |> Enum.join() == there
      assert readlink |> Linx.stream(enter: target) |> Enum.to_list() == [there, {:exit, 0}]
      assert Linx.cmd("cat", [], enter: target, input: Stream.map(["a", "b"], & &1)) == {"ab", 0}
      assert {"id\r\n", 0} = Linx.shell("test -t 0 && echo id", enter: target, pty: true)

      assert {:error, %Error{stage: :max_output, stdout: "y\n"}} =
               Linx.run("yes", enter: target, max_output: 2)
    end

    assert {:error, :timeout} = Linx.Process.wait(session, 0)
    refute_messages()
  end

  @tag :userns
  test "by its name, in the namespaces that are named, and through a checkpoint" do
    name = :"entered_#{System.unique_integer([:positive])}"
    {_session, host_pid} = container(name: name)
    assert Linx.cmd("readlink", ["/proc/self/ns/uts"], enter: name) == {uts(host_pid), 0}

    namespaces = "readlink /proc/self/ns/uts /proc/self/ns/ipc"
    {output, 0} = Linx.shell(namespaces, enter: name, namespaces: [:user, :uts])
    assert output == uts(host_pid) <> File.read_link!("/proc/self/ns/ipc") <> "\n"

    drop = fn session, _pid ->
      Linx.Capabilities.drop_bounding(session, Linx.Capabilities.all())
    end

    status = "grep ^CapBnd /proc/self/status"
    assert {"CapBnd:\t0000000000000000\n", 0} = Linx.shell(status, enter: name, checkpoint: drop)
  end

  @tag :userns
  test "the program is looked for in the root of the process" do
    directory = AgentTest.Programs.scratch("enter")
    File.mkdir_p!(directory)
    File.chmod!(directory, 0o777)
    on_exit(fn -> File.rm_rf!(directory) end)
    path = System.get_env("PATH")
    [first | _] = for element <- String.split(path, ":"), File.dir?(element), do: element

    script = """
    mount -t tmpfs none #{directory} && cp -a #{first}/. #{directory} 2>/dev/null
    printf '#!/bin/sh\\necho inside $1\\n' > #{directory}/linx-inside
    chmod 755 #{directory}/linx-inside
    mount --bind #{directory} #{first} && echo ready && exec sleep 600
    """

    {session, host_pid} =
      parked(
        argv: ["/bin/sh", "-c", script],
        namespaces: [:user, :mount],
        stdio: [stdout: :pipe]
      )

    :ok = become_root(host_pid)
    :ok = Linx.Process.proceed(session)
    assert {:ok, "ready\n"} = Linx.Process.read(session, :stdout)

    assert Linx.cmd("linx-inside", ["x"], enter: session) == {"inside x\n", 0}
    assert Linx.cmd("#{first}/linx-inside", [], enter: session, cd: first) == {"inside\n", 0}
    assert_raise ErlangError, ~r/:enoent/, fn -> Linx.cmd("linx-inside") end
    assert {:error, error} = Linx.run("linx-not-inside", enter: session)

    # EACCES of a directory along PATH that an ordinary user may not search is not told from that of a file.
    assert Error.kind(error) in [:not_found, :permission_denied]
  end

  @tag :userns
  test "what the program leaves running is killed, but for what has another pid namespace's init" do
    for {namespaces, lit?} <- [{[:user, :uts], false}, {[:user, :uts, :pid], true}] do
      {session, host_pid} = parked(namespaces: namespaces)
      :ok = become_root(host_pid)
      :ok = Linx.Process.proceed(session)
      :running = next_event(session)
      {listener, argv} = Beacon.actor(["daemon", "keep"])
      assert {:ok, %{status: 0}} = Linx.run(argv, enter: session, stdio: :devnull)
      socket = Beacon.await_lit(listener)
      assert {namespaces, Beacon.lit?(socket)} == {namespaces, lit?}
      {:ok, {:signaled, _number}} = Linx.Process.stop(session, 0)
      if lit?, do: Beacon.await_dark(socket)
    end
  end

  test "a process that is gone, or that is none, is an error" do
    session = session(argv: ["/bin/true"], auto_proceed: true, events: :none)
    {:ok, {:exited, 0}} = Linx.Process.wait(session)
    assert Linx.run("true", enter: session) == {:error, :no_process}
    assert Linx.run("true", enter: :no_such_session) == {:error, :no_process}
    assert [exit: {:error, :no_process}] = Linx.stream("true", enter: session) |> Enum.to_list()
    assert_raise RuntimeError, ~r/ended/, fn -> Linx.cmd("true", [], enter: session) end

    assert {:error, %Error{stage: :pidfd_open}} = Linx.run("true", enter: 0x7FFF_FFFF)

    for target <- [0, -1, self(), true, "1", nil] do
      assert {:error, {:bad_enter, ^target} = reason} = Linx.run("true", enter: target)
      assert Linx.format_error(reason) =~ "option :enter"
    end

    assert {:error, {:bad_enter, ^session} = reason} =
             Linx.run("true", enter: session, node: :"other@127.0.0.1")

    assert Linx.format_error(reason) =~ "own node"
  end
end
