# SPDX-License-Identifier: MIT

defmodule AgentTest.HoldTest do
  use AgentTest.Case, async: true

  # hold: true keeps the agent, and so the channel, until the BEAM has closed its end, because a port that is
  # written to after its program has ended loses the frames that it has not read yet.

  defp held(part, request \\ %{}) do
    request = Map.merge(%{argv: actor(part), hold: true}, request)
    running(request)
  end

  test "an agent that was asked to stays after the final frame, until fd 3 ends" do
    wire = held(["exit", 3])
    assert_frame(wire, {:status, :exited, 3})
    # Commands after the workload's end are read, and have no effect.
    for term <- [{:signal, 9}, :proceed, {:pty_in, "x"}, {:close, :stdout}, :nonsense],
        do: assert(send_term(wire, term) == :ok)

    assert Host.alive?(wire.agent)
    assert Host.stat(wire.host_pid) == nil
    close_commands(wire)
    assert final(finish(wire)) == {:status, :exited, 3}
  end

  test "it stays after an error, an abort and a malformed command too" do
    for {request, command, terminal} <- [
          {%{argv: ["/no/such"]}, :proceed, {:error, errno(:enoent), :execve}},
          {%{argv: actor(["exit", 0])}, :nonsense, {:error, errno(:einval), :malformed_command}}
        ] do
      wire = parked(Map.put(request, :hold, true))
      send_term(wire, command)
      assert next_frame(wire) == terminal
      assert Host.alive?(wire.agent)
      close_commands(wire)
      finish(wire)
    end
  end

  test "holding costs no processor, and a half-sent frame is no reason to go" do
    wire = held(["exit", 0])
    assert_frame(wire, {:status, :exited, 0})
    send_raw(wire, <<0, 0, 0, 9, 131>>)
    nap = start(program: actor(["nap", 400]))
    await_gone(nap)
    assert Host.alive?(wire.agent)
    close_commands(wire)
    assert {:exited, 0, cpu_us} = finish(wire).agent
    assert cpu_us < 150_000
  end

  test "with pipes the output is still served, and then the agent holds" do
    wire = held(["write", 1, 1000], %{stdio: [stdout: :pipe], flow: :demand})
    assert_frame(wire, {:status, :exited, 0})
    send_term(wire, {:demand, :stdout, 2000})
    assert_frame(wire, {:eof, :stdout})
    assert Host.alive?(wire.agent)
    close_commands(wire)
    assert byte_size(finish(wire, drained: true).stdout) == 1000
  end

  test "false, and absent, the agent goes at once" do
    for request <- [%{}, %{hold: false}] do
      wire = running(Map.put(request, :argv, actor(["exit", 0])))
      finish(wire)
    end
  end

  test "another value is malformed" do
    for value <- [1, nil, "true"] do
      wire = requested(%{argv: actor(["exit", 0]), hold: value})
      assert finish(wire, exit: 2).frames == [{:error, errno(:einval), :malformed_request}]
    end
  end
end
