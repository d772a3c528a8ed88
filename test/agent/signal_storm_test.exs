# SPDX-License-Identifier: MIT

defmodule AgentTest.SignalStormTest do
  use AgentTest.Case, async: true

  # Signals whose default is to be ignored interrupt system calls all the same, of the agent and of a child that
  # shares its memory, and SIGSTOP and SIGCONT stop them between two calls.

  @storm """
  kill -URG "$1"; echo on
  while kill -URG "$1" 2>/dev/null; do
    kill -WINCH "$1"; kill -STOP "$1"; kill -CONT "$1"
    for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
      kill -URG "$child"; kill -STOP "$child"; kill -CONT "$child"
    done
  done 2>/dev/null
  """

  # Has begun, and lasts until the agent has ended.
  defp storm(agent) do
    arguments = ["-c", @storm, "sh", to_string(agent)]
    storm = Port.open({:spawn_executable, "/bin/sh"}, [:binary, :exit_status, args: arguments])
    assert_receive {^storm, {:data, "on\n"}}, 30_000
  end

  for {what, request} <- [
        {"executes at once", %{proceed: true}},
        {"parks", %{}},
        {"has namespaces", %{namespaces: [:pid, :mount]}},
        {"has pipes and descendants",
         %{proceed: true, stdio: [stdin: :pipe, stdout: :pipe], descendants: :kill}}
      ] do
    @tag :root
    test "a session that #{what} goes on through a storm of signals" do
      for code <- 1..25 do
        wire = AgentTest.Wire.start()
        storm(wire.agent)
        request = Map.put(unquote(Macro.escape(request)), :argv, actor(["exit", code]))
        send_term(wire, {:spawn, request})
        unless request[:proceed], do: proceed(wire)
        assert final(finish(wire, drained: true)) == {:status, :exited, code}
      end
    end
  end

  defp proceed(wire) do
    case next_frame(wire) do
      {:status, :ready, _pid} -> send_term(wire, :proceed)
      {:status, :spawned, _pid} -> proceed(wire)
    end
  end
end
