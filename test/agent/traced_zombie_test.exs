# SPDX-License-Identifier: MIT

defmodule AgentTest.TracedZombieTest do
  use AgentTest.Case, async: true

  # The end of a traced process is hidden from its parent's waitid(2) until the tracer has waited for it,
  # while its pidfd is readable from its end on. These tracers live on and never wait.

  # Microseconds of processor time. An agent that polls without a pause uses all the time that it waits; it
  # needs a few milliseconds, and some hundred when it is built with sanitizers.
  @cpu_us 1_000_000

  defp traced(part, request \\ %{}) do
    running(Map.merge(%{argv: [path("tracer") | Enum.map(part, &to_string/1)]}, request))
  end

  # Ends the tracer, if it still runs, after the checks, because the zombie does not go before.
  defp release(wire) do
    [_, pid] = Regex.run(~r/tracer (\d+)/, await_output(wire, "\n"))
    release_pid(String.to_integer(pid))
  end

  defp release_pid(pid), do: if(Host.alive?(pid), do: Host.signal(pid, 9))

  defp assert_ended(wire, frame) do
    assert next_frame(wire) == frame
    assert {:exited, 0, cpu_us} = await_agent_exit(wire)
    assert cpu_us < @cpu_us
  end

  defp assert_one_end(wire) do
    result = await_gone(wire)
    assert [_] = Enum.filter(result.frames, &final?/1)
    assert result.rest == ""
  end

  test "a workload that its own child traces is reported to have exited" do
    wire = traced(["exit", 7])
    assert_ended(wire, {:status, :exited, 7})
    release(wire)
    assert_one_end(wire)
  end

  test "a workload that its own child traces is reported to have been signaled" do
    wire = traced(["die", 9])
    assert_ended(wire, {:status, :signaled, 9})
    release(wire)
    assert_one_end(wire)
  end

  test "a workload that its own child traces ends with descendants: :kill as well" do
    wire = traced(["exit", 7], %{descendants: :kill})
    assert_ended(wire, {:status, :exited, 7})
    release(wire)
    assert_one_end(wire)
  end

  test "a traced workload ends when the BEAM is gone" do
    wire = traced(["exit", 7], %{orphan_policy: {:kill, 100}})
    await_output(wire, "tracer ")
    close_commands(wire)
    assert {:exited, _, cpu_us} = await_agent_exit(wire)
    assert cpu_us < @cpu_us
    release(wire)
    await_gone(wire)
  end

  describe "a tracer that is not of the session" do
    defp tracer(opts \\ []), do: Target.neighbour("tracer", [], opts)

    defp seize(tracer, pid), do: Target.order(tracer, "#{pid}", "seized #{pid}\n")

    test "does not keep the end of a workload from being told" do
      tracer = tracer()
      wire = running(%{argv: actor(["pause"])})
      await_output(wire, "ready\n")
      seize(tracer, wire.host_pid)
      # At any other signal a traced process is stopped until its tracer decides (ptrace(2)).
      send_term(wire, {:signal, 9})
      assert_ended(wire, {:status, :signaled, 9})
      release_pid(tracer.pid)
      assert_one_end(wire)
    end

    test "does not keep the end of a descendant from being told with descendants: :kill" do
      tracer = tracer()
      wire = running(%{argv: actor(["family"]), descendants: :kill})
      await_output(wire, "child ready\n")
      [child] = Host.children(wire.host_pid)
      seize(tracer, child)
      send_term(wire, {:signal, 15, :workload})
      assert_ended(wire, {:status, :signaled, 15})
      release_pid(tracer.pid)
      assert_one_end(wire)
    end

    @tag :root
    test "does not keep the end of an entry from being told, from inside the container" do
      tracer = tracer(unshare: ~w(--fork --kill-child --pid --mount-proc --mount))
      request = %{target: tracer.pid, argv: ["/bin/sh", "-c", "read line; exit 7"]}
      wire = running({:enter, Map.put(request, :stdio, stdin: :pipe)})
      seize(tracer, wire.child_pid)
      send_term(wire, {:close, :stdin})
      assert_ended(wire, {:status, :exited, 7})
      release_pid(tracer.pid)
      assert_one_end(wire)
    end

    @tag :root
    test "does not keep the end of a parked entry from being told" do
      tracer = tracer(unshare: ~w(--fork --kill-child --pid --mount-proc --mount))
      wire = parked({:enter, %{target: tracer.pid, argv: actor(["exit", 0])}})
      seize(tracer, wire.child_pid)
      send_term(wire, :abort)
      assert_ended(wire, {:status, :aborted, wire.child_pid})
      release_pid(tracer.pid)
      assert_one_end(wire)
    end
  end
end
