# SPDX-License-Identifier: MIT

defmodule AgentTest.KillTest do
  use AgentTest.Case, async: true

  # {:kill, %{target: pid}} is no session: a second agent kills what a blocked one cannot.

  defp kill_request(target), do: start(stdout: false) |> tap(&send_term(&1, {:kill, target}))

  test "ends a whole process group" do
    {listener, argv} = Beacon.actor(["family", 15])
    wire = running(%{argv: argv})
    beacon = Beacon.await_lit(listener)
    await_output(wire, "child ready\n")
    result = finish(kill_request(%{target: wire.host_pid}))
    assert result.frames == [{:status, :exited, 0}]
    Beacon.await_dark(beacon)
    assert final(finish(wire, orphans: true)) == {:status, :signaled, 9}
  end

  test "ends a process that leads no group" do
    wire = running(%{argv: actor(["family", 15])})
    await_output(wire, "child ready\n")
    [child] = Host.children(wire.host_pid)
    assert finish(kill_request(%{target: child})).frames == [{:status, :exited, 0}]
    assert Host.alive?(wire.host_pid)
    # The child is left as a zombie, because its parent, the actor, never waits for it.
    kill(wire, orphans: true)
  end

  test "with an agent ends all that descends from it, the target's group included" do
    {listener, argv} = Beacon.actor(["family", 15])
    wire = running(%{argv: argv})
    beacon = Beacon.await_lit(listener)
    await_output(wire, "child ready\n")
    result = finish(kill_request(%{target: wire.host_pid, agent: wire.agent}))
    assert result.frames == [{:status, :exited, 0}]
    Beacon.await_dark(beacon)
    assert final(finish(wire, orphans: true)) == {:status, :signaled, 9}
  end

  test "with an agent spares a target that is not the agent's child" do
    bystander = Target.plain()
    wire = running(%{argv: actor(["pause"])})
    result = finish(kill_request(%{target: bystander.pid, agent: wire.agent}))
    assert result.frames == [{:status, :exited, 0}]
    assert final(finish(wire)) == {:status, :signaled, 9}
    assert Host.alive?(bystander.pid)
  end

  # In a pid namespace of the test, because it would kill all that descends from its first process.
  @tag :root
  test "with an agent that is none is ESRCH, and kills nothing" do
    script =
      "#{path("actor")} pause >/dev/null & #{agent()}; echo agent $?; kill $! && echo spared"

    for agent <- [1, 2, 4_000_000] do
      wire = start(program: ~w(/usr/bin/unshare --fork --pid --mount-proc sh -c) ++ [script])
      send_term(wire, {:kill, %{target: 2, agent: agent}})
      result = await_gone(wire)
      assert result.frames == [{:error, errno(:esrch), :kill}]
      assert result.output =~ "agent 3\nspared\n"
    end
  end

  test "of a target that is gone is ESRCH" do
    gone = start(program: actor(["exit", 0]))
    await_gone(gone)
    result = finish(kill_request(%{target: gone.agent}), exit: 3)
    assert result.frames == [{:error, errno(:esrch), :kill}]
  end

  # The group of pid 1 is -1 to kill(2), which stands for every process. The agent runs in a pid namespace of
  # the test, so that a kill which is not refused reaches no process outside.
  @tag :root
  test "of pid 1 is refused: it is no group" do
    script = "#{path("actor")} pause & #{agent()}; echo agent $?; kill $! && echo spared"

    wire =
      start(
        program: ["/usr/bin/unshare", "--fork", "--pid", "--kill-child", "/bin/sh", "-c", script]
      )

    await_output(wire, "ready\n")
    send_term(wire, {:kill, %{target: 1}})
    result = await_gone(wire)
    assert result.frames == [{:error, errno(:eperm), :kill}]
    assert result.output == "ready\nagent 3\nspared\n"
  end

  test "of what is no pid is malformed" do
    for target <- [%{}, %{target: 0}, %{target: -1}, %{target: "1"}, %{target: nil}, [], nil] do
      result = finish(kill_request(target), exit: 2)
      assert result.frames == [{:error, errno(:einval), :malformed_request}]
    end
  end
end
