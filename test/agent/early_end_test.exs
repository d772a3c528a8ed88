# SPDX-License-Identifier: MIT

defmodule AgentTest.EarlyEndTest do
  use AgentTest.Case, async: true

  # Sessions that are ended between any two of their first system calls.

  @moduletag :root

  @container ~w(--fork --kill-child --pid --mount-proc --mount)

  # A delay of microseconds, shorter than a timer of the BEAM.
  defp spin(microseconds), do: spin_until(System.monotonic_time(:microsecond) + microseconds)

  defp spin_until(until) do
    if System.monotonic_time(:microsecond) < until, do: spin_until(until)
  end

  for descendants <- [:kill, :leave], proceed <- [true, false] do
    describe "an entry with descendants: #{descendants} and proceed: #{proceed}" do
      @describetag descendants: descendants, proceed: proceed

      setup context do
        target = Target.unshare(@container)
        request = Map.take(context, [:descendants, :proceed])
        {:ok, request: Map.merge(request, %{target: target.pid, argv: actor(["say", "ran"])})}
      end

      test "is gone when both ends close within milliseconds of its start", %{request: request} do
        for delay <- 0..59 do
          wire = requested({:enter, request}, frames: :socket)
          spin(delay * 33)
          close_commands(wire)
          close_frames(wire)
          assert %{orphans: []} = await_gone(wire)
        end
      end

      # The first process of an entry into a pid namespace only forks the workload's, and exits.
      test "is gone when both ends close while the first process has just forked", context do
        killer = Target.neighbour("killer")
        wire = start(frames: :socket)
        Target.order(killer, "hold #{wire.agent}", "watching #{wire.agent}\n")
        send_term(wire, {:enter, context.request})
        await_output(killer.wire, "held ")
        close_commands(wire)
        close_frames(wire)
        # Milliseconds for the agent to react.
        assert_alive(killer.pid, 100)
        send_raw(killer.wire, "release\n")
        assert %{orphans: [], output: ""} = await_gone(wire)
      end

      test "ends in one final frame when the first process is killed as it has forked",
           context do
        killer = Target.neighbour("killer")
        wire = start()
        Target.order(killer, "fork #{wire.agent}", "watching #{wire.agent}\n")
        send_term(wire, {:enter, context.request})
        await_output(killer.wire, "killed ")
        result = await_gone(wire)
        assert [final] = Enum.filter(result.frames, &final?/1)
        assert final == {:status, :signaled, 9} or match?({:error, _, _}, final)
        assert {result.output, result.orphans, ran?(result)} == {"", [], false}
      end
    end
  end

  defp assert_alive(pid, milliseconds) do
    refute_receive :nothing, milliseconds
    assert Host.alive?(pid)
  end

  describe "a first process of an entry that is killed at a random moment" do
    # The first process of an entry into a pid namespace only forks the workload's.
    defp ends(killer, target, request) do
      for delay <- 0..79 do
        wire = start()
        script = ["/bin/sh", "-c", "echo inside; exit 7"]
        Target.order(killer, "after #{wire.agent} #{delay * 23}", "")
        send_term(wire, {:enter, Map.merge(%{target: target.pid, argv: script}, request)})
        if not Map.get(request, :proceed, false), do: proceed(wire)
        result = await_gone(wire)
        assert [final] = Enum.filter(result.frames, &final?/1)
        assert result.rest == ""
        assert result.orphans == []

        # The final frame agrees with what has happened. (A late killer has killed the workload.)
        case final do
          {:status, :exited, 7} -> assert result.output == "inside\n"
          {:status, :signaled, 9} -> assert ran?(result) or result.output == ""
          {:error, _, _} -> assert {ran?(result), result.output} == {false, ""}
        end

        final
      end
    end

    defp proceed(wire) do
      case next_frame(wire) do
        {:status, :ready, _} -> send_term(wire, :proceed)
        {:status, :spawned, _} -> proceed(wire)
        frame -> assert final?(frame)
      end
    end

    for request <- [%{proceed: true}, %{}, %{proceed: true, descendants: :kill}] do
      test "is the session's end or does not matter, with #{inspect(request)}" do
        killer = Target.neighbour("killer")
        target = Target.unshare(@container)
        ends = ends(killer, target, unquote(Macro.escape(request)))
        # Both have happened: an end before the workload ran, and one after.
        assert {:status, :signaled, 9} in ends
        assert {:status, :exited, 7} in ends

        for end_ <- Enum.uniq(ends), match?({:error, _, _}, end_) do
          assert {:error, code, _stage} = end_
          assert code != 7, "the program's exit code as an errno: #{inspect(end_)}"
        end
      end
    end
  end
end
