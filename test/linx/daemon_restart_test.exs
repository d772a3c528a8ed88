# SPDX-License-Identifier: MIT

defmodule Linx.DaemonRestartTest do
  # Counts the VM's processes, ports, atoms and tables, and changes its agent: not async.
  use Linx.SessionCase, async: false

  alias Linx.Daemon

  @moduletag :capture_log
  @patience 60_000

  defp counts do
    for {name, count} <- [
          processes: :erlang.system_info(:process_count),
          ports: :erlang.system_info(:port_count),
          atoms: :erlang.system_info(:atom_count),
          tables: length(:ets.all())
        ],
        into: %{},
        do: {name, count}
  end

  defp descriptors, do: length(File.ls!("/proc/self/fd"))

  # How often the program has written a line, which it does once a start.
  defp await_starts(0), do: :ok

  defp await_starts(count) do
    assert_receive {:started, _pid}, @patience
    await_starts(count - 1)
  end

  defp last_start(pid) do
    receive do
      {:started, pid} -> last_start(pid)
    after
      0 -> pid
    end
  end

  test "a thousand restarts leave no process, port, descriptor, table or atom" do
    test = self()
    restarts = 1_000

    children = [
      {Daemon, argv: ["sh", "-c", "echo $$"], log: &send(test, {:started, &1}), name: __MODULE__}
    ]

    before = run(children, 20)
    assert run(children, restarts) == before
    assert last_start(nil) == nil
  end

  # The counts after the supervisor has stopped.
  defp run(children, restarts) do
    {:ok, supervisor} =
      Supervisor.start_link(children, strategy: :one_for_one, max_restarts: 1_000_000)

    await_starts(restarts)
    Supervisor.stop(supervisor)
    pid = last_start("0")
    refute Host.alive?(String.to_integer(pid))
    {settled(counts()), descriptors()}
  end

  # Processes that have been told to end, such as those of a log, may not have yet.
  defp settled(counts) do
    case counts() do
      ^counts -> counts
      others -> settled(others)
    end
  end

  test "a daemon that is stopped before its agent has started leaves nothing" do
    gate = gate()
    test = self()
    opts = [argv: ["sleep", "60"], pool: nil]

    starter =
      spawn(fn ->
        Process.flag(:trap_exit, true)
        Daemon.start_link([name: __MODULE__] ++ opts)
        send(test, :returned)
      end)

    daemon = await_registered()
    state = :sys.get_state(daemon)
    assert {state.phase, Daemon.os_pid(daemon)} == {:starting, {:error, :not_ready}}
    Process.exit(starter, :kill)
    await_stop(state.session)
    # Only now there is an agent, which executes the program and signals it.
    open_gate(gate)
    await_down(daemon)
    await_down(state.session)
    refute_received :returned
  end

  # Waits until the daemon waits for the session's end.
  defp await_stop(session) do
    if map_size(:sys.get_state(session).session.waiters) == 0, do: await_stop(session)
  end

  defp await_registered, do: Process.whereis(__MODULE__) || await_registered()

  test "telemetry tells when a program is ready and when the daemon ends" do
    Linx.Test.Telemetry.start()
    Process.flag(:trap_exit, true)
    argv = ["sh", "-c", "echo one; exit 3"]
    {:ok, daemon} = Daemon.start_link(argv: argv, log: fn _ -> :ok end)
    assert_receive {:EXIT, ^daemon, {:exited, 3}}, @patience
    assert_receive {:telemetry, [:linx, :daemon, :ready], ready, metadata}
    assert metadata == %{daemon: daemon, argv: argv, restarts: 0}
    assert_receive {:telemetry, [:linx, :daemon, :stop], stop, metadata}
    assert %{daemon: ^daemon, reason: {:exited, 3}, result: {:ok, {:exited, 3}}} = metadata
    assert %{lines: 1, bytes: 4, lost: 0} = stop
    assert stop.duration > ready.duration

    {:error, _} = Daemon.start_link(argv: ["no such program"])
    assert_receive {:telemetry, [:linx, :daemon, :stop], _, %{reason: %Error{stage: :execve}}}
    {:ok, daemon} = Daemon.start_link(argv: ["sleep", "60"])
    GenServer.stop(daemon, :shutdown)
    assert_receive {:telemetry, [:linx, :daemon, :stop], _, %{daemon: ^daemon, reason: :shutdown}}
    refute_received {:telemetry, [:linx, :daemon, :stop], _, _}
  end
end
