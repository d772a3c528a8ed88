# SPDX-License-Identifier: MIT

defmodule Linx.SupervisionTest do
  # Not async, because the tests look at the log.
  use Linx.SessionCase, async: false

  import ExUnit.CaptureLog

  alias Linx.Process, as: P

  defp supervise(children, opts \\ []) do
    Process.flag(:trap_exit, true)
    Supervisor.start_link(children, [strategy: :one_for_one, max_restarts: 0] ++ opts)
  end

  defp child(script, opts \\ []),
    do: {P, opts ++ [argv: ["/bin/sh", "-c", script], stdio: :devnull]}

  # Whether a supervisor that may restart nothing ends because it would have to start the child again.
  defp restarted?(script, restart) do
    {:ok, supervisor} = supervise([child(script, restart: restart)])

    case Supervisor.which_children(supervisor) do
      [{_id, session, _, _}] when is_pid(session) -> await_down(session)
      _gone -> :ok
    end

    # The supervisor has handled the end by then.
    Supervisor.which_children(supervisor)
    Supervisor.stop(supervisor)
    false
  catch
    :exit, {:shutdown, _call} -> true
    :exit, {:noproc, _call} -> true
    :exit, :shutdown -> true
  end

  describe "a program that exits" do
    @describetag :capture_log

    for {restart, script, again?} <- [
          {:permanent, "exit 0", true},
          {:permanent, "exit 3", true},
          {:transient, "exit 0", false},
          {:transient, "exit 3", true},
          {:transient, "exit 255", true},
          {:transient, "kill -9 $$", true},
          {:transient, "kill -15 $$", true},
          {:temporary, "exit 0", false},
          {:temporary, "exit 3", false},
          {:temporary, "kill -9 $$", false}
        ] do
      test "with #{inspect(script)} is #{if again?, do: "", else: "not "}started again when #{inspect(restart)}" do
        assert restarted?(unquote(script), unquote(restart)) == unquote(again?)
      end
    end

    test "ends its supervisor when it is significant" do
      for {script, restart, flag} <- [
            {"exit 0", :transient, :any_significant},
            {"exit 3", :temporary, :all_significant}
          ] do
        Process.flag(:trap_exit, true)
        {P, opts} = child(script, significant: true, restart: restart)
        flags = %{auto_shutdown: flag}
        {:ok, supervisor} = :supervisor.start_link(__MODULE__, {flags, [P.child_spec(opts)]})
        assert_receive {:EXIT, ^supervisor, :shutdown}, 30_000
      end
    end
  end

  # The callback of :supervisor.
  def init({flags, children}), do: {:ok, {flags, children}}

  describe "the log" do
    test "has one line of a program that fails, with its argv" do
      for {script, text} <- [
            {"exit 3", "exited with code 3"},
            {"kill -9 $$", "was ended by signal 9 (sigkill)"}
          ] do
        log = capture_log(fn -> restarted?(script, :temporary) end)

        assert [line] =
                 log
                 |> String.split("\n")
                 |> Enum.filter(&(&1 != ""))
                 |> Enum.reject(&(&1 =~ ~r/^.\[\dm$/))

        assert line =~ text
        assert line =~ ~s(["/bin/sh", "-c", "#{script}"])
      end
    end

    test "has one line of a program that cannot be run" do
      log =
        capture_log(fn ->
          {:ok, supervisor} =
            supervise([{P, argv: ["/no/such/program"], restart: :temporary, name: :linx_lost}])

          with [{_, session, _, _}] when is_pid(session) <- Supervisor.which_children(supervisor),
               do: await_down(session)

          Supervisor.stop(supervisor)
        end)

      assert length(Regex.scan(~r/error\]/, log)) == 1
      assert log =~ ~r{:linx_lost \["/no/such/program"\] failed: .*execve}s
    end

    test "has none of success, of an orderly end, and of the end of the process that started it" do
      log =
        capture_log(fn ->
          refute restarted?("exit 0", :transient)
          {:ok, supervisor} = supervise([child("sleep 600")])
          Supervisor.stop(supervisor)

          for reason <- [:kill, :crashed], link <- [true, false] do
            {starter, session} = stranger(fn -> elem(running(link: link), 0) end)

            Process.exit(starter, reason)
            await_down(session)
          end
        end)

      assert log == ""
    end

    # The reports of OTP are among the events, which Elixir's own handler does not show by default.
    @tag :capture_log
    test "has nothing of what a workload writes or reads, however its session ends" do
      :ok = :logger.add_handler(__MODULE__, __MODULE__, %{config: self()})
      on_exit(fn -> :logger.remove_handler(__MODULE__) end)
      secret = "s3cret-output"
      script = "trap '' TERM; while :; do echo #{secret}; done"

      for end_of <- [:kill, :crashed, :exception], active <- [true, false] do
        {starter, session} =
          stranger(fn ->
            session =
              session(
                argv: ["/bin/sh", "-c", script],
                stdio: :pipe,
                auto_proceed: true,
                active: active,
                stop: {:sigterm, 20}
              )

            if not active, do: spawn(fn -> read_on(session) end)
            for _ <- 1..5, do: spawn(fn -> P.write(session, :binary.copy(secret, 100_000)) end)
            session
          end)

        # A message that the session does not expect.
        if end_of == :exception,
          do: send(session, {:collect_timeout, :none}),
          else: Process.exit(starter, end_of)

        await_down(session)
      end

      :ok = :logger.remove_handler(__MODULE__)
      events = logged()
      assert Enum.any?(events, &(&1 =~ "collect_timeout"))
      for event <- events, do: refute(event =~ secret)
    end
  end

  # The callback of :logger.
  def log(event, %{config: test}),
    do: send(test, {:logged, inspect(event, limit: :infinity, printable_limit: :infinity)})

  defp logged do
    receive do
      {:logged, event} -> [event | logged()]
    after
      0 -> []
    end
  end

  defp read_on(session), do: with({:ok, _data} <- P.read(session, :stdout), do: read_on(session))

  describe "a pipe that has no reader" do
    @describetag :capture_log
    @flood "head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2;"

    test "does not block the program, and the session ends with it" do
      left = AgentTest.Programs.scratch("left")

      for {script, reason} <- [
            {@flood <> "exit 0", :normal},
            {@flood <> "exit 3", {:exited, 3}},
            {@flood <> "sleep 600 & echo $! >#{left}; exit 0", :normal}
          ] do
        {:ok, supervisor} = supervise([child(script, stdio: :pipe, restart: :temporary)])

        with [{_, session, _, _}] when is_pid(session) <- Supervisor.which_children(supervisor),
             do: assert(await_down(session) in [reason, :noproc])

        Supervisor.stop(supervisor)
      end

      {_, 0} = System.cmd("kill", [left |> File.read!() |> String.trim()])
    end

    test "keeps the newest output for a reader that comes late" do
      name = :"linx_late_#{System.unique_integer([:positive])}"
      done = AgentTest.Programs.scratch("done")
      on_exit(fn -> File.rm(done) end)
      script = "head -c 3000000 /dev/zero; echo last; touch #{done}; exec sleep 600"
      {:ok, supervisor} = supervise([child(script, stdio: :pipe, name: name)])
      await_file(done)
      read = read_until(name, "last\n", "")
      # What is kept, and what was on its way.
      assert byte_size(read) < 1_000_000
      Supervisor.stop(supervisor)
    end

    test "is drained again when its reader has ended" do
      name = :"linx_again_#{System.unique_integer([:positive])}"
      script = "echo ready; read -r _; #{@flood} exit 0"

      {:ok, supervisor} =
        supervise([child(script, stdio: :pipe, name: name, restart: :temporary)])

      session = Process.whereis(name)
      {reader, {:ok, "ready\n"}} = stranger(fn -> P.read(name, :stdout) end)
      :ok = P.write(name, "go\n")
      assert {:error, :timeout} = P.wait(name, 0)
      Process.exit(reader, :kill)
      assert await_down(session) in [:normal, :noproc]
      Supervisor.stop(supervisor)
    end

    test "that is read waits for its reader, to the end" do
      name = :"linx_read_#{System.unique_integer([:positive])}"
      script = "read -r _; head -c 1000000 /dev/zero"

      {:ok, supervisor} =
        supervise([child(script, stdio: :pipe, name: name, restart: :temporary)])

      session = Process.whereis(name)
      test = self()

      reader =
        Task.async(fn ->
          assert {:error, :timeout} = P.read(name, :stdout, 10, 0)
          send(test, :reading)
          read_all(session, :stdout)
        end)

      assert_receive :reading, 30_000
      :ok = P.write(name, "go\n")
      assert byte_size(Task.await(reader, 30_000)) == 1_000_000
      assert await_down(session) in [:normal, :noproc]
      Supervisor.stop(supervisor)
    end

    test "belongs to the owner where there is one, and blocks as always" do
      argv = ["/bin/sh", "-c", "head -c 1000000 /dev/zero; exit 0"]
      opts = [argv: argv, stdio: :pipe, owner: self(), restart: :temporary, auto_proceed: true]
      {:ok, supervisor} = supervise([{P, opts}])
      [{_, session, _, _}] = Supervisor.which_children(supervisor)
      assert byte_size(read_all(session, :stdout)) == 1_000_000
      await_down(session)
      Supervisor.stop(supervisor)
    end
  end

  defp await_file(path), do: File.exists?(path) || await_file(path)

  defp read_until(session, last, read) do
    if String.ends_with?(read, last) do
      read
    else
      {:ok, data} = P.read(session, :stdout)
      read_until(session, last, read <> data)
    end
  end
end
