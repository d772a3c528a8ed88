defmodule AgentTest.EarlyEndTest do
  use AgentTest.Case, async: true

  # The end comes while the session is being made: at any of the moments between its first system calls.

  @moduletag :root

  @container ~w(--fork --kill-child --pid --mount-proc --mount)

  # A delay that no timer of the BEAM can make.
  defp spin(microseconds) do
    until = System.monotonic_time(:microsecond) + microseconds
    spin_until(until)
  end

  defp spin_until(until) do
    if System.monotonic_time(:microsecond) < until, do: spin_until(until)
  end

  for descendants <- [:kill, :leave], proceed <- [true, false] do
    test "a BEAM that is gone within milliseconds leaves nothing of an entry, with descendants: #{descendants} and proceed: #{proceed}" do
      target = Target.unshare(@container)

      request = %{
        target: target.pid,
        argv: actor(["pause"]),
        descendants: unquote(descendants),
        proceed: unquote(proceed)
      }

      for delay <- 0..99 do
        wire = requested({:enter, request}, frames: :socket)
        spin(delay * 40)
        close_commands(wire)
        close_frames(wire)
        assert %{orphans: []} = await_gone(wire)
      end
    end
  end

  describe "a first process of an entry that is killed at a random moment" do
    # Of an entry into a pid namespace the first child only makes the workload's process.
    defp ends(killer, target, request) do
      for delay <- 0..119 do
        wire = start()
        script = ["/bin/sh", "-c", "echo inside; exit 7"]
        Target.order(killer, "#{wire.agent} #{delay * 15}", "")
        send_term(wire, {:enter, Map.merge(%{target: target.pid, argv: script}, request)})
        if not Map.get(request, :proceed, false), do: proceed(wire)
        result = await_gone(wire)
        assert [terminal] = Enum.filter(result.frames, &terminal?/1)
        assert result.rest == ""
        assert result.orphans == []

        # What was told of it is what has happened. (A killer that came late has met the workload.)
        case terminal do
          {:status, :exited, 7} -> assert result.output == "inside\n"
          {:status, :signaled, 9} -> assert ran?(result) or result.output == ""
          {:error, _, _} -> assert {ran?(result), result.output} == {false, ""}
        end

        terminal
      end
    end

    defp proceed(wire) do
      case next_frame(wire) do
        {:status, :ready, _} -> send_term(wire, :proceed)
        {:status, :spawned, _} -> proceed(wire)
        frame -> assert terminal?(frame)
      end
    end

    for request <- [%{proceed: true}, %{}, %{proceed: true, descendants: :kill}] do
      test "is the session's end or does not matter, with #{inspect(request)}" do
        killer = Target.neighbour("killer")
        target = Target.unshare(@container)
        ends = ends(killer, target, unquote(Macro.escape(request)))
        # Both were met: an end that was in time and one that was not.
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
