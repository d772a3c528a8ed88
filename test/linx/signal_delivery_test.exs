# SPDX-License-Identifier: MIT

defmodule Linx.SignalDeliveryTest do
  use Linx.SessionCase, async: true

  test "a signal reaches the workload, by number and by name" do
    for {given, number} <- [
          {15, 15},
          {:sigterm, 15},
          {:sigint, 2},
          {:sigrtmax, 64},
          {34, 34},
          {:sigkill, 9}
        ] do
      {session, _host_pid} = running()
      assert :ok = Linx.Process.signal(session, given)
      assert {:ok, {:signaled, ^number}} = Linx.Process.wait(session)
    end
  end

  test "a workload that handles signals gets each of them, in order" do
    {session, _host_pid} = running(argv: actor(["catch", 10, 12, 40]), stdio: :pty)
    await_output(session, "ready")

    for {signal, number} <- [sigusr1: 10, sigusr2: 12, "sigrtmin+6": 40] do
      assert :ok = Linx.Process.signal(session, signal)
      await_output(session, "got #{number}\r\n")
    end
  end

  test "a signal to a parked child waits for the workload" do
    {session, host_pid} = parked()
    assert :ok = Linx.Process.signal(session, :sigkill)
    # The session replies to this after it has taken the signal, and the child is still parked.
    assert :ok = Linx.Capabilities.set_ambient(session, [])
    assert Host.alive?(host_pid)
    :ok = Linx.Process.proceed(session)
    assert {:ok, {:signaled, 9}} = Linx.Process.wait(session)
    assert [:running, {:signaled, 9}] = events_so_far(session)
  end

  test "a signal reaches a workload that floods its terminal" do
    {session, _host_pid} = running(argv: actor(["flood", 1]), stdio: :pty)
    await_output(session, "ready")
    assert :ok = Linx.Process.signal(session, :sigterm)
    assert {:ok, {:signaled, 15}} = Linx.Process.wait(session)
    assert {:signaled, 15} = List.last(events_so_far(session))
  end

  test "what is no signal is refused by its value, at every stage" do
    {session, _host_pid} = parked()

    refused = fn ->
      for value <- [
            0,
            65,
            -1,
            1.0,
            nil,
            :sigfoo,
            :SIGTERM,
            "15",
            'sigterm',
            {15},
            [15],
            1_000_000_000_000_000_000_000
          ],
          do: assert({:error, {:bad_signal, ^value}} = Linx.Process.signal(session, value))
    end

    refused.()
    :ok = Linx.Process.proceed(session)
    :running = next_event(session)
    refused.()
    :ok = Linx.Process.signal(session, 9)
    {:ok, {:signaled, 9}} = Linx.Process.wait(session)
    refused.()
  end
end
