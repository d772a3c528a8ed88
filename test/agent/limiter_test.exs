# SPDX-License-Identifier: MIT

defmodule AgentTest.LimiterTest do
  use AgentTest.Case, async: true

  # A process of the same user may set the agent's resource limits (prlimit(2)). With a low RLIMIT_NOFILE
  # poll(2) refuses more descriptors than that, and no file can be opened any more.

  @emfile 24

  # Microseconds of processor time that the agent may use of the half second that the workload sleeps. An agent
  # that polls without a pause uses all of it; one with sanitizers needs more to start.
  @idle_us 300_000

  defp limited(request) do
    request = Map.merge(%{argv: [path("limiter"), "workload"], stdio: [stdout: :pipe]}, request)
    wire = running(request)
    await_pipe(wire, :stdout, "ready\n")
    send_term(wire, {:signal, 10})
    await_pipe(wire, :stdout, "limited ")
    wire
  end

  defp cpu(wire) do
    %{ticks: ticks} = Host.stat(wire.agent)
    # Clock ticks are hundredths of a second everywhere (proc(5)).
    ticks * 10_000
  end

  test "a workload that takes its agent's descriptors away is served to its end" do
    for descendants <- [:leave, :kill] do
      wire = limited(%{descendants: descendants})
      used = cpu(wire)
      send_term(wire, {:signal, 10})
      await_pipe(wire, :stdout, "got it\n")
      result = finish(wire, drained: true)
      assert final(result) == {:status, :exited, 7}
      assert {:eof, :stdout} in result.frames
      assert {:exited, 0, cpu_us} = result.agent
      assert cpu_us - used < @idle_us
    end
  end

  test "a signal of any reach ends it" do
    for scope <- [:workload, :group, :tree], descendants <- [:leave, :kill] do
      wire = limited(%{descendants: descendants})
      send_term(wire, {:signal, 9, scope})
      assert final(finish(wire, drained: true)) == {:status, :signaled, 9}
    end
  end

  test "the orphan policy is carried out" do
    {listener, argv} = Beacon.actor(["exec", path("limiter"), "workload"])

    for policy <- [{:kill, 0}, {:kill, 100}] do
      wire = limited(%{argv: argv, orphan_policy: policy})
      beacon = Beacon.await_lit(listener)
      close_commands(wire)
      Beacon.await_dark(beacon)
      assert %{orphans: []} = await_gone(wire)
    end
  end

  # Before the proof of exec the session may fail without a descriptor; it may not hang.
  defp assert_ended(wire, expected) do
    result = await_gone(wire)
    assert [final] = Enum.filter(result.frames, &final?/1)
    assert final == expected or match?({:error, @emfile, _}, final)
    assert result.orphans == []
    assert {:exited, _, _} = result.agent
  end

  test "a workload that does it at once has a session that ends" do
    for _ <- 1..20 do
      wire = requested(%{argv: [path("limiter"), "at-once"], proceed: true})
      send_term(wire, {:signal, 9})
      assert_ended(wire, {:status, :signaled, 9})
    end
  end

  test "a session that is limited at its checkpoint ends" do
    limiter = Target.neighbour("limiter")

    for {command, expected} <- [
          {:proceed, fn _ -> {:status, :exited, 7} end},
          {:abort, &{:status, :aborted, &1.child_pid}},
          {{:cap_set_ambient, -1}, fn _ -> {:error, errno(:einval), :malformed_command} end}
        ] do
      wire = parked(%{argv: actor(["exit", 7])})
      Target.order(limiter, "#{wire.agent}", "limited #{wire.agent}\n")
      send_term(wire, command)
      assert_ended(wire, expected.(wire))
    end
  end
end
