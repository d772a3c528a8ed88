# SPDX-License-Identifier: MIT

defmodule AgentTest.ForkStormTest do
  # Processes that fork and end at once, with descendants: :kill. They take all the process numbers there are for as long as
  # an agent is wrong, or slow as the sanitized one: not async, so that no other test meets EAGAIN.
  use AgentTest.Case, async: false

  @moduletag :sanitizer_unfit

  test "a workload ends with what forks and ends faster than it can be reaped, in one group or many" do
    for prefix <- ["", "setsid "] do
      chain = "#{prefix}#{path("hostile")} chain & "
      script = String.duplicate(chain, 32) <> "exit 3"
      result = finish(running(%{argv: ["/bin/sh", "-c", script], descendants: :kill}))
      assert {result.output, final(result)} == {"", {:status, :exited, 3}}
    end
  end

  test "it leaves the agent time for all else while its workload does that" do
    script = String.duplicate("setsid #{path("hostile")} chain & ", 32) <> "echo up; sleep 60"

    wire = running(%{argv: ["/bin/sh", "-c", script], descendants: :kill, stdio: [stdout: :pipe]})

    assert await_pipe(wire, :stdout, "up\n") == "up\n"
    send_term(wire, {:signal, 9})
    result = finish(wire, drained: true)
    assert {result.stdout, final(result)} == {"up\n", {:status, :signaled, 9}}
  end

  @tag :root
  test "what is left in an entered pid namespace ends, also if it forks and ends faster than it can be found" do
    target = Target.unshare(Target.everything(), ["ignore", 17])

    for _ <- 1..3 do
      argv = [path("hostile"), "chain"]
      wire = running({:enter, %{target: target.pid, argv: argv, descendants: :kill}})
      result = finish(wire)
      assert {result.output, final(result)} == {"", {:status, :exited, 0}}
      refute Enum.any?(Host.children(target.pid), &Host.alive?/1)
    end
  end
end
