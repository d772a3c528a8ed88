# SPDX-License-Identifier: MIT

defmodule AgentTest.HarnessTest do
  use AgentTest.Case, async: true

  # Tests of the harness itself, with `cat` in the place of the agent, which sends back what it is sent.

  test "frames go out and come back, whatever they are cut into" do
    wire = start(program: ["/bin/sh", "-c", "exec cat <&3 >&4"])
    <<first::binary-size(3), rest::binary>> = frame({:status, :running})
    send_raw(wire, first)
    send_raw(wire, rest)
    send_raw(wire, frame({:a, 1}) <> frame({:b, 2}))
    assert_frame(wire, {:status, :running})
    assert_frame(wire, {:a, 1})
    assert_frame(wire, {:b, 2})
    close_commands(wire)
    assert {:exited, 0, _} = await_agent_exit(wire)
  end

  test "bytes that make no frame are kept and shown" do
    wire = start(program: ["/bin/sh", "-c", "printf abc >&4; exit 3"])
    assert %{rest: "abc", agent: {:exited, 3, _}} = await_gone(wire)
  end

  test "what a program leaves behind is reported, and waited for" do
    wire = start(program: actor(["daemon", "keep"]))
    assert {:exited, 0, _} = await_agent_exit(wire)
    "daemon " <> pid = await_output(wire, "\n")
    pid = pid |> String.trim() |> String.to_integer()
    assert Host.alive?(pid)
    Host.signal(pid, 9)
    assert %{orphans: [{^pid, 9}]} = await_gone(wire)
  end

  test "fd 3 and fd 4 can be sockets, or fd 3 a named pipe, and be closed apart" do
    for commands <- [:socket, :fifo] do
      wire =
        start(
          program: ["/bin/sh", "-c", "cat <&3 >&4; printf end >&4"],
          commands: commands,
          frames: :socket
        )

      send_raw(wire, frame(:hello))
      read_frames(wire)
      assert_frame(wire, :hello)
      close_commands(wire)
      assert %{frames: [:hello], rest: "end"} = await_gone(wire)
    end
  end

  test "a session that is dropped midway leaves nothing running" do
    wire = start(program: actor(["family", "15"]))
    output = await_output(wire, "child ready\n")

    [_, child] =
      Regex.run(~r/child (\d+)/, await_output(wire, "child #{hd(Host.children(wire.agent))}"))

    assert output =~ "ready"
    stop_supervised!(wire.ref)
    refute Host.alive?(wire.agent)
    refute Host.alive?(String.to_integer(child))
  end
end
