defmodule AgentTest.HardeningTest do
  use AgentTest.Case, async: true

  # What a workload, a neighbour or a machine can do to an agent that takes things as they come.

  defp hostile(part), do: [path("hostile"), part]

  test "a workload that makes packets of its output takes no byte from the frames" do
    request = %{
      argv: hostile("packets"),
      stdio: [stdout: :pipe, stderr: :pipe],
      flow: :demand,
      demand: [stderr: 6]
    }

    for _ <- 1..5 do
      wire = running(request)
      await_pipe(wire, :stderr, "ready\n")
      send_term(wire, {:demand, :stdout, 1_048_576})
      seen = await_bytes(wire, :stdout, 16 * 4096)
      assert seen == String.duplicate("a", 15 * 4096) <> String.duplicate("b", 4096)
      send_term(wire, {:close, :stderr})
      send_term(wire, {:signal, 9})
      assert terminal(finish(wire, drained: true)) == {:status, :signaled, 9}
    end
  end
end
