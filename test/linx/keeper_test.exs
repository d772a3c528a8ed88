# SPDX-License-Identifier: MIT

defmodule Linx.KeeperTest do
  # The sealed copy that the sessions of a VM share. Tests change LINX_AGENT and end what holds the copy, so they are
  # not async.
  use Linx.SessionCase, async: false

  alias Linx.Agent.Keeper

  @moduletag :tmp_dir

  # As an ordinary user a session can be parked in a user namespace, and its child can be looked at there.
  @seen if Host.root?(), do: [:pid], else: [:user, :pid]

  setup do
    Keeper |> :sys.replace_state(&forget/1)
    :ok
  end

  # As after the start of the application.
  defp forget(state) do
    if state.port, do: Port.close(state.port)
    :ets.delete(Keeper, :row)
    struct(state.__struct__)
  end

  # Makes the keeper offer a path, as if there were a copy.
  defp offer(copy) do
    path = Linx.Agent.path()

    :sys.replace_state(Keeper, fn state ->
      :ets.insert(Keeper, {:row, path, identity(path), copy, System.monotonic_time(:millisecond)})
      %{state | path: path, identity: identity(path), copy: copy}
    end)
  end

  defp identity(path) do
    {:ok, identity} = Linx.Agent.Identity.of(path)
    identity
  end

  # Once there is a copy, its path and the pid of the agent that holds it.
  defp await_copy do
    case Keeper.copy(Linx.Agent.path()) do
      nil ->
        :sys.get_state(Keeper)
        await_copy()

      {copy, _identity} ->
        ["", "proc", pid, "fd", _fd] = String.split(copy, "/")
        {copy, String.to_integer(pid)}
    end
  end

  defp inode(path), do: File.stat!(path).inode

  # The inode of the program that a parked child runs, which is the agent's.
  defp program(opts \\ []) do
    {session, host_pid} = parked([namespaces: @seen] ++ opts)
    program = inode("/proc/#{host_pid}/exe")
    assert "/memfd:" <> _ = Host.exe(host_pid)
    :ok = Linx.Process.abort(session)
    assert Linx.Process.wait(session) == {:ok, :aborted}
    program
  end

  defp runs?, do: run_true() == {:ok, {:exited, 0}}

  # As root, because an ordinary user's workload would need id maps.
  defp run_true(opts \\ []) do
    session = session([argv: ["/bin/true"], namespaces: [:pid], auto_proceed: true] ++ opts)
    Linx.Process.wait(session, 30_000)
  end

  @tag :userns
  test "sessions that other namespaces see run from one copy" do
    {copy, _agent} = await_copy()
    shared = inode(copy)
    for _ <- 1..3, do: assert(program() == shared)
    assert {^copy, _agent} = await_copy()
  end

  @tag :root
  test "programs that enter run from it as well, and so do their agents" do
    {copy, _agent} = await_copy()
    shared = inode(copy)
    {target, _host_pid} = running(namespaces: [:pid, :mount])

    for opts <- [[], [namespaces: [:pid]]] do
      opts = [argv: actor(["pause"]), events: :tagged, stdio: :devnull] ++ opts
      {:ok, session} = Linx.Process.enter(target, opts)
      host_pid = await_ready(session)
      {:ok, %{agent_pid: agent}} = Linx.Process.info(session)
      for pid <- [agent, host_pid], do: assert(inode("/proc/#{pid}/exe") == shared)
      assert Host.status(agent)["Name"] == "linx_process"
      :ok = Linx.Process.abort(session)
    end
  end

  @tag :root
  test "a session that no other namespace sees runs the agent's file" do
    await_copy()
    {_session, host_pid} = parked(namespaces: [:net, :uts])
    assert inode("/proc/#{host_pid}/exe") == inode(Linx.Agent.path())
  end

  @tag :userns
  test "the first session waits for no copy" do
    :sys.suspend(Keeper)
    own = program()
    :sys.resume(Keeper)
    {copy, _agent} = await_copy()
    assert inode(copy) != own
  end

  describe "when what holds the copy is killed, sessions go on, and get another copy:" do
    @describetag :userns

    test "its process" do
      {_copy, agent} = await_copy()
      Process.exit(Process.whereis(Keeper), :kill)
      program()
      await_gone(agent)
      {copy, other} = await_copy()
      assert other != agent
      assert program() == inode(copy)
    end

    test "its agent" do
      {_copy, agent} = await_copy()
      Host.signal(agent, 9)
      program()
      await_gone(agent)
      {copy, other} = await_copy()
      assert other != agent
      assert program() == inode(copy)
    end

    @tag :root
    test "at any moment of their start" do
      Enum.reduce(1..60, 0, fn pause, last ->
        agent = await_other(last)
        signal = Task.async(fn -> Host.signal(agent, 9) end)
        spin(pause * 20_000)
        assert runs?()
        Task.await(signal)
        await_gone(agent)
        agent
      end)
    end

    defp await_other(agent) do
      case await_copy() do
        {_copy, ^agent} -> await_other(agent)
        {_copy, other} -> other
      end
    end

    defp spin(0), do: :ok
    defp spin(n), do: spin(n - 1)

    test "and what is left of the copy is a path that leads nowhere" do
      {_copy, agent} = await_copy()
      :sys.suspend(Keeper)
      Host.signal(agent, 9)
      await_gone(agent)
      own = program()
      :sys.resume(Keeper)
      {copy, _other} = await_copy()
      assert inode(copy) != own
    end
  end

  describe "a session is started another time, from the agent's file, when" do
    @describetag :root

    # It passes the check that the VM makes, and cannot be executed.
    test "the copy disappears behind the VM's look at it", %{tmp_dir: dir} do
      offer(script(dir, "#!/no/such/interpreter\n"))
      assert {run_true(), []} == {{:ok, {:exited, 0}}, []}
      refute_received {:linx_process, _session, {:error, _, _}}
    end

    test "its agent cannot read the copy", %{tmp_dir: dir} do
      bytes = :erlang.term_to_binary({:error, 13, :memfd})
      frame = for <<(byte <- <<byte_size(bytes)::32, bytes::binary>>)>>, do: octal(byte)
      text = "head -c 4 <&3 >/dev/null\nprintf '#{frame}' >&4\nexit 3\n"
      offer(script(dir, "#!/bin/sh\n" <> text))
      assert runs?()
    end

    test "the request is larger than what a pipe takes", %{tmp_dir: dir} do
      offer(script(dir, "#!/no/such/interpreter\n"))
      argument = String.duplicate("x", 100_000)
      assert run_true(argv: ["/bin/true", argument, argument]) == {:ok, {:exited, 0}}
    end

    test "input was written already", %{tmp_dir: dir} do
      offer(script(dir, "#!/no/such/interpreter\n"))

      session = session(argv: ["/bin/cat"], namespaces: [:pid], stdio: :pipe, auto_proceed: true)

      :ok = Linx.Process.write(session, "one\n")
      :ok = Linx.Process.write(session, "other\n")
      :ok = Linx.Process.close_stdin(session)
      assert read_all(session, :stdout) == "one\nother\n"
      assert Linx.Process.wait(session) == {:ok, {:exited, 0}}
    end

    test "its end was asked for already", %{tmp_dir: dir} do
      offer(script(dir, "#!/no/such/interpreter\n"))
      session = session(argv: actor(["pause"]), namespaces: [:pid])
      :ok = Linx.Process.abort(session)
      assert Linx.Process.wait(session) == {:ok, :aborted}
    end
  end

  # The owner of the copy's inode can do that, and so can a workload with the VM's user id (SECURITY.md).
  @tag :userns
  test "a copy whose mode was changed is no reason for a session to fail" do
    for mode <- [0o000, 0o111, 0o444] do
      {copy, _agent} = await_copy()
      File.chmod!(copy, mode)
      for _ <- 1..3, do: program()
      :sys.replace_state(Keeper, &forget/1)
    end
  end

  # It passes the check that the VM makes, and cannot be executed.
  test "a pool is filled from the file when the copy cannot be executed", %{tmp_dir: dir} do
    # An agent that ends at once ends before or after it is the pool's.
    for nth <- 1..10 do
      offer(script(dir, "#!/no/such/interpreter\n"))
      pool = start_supervised!({Linx.Pool, size: 4}, id: nth)
      await_executed(pool, 4)
      stop_supervised!(nth)
      :sys.replace_state(Keeper, &forget/1)
    end
  end

  # Waits until so many agents of a pool have been executed, from the file: before that a process is
  # erl_child_setup's, and after an exec that failed it has no argv.
  defp await_executed(pool, count) do
    :ok = Linx.Pool.await(pool, 30_000)
    {:links, links} = Process.info(pool, :links)
    ports = Enum.filter(links, &is_port/1)
    argvs = for port <- ports, {:os_pid, pid} <- [Port.info(port, :os_pid)], do: argv(pid)
    executed = Enum.count(argvs, &(&1 == [Linx.Agent.path()]))
    if executed < count, do: await_executed(pool, count)
  end

  defp argv(pid) do
    case File.read("/proc/#{pid}/cmdline") do
      {:ok, text} -> String.split(text, <<0>>, trim: true)
      {:error, _ended} -> []
    end
  end

  # With these two capabilities root reads files whatever their mode is.
  @tag :root
  test "agents that wait and cannot read the copy any more are no reason for a session to fail" do
    code = """
    {:ok, _} = Application.ensure_all_started(:linx)
    path = Linx.Agent.path()

    copy = fn copy ->
      case Linx.Agent.Keeper.copy(path) do
        nil -> :sys.get_state(Linx.Agent.Keeper) && copy.(copy)
        {path, _identity} -> path
      end
    end

    copy = copy.(copy)
    {:ok, pool} = Linx.Pool.start_link(size: 3)
    :ok = Linx.Pool.await(pool, 30_000)
    File.chmod!(copy, 0o111)

    results =
      for _ <- 1..12 do
        {:ok, session} =
          Linx.Process.spawn(
            argv: ["/bin/true"],
            namespaces: [:pid],
            stdio: :devnull,
            auto_proceed: true,
            pool: pool
          )

        Linx.Process.wait(session)
      end

    IO.inspect(Enum.uniq(results))
    """

    paths = Enum.flat_map(:code.get_path(), &["-pa", List.to_string(&1)])
    elixir = [System.find_executable("elixir") | paths] ++ ["-e", code]
    drop = "--bounding-set=-dac_override,-dac_read_search"
    {output, 0} = System.cmd("setpriv", [drop | elixir])
    assert output == "[ok: {:exited, 0}]\n"
  end

  # The workload may have run.
  @tag :root
  test "a session is not started another time when its agent has died", %{tmp_dir: dir} do
    for {ending, code} <- [{"kill -9 $$", 137}, {"exit 1", 1}, {"exit 0", 0}] do
      offer(script(dir, "#!/bin/sh\nhead -c 4 <&3 >/dev/null\n" <> ending <> "\n"))
      assert {:error, %Error{stage: :agent_died, code: ^code}} = run_true()
    end
  end

  defp script(dir, text) do
    path = Path.join(dir, "copy")
    File.write!(path, text)
    File.chmod!(path, 0o755)
    path
  end

  defp octal(byte), do: "\\" <> String.pad_leading(Integer.to_string(byte, 8), 3, "0")

  # Bytes behind the end of the program change nothing but the file.
  defp version(path, bytes) do
    new = path <> ".new"
    File.cp!(Linx.Agent.path(), new)
    File.write!(new, bytes, [:append])
    File.rename!(new, path)
  end

  @tag :userns
  test "an upgraded agent is noticed, run and copied", %{tmp_dir: dir} do
    path = Path.join(dir, "linx_process")
    version(path, "1")
    use_agent(path)
    {copy, agent} = await_copy()
    old = inode(copy)
    assert program() == old
    version(path, "2")
    await_upgrade(copy)
    assert program() != old
    {copy, _other} = await_copy()
    assert File.read!(copy) == File.read!(path)
    assert program() == inode(copy)
    await_gone(agent)
  end

  defp await_upgrade(copy),
    do: if(match?({^copy, _}, Keeper.copy(Linx.Agent.path())), do: await_upgrade(copy))

  @tag :userns
  test "another LINX_AGENT is run by the next session, and copied", %{tmp_dir: dir} do
    {_copy, agent} = await_copy()
    path = Path.join(dir, "other")
    version(path, "other")
    use_agent(path)
    program()
    {copy, _other} = await_copy()
    assert File.read!(copy) == File.read!(path)
    assert program() == inode(copy)
    await_gone(agent)
  end

  @tag :root
  test "a script that starts the agent is run for each session, and for nothing else", %{
    tmp_dir: dir
  } do
    log = Path.join(dir, "log")
    real = Linx.Agent.path()
    agent_script(Path.join(dir, "agent"), "echo x >>'#{log}'\nexec '#{real}'\n")
    for _ <- 1..5, do: assert(runs?())
    :sys.get_state(Keeper)
    assert File.read!(log) == String.duplicate("x\n", 5)
  end

  @tag :root
  test "an agent that keeps no copy is no reason for a session to fail", %{tmp_dir: dir} do
    path = Path.join(dir, "agent")
    File.cp!("/bin/true", path)
    use_agent(path)
    Keeper.copy(path)
    await_refusal(path)
    assert Keeper.copy(path) == nil
  end

  defp await_refusal(path) do
    if not match?(%{path: ^path, port: nil}, :sys.get_state(Keeper)), do: await_refusal(path)
  end

  @tag :capture_log
  @tag :userns
  test "without the application sessions seal themselves, and no agent is left" do
    {_copy, agent} = await_copy()
    :ok = Application.stop(:linx)
    await_gone(agent)
    assert program() != program()
    :ok = Application.start(:linx)
    {copy, _agent} = await_copy()
    assert program() == inode(copy)
  end

  @tag :capture_log
  test "the agent that holds the copy ends with a VM that is killed" do
    arguments = Enum.flat_map(:code.get_path(), &['-pa', &1])

    {:ok, peer, _node} =
      :peer.start(%{connection: :standard_io, args: arguments, wait_boot: 30_000})

    call = fn module, function, arguments ->
      :peer.call(peer, module, function, arguments, 30_000)
    end

    {:ok, _} = call.(Application, :ensure_all_started, [:linx])
    agent = await_agent(call)
    os_pid = call.(System, :pid, []) |> String.to_integer()
    Process.unlink(peer)
    Host.signal(os_pid, :KILL)
    await_gone(os_pid)
    await_gone(agent)
  end

  defp await_agent(call) do
    case call.(Keeper, :copy, [Linx.Agent.path()]) do
      {"/proc/" <> rest, _identity} -> rest |> String.split("/") |> hd() |> String.to_integer()
      nil -> await_agent(call)
    end
  end

  # Every exec in that VM is without the capability that opens the descriptors of a process that is not dumpable.
  @tag :root
  test "a VM that may not open another process's descriptors has no copy and no failure" do
    code = """
    {:ok, _} = Application.ensure_all_started(:linx)

    results =
      for _ <- 1..20 do
        {:ok, session} =
          Linx.Process.spawn(argv: ["/bin/true"], namespaces: [:pid], stdio: :devnull, auto_proceed: true)

        Linx.Process.wait(session)
      end

    IO.inspect({Enum.uniq(results), :sys.get_state(Linx.Agent.Keeper).copy})
    """

    paths = Enum.flat_map(:code.get_path(), &["-pa", List.to_string(&1)])
    elixir = [System.find_executable("elixir") | paths] ++ ["-e", code]
    {output, 0} = System.cmd("setpriv", ["--bounding-set=-sys_ptrace" | elixir])
    assert output == "{[ok: {:exited, 0}], nil}\n"
  end

  test "there is no copy of what does not exist" do
    use_agent("/no/such/agent")
    assert {:error, {:missing_agent, _}} = Linx.Process.spawn(argv: ["/x"], namespaces: [:pid])
    :sys.get_state(Keeper)
    assert Keeper.copy("/no/such/agent") == nil
  end
end
