# SPDX-License-Identifier: MIT

defmodule Linx.TelemetryTest do
  # Defines a module :telemetry while the tests run, which all sessions of the VM then call: not async.
  use Linx.SessionCase, async: false

  alias Linx.Process, as: P

  defp told(name) do
    assert_receive {:telemetry, [:linx, :session, ^name], measurements, metadata}, 30_000
    {measurements, metadata}
  end

  test "a session's way is told from start to stop, with its duration and usage" do
    Linx.Test.Telemetry.start()
    argv = actor(["burn", 5])
    session = session(argv: argv, usage: true, pool: nil)
    {started, %{session: ^session, mode: :spawn, argv: ^argv}} = told(:start)
    assert is_integer(started.system_time)
    {ready, %{session: ^session, host_pid: host_pid}} = told(:ready)
    assert {:ok, ^host_pid} = P.host_pid(session)
    :ok = P.proceed(session)
    {running, %{session: ^session}} = told(:running)
    {stopped, %{session: ^session, argv: ^argv, result: {:ok, {:exited, 0}}}} = told(:stop)
    assert ready.duration > 0
    assert running.duration > ready.duration
    assert stopped.duration > running.duration
    assert stopped.utime_us + stopped.stime_us >= 5_000
    assert {:ok, %Info{usage: usage}} = P.info(session)
    assert Map.delete(stopped, :duration) == usage
    refute_received {:telemetry, _, _, _}
  end

  test "a session that failed is an exception" do
    Linx.Test.Telemetry.start()
    session = session(argv: ["/no/such/program"], auto_proceed: true)
    {_, %{session: ^session}} = told(:start)
    {_, _} = told(:ready)
    {%{duration: _}, metadata} = told(:exception)

    assert %{kind: :error, reason: %Error{stage: :execve}, stacktrace: [], mode: :spawn} =
             metadata

    refute_received {:telemetry, [:linx, :session, :stop], _, _}
  end

  test "an aborted session stops, and output is no event" do
    Linx.Test.Telemetry.start()
    {session, _} = parked(stdio: :pty)
    :ok = P.abort(session)
    {_, %{result: {:ok, :aborted}}} = told(:stop)
  end

  test "without the library there is nothing" do
    refute function_exported?(:telemetry, :execute, 3)
    assert Linx.Telemetry.start(:spawn, ["/bin/true"]) == nil
    assert Linx.Telemetry.event(nil, :running, nil) == nil
  end
end
