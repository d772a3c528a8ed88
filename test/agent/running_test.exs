# SPDX-License-Identifier: MIT

defmodule AgentTest.RunningTest do
  use AgentTest.Case, async: true

  import Bitwise

  test "{:signal, n} reaches the workload" do
    signals = [1, 2, 3, 10, 12, 15, 20, 28, 36, 63, 64]
    wire = running(%{argv: actor(["catch" | signals])})
    await_output(wire, "ready\n")

    for signum <- signals do
      send_term(wire, {:signal, signum})
      await_output(wire, "got #{signum}\n")
    end

    kill(wire)
  end

  test "{:signal, n} reaches the workload alone, not its children" do
    wire = running(%{argv: actor(["family"])})
    await_output(wire, "child ready\n")
    [child] = Host.children(wire.host_pid)
    send_term(wire, {:signal, 15})
    assert {:exited, 0, _} = await_agent_exit(wire)
    assert Host.alive?(child)
    Host.signal(child, 9)
    result = finish(wire, orphans: true)
    assert final(result) == {:status, :signaled, 15}
  end

  # Malformed frames, after which the session goes on.
  defp assert_ignored(frames) do
    wire = running(%{argv: actor(["catch", 10])})
    await_output(wire, "ready\n")
    for bytes <- frames, do: send_raw(wire, bytes)
    send_term(wire, {:signal, 10})
    await_output(wire, "got 10\n")
    send_term(wire, {:signal, 9})
    result = finish(wire)

    assert [{_, :spawned, _}, {_, :ready, _}, {_, :running}, {_, :signaled, 9}] = result.frames
    assert result.output == "ready\ngot 10\n"
  end

  test "commands that no table has are ignored" do
    [
      :foo,
      {:foo},
      {:foo, 1},
      {},
      [],
      "signal",
      9,
      {9, :signal},
      %{signal: 9},
      {:signal},
      :signal,
      self()
    ]
    |> Enum.map(&frame/1)
    |> assert_ignored()
  end

  test "signals that are none are ignored" do
    [
      0,
      -1,
      65,
      9.0,
      "9",
      :sigkill,
      nil,
      1 <<< 32,
      (1 <<< 32) + 9,
      1 <<< 64,
      (1 <<< 64) + 9,
      -9,
      [9]
    ]
    |> Enum.map(&frame({:signal, &1}))
    |> Kernel.++([frame({:signal, 9, 9, 9})])
    |> assert_ignored()
  end

  test "checkpoint commands that come too late are ignored" do
    [:proceed, :abort, {:cap_drop_bounding, 1}, {:cap_set_thread, 0, 0, 0}, {:cap_set_ambient, 0}]
    |> Kernel.++([{:seccomp_install, Bpf.deny_all(:kill)}])
    |> Enum.map(&frame/1)
    |> assert_ignored()
  end

  test "terminal commands without a terminal are ignored" do
    assert_ignored([frame({:pty_in, "x"}), frame({:pty_winsize, {1, 2, 3, 4}})])
  end

  test "bytes that are no term are ignored" do
    <<131, term::binary>> = whole = :erlang.term_to_binary({:signal, 9})

    assert_ignored(
      [packet(""), packet(<<131>>), packet(<<130, term::binary>>), packet(term)] ++
        [packet(whole <> <<0>>), packet(<<131, 104, 0xFF>>), packet(:binary.copy(<<255>>, 5000))] ++
        for(size <- 0..(byte_size(whole) - 1), do: packet(binary_part(whole, 0, size)))
    )
  end

  test "a frame too large is skipped whole, and what follows it is obeyed" do
    for size <- [2 * 1024 * 1024, 20 * 1024 * 1024] do
      nested = :binary.copy(frame({:signal, 9}), div(size, byte_size(frame({:signal, 9}))) + 1)
      assert_ignored([<<size::32>>, binary_part(nested, 0, size)])
    end
  end

  test "the wrong things for a terminal are ignored, and it goes on" do
    wire = running(%{argv: actor(["read-late", 23]), stdio: :pty})
    await_pty(wire, "ready")

    for value <- [1, :a, nil, 'list', ["io", "list"], <<1::3>>, {}, %{}] do
      send_term(wire, {:pty_in, value})
    end

    for value <- [
          1,
          {1, 2, 3},
          {1, 2, 3, 4, 5},
          {-1, 2, 3, 4},
          {65_536, 2, 3, 4},
          {:a, 1, 1, 1},
          [1, 2, 3, 4]
        ] do
      send_term(wire, {:pty_winsize, value})
    end

    send_term(wire, {:signal, 10})
    send_term(wire, {:pty_in, "abcdefghijklmnopqrstuvw"})
    result = finish(wire)
    assert result.pty =~ "read 23"
    assert final(result) == {:status, :exited, 0}
  end

  test "a signal that arrives when the workload has just ended harms no process" do
    for _ <- 1..20 do
      wire = running(%{argv: actor(["exit", 0])})
      send_term(wire, {:signal, 10})
      assert final(finish(wire)) in [{:status, :exited, 0}, {:status, :signaled, 10}]
    end
  end
end
