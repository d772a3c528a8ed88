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

  # In a pid namespace without a /proc of its own, /proc/2 is the kernel's thread with children 3, 4
  # and so on; the agent is 2 in there, and those numbers are its neighbours'.
  @tag :root
  test "descendants are the agent's own, also where /proc is another pid namespace's" do
    script = """
    "$0" & agent=$!
    sleep 1000 & one=$!
    sleep 1000 & other=$!
    exec 3<&- 4>&-
    echo ready
    wait $agent
    kill $one $other && echo spared
    """

    program = ["/usr/bin/unshare", "--pid", "--fork", "/bin/sh", "-c", script, agent()]
    wire = start(program: program)
    await_output(wire, "ready\n")
    send_term(wire, {:spawn, %{argv: actor(["exit", 0]), descendants: :kill, proceed: true}})
    assert await_gone(wire).output == "ready\nspared\n"
  end
end
