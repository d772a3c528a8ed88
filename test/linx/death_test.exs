# SPDX-License-Identifier: MIT

defmodule Linx.DeathTest do
  use Linx.SessionCase, async: true

  @moduletag :capture_log

  defp agent_pid(session) do
    {:ok, %{agent_pid: pid}} = Linx.Process.info(session)
    pid
  end

  # A session in each state in which something can end; the test is its owner.
  defp at(:parked), do: parked()
  defp at(:running), do: running()

  defp at(:mid_output) do
    {session, host_pid} = running(argv: actor(["flood", 1]), stdio: :pty)
    await_output(session, "ready")
    {session, host_pid}
  end

  defp final(session) do
    case next_event(session) do
      {:pty_out, _} -> final(session)
      event -> event
    end
  end

  for stage <- [:parked, :running, :mid_output] do
    describe "#{stage}:" do
      test "a workload that is killed is the final event, and its agent goes too" do
        {session, host_pid} = at(unquote(stage))
        agent = agent_pid(session)
        Host.signal(host_pid, :KILL)
        assert {:ok, {:signaled, 9}} = Linx.Process.wait(session)
        assert final(session) == {:signaled, 9}
        assert Host.stat(host_pid) == nil
        await_gone(agent)
      end

      test "an agent that is killed takes the workload along, and is told" do
        {session, host_pid} = at(unquote(stage))
        agent = agent_pid(session)
        Host.signal(agent, :KILL)

        assert {:error, %Error{stage: :agent_died, errno: nil, code: 137}} =
                 Linx.Process.wait(session)

        assert final(session) == {:error, 137, :agent_died}
        await_gone(agent)
        await_gone(host_pid)
      end

      test "a session that is stopped has killed and reaped its workload by then" do
        {session, host_pid} = at(unquote(stage))
        agent = agent_pid(session)
        assert :ok = GenServer.stop(session)
        assert Host.stat(host_pid) == nil
        expected = if unquote(stage) == :parked, do: :aborted, else: {:signaled, 15}
        assert final(session) == expected
        await_gone(agent)
      end

      test "a session that is killed leaves its workload to the orphan policy, and nothing stays" do
        {session, host_pid} = at(unquote(stage))
        agent = agent_pid(session)
        Process.unlink(session)
        Process.exit(session, :kill)
        await_gone(host_pid)
        await_gone(agent)
      end

      test "the crash of the process that started a session ends it, workload first" do
        test = self()
        stage = unquote(stage)

        {:ok, starter} =
          Task.start(fn ->
            send(test, {:session, at(stage)})
            receive do: (:crash -> exit(:crashed))
          end)

        assert_receive {:session, {session, host_pid}}, 30_000
        agent = agent_pid(session)
        ref = Process.monitor(session)
        send(starter, :crash)
        assert_receive {:DOWN, ^ref, :process, ^session, :crashed}, 30_000
        assert Host.stat(host_pid) == nil
        await_gone(agent)
      end

      test "the owner's death is nothing to a session that another process started" do
        {session, host_pid} = at(unquote(stage))
        {owner, :ok} = stranger(fn -> :ok end)
        :ok = Linx.Process.set_owner(session, owner)
        Process.exit(owner, :kill)
        await_down(owner)
        assert {:error, :timeout} = Linx.Process.wait(session, 0)
        assert Host.alive?(host_pid)
        if unquote(stage) == :parked, do: :ok = Linx.Process.proceed(session)
        :ok = Linx.Process.signal(session, :sigkill)
        assert {:ok, {:signaled, 9}} = Linx.Process.wait(session)
      end
    end
  end

  test "a session ends with the process that started it, even when that ends normally" do
    {session, host_pid} = Task.await(Task.async(fn -> parked() end))
    await_down(session)
    assert Host.stat(host_pid) == nil
  end

  test "those who wait while a session is stopped learn how its workload ended" do
    {session, _host_pid} = running()
    waiter = Task.async(fn -> Linx.Process.wait(session) end)
    await_waiters(session, 1)
    :ok = GenServer.stop(session)
    assert {:ok, {:signaled, 15}} = Task.await(waiter, 30_000)
    assert {:error, :no_process} = Linx.Process.wait(session)
  end

  test "a stopped session kills the workload's whole process group" do
    {listener, argv} = Beacon.actor(["family", 15])
    {session, _host_pid} = running(argv: argv, stop: {:sigterm, 50})
    beacon = Beacon.await_lit(listener)
    :ok = GenServer.stop(session)
    Beacon.await_dark(beacon)
  end

  test "a stopped session kills a workload that ignores what can be ignored" do
    {session, host_pid} =
      running(argv: actor(["ignore", 1, 2, 3, 15]), stdio: :pty, stop: {:sigterm, 50})

    await_output(session, "ready")
    :ok = GenServer.stop(session)
    assert Host.stat(host_pid) == nil
  end

  test "a stopped session kills a workload that is itself stopped" do
    {session, host_pid} = running()
    Host.signal(host_pid, :STOP)
    :ok = GenServer.stop(session)
    assert Host.stat(host_pid) == nil
  end

  test "a session that is stopped on its way to the workload lets none live" do
    for _ <- 1..25 do
      session = session(argv: actor(["pause"]), auto_proceed: true)
      :ok = GenServer.stop(session)
      events = events_so_far(session)
      assert List.last(events) in [{:signaled, 15}, :aborted]
      for {:ready, pid} <- events, do: assert(Host.stat(pid) == nil)
    end
  end

  test "a stopped session with orphan_policy: :leave kills its workload all the same" do
    {session, host_pid} = running(orphan_policy: :leave)
    :ok = GenServer.stop(session)
    assert Host.stat(host_pid) == nil
  end

  # The second is the deprecated name of the first.
  for policy <- [:leave, :linger] do
    test "with orphan_policy: #{inspect(policy)} a workload outlives a session that is killed" do
      {listener, argv} = Beacon.actor(["pause"])
      {session, host_pid} = running(argv: argv, orphan_policy: unquote(policy))
      beacon = Beacon.await_lit(listener)
      agent = agent_pid(session)
      Process.unlink(session)
      Process.exit(session, :kill)
      await_down(session)
      assert Beacon.lit?(beacon)
      Host.signal(host_pid, :KILL)
      Beacon.await_dark(beacon)
      await_gone(agent)
    end
  end

  test "an end in the middle of everything is one final event, and every call gets a reply" do
    for _ <- 1..30 do
      session = session(argv: actor(["exit", 0]), auto_proceed: true)

      callers =
        for call <- [
              &Linx.Process.wait/1,
              &Linx.Process.signal(&1, :sigwinch),
              &Linx.Process.info/1,
              &Linx.Process.proceed/1
            ],
            _ <- 1..4,
            do: Task.async(fn -> call.(session) end)

      for answer <- Task.await_many(callers, 30_000),
          do: assert(match?({tag, _} when tag in [:ok, :error], answer) or answer == :ok)

      assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
      assert [{:ready, _}, :running, {:exited, 0}] = events_so_far(session)
    end
  end

  test "a session whose agent is stopped replies to every call, and goes on with its agent" do
    size = 3 * 1024 * 1024
    {session, host_pid} = running(argv: actor(["read-late", size]), stdio: :pty)
    await_output(session, "ready")
    agent = agent_pid(session)
    Host.signal(agent, :STOP)
    block = for n <- 0..22, into: <<>>, do: <<?a + n>>
    input = block |> :binary.copy(div(size, 23) + 1) |> binary_part(0, size)
    assert :ok = Linx.Process.pty_write(session, input)
    assert :ok = Linx.Process.signal(session, :sigusr1)
    assert {:error, :timeout} = Linx.Process.wait(session, 0)
    assert {:ok, ^host_pid} = Linx.Process.host_pid(session)
    Host.signal(agent, :CONT)
    await_output(session, "read #{size}")
    assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
  end

  test "a session whose agent is stopped takes both along when it stops" do
    {session, host_pid} = running(argv: actor(["read-late", 1]), stdio: :pty)
    await_output(session, "ready")
    agent = agent_pid(session)
    Host.signal(agent, :STOP)
    assert :ok = Linx.Process.pty_write(session, :binary.copy("x", 4 * 1024 * 1024))
    assert :ok = GenServer.stop(session)
    assert {:error, _, :agent_died} = final(session)
    await_gone(host_pid)
    await_gone(agent)
  end

  # A port that is closed while it starts makes erl_child_setup print "failed with error 32".
  test "a session that is killed by its name while it starts has started, or is :no_process" do
    for _ <- 1..20 do
      name = :"linx_start_#{System.unique_integer([:positive])}"
      killer = Task.async(fn -> kill_registered(name) end)
      started = Linx.Process.spawn(argv: actor(["pause"]), name: name, link: false, events: :none)
      assert match?({:ok, _pid}, started) or started == {:error, :no_process}
      Task.await(killer, 30_000)
      assert Process.whereis(name) == nil
    end
  end

  test "a workload that keeps its agent waiting for ever is killed all the same" do
    {session, host_pid} =
      running(argv: [AgentTest.Programs.path("hostile"), "lock"], stdio: [stdin: :pipe])

    agent = agent_pid(session)
    :ok = Linx.Process.write(session, "bait")
    await_splice(host_pid)
    writer = Task.async(fn -> Linx.Process.write(session, :binary.copy("x", 1024 * 1024)) end)
    await_stat(agent, "D")
    assert :ok = GenServer.stop(session)
    await_gone(host_pid)
    await_gone(agent)
    assert {:error, _} = Task.await(writer, 30_000)
  end

  defp kill_registered(name) do
    case Process.whereis(name) do
      nil -> kill_registered(name)
      pid -> Process.exit(pid, :kill) && await_down(pid)
    end
  end

  # Waits until a process is in splice(2), by its number on x86-64 and on arm64 (proc(5), syscall).
  defp await_splice(pid) do
    [number | _] = "/proc/#{pid}/syscall" |> File.read!() |> String.split()
    number in ["275", "76"] || await_splice(pid)
  end

  # Waits until a process is in that state (proc(5)).
  defp await_stat(pid, state) do
    [_, rest] = "/proc/#{pid}/stat" |> File.read!() |> String.split(") ", parts: 2)
    String.starts_with?(rest, state) || await_stat(pid, state)
  end
end
