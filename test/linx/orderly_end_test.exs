# SPDX-License-Identifier: MIT

defmodule Linx.OrderlyEndTest do
  use Linx.SessionCase, async: true

  alias Linx.Process, as: P

  # Milliseconds that no program of these tests needs: an end within it is not its grace.
  @long 600_000

  # Writes "ready", and a farewell at the signal, to a file that outlives the session.
  defp farewell(signal \\ "TERM") do
    path = AgentTest.Programs.scratch("farewell")
    on_exit(fn -> File.rm(path) end)

    script =
      "trap 'echo bye >> #{path}; exit 7' #{signal}; echo ready >> #{path}; while :; do sleep 0.01; done"

    {path, ["/bin/sh", "-c", script]}
  end

  defp await_line(path, line) do
    case File.read(path) do
      {:ok, text} -> if text =~ line, do: text, else: await_line(path, line)
      {:error, :enoent} -> await_line(path, line)
    end
  end

  defp supervise(opts) do
    {:ok, supervisor} =
      Supervisor.start_link([{P, opts ++ [stdio: :devnull]}], strategy: :one_for_one)

    supervisor
  end

  describe "a workload that handles the signal ends in its own way when" do
    test "its supervisor shuts down" do
      {path, argv} = farewell()
      supervisor = supervise(argv: argv, stop: {:sigterm, @long})
      await_line(path, "ready")
      :ok = Supervisor.stop(supervisor)
      assert File.read!(path) == "ready\nbye\n"
    end

    test "its session is stopped, or sent an exit signal" do
      for stop <- [&GenServer.stop/1, &Process.exit(&1, :shutdown), &Process.exit(&1, :failed)] do
        {path, argv} = farewell()
        {session, _pid} = running(argv: argv, link: false, stop: {:sigterm, @long})
        await_line(path, "ready")
        stop.(session)
        await_down(session)
        assert next_event(session) == {:exited, 7}
        assert File.read!(path) == "ready\nbye\n"
      end
    end

    test "the process that started it ends, however that ends" do
      for reason <- [:normal, :kill, :crashed], link <- [true, false] do
        {path, argv} = farewell()
        test = self()

        {starter, session} =
          stranger(fn ->
            {session, _} = running(argv: argv, link: link, stop: {:sigterm, @long})
            send(test, {:session, session})
            session
          end)

        await_line(path, "ready")

        if reason == :normal,
          do: Process.exit(starter, :shutdown),
          else: Process.exit(starter, reason)

        await_down(session)
        assert File.read!(path) == "ready\nbye\n"
      end
    end

    test "a call is shut down with its task, its caller is killed, or its stream is left" do
      {path, argv} = farewell()
      task = Task.async(fn -> Linx.run(argv, kill_after: @long) end)
      await_line(path, "ready")
      Task.shutdown(task)
      assert await_line(path, "bye") == "ready\nbye\n"

      {path, [program | args]} = farewell()
      caller = spawn(fn -> Linx.cmd(program, args, kill_after: @long) end)
      await_line(path, "ready")
      Process.exit(caller, :kill)
      assert await_line(path, "bye") == "ready\nbye\n"

      {path, argv} = farewell()
      caller = spawn(fn -> argv |> Linx.stream!(kill_after: @long) |> Stream.run() end)
      await_line(path, "ready")
      Process.exit(caller, :kill)
      assert await_line(path, "bye") == "ready\nbye\n"
    end

    test "the input of a call raises, which the call raises too" do
      for call <- [&Linx.cmd("/bin/sh", &1, &2), &Linx.run(["/bin/sh" | &1], &2)] do
        {path, ["/bin/sh", "-c", script]} = farewell()
        args = ["-c", String.replace(script, "exit 7", "exit 0")]

        input =
          Stream.map([1], fn _ ->
            await_line(path, "ready")
            raise "no input"
          end)

        assert_raise RuntimeError, "no input", fn ->
          call.(args, input: input, kill_after: @long)
        end

        assert File.read!(path) == "ready\nbye\n"
      end
    end

    test "a call ends by its time limit, with the signal of its option" do
      {path, [program | args]} = farewell("INT")
      # The caller leaves as soon as the program is ready, and so has no other way to end it.
      checkpoint = fn _session, _pid -> :ok end
      opts = [stop: {:sigint, @long}, checkpoint: checkpoint, timeout: 2_000]
      assert {_, :timeout} = Linx.cmd(program, args, opts)
      assert File.read!(path) == "ready\nbye\n"
    end
  end

  describe "the signal" do
    test "is that of the option, by name or number" do
      for {signal, name} <- [{:sigint, "INT"}, {"USR1", "USR1"}, {3, "QUIT"}, {:sigrtmin, "34"}] do
        {path, argv} = farewell(name)
        {session, _pid} = running(argv: argv, stop: {signal, @long})
        await_line(path, "ready")
        if signal == 3, do: P.stop(session), else: GenServer.stop(session)
        assert next_event(session) == {:exited, 7}
        assert File.read!(path) == "ready\nbye\n"
      end
    end

    test "reaches a workload that is stopped" do
      {path, argv} = farewell()
      {session, pid} = running(argv: argv, stop: {:sigterm, @long})
      await_line(path, "ready")
      Host.signal(pid, :STOP)
      :ok = GenServer.stop(session)
      assert next_event(session) == {:exited, 7}
    end

    test "comes with SIGHUP where there is a terminal" do
      script = "trap '' TERM; trap 'exit 7' HUP; echo ready; while :; do sleep 0.01; done"
      opts = [argv: ["/bin/sh", "-c", script], stdio: :pty, stop: {:sigterm, @long}]
      {session, _pid} = running(opts)
      await_output(session, "ready")
      :ok = GenServer.stop(session)
      assert {:exited, 7} in events_so_far(session)
    end

    test "is sent once the workload runs, when the session is stopped before that" do
      session = session(argv: actor(["pause"]), auto_proceed: true, stop: {:sigusr1, @long})
      :ok = GenServer.stop(session)
      assert List.last(events_so_far(session)) == {:signaled, 10}
    end
  end

  describe "a workload that ignores the signal" do
    test "is killed after the grace, with its tree and its group" do
      {listener, argv} = Beacon.actor(["family", 15])
      {session, pid} = running(argv: argv, stop: {:sigterm, 20}, stdio: [stdout: :pipe])
      beacon = Beacon.await_lit(listener)
      # It writes once it ignores the signal.
      assert {:ok, _line} = P.read(session, :stdout)
      :ok = GenServer.stop(session)
      assert next_event(session) == {:signaled, 9}
      assert Host.stat(pid) == nil
      Beacon.await_dark(beacon)
    end

    test "has its grace" do
      opts = [owner: self(), events: :tagged, stdio: :pipe, stop: {:sigterm, 700}]
      supervisor = supervise([argv: actor(["ignore", 15])] ++ opts)
      assert_receive {:linx_process, session, {:ready, _pid}}, 30_000
      :ok = P.proceed(session)
      assert :running = next_event(session)
      assert {:ok, "ready\n"} = P.read(session, :stdout)
      started = System.monotonic_time(:millisecond)
      :ok = Supervisor.stop(supervisor)
      assert System.monotonic_time(:millisecond) - started >= 700
      assert next_event(session) == {:signaled, 9}
    end

    test "has none when the grace is 0" do
      {path, argv} = farewell()
      {session, _pid} = running(argv: argv, stop: {:sigterm, 0})
      await_line(path, "ready")
      :ok = GenServer.stop(session)
      assert next_event(session) == {:signaled, 9}
      assert File.read!(path) == "ready\n"
    end
  end

  describe "PID 1 of a pid namespace" do
    @describetag :userns

    defp init(argv) do
      {session, pid} = parked(argv: argv, namespaces: [:user, :pid], stop: {:sigterm, @long})
      :ok = become_root(pid)
      :ok = P.proceed(session)
      :running = next_event(session)
      {session, pid}
    end

    test "that does not handle the signal is killed without the grace" do
      {session, _pid} = init(actor(["pause"]))
      :ok = GenServer.stop(session)
      assert next_event(session) == {:signaled, 9}
    end

    test "that handles it ends in its own way" do
      {path, argv} = farewell()
      {session, _pid} = init(argv)
      await_line(path, "ready")
      :ok = GenServer.stop(session)
      assert next_event(session) == {:exited, 7}
      assert File.read!(path) == "ready\nbye\n"
    end

    test "that has children waits for theirs, which the signal reaches" do
      {path, ["/bin/sh", "-c", script]} = farewell()
      {session, _pid} = init(["/bin/sh", "-c", "(" <> script <> "); exit 9"])
      await_line(path, "ready")
      assert P.stop(session) == {:ok, {:exited, 9}}
      assert File.read!(path) == "ready\nbye\n"
    end
  end

  describe "while a session ends" do
    test "what the workload writes can be read, and calls get replies" do
      script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.01; done"

      {session, _pid} =
        running(argv: ["/bin/sh", "-c", script], stdio: :pipe, stop: {:sigterm, @long})

      assert {:ok, "ready\n"} = P.read(session, :stdout)
      reader = Task.async(fn -> P.read(session, :stdout) end)
      await_waiters(session, 1)
      spawn(fn -> GenServer.stop(session) end)
      assert Task.await(reader, 30_000) == {:ok, "bye\n"}
      await_down(session)
    end
  end

  test "values that do not fit are refused before anything is started" do
    for stop <- [
          {:sigterm, :infinity},
          {:sigfoo, 1},
          {0, 1},
          {15, -1},
          {15, 0x1_0000_0000},
          {15, 1.0},
          :sigterm,
          5_000,
          nil
        ] do
      assert {:error, {:bad_stop, ^stop}} = P.spawn(argv: ["/bin/true"], stop: stop)
      assert {:error, {:bad_stop, ^stop}} = Linx.run("true", stop: stop)
    end

    assert P.format_error({:bad_stop, 1}) =~ "{signal, grace_ms}"
  end
end
