# SPDX-License-Identifier: MIT

defmodule Linx.LockedPipeTest do
  # Time limits of calls hold, and sessions end, also when the workload keeps its pipes locked for ever
  # (c_src/agent/guard.h says how).
  use Linx.SessionCase, async: true

  alias AgentTest.Programs

  @moduletag :capture_log

  # Milliseconds, far more than is needed; the bound only guards against a hang.
  @patience 10_000

  # The program, and the line that it writes once it holds the lock.
  defp locker(stream, options),
    do: Beacon.program([Programs.path("locker") | options] ++ [to_string(stream)])

  defp await_lock(listener) do
    beacon = Beacon.await_lit(listener)
    assert Beacon.await_word(beacon) in ["locked\n", "free\n"]
    beacon
  end

  # Milliseconds for the agent to get to sleep in the locked pipe, of which there is no event.
  defp await_touch(beacon), do: assert({:error, :timeout} = :gen_tcp.recv(beacon, 0, 50))

  defp locked(stream, options, opts \\ []) do
    {listener, argv} = locker(stream, options)

    session =
      session([argv: argv, stdio: :pipe, auto_proceed: true, orphan_policy: {:kill, 200}] ++ opts)

    if stream == :stdin, do: :ok = Linx.Process.write(session, "bait")
    beacon = await_lock(listener)
    # Makes the agent use the pipe, without waiting for the result.
    if stream == :stdin,
      do: Task.start(fn -> Linx.Process.write(session, String.duplicate("x", 100_000)) end),
      else: Linx.Process.read(session, stream, 65_536, 0)

    await_touch(beacon)
    {session, beacon}
  end

  defp in_time(fun) do
    task = Task.async(fun)
    assert {:ok, answer} = Task.yield(task, @patience) || Task.shutdown(task, :brutal_kill)
    answer
  end

  @variants [
    {"", [], []},
    {", which ignores SIGTERM", ["--ignore", "15"], []},
    {" by a daemon", ["--daemon"], [descendants: :kill]}
  ]

  # The result of a call whose time limit was long enough for the program to lock its pipe.
  defp run(stream, options, opts, [limit | longer] \\ [200, 2_000, 20_000]) do
    {listener, argv} = locker(stream, options)
    task = Task.async(fn -> Linx.run(argv, [timeout: limit, kill_after: 100] ++ opts) end)

    # On a busy machine the program may be killed before it has connected.
    with {:ok, beacon} <- :gen_tcp.accept(listener, limit + 2_000),
         {:ok, word} <- :gen_tcp.recv(beacon, 0, 30_000) do
      assert word in ["locked\n", "free\n"]
      {task, limit, beacon}
    else
      {:error, reason} when reason in [:timeout, :closed] ->
        Task.await(task, 30_000)
        assert longer != []
        run(stream, options, opts, longer)
    end
  end

  for stream <- [:stdout, :stderr, :stdin], {how, options, opts} <- @variants do
    test "run comes back after its time limit from a program that keeps its #{stream} locked#{how}" do
      input = if unquote(stream) == :stdin, do: [input: Stream.cycle(["bait"])], else: []
      {task, limit, beacon} = run(unquote(stream), unquote(options), input)
      answer = Task.yield(task, limit + @patience) || Task.shutdown(task)
      assert {:ok, {:error, %Error{stage: :timeout}}} = answer
      Beacon.await_dark(beacon)
    end

    test "stop comes back from a session whose workload keeps its #{stream} locked#{how}" do
      {session, beacon} = locked(unquote(stream), unquote(options), unquote(opts))
      assert {:ok, {:signaled, signal}} = in_time(fn -> Linx.Process.stop(session, 100) end)
      assert signal in [9, 15]
      assert :ok = in_time(fn -> GenServer.stop(session) end)
      Beacon.await_dark(beacon)
    end
  end

  test "a session that is stopped at once leaves nothing, though its workload keeps a pipe locked" do
    sessions = for stream <- [:stdin, :stdout, :stderr], do: locked(stream, [])

    # Each takes the time that a session waits for its agent before it starts another one to kill.
    sessions
    |> Enum.map(fn {session, _beacon} -> Task.async(fn -> GenServer.stop(session) end) end)
    |> Task.await_many(30_000)

    for {_session, beacon} <- sessions, do: Beacon.await_dark(beacon)
  end

  describe "a VM that is killed" do
    defp start_vm do
      arguments = Enum.flat_map(:code.get_path(), &['-pa', &1])

      {:ok, peer, _node} =
        :peer.start(%{connection: :standard_io, args: arguments, wait_boot: 30_000})

      peer
    end

    defp call(peer, module, function, arguments),
      do: :peer.call(peer, module, function, arguments, 30_000)

    defp start_locked(peer, stream, options, opts) do
      {listener, argv} = locker(stream, options)
      opts = [argv: argv, stdio: :pipe, auto_proceed: true, orphan_policy: {:kill, 200}] ++ opts
      {session, host_pid} = call(peer, Linx.SessionCase, :detached_session, [opts])
      if stream == :stdin, do: :ok = call(peer, Linx.Process, :write, [session, "bait"])
      beacon = await_lock(listener)

      if stream == :stdin,
        do:
          call(peer, Task, :start, [
            Linx.Process,
            :write,
            [session, String.duplicate("x", 100_000)]
          ]),
        else: call(peer, Linx.Process, :read, [session, stream, 65_536, 0])

      await_touch(beacon)

      {:ok, %{agent_pid: agent}} = call(peer, Linx.Process, :info, [session])
      {beacon, host_pid, agent}
    end

    defp kill_vm(peer) do
      os_pid = call(peer, System, :pid, []) |> String.to_integer()
      Process.unlink(peer)
      Host.signal(os_pid, :KILL)
      await_gone(os_pid)
    end

    test "leaves neither agent nor workload of sessions whose pipes are locked" do
      peer = start_vm()

      left =
        for stream <- [:stdin, :stdout, :stderr], {_how, options, opts} <- @variants do
          start_locked(peer, stream, options, opts)
        end

      kill_vm(peer)

      for {beacon, host_pid, agent} <- left do
        Beacon.await_dark(beacon)
        await_gone(host_pid)
        await_gone(agent)
      end
    end

    test "has the orphan policy carried out, SIGTERM first, though a pipe is locked" do
      note = Programs.scratch("note")
      on_exit(fn -> File.rm(note) end)
      peer = start_vm()
      {beacon, _host_pid, agent} = start_locked(peer, :stdout, ["--note", note], [])
      kill_vm(peer)
      Beacon.await_dark(beacon)
      await_gone(agent)
      assert File.read!(note) == "term\n"
    end
  end
end
