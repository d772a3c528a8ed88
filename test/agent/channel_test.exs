# SPDX-License-Identifier: MIT

defmodule AgentTest.ChannelTest do
  use AgentTest.Case, async: true

  @mib 1024 * 1024

  defp byte_by_byte(wire, frame), do: for(<<byte <- frame>>, do: send_raw(wire, <<byte>>))

  describe "frames in pieces" do
    test "a whole session sent byte by byte" do
      wire = start()
      byte_by_byte(wire, frame({:spawn, %{argv: actor(["catch", 10])}}))
      assert_frame(wire, {:status, :spawned, _})
      assert_frame(wire, {:status, :ready, _})
      byte_by_byte(wire, frame({:cap_set_ambient, 0}))
      byte_by_byte(wire, frame(:proceed))
      assert_frame(wire, {:status, :running})
      await_output(wire, "ready\n")
      byte_by_byte(wire, frame({:signal, 10}))
      await_output(wire, "got 10\n")
      byte_by_byte(wire, frame({:signal, 9}))
      assert final(finish(wire)) == {:status, :signaled, 9}
    end

    test "several in one write, and the last one cut in two" do
      wire = start()
      request = frame({:spawn, %{argv: actor(["catch", 10, 12])}})
      signals = frame({:signal, 10}) <> frame({:signal, 12})
      <<first::binary-size(7), rest::binary>> = signals
      send_raw(wire, request <> frame(:proceed))
      for _ <- 1..3, do: next_frame(wire)
      await_output(wire, "ready\n")
      send_raw(wire, first)
      send_raw(wire, rest)
      await_output(wire, "got 10\n")
      await_output(wire, "got 12\n")
      kill(wire)
    end

    test "a half-sent frame does not stop the supervision of a parked child" do
      for half <- [<<0>>, <<0, 0, 0>>, <<0, 0, 0, 9>>, <<0, 0, 0, 9, 131, 100>>] do
        wire = parked(%{argv: actor(["exit", 0])})
        send_raw(wire, half)
        Host.signal(wire.host_pid, 9)
        assert final(finish(wire)) == {:status, :signaled, 9}
      end
    end

    test "a half-sent frame does not stop the supervision of a workload, nor its output" do
      for half <- [<<0>>, <<0, 0, 0, 9>>, <<0, 0, 0, 9, 131, 100>>] do
        wire = running(%{argv: actor(["write-late", 1, 100_000]), stdio: :pty})
        await_pty(wire, "ready\r\n")
        send_raw(wire, half)
        Host.signal(wire.host_pid, 10)
        result = finish(wire)
        assert byte_size(result.pty) == 100_000 + byte_size("ready\r\n")
        assert final(result) == {:status, :exited, 0}
      end
    end

    test "a half-sent frame uses no processor" do
      wire = running(%{argv: actor(["nap", 400])})
      send_raw(wire, <<0, 0, 0, 9, 131>>)
      assert_idle(finish(wire))
    end
  end

  describe "a client that does not read fd 4" do
    # The agent's output is not read; the end of the beacon's connection shows that the workload is dead before
    # any frame has been read.
    defp stuck(request, opts \\ []) do
      {listener, argv} = Beacon.actor(["flood", 1])
      request = Map.merge(%{argv: argv, proceed: true}, request)
      wire = requested(request, [frames: :socket] ++ opts)
      beacon = Beacon.await_lit(listener)
      # Milliseconds for the flood to fill every buffer, of which there is no event.
      assert {:error, :timeout} = :gen_tcp.recv(beacon, 0, 200)
      {wire, beacon}
    end

    for {what, stdio} <- [{"terminal", :pty}, {"pipe", [stdout: :pipe]}] do
      test "does not keep a signal from a workload that floods its #{what}" do
        {wire, beacon} = stuck(%{stdio: unquote(stdio)})
        send_term(wire, {:signal, 15})
        Beacon.await_dark(beacon)
        read_frames(wire)
        assert final(finish(wire, drained: true)) == {:status, :signaled, 15}
      end
    end

    test "gets every byte once it reads" do
      {listener, argv} = Beacon.actor(["write", 1, 2 * @mib])
      wire = requested(%{argv: argv, stdio: :pty, proceed: true}, frames: :socket)
      Beacon.await_lit(listener)
      read_frames(wire)
      result = finish(wire)
      assert byte_size(result.pty) == 2 * @mib
      assert result.pty == @mib |> Kernel.*(2) |> pattern()
      assert final(result) == {:status, :exited, 0}
    end

    @tag :sanitizer_unfit
    test "does not make the agent hold more than a bounded amount" do
      {listener, argv} = Beacon.actor(["write", 1, 32 * @mib])
      wire = requested(%{argv: argv, stdio: :pty, proceed: true}, frames: :socket)
      beacon = Beacon.await_lit(listener)
      # An agent that read without a limit would see the workload's end now.
      assert {:error, :timeout} = :gen_tcp.recv(beacon, 0, 300)
      read_frames(wire)
      result = finish(wire)
      assert byte_size(result.pty) == 32 * @mib
      assert result.maxrss_kb < 8_000
    end

    test "does not keep the agent from an orphan's end" do
      request = %{stdio: :pty, orphan_policy: {:kill, 60_000}}
      {wire, beacon} = stuck(request, commands: :socket)
      close_commands(wire)
      Beacon.await_dark(beacon)
      close_frames(wire)
      assert %{orphans: []} = await_gone(wire)
    end
  end

  # The agent learns from a write that fd 4 is closed; no later event has to wake it.
  test "a client that closes fd 4 and keeps fd 3 ends the session" do
    for _ <- 1..150 do
      {listener, argv} = Beacon.actor(["flood", 1])
      request = %{argv: argv, stdio: :pty, proceed: true, flow: :demand}
      wire = requested(request, frames: :socket)
      beacon = Beacon.await_lit(listener)
      send_term(wire, {:demand, :pty, 1000})
      close_frames(wire)
      Beacon.await_dark(beacon)
      assert %{orphans: []} = await_gone(wire)
    end
  end

  describe "a channel that is broken from the start" do
    test "ends the agent with exit code 1" do
      for driver <- [["--close", 3], ["--close", 4, "--close", 3], ["--read", 3, "/dev/null"]] do
        driver = driver ++ ["--write", 2, "/dev/null"]
        wire = start(driver: driver, stdout: false)
        assert %{frames: [], agent: {:exited, 1, _}} = await_gone(wire)
      end
    end

    test "at fd 4 alone ends the session too, and leaves no process" do
      driver = ["--close", 4, "--write", 2, "/dev/null"]
      wire = start(driver: driver, commands: :socket)
      send_term(wire, {:spawn, %{argv: actor(["exit", 0])}})
      close_commands(wire)
      assert %{agent: {:exited, 1, _}, orphans: []} = await_gone(wire)
    end

    test "with endless zeros on fd 3 is a malformed request" do
      wire = start(driver: ["--read", 3, "/dev/zero"], stdout: false)
      assert finish(wire, exit: 2).frames == [{:error, errno(:einval), :malformed_request}]
    end
  end

  describe "a channel that closes midway" do
    test "by half costs no processor while the workload lives on" do
      for how <- [:fifo, :socket] do
        request = %{argv: actor(["nap", 400]), orphan_policy: :linger}
        wire = running(request, commands: how)
        await_output(wire, "ready\n")
        close_commands(wire)
        assert_idle(await_gone(wire))
      end
    end

    test "by half costs no processor during the grace of an orphan" do
      request = %{argv: actor(["ignore", 15]), orphan_policy: {:kill, 400}}
      wire = running(request, commands: :fifo)
      await_output(wire, "ready\n")
      close_commands(wire)
      assert_idle(await_gone(wire))
    end

    test "costs no processor with a terminal that no process holds" do
      wire = running(%{argv: ["/bin/sh", "-c", "exec <&- >&- 2>&-; sleep 0.4"], stdio: :pty})
      assert_idle(finish(wire))
    end

    test "at fd 4 ends in exit code 1 at the latest when there is something to report" do
      wire = parked(%{argv: actor(["pause"])}, commands: :socket)
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      kill(wire)

      wire =
        requested(%{argv: actor(["pause"]), proceed: true}, commands: :socket, frames: :socket)

      await_output(wire, "ready\n")
      close_frames(wire)
      send_term(wire, {:signal, 15})
      assert %{agent: {:exited, 1, _}, orphans: []} = await_gone(wire)
    end
  end

  # Microseconds of processor time of the whole agent (getrusage(2)); an event loop that polls without a pause
  # uses the 400 ms that the session lasts.
  defp assert_idle(%{agent: {_, _, cpu_us}}), do: assert(cpu_us < 150_000)
end
