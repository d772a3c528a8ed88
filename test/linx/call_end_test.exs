# SPDX-License-Identifier: MIT

defmodule Linx.CallEndTest do
  use Linx.CallCase, async: true

  # Each call with a program that writes and one that waits, with and without input.
  defp calls(argv) do
    [program | args] = argv
    input = Stream.cycle([String.duplicate("x", 10_000)])

    [
      fn -> Linx.cmd(program, args) end,
      fn -> Linx.cmd(program, args, input: input) end,
      fn -> Linx.run(argv, max_output: :infinity) end,
      fn -> Linx.run(argv, input: input) end,
      fn -> Linx.run(argv, into: [], input: &Enum.into(input, &1)) end,
      fn -> Linx.stream(argv) |> Stream.run() end,
      fn -> Linx.stream!(argv) |> Stream.run() end,
      fn -> Linx.stream!(argv, input: input, lines: true) |> Stream.run() end
    ]
  end

  @calls 8

  for reason <- [:kill, :shutdown, :other], trap? <- [false, true], n <- 0..(@calls - 1) do
    if reason == :kill or not trap? do
      test "a caller that is ended by #{reason} in call #{n} leaves nothing, trapping exits: #{trap?}" do
        {listener, argv} = Beacon.actor(["ignore", 15])
        call = Enum.at(calls(argv), unquote(n))

        caller =
          caller(fn ->
            Process.flag(:trap_exit, unquote(trap?))
            call.()
          end)

        socket = Beacon.await_lit(listener)
        Process.exit(elem(caller, 0), unquote(reason))
        await_down(caller)
        Beacon.await_dark(socket)
      end
    end
  end

  test "a caller that dies leaves no descendant, daemons included" do
    {listener, argv} = Beacon.actor(["daemon", "keep"])
    script = ~s("$@"; exec sleep 600)
    caller = caller(fn -> Linx.run(["/bin/sh", "-c", script, "sh" | argv]) end)
    socket = Beacon.await_lit(listener)
    Process.exit(elem(caller, 0), :kill)
    await_down(caller)
    Beacon.await_dark(socket)
  end

  test "a task that is shut down for taking too long leaves nothing" do
    {listener, argv} = Beacon.actor(["pause"])
    task = Task.async(fn -> Linx.run(argv) end)
    socket = Beacon.await_lit(listener)
    assert Task.yield(task, 0) == nil
    assert Task.shutdown(task) == nil
    Beacon.await_dark(socket)
  end

  test "a caller that dies at its checkpoint leaves nothing" do
    test = self()

    caller =
      caller(fn ->
        Linx.run("true",
          checkpoint: fn _session, host_pid ->
            send(test, {:parked, host_pid})
            receive do: (:never -> :ok)
          end
        )
      end)

    assert_receive {:parked, host_pid}, 30_000
    {:ok, stat} = File.read("/proc/#{host_pid}/comm")
    assert stat != ""
    Process.exit(elem(caller, 0), :kill)
    await_down(caller)

    {_, 0} =
      Linx.cmd("timeout", ["30", "tail", "--pid=#{host_pid}", "-s", "0.01", "-f", "/dev/null"])

    refute Host.alive?(host_pid)
  end

  for trap? <- [false, true] do
    test "a call leaves no message, link or monitor however it ends, trapping exits: #{trap?}" do
      Process.flag(:trap_exit, unquote(trap?))
      before = ties()

      for call <- [
            fn -> Linx.cmd("echo", ["x"]) end,
            fn -> Linx.cmd("cat", [], input: Stream.cycle(["x"]), timeout: 300) end,
            fn -> Linx.cmd("cat", [], input: Stream.map([1], fn _ -> raise "x" end)) end,
            fn -> Linx.cmd("no-such-program") end,
            fn -> Linx.cmd("true", [], cd: "/no/such/directory", input: "x") end,
            fn -> Linx.cmd("true", [], checkpoint: fn _, _ -> :ok end) end,
            fn -> Linx.cmd("true", [], checkpoint: fn _, _ -> {:error, :no} end) end,
            fn -> Linx.cmd("sleep", ["600"], timeout: 0, checkpoint: fn _, _ -> :ok end) end,
            fn -> Linx.run("yes", max_output: 10) end,
            fn -> Linx.run(["sleep", "600"], timeout: 0) end,
            fn -> Linx.run(["sleep", "600"], timeout: 100, input: Stream.cycle(["x"])) end,
            fn -> Linx.run("head", input: Stream.cycle(["x\n"])) end,
            fn -> Linx.run("yes", into: [], max_output: 10) end,
            fn -> Linx.run("yes", into: fn _ -> raise "x" end) end,
            fn -> Linx.run("cat", input: fn sink -> Enum.into(["x"], sink) end) end,
            fn ->
              Linx.run(["sleep", "600"], timeout: 100, input: &Enum.into(Stream.cycle(["x"]), &1))
            end,
            fn -> Linx.stream("yes") |> Enum.take(1) end,
            fn -> Linx.stream("no-such-program") |> Enum.to_list() end,
            fn -> Linx.stream(["sleep", "600"], timeout: 100) |> Enum.to_list() end,
            fn -> Linx.stream!("yes") |> Enum.take(1) end,
            fn -> Linx.stream!("false") |> Enum.take(1) end,
            fn -> Linx.stream!("cat", input: Linx.stream!("yes")) |> Enum.take(1) end
          ] do
        try do
          call.()
        rescue
          _error -> :ok
        end

        assert ties() == before
      end
    end
  end

  test "a call leaves no process of the BEAM, not even its feeder" do
    never = Stream.resource(fn -> :ok end, fn _ -> receive(do: (:never -> :ok)) end, & &1)
    test = self()

    input =
      Stream.map([1], fn _ ->
        send(test, {:feeder, self()})
        "x"
      end)

    session = fn session, _host_pid -> send(test, {:session, session}) && :ok end

    assert {"x", 0} =
             Linx.cmd("head", ["-c", "1"], input: Stream.concat(input, never), checkpoint: session)

    assert_received {:feeder, feeder}
    assert_received {:session, session}
    refute Process.alive?(feeder)
    refute Process.alive?(session)
  end

  @tag :capture_log
  test "a session that is killed under a call is an error, and the program goes" do
    {listener, argv} = Beacon.actor(["pause"])
    name = :"linx_call_#{System.unique_integer([:positive])}"
    before = ties()
    task = Task.async(fn -> Linx.run(argv, name: name, kill_after: 0) end)
    socket = Beacon.await_lit(listener)
    Process.exit(Process.whereis(name), :kill)
    assert {:error, :no_process} = Task.await(task, 30_000)
    Beacon.await_dark(socket)
    assert ties()[:messages] == before[:messages]
  end
end
