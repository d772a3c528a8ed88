# SPDX-License-Identifier: MIT

defmodule Linx.DaemonTest do
  use Linx.SessionCase, async: true

  alias Linx.Daemon
  alias Linx.Test.LogEvents

  doctest Daemon

  @moduletag :capture_log
  @patience 30_000

  # A daemon that a process of the test's supervisor owns, and whose log the test receives.
  defp child(opts) do
    opts = Keyword.put_new(opts, :log_metadata, LogEvents.listen())
    supervisor = start_supervised!({DynamicSupervisor, max_restarts: 0}, id: make_ref())
    {supervisor, DynamicSupervisor.start_child(supervisor, {Daemon, opts})}
  end

  defp daemon(opts) do
    {_supervisor, {:ok, daemon}} = child([restart: :temporary] ++ opts)
    daemon
  end

  defp supervisor do
    opts = [strategy: :one_for_one, max_restarts: 5]
    spec = %{id: make_ref(), type: :supervisor, start: {Supervisor, :start_link, [[], opts]}}
    start_supervised!(spec)
  end

  defp sh(script), do: ["sh", "-c", script]

  defp line do
    receive do
      {:logged, _level, text, _metadata} -> text
    after
      @patience -> flunk("nothing was logged")
    end
  end

  defp lines_left do
    receive do
      {:logged, _level, text, _metadata} -> [text | lines_left()]
    after
      0 -> []
    end
  end

  # As the caller that a supervisor is: it traps exits, and stops the daemon at once.
  defp trap, do: Process.flag(:trap_exit, true)

  # Waits until a process waits in a full pipe.
  defp await_blocked(pid) do
    if not (File.read!("/proc/#{pid}/wchan") =~ "pipe_write"), do: await_blocked(pid)
  end

  describe "child_spec" do
    test "has the id, the restart and the time to stop of a daemon" do
      spec = Daemon.child_spec(argv: ["true"])
      assert spec.id == Daemon
      assert spec.shutdown == 15_000
      assert spec.type == :worker
      refute Map.has_key?(spec, :restart)
      assert {Daemon, :start_link, [[argv: ["true"]] | _]} = spec.start

      spec = Daemon.child_spec(argv: ["true"], name: {:global, :x}, stop: {:int, 70})
      assert {spec.id, spec.shutdown} == {{:global, :x}, 10_070}

      opts = [id: 1, restart: :transient, shutdown: 7, significant: true]
      spec = Daemon.child_spec([argv: ["true"], stop: {:int, 70}] ++ opts)
      assert spec |> Map.take(Keyword.keys(opts)) |> Enum.sort() == Enum.sort(opts)
      assert {_, _, [[argv: ["true"], stop: {:int, 70}] | _]} = spec.start
    end

    test "of bad options is one whose start fails" do
      for bad <- [[stop: 7], [argv: [], stop: {:nope, 1}], [1, 2], [{:stop, 1} | [:x]]] do
        spec = Daemon.child_spec(bad)
        {module, function, arguments} = spec.start
        assert {:error, _} = apply(module, function, arguments)
      end
    end
  end

  describe "options" do
    test "that are bad are errors before anything is started" do
      mark = AgentTest.Programs.scratch("mark")
      argv = ["/usr/bin/touch", mark]

      for {name, values} <- [
            argv: [[], "ls", ["a\0"], nil],
            name: ["x", nil, {:via, NoSuchModule, 1}],
            env: [7, ["A"], [{"A=B", "1"}], [{"A", "1"}, "B=2"]],
            log: [true, nil, :loud, fn -> 1 end, fn _, _, _ -> 1 end],
            log_prefix: [nil, :x, <<255>>, 'x'],
            log_metadata: [nil, [1], %{"a" => 1}],
            stderr: [true, nil, :stdout, :loud],
            max_line: [0, 3, -1, nil, 1.5, 16 * 1024 * 1024 + 1],
            stop: [7, {:sigterm, -1}, {:nope, 5}, {15, :infinity}, {0, 1}, nil],
            checkpoint: [1, fn _ -> :ok end],
            wait_for: [true, ~r/x/, {:output, "x"}, fn -> true end, {:stderr, ~r/x/}],
            wait_timeout: [-1, nil, 1.5],
            exit: [nil, 1, fn -> 1 end],
            stdio: [:pipe, :other, [stdin: :pipe], [stdout: :no], [out: :pipe], 7],
            cwd: [7],
            namespaces: [[:moon], :user],
            descendants: [:spare],
            pool: ["x"]
          ],
          value <- values do
        error = {:"bad_#{name}", value}
        opts = Keyword.put([argv: argv], name, value)
        assert {name, Daemon.start_link(opts)} == {name, {:error, error}}
        assert Daemon.format_error(error) =~ "bad option :#{name}: "
      end

      for opts <- [[], [log: false], [name: :x]],
          do: assert(Daemon.start_link(opts) == {:error, :argv_required})

      for bad <- [7, [1], :x], do: assert({:error, {:bad_options, ^bad}} = Daemon.start_link(bad))
      refute File.exists?(mark)
    end

    test "are each in the documentation" do
      {:docs_v1, _, _, _, %{"en" => text}, _, _} = Code.fetch_docs(Daemon)

      for {name, _takers, _check, _expected} <- Daemon.Options.table(),
          do: assert(text =~ "* `#{inspect(name)}` - ", "no doc of #{name}")
    end

    test "that the daemon decides itself, or that do not exist, are refused" do
      for option <- [
            owner: self(),
            events: :none,
            linger: true,
            link: false,
            auto_proceed: true,
            usage: false,
            active: true,
            stream_to: self(),
            files: ["/bin/ls"],
            restart: :permanent,
            nonsense: 1
          ] do
        assert {:error, {:bad_option, ^option} = error} =
                 Daemon.start_link([{:argv, ["true"]}, option])

        assert Daemon.format_error(error) =~ inspect(elem(option, 0))
      end
    end

    test "that cannot go together are refused" do
      for opts <- [
            [stderr: :merge, stdio: [stderr: :inherit]],
            [stderr: :warning, stdio: :pty],
            [stderr: :log, stdio: :devnull]
          ] do
        assert {:error, {:bad_stderr, _}} = Daemon.start_link([argv: ["true"]] ++ opts)
      end

      wait = {:output, ~r/x/}

      for opts <- [[stdio: :devnull], [stdio: [stdout: :inherit, stderr: :devnull]]],
          do:
            assert(
              {:error, {:bad_wait_for, ^wait}} =
                Daemon.start_link([argv: ["true"], wait_for: wait] ++ opts)
            )
    end

    test "of a session are the program's" do
      script = "pwd; hostname; echo $0 $GREETING $HOME"

      daemon(
        argv: sh("hostname elsewhere; " <> script),
        log_prefix: "",
        cwd: "/usr",
        namespaces: if(Host.root?(), do: [:uts], else: [:user, :uts]),
        checkpoint: fn _session, pid ->
          if Host.root?(), do: :ok, else: become_root(pid)
        end,
        arg0: "zero",
        env: ["PATH=/usr/bin:/bin", "GREETING=hello"]
      )

      assert {line(), line(), line()} == {"/usr", "elsewhere", "zero hello"}
    end

    @tag :root
    test "of a session have the program run as another user" do
      daemon(argv: sh("id -u; umask"), user: "nobody", umask: 0o077, log_prefix: "")
      {uid, 0} = System.cmd("id", ["-u", "nobody"])
      assert {line() <> "\n", line()} == {uid, "0077"}
    end

    test ":env also takes changes" do
      System.put_env("LINX_DAEMON_TEST", "there")
      on_exit(fn -> System.delete_env("LINX_DAEMON_TEST") end)
      argv = sh("echo $LINX_DAEMON_TEST-$A-$PATH")
      daemon(argv: argv, log_prefix: "", env: %{"A" => "1", "LINX_DAEMON_TEST" => nil})
      assert line() == "-1-" <> System.get_env("PATH")
    end
  end

  describe "the log" do
    test "has each line, at its level, with its prefix and metadata" do
      metadata = [tag: 17] ++ LogEvents.listen()

      daemon(
        argv: sh("printf 'one\\n\\ntwo\\r\\nthree'; echo err >&2"),
        log: :notice,
        stderr: :warning,
        log_metadata: metadata
      )

      for text <- ["one", "", "two", "three"] do
        text = "sh: " <> text
        assert_receive {:logged, :notice, ^text, %{tag: 17, stream: :stdout}}, @patience
      end

      assert_receive {:logged, :warning, "sh: err", %{tag: 17, stream: :stderr} = metadata},
                     @patience

      assert metadata.domain == [:elixir]
    end

    test "has stderr with stdout in their order when they are merged" do
      daemon(argv: sh("echo 1; echo 2 >&2; echo 3"), stderr: :merge, log_prefix: "")
      assert {line(), line(), line()} == {"1", "2", "3"}
    end

    test "false is /dev/null for what is not to be logged" do
      script =
        "a=$(readlink /proc/$$/fd/1); b=$(readlink /proc/$$/fd/2); echo $a >&2; echo $b >&2"

      argv = sh(script <> "; exec sleep 60")
      daemon = daemon(argv: argv, log: false, stderr: :error, log_prefix: "")
      assert_receive {:logged, :error, "/dev/null", %{stream: :stderr}}, @patience
      assert "pipe:" <> _ = line()
      assert %{lines: 2} = Daemon.stats(daemon)
    end

    test "can be a function, of a line or of a stream and a line" do
      test = self()
      daemon(argv: sh("echo 1; echo 2 >&2"), log: &send(test, {:line, &1}))
      assert_receive {:line, "1"}, @patience
      assert_receive {:line, "2"}, @patience
      daemon(argv: sh("echo 1; echo 2 >&2"), log: &send(test, {:line, &1, &2}))
      assert_receive {:line, :stdout, "1"}, @patience
      assert_receive {:line, :stderr, "2"}, @patience
    end

    test "goes on when its function raises, throws or exits, and says so once" do
      test = self()

      log = fn
        "1" -> raise "no"
        "2" -> throw(:no)
        "3" -> exit(:no)
        line -> send(test, {:line, line})
      end

      argv = sh("printf '1\\n2\\n3\\n4\\n'; exec sleep 60")
      daemon = daemon(argv: argv, log: log)
      assert_receive {:line, "4"}, @patience
      assert line() =~ "(RuntimeError) no"
      assert lines_left() == []
      assert %{lines: 4, lost: 3, bytes: 8} = Daemon.stats(daemon)
    end

    test "is valid UTF-8, whatever the program writes" do
      text = "caf\xC3\xA9 \xE9\xFF\xC3 \xF0\x9F\x98\x80\xF0\x9F\n"
      daemon(argv: ["printf", "%b", text], log_prefix: "")
      assert line() == "café \uFFFD\uFFFD\uFFFD 😀\uFFFD\uFFFD"
    end

    test "takes a flood of bytes that are no text" do
      daemon = daemon(argv: ["head", "-c", "3000000", "/dev/urandom"], stderr: :merge)
      ref = Process.monitor(daemon)
      {lines, all_valid?} = flood(ref, 0, true)
      assert lines > 1000
      assert all_valid?
    end

    defp flood(ref, lines, valid?) do
      receive do
        {:logged, _level, text, _metadata} ->
          flood(ref, lines + 1, valid? and String.valid?(text))

        {:DOWN, ^ref, :process, _pid, :normal} ->
          {lines + length(lines_left()), valid?}
      after
        @patience -> flunk("no end of the flood")
      end
    end

    test "has a line that is too long in pieces, cut between characters" do
      daemon(argv: ["printf", "abcdéfgh\nabcde\r\nabcdef"], max_line: 5, log_prefix: "")

      assert for(_ <- 1..6, do: line()) ==
               ["abcd …", "éfgh", "abcde", "abcde …", "f", hd(ending())]
    end

    defp ending, do: [~s(["printf", "abcdéfgh\\nabcde\\r\\nabcdef"] exited with status 0)]

    test "has a program that never writes a newline, in a bounded memory" do
      test = self()
      log = &send(test, {:line, byte_size(&1)})
      argv = ["head", "-c", "20000000", "/dev/zero"]
      daemon = daemon(argv: argv, max_line: 100_000, log: log)
      reader = :sys.get_state(daemon).reader
      ref = Process.monitor(daemon)
      assert most(reader, ref, 0) < 2_000_000

      # With " …", which has four bytes, behind all but the last.
      for _ <- 1..199, do: assert_receive({:line, 100_004})
      assert_receive {:line, 100_000}
      refute_received {:line, _}
    end

    # The most bytes of binaries and heap that the reader has had at once.
    defp most(reader, ref, most) do
      receive do
        {:DOWN, ^ref, :process, _pid, :normal} -> most
      after
        1 ->
          now =
            case Process.info(reader, [:binary, :memory]) do
              [binary: binaries, memory: memory] ->
                binaries |> Enum.uniq_by(&elem(&1, 0)) |> Enum.reduce(memory, &(elem(&1, 1) + &2))

              nil ->
                0
            end

          most(reader, ref, max(most, now))
      end
    end

    test "that is slow slows the program down, and holds a bounded number of bytes" do
      test = self()

      log = fn line ->
        send(test, {:line, self(), line})
        receive do: (:go_on -> :ok)
      end

      daemon = daemon(argv: ["yes", String.duplicate("y", 999)], log: log)
      {:ok, pid} = Daemon.os_pid(daemon)
      assert_receive {:line, reader, _}, @patience
      await_blocked(pid)
      written = written(pid)

      # The pipe's 64 KiB, the session's 256 KiB ahead, and what has arrived: a chunk, and one that waits.
      assert written < 512 * 1024
      assert {:message_queue_len, length} = Process.info(reader, :message_queue_len)
      assert length <= 1
      assert Daemon.stats(daemon).lines == 1
      for _ <- 1..500, do: send(reader, :go_on)
      for _ <- 1..500, do: assert_receive({:line, ^reader, _}, @patience)
      await_blocked(pid)
      assert written(pid) > written
    end

    defp written(pid) do
      [_, bytes] = Regex.run(~r/^wchar: (\d+)$/m, File.read!("/proc/#{pid}/io"))
      String.to_integer(bytes)
    end

    test "has a terminal's output" do
      daemon(argv: sh("test -t 1 && echo a terminal"), stdio: :pty, log_prefix: "")
      assert_receive {:logged, :info, "a terminal", %{stream: :pty}}, @patience
    end
  end

  describe "a program" do
    test "that closes its outputs goes on" do
      daemon = daemon(argv: sh("echo out; exec >&- 2>&-; exec sleep 60"), log_prefix: "")
      assert line() == "out"
      await_no_reader(daemon)
      {:ok, pid} = Daemon.os_pid(daemon)
      assert Host.alive?(pid)
      assert %{lines: 1, usage: %{maxrss_kb: kilobytes}} = Daemon.stats(daemon)
      assert kilobytes > 0
    end

    defp await_no_reader(daemon) do
      if :sys.get_state(daemon).reader, do: await_no_reader(daemon)
    end

    test "can be signalled, and found" do
      argv = sh("trap 'echo hup' HUP; echo ready; while :; do sleep 0.01; done")
      daemon = daemon(argv: argv, wait_for: {:output, ~r/ready/}, log_prefix: "")
      {:ok, pid} = Daemon.os_pid(daemon)
      assert tl(Host.cmdline(pid)) == tl(argv)
      assert Daemon.signal(daemon, :hup) == :ok
      assert {line(), line()} == {"ready", "hup"}
      assert Daemon.signal(daemon, :no) == {:error, {:bad_signal, :no}}
      assert Daemon.signal(daemon, 9, to: :all) == {:error, {:bad_to, :all}}
      assert Daemon.signal(daemon, :sigkill, to: :tree) == :ok
      await_down(daemon)
      assert Daemon.signal(daemon, :hup) == {:error, :no_process}
      assert Daemon.os_pid(daemon) == {:error, :no_process}
    end

    test "leaves no descendant behind" do
      test = self()
      daemon(argv: actor(["daemon", "keep"]), log: &send(test, {:line, &1}))
      assert_receive {:line, "daemon " <> pid}, @patience
      await_gone(String.to_integer(pid))
    end

    test "whose descendants are left ends without them" do
      test = self()
      opts = [argv: actor(["daemon", "keep"]), descendants: :leave, log: &send(test, {:line, &1})]
      daemon = daemon(opts)
      assert_receive {:line, "daemon " <> pid}, @patience
      assert :normal = await_down(daemon)
      pid = String.to_integer(pid)
      assert Host.alive?(pid)
      Host.signal(pid, :KILL)
    end
  end

  describe "the end of a program" do
    # What the caller of start_link gets as an exit signal.
    defp reason(argv, opts \\ []) do
      trap()

      {:ok, daemon} =
        Daemon.start_link([argv: argv, log_metadata: LogEvents.listen(), log_prefix: ""] ++ opts)

      assert_receive {:EXIT, ^daemon, reason}, @patience
      {reason, lines_left()}
    end

    test "is the daemon's, with one line of the log" do
      assert {:normal, [~s(["true"] exited with status 0)]} = reason(["true"])
      assert {{:exited, 3}, [line]} = reason(sh("exit 3"))
      assert line == ~s(["sh", "-c", "exit 3"] exited with status 3)
      assert {{:signaled, 15}, [line]} = reason(sh("kill $$"))
      assert line =~ "was ended by signal 15 (SIGTERM)"
    end

    test "is what :exit makes of the status" do
      exit = fn
        3 -> {:shutdown, :three}
        143 -> :terminated
        0 -> :shutdown
      end

      assert {{:shutdown, :three}, _} = reason(sh("exit 3"), exit: exit)
      assert {:terminated, _} = reason(sh("kill $$"), exit: exit)
      assert {:shutdown, _} = reason(["true"], exit: exit)
      # It raises for 4.
      assert {{:exited, 4}, [raised, _]} = reason(sh("exit 4"), exit: exit)
      assert raised =~ ":exit failed"
    end

    test "is an error of the log, or information when it is orderly" do
      reason(sh("exit 3"))
      trap()
      metadata = LogEvents.listen()
      {:ok, _} = Daemon.start_link(argv: ["true"], log_metadata: metadata)
      assert_receive {:logged, :info, "true: " <> _, _}, @patience
      {:ok, _} = Daemon.start_link(argv: ["false"], log_metadata: metadata)
      assert_receive {:logged, :error, "false: " <> _, _}, @patience
    end

    test "comes after its last output" do
      script = "i=0; while [ $i -lt 3000 ]; do echo $i; i=$((i+1)); done; printf end; exit 1"
      {{:exited, 1}, lines} = reason(sh(script))
      assert Enum.map(0..2999, &to_string/1) ++ ["end"] == Enum.drop(lines, -1)
    end

    test "is no crash report of the daemon" do
      log =
        ExUnit.CaptureLog.capture_log(fn ->
          assert {{:exited, 3}, _} = reason(sh("exit 3"))
        end)

      assert log =~ ~s(["sh", "-c", "exit 3"] exited with status 3)
      refute log =~ "terminating"
      refute log =~ "Linx.Daemon.Server"
    end

    test "is a restart for a :transient child only when it is not orderly" do
      for {script, exit, restarted?} <- [
            {"exit 0", nil, false},
            {"exit 3", nil, true},
            {"kill -9 $$", nil, true},
            {"exit 3", fn 3 -> {:shutdown, :fine} end, false},
            {"exit 0", fn 0 -> :again end, true}
          ] do
        file = AgentTest.Programs.scratch("runs")
        on_exit(fn -> File.rm(file) end)
        # The second start, if there is one, goes on.
        script = "echo run >> #{file}; test $(wc -l < #{file}) = 2 && exec sleep 60; #{script}"
        opts = [argv: sh(script), restart: :transient] ++ if(exit, do: [exit: exit], else: [])

        supervisor = supervisor()

        {:ok, daemon} = Supervisor.start_child(supervisor, {Daemon, opts})
        await_down(daemon)

        if restarted? do
          assert %{restarts: 1} = Daemon.stats(await_successor(supervisor, daemon))
        else
          assert [{Daemon, :undefined, :worker, _}] = Supervisor.which_children(supervisor)
        end
      end
    end

    test "by a session or an agent that was killed is the daemon's" do
      trap()

      for kill <- [
            fn state -> Process.exit(state.session, :kill) end,
            fn state ->
              {:ok, %{agent_pid: agent}} = Linx.Process.info(state.session)
              Host.signal(agent, :KILL)
            end
          ] do
        {listener, argv} = Beacon.actor(["pause"])
        {:ok, daemon} = Daemon.start_link(argv: argv)
        socket = Beacon.await_lit(listener)
        kill.(:sys.get_state(daemon))
        assert_receive {:EXIT, ^daemon, {:error, %Error{stage: :agent_died}}}, @patience
        Beacon.await_dark(socket)
      end
    end
  end

  describe "start_link" do
    test "returns when the program has been executed" do
      trap()

      assert {:error, %Error{stage: :execve, errno: :enoent}} =
               Daemon.start_link(argv: ["no such"])

      assert {:error, %Error{errno: :enoent}} = Daemon.start_link(argv: ["/no/such/file"])
      assert {:error, %Error{errno: :eacces}} = Daemon.start_link(argv: ["/etc/passwd"])
      assert {:error, %Error{stage: :chdir}} = Daemon.start_link(argv: ["true"], cwd: "/no/such")
      refute_received {:EXIT, _, _}
    end

    test "of one that fails is no exit signal, and leaves the name free" do
      name = :"daemon_#{System.unique_integer([:positive])}"
      {:links, links} = Process.info(self(), :links)

      for _ <- 1..3,
          do: assert({:error, %Error{}} = Daemon.start_link(argv: ["no such"], name: name))

      assert {:links, ^links} = Process.info(self(), :links)
      assert {:ok, daemon} = Daemon.start_link(argv: ["sleep", "60"], name: name)
      assert Process.whereis(name) == daemon
      GenServer.stop(daemon)
    end

    test "says how a program that has ended or failed before it was waited for did" do
      trap()

      for {argv, answer, reason} <- [
            {["no such"], {:error, :enoent}, :shutdown},
            {["true"], :ok, :normal},
            {["false"], :ok, {:exited, 1}}
          ] do
        {:ok, options} = Daemon.Options.parse(argv: argv)
        {:ok, daemon} = GenServer.start_link(Daemon.Server, {options, nil, self()})
        await_over(daemon)
        refute_received {:EXIT, ^daemon, _}

        case answer do
          :ok ->
            assert GenServer.call(daemon, :await) == :ok
            assert_receive {:EXIT, ^daemon, ^reason}

          {:error, errno} ->
            assert {{^reason, {:refused, %Error{errno: ^errno}}}, _call} =
                     catch_exit(GenServer.call(daemon, :await))

            refute_received {:EXIT, ^daemon, _}
        end
      end
    end

    defp await_over(daemon) do
      state = :sys.get_state(daemon)

      if state.refused == nil and (state.result == nil or state.reader != nil),
        do: await_over(daemon)
    end

    test "waits for output that matches, wherever it is cut" do
      script = "printf 'liste'; sleep 0.1; printf 'ning on '; sleep 0.1; echo 80; exec sleep 60"
      wait = {:output, ~r/^listening on \d+\n/}
      daemon = daemon(argv: sh(script), wait_for: wait, log_prefix: "")
      assert line() == "listening on 80"
      assert Daemon.stats(daemon).bytes == 16
    end

    test "waits for output on stderr, behind much else, and of what is not UTF-8" do
      script = "head -c 300000 /dev/zero; printf '\\377 r\\303\\251ady' >&2; exec sleep 60"
      daemon(argv: sh(script), wait_for: {:output, ~r/ réady$/u})
      daemon(argv: sh(script), wait_for: {:output, ~r/\xFF r/}, log: false)
    end

    test "waits until a function returns true" do
      file = AgentTest.Programs.scratch("socket")
      on_exit(fn -> File.rm(file) end)
      test = self()

      ready? = fn daemon ->
        send(test, {:asked, daemon, Daemon.os_pid(daemon), Daemon.stats(daemon).usage})
        File.exists?(file)
      end

      daemon = daemon(argv: sh("sleep 0.3; echo > #{file}; exec sleep 60"), wait_for: ready?)
      assert File.exists?(file)
      assert_receive {:asked, ^daemon, {:ok, pid}, %{maxrss_kb: _}}
      assert {:ok, ^pid} = Daemon.os_pid(daemon)
      assert_receive {:asked, _, _, _}
    end

    test "is an error when the program ends before" do
      for wait <- [{:output, ~r/never/}, fn _ -> false end] do
        metadata = LogEvents.listen()
        opts = [wait_for: wait, log_metadata: metadata, log_prefix: ""]
        assert {:error, {:exited, 3}} = Daemon.start_link([argv: sh("echo no; exit 3")] ++ opts)
        assert line() == "no"
        assert {:error, {:exited, 0}} = Daemon.start_link([argv: ["true"]] ++ opts)
        assert {:error, {:signaled, 9}} = Daemon.start_link([argv: sh("kill -9 $$")] ++ opts)
        assert lines_left() == []
      end
    end

    test "is an error after :wait_timeout, and nothing is left" do
      for wait <- [{:output, ~r/never/}, fn _ -> false end, fn _ -> Process.sleep(:infinity) end] do
        {listener, argv} = Beacon.actor(["pause"])
        opts = [wait_for: wait, wait_timeout: 300]
        assert {:error, :timeout} = Daemon.start_link([argv: argv] ++ opts)

        # On a busy machine the program may not have come so far.
        with {:ok, socket} <- :gen_tcp.accept(listener, 0), do: refute(Beacon.lit?(socket))
      end
    end

    test "is an error when :wait_for raises or returns something else" do
      for {wait, words} <- [
            {fn _ -> raise "broken" end, "broken"},
            {fn _ -> {:ok, 1} end, "true or false"},
            {fn _ -> exit(:gone) end, "gone"}
          ] do
        assert {:error, {:wait_for, banner} = error} =
                 Daemon.start_link(argv: ["sleep", "60"], wait_for: wait)

        assert banner =~ words
        assert Daemon.format_error(error) =~ words
      end

      assert {:error, {:wait_for, :killed}} =
               Daemon.start_link(
                 argv: ["sleep", "60"],
                 wait_for: fn _ -> Process.exit(self(), :kill) end
               )
    end

    test "goes through the checkpoint" do
      test = self()

      checkpoint = fn session, pid ->
        send(test, {:parked, Linx.Process.info(session), pid})
        Linx.Capabilities.drop_bounding(session, [:cap_net_raw])
      end

      opts = if Host.root?(), do: [], else: [namespaces: [:user]]

      if Host.root?() do
        daemon = daemon([argv: ["sleep", "60"], checkpoint: checkpoint] ++ opts)
        assert_receive {:parked, {:ok, %Info{state: :ready}}, pid}
        assert Daemon.os_pid(daemon) == {:ok, pid}
      end

      for {checkpoint, reason} <- [
            {fn _, _ -> {:error, :no} end, :no},
            {fn _, _ -> :yes end,
             "** (ArgumentError) :checkpoint returns :ok or {:error, reason}, not: :yes"},
            {fn _, _ -> raise "broken" end, "** (RuntimeError) broken"}
          ] do
        assert {:error, {:checkpoint, ^reason}} =
                 Daemon.start_link(argv: ["sleep", "60"], checkpoint: checkpoint)
      end

      abort = fn session, _pid -> Linx.Process.abort(session) end
      assert {:error, :aborted} = Daemon.start_link(argv: ["true"], checkpoint: abort)
    end
  end

  describe "a name" do
    test "is an atom, a global one or one of a registry, and of one daemon" do
      registry = :"registry_#{System.unique_integer([:positive])}"
      start_supervised!({Registry, keys: :unique, name: registry})
      unique = System.unique_integer([:positive])

      for name <- [
            :"daemon_#{unique}",
            {:global, {:daemon, unique}},
            {:via, Registry, {registry, "daemon"}}
          ] do
        trap()
        {:ok, daemon} = Daemon.start_link(argv: ["sleep", "60"], name: name)
        assert GenServer.whereis(name) == daemon
        assert %{lines: 0} = Daemon.stats(name)
        assert {:ok, pid} = Daemon.os_pid(name)

        assert {:error, {:already_started, ^daemon}} =
                 Daemon.start_link(argv: ["sleep", "60"], name: name)

        assert Daemon.signal(name, :sigkill) == :ok
        assert_receive {:EXIT, ^daemon, {:signaled, 9}}, @patience
        await_gone(pid)
      end
    end
  end

  describe "stop" do
    test "asks, and logs what the program says then" do
      argv =
        sh("trap 'echo bye; echo bye >&2; exit 7' TERM; echo on; while :; do sleep 0.01; done")

      daemon = daemon(argv: argv, wait_for: {:output, ~r/on/}, log_prefix: "")
      assert :ok = GenServer.stop(daemon)

      assert ["bye", "on"] =
               lines_left() |> Enum.uniq() |> Enum.sort() |> List.delete("Terminated")
    end

    test "has the signal of :stop" do
      for {signal, name} <- [{:sigint, "INT"}, {10, "USR1"}, {"QUIT", "QUIT"}] do
        argv = sh("trap 'echo #{name}; exit' #{name}; echo on; while :; do sleep 0.01; done")
        opts = [stop: {signal, 30_000}, wait_for: {:output, ~r/on/}, log_prefix: ""]
        daemon = daemon([argv: argv] ++ opts)
        assert :ok = GenServer.stop(daemon)
        assert name in lines_left()
      end
    end

    test "reaches a program that is stopped" do
      argv = sh("trap 'echo bye; exit' INT; echo on; while :; do sleep 0.01; done")
      opts = [stop: {:sigint, 30_000}, wait_for: {:output, ~r/on/}, log_prefix: ""]
      daemon = daemon([argv: argv] ++ opts)
      :ok = Daemon.signal(daemon, :sigstop, to: :group)
      assert :ok = GenServer.stop(daemon)
      assert "bye" in lines_left()
    end

    test "kills a program that ignores it, with its tree, and says so" do
      for signal <- [15, 2] do
        {listener, argv} = Beacon.actor(["ignore", 15, 2])
        opts = [stop: {signal, 20}, wait_for: {:output, ~r/ready/}]
        {supervisor, {:ok, _daemon}} = child([argv: argv] ++ opts)
        socket = Beacon.await_lit(listener)
        Supervisor.stop(supervisor)
        refute Beacon.lit?(socket)
        assert Enum.any?(lines_left(), &(&1 =~ "has not ended 20 ms after sig"))
      end
    end

    test "of a supervisor is orderly for its children" do
      {listener, argv} = Beacon.actor(["pause"])
      {supervisor, {:ok, daemon}} = child(argv: argv)
      socket = Beacon.await_lit(listener)
      ref = Process.monitor(daemon)
      Supervisor.stop(supervisor)
      refute Beacon.lit?(socket)
      assert_receive {:DOWN, ^ref, :process, ^daemon, :shutdown}
    end

    # A process that starts a daemon, and the pid of the daemon as its first process tells it.
    defp starting(opts) do
      spawn(fn ->
        trap()
        Daemon.start_link(opts)
        Process.sleep(:infinity)
      end)
    end

    test "of the one who starts it ends a program that is parked" do
      test = self()

      checkpoint = fn session, pid ->
        send(test, {:parked, session, pid})
        Process.sleep(:infinity)
      end

      starter = starting(argv: ["sleep", "60"], checkpoint: checkpoint)
      assert_receive {:parked, session, pid}, @patience
      Process.exit(starter, :kill)
      await_gone(pid)
      await_down(session)
    end

    test "of the one who starts it ends a program that is waited for" do
      test = self()
      wait = fn daemon -> !send(test, {:waiting, daemon}) end
      {listener, argv} = Beacon.actor(["pause"])
      starter = starting(argv: argv, wait_for: wait)
      socket = Beacon.await_lit(listener)
      assert_receive {:waiting, daemon}, @patience
      Process.exit(starter, :kill)
      await_down(daemon)
      refute Beacon.lit?(socket)
    end

    test "while its last output is logged waits for that, and no longer than the log takes" do
      test = self()

      log = fn line ->
        send(test, {:line, self(), line})
        receive do: (:go_on -> :ok)
      end

      {supervisor, {:ok, daemon}} = child(argv: sh("echo one; echo two"), log: log)
      assert_receive {:line, reader, "one"}, @patience
      await_result(daemon)
      stop = Task.async(fn -> Supervisor.stop(supervisor) end)
      send(reader, :go_on)
      assert_receive {:line, ^reader, "two"}, @patience
      send(reader, :go_on)
      assert Task.await(stop, @patience) == :ok
    end

    defp await_result(daemon) do
      if :sys.get_state(daemon).result == nil, do: await_result(daemon)
    end

    test "is not held up by a log that blocks for ever" do
      test = self()

      log = fn line ->
        send(test, {:line, self(), line})
        Process.sleep(:infinity)
      end

      {supervisor, {:ok, daemon}} = child(argv: ["yes"], log: log)
      {:ok, pid} = Daemon.os_pid(daemon)
      assert_receive {:line, reader, "y"}, @patience
      reader_ref = Process.monitor(reader)
      Supervisor.stop(supervisor)
      await_gone(pid)
      assert_receive {:DOWN, ^reader_ref, :process, _, :killed}, @patience
      assert Enum.any?(lines_left(), &(&1 =~ "not logged in time"))
    end

    test "of a daemon by :kill leaves no program" do
      {listener, argv} = Beacon.actor(["family", "15"])
      {_supervisor, {:ok, daemon}} = child(argv: argv, restart: :temporary)
      socket = Beacon.await_lit(listener)
      %{session: session, reader: reader} = :sys.get_state(daemon)
      refs = for pid <- [session, reader], do: Process.monitor(pid)
      Process.exit(daemon, :kill)
      for ref <- refs, do: assert_receive({:DOWN, ^ref, :process, _, _}, @patience)
      Beacon.await_dark(socket)
    end
  end

  describe "stats" do
    test "count what was written, and what the program uses" do
      daemon = daemon(argv: actor(["pause"]))
      assert line() =~ "ready"
      assert %{lines: 1, bytes: 6, lost: 0, restarts: 0, usage: usage} = Daemon.stats(daemon)
      assert usage.maxrss_kb > 0
      assert usage.utime_us >= 0
    end

    test "count the starts from one child specification" do
      supervisor = supervisor()
      spec = {Daemon, argv: ["sleep", "60"]}
      {:ok, first} = Supervisor.start_child(supervisor, spec)
      assert %{restarts: 0} = Daemon.stats(first)
      Daemon.signal(first, :sigkill)
      second = await_successor(supervisor, first)
      assert %{restarts: 1} = Daemon.stats(second)
      :ok = Supervisor.terminate_child(supervisor, Daemon)
      {:ok, third} = Supervisor.restart_child(supervisor, Daemon)
      assert %{restarts: 2} = Daemon.stats(third)
      :ok = Supervisor.terminate_child(supervisor, Daemon)
      :ok = Supervisor.delete_child(supervisor, Daemon)
      {:ok, another} = Supervisor.start_child(supervisor, spec)
      assert %{restarts: 0} = Daemon.stats(another)
    end
  end
end
