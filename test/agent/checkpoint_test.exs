# SPDX-License-Identifier: MIT

defmodule AgentTest.CheckpointTest do
  use AgentTest.Case, async: true

  import Bitwise

  # The command ends a parked session, whose workload has never run.
  defp assert_malformed(bytes, what) do
    wire = parked(%{argv: actor(["say", "never"])})
    send_raw(wire, bytes)
    result = finish(wire)
    assert {what, final(result)} == {what, {:error, errno(:einval), :malformed_command}}
    refute ran?(result)
    assert result.output == ""
    assert Host.stat(wire.host_pid) == nil
  end

  defp assert_malformed_terms(terms),
    do: for(term <- terms, do: assert_malformed(frame(term), term))

  describe "a parked session ends with :malformed_command over" do
    test "commands that no table has" do
      assert_malformed_terms([
        :foo,
        {:foo},
        {:foo, 1},
        {},
        [],
        "proceed",
        'proceed',
        1,
        1.5,
        self(),
        %{},
        nil
      ])
    end

    test "commands of the wrong arity" do
      assert_malformed_terms([
        {:proceed},
        {:proceed, 1},
        {:abort},
        :cap_drop_bounding,
        {:cap_drop_bounding},
        {:cap_drop_bounding, 1, 2},
        {:cap_set_thread, 0, 0},
        {:cap_set_thread, 0, 0, 0, 0},
        {:cap_set_ambient},
        :seccomp_install,
        {:seccomp_install},
        {:seccomp_install, Bpf.allow(), 1},
        {:pty_winsize},
        {:pty_winsize, 1, 2, 3, 4}
      ])
    end

    test "masks that are none" do
      for mask <- [-1, 1 <<< 64, 1.0, "1", '1', :all, nil, [1], {1}] do
        assert_malformed_terms([
          {:cap_drop_bounding, mask},
          {:cap_set_ambient, mask},
          {:cap_set_thread, mask, 0, 0},
          {:cap_set_thread, 0, mask, 0},
          {:cap_set_thread, 0, 0, mask}
        ])
      end
    end

    test "filters that are no binary" do
      assert_malformed_terms(
        for value <- [1, :filter, nil, [], [Bpf.allow()], <<1::3>>, {}, %{}],
            do: {:seccomp_install, value}
      )
    end

    test "a window's size that is none" do
      for size <- [
            1,
            {1, 2, 3},
            {1, 2, 3, 4, 5},
            {-1, 2, 3, 4},
            {1, 65_536, 3, 4},
            {:a, 2, 3, 4},
            [1, 2, 3, 4]
          ] do
        wire = parked(%{argv: actor(["say", "never"]), stdio: :pty})
        send_term(wire, {:pty_winsize, size})
        assert final(finish(wire)) == {:error, errno(:einval), :malformed_command}
      end
    end

    test "bytes that are no term" do
      <<131, term::binary>> = whole = :erlang.term_to_binary({:cap_set_thread, 0, 300, 1 <<< 40})

      for body <- [
            "",
            <<131>>,
            term,
            <<130, term::binary>>,
            whole <> <<0>>,
            :binary.copy(<<255>>, 99)
          ],
          do: assert_malformed(packet(body), body)

      for size <- 1..(byte_size(whole) - 1),
          do: assert_malformed(packet(binary_part(whole, 0, size)), size)
    end

    test "a filter cut off at any byte of its frame" do
      body = :erlang.term_to_binary({:seccomp_install, Bpf.allow(2)})

      for size <- 1..(byte_size(body) - 1),
          do: assert_malformed(packet(binary_part(body, 0, size)), size)
    end

    test "a command of the running state" do
      assert_malformed_terms([{:signal, 15}, {:pty_in, "x"}])
    end
  end

  test "a command too large is {:error, EMSGSIZE, :command_too_big}, unread" do
    for size <- [0xFFFFFFFF, 0x80000000, 64 * 1024 * 1024] do
      wire = parked(%{argv: actor(["say", "never"])})
      send_raw(wire, <<size::32>>)
      result = finish(wire)
      assert final(result) == {:error, errno(:emsgsize), :command_too_big}
      refute ran?(result)
    end
  end

  test "ack: true acknowledges every command that was applied, counting from 1" do
    wire = parked(%{argv: actor(["exit", 0]), ack: true})

    commands = [
      {:seccomp_install, Bpf.allow()},
      {:seccomp_install, Bpf.allow(4096)},
      {:cap_set_ambient, 0},
      {:cap_set_thread, 0, 0, 0}
    ]

    for {command, n} <- Enum.with_index(commands, 1) do
      send_term(wire, command)
      assert_frame(wire, {:status, :applied, ^n})
    end

    send_term(wire, :proceed)
    assert_frame(wire, {:status, :running})
    assert final(finish(wire)) == {:status, :exited, 0}
  end

  test "pipelined commands are acknowledged in order, and :proceed is not counted" do
    result =
      run(%{argv: actor(["exit", 0]), ack: true},
        checkpoint: [
          {:cap_set_ambient, 0},
          {:seccomp_install, Bpf.allow()},
          {:cap_set_ambient, 0}
        ]
      )

    assert [
             {:status, :spawned, _},
             {:status, :ready, _},
             {:status, :applied, 1},
             {:status, :applied, 2},
             {:status, :applied, 3},
             {:status, :running},
             {:status, :exited, 0}
           ] = result.frames
  end

  test "a command that fails ends the session with its own name, and those behind it are not applied" do
    result =
      run(%{argv: actor(["say", "never"]), ack: true},
        checkpoint: [{:cap_set_ambient, 0}, {:cap_set_ambient, 1 <<< 63}, {:cap_set_ambient, 0}]
      )

    assert {:error, _, :cap_set_ambient} = final(result)
    assert {:status, :applied, 1} in result.frames
    refute {:status, :applied, 2} in result.frames
    assert result.output == ""
  end

  test "{:pty_winsize, _} at the checkpoint is the size the workload starts with" do
    wire = parked(%{argv: actor(["winsize"]), stdio: :pty})
    send_term(wire, {:pty_winsize, {33, 101, 640, 480}})
    send_term(wire, :proceed)
    assert_frame(wire, {:status, :running})
    assert await_pty(wire, "ready") =~ "winsize 33 101 640 480\r\n"
    kill(wire)
  end

  test "the session of a killed child ends at a command that follows" do
    wire = parked(%{argv: actor(["exit", 0]), ack: true})
    Host.signal(wire.host_pid, 19)
    for _ <- 1..5, do: send_term(wire, {:cap_set_ambient, 0})
    Host.signal(wire.host_pid, 9)
    result = finish(wire)
    assert final(result) == {:status, :signaled, 9}
  end
end
