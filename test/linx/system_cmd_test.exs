# SPDX-License-Identifier: MIT

defmodule Linx.SystemCmdTest do
  # Each call is made by `Linx.cmd/3` and by `System.cmd/3`, in one test. What they return or raise is the same, or
  # the test shows a row of the table of differences in the doc of `Linx.cmd/3`, which its tag names.
  use Linx.CallCase, async: true

  import ExUnit.CaptureIO, only: [capture_io: 1]

  # A name's and a path's bytes are at most 255 and 4095, an argument's 131071 (execve(2)).
  @long_name String.duplicate("x", 256)
  @long_path "/" <> String.duplicate("x", 4096)
  @large String.duplicate("x", 100_000)
  @too_large String.duplicate("x", 131_072)

  setup_all do
    directory = AgentTest.Programs.scratch("system-cmd")
    File.mkdir_p!(Path.join(directory, "linx-sub"))
    on_exit(fn -> File.rm_rf!(directory) end)

    for {name, mode, text} <- [
          {"linx-script", 0o755, "#!/bin/sh\necho \"$0\" \"$@\"\n"},
          {"naïve name", 0o755, "#!/bin/sh\necho found\n"},
          {"not executable", 0o644, "#!/bin/sh\n"},
          {"text", 0o755, "echo text\n"},
          {"empty", 0o755, ""},
          {"bad interpreter", 0o755, "#!/no/such/interpreter\n"}
        ] do
      path = Path.join(directory, name)
      File.write!(path, text)
      File.chmod!(path, mode)
    end

    File.ln_s!("loop", Path.join(directory, "loop"))
    File.ln_s!("linx-script", Path.join(directory, "link"))
    File.mkdir_p!(directory <> "/" <> <<255>>)
    %{directory: directory}
  end

  describe "System.cmd/3 and Linx.cmd/3 agree on" do
    test "arguments" do
      same([
        {"echo", [], []},
        {"echo", ["hello"], []},
        {"echo", [""], []},
        {"echo", ["", "", "a"], []},
        {"echo", ["-n", "a"], []},
        {"printf", ["%s|", "a b", "c'd", "e\"f", "$HOME", "*", "~", "\\", "\n", "a;b", "`id`"],
         []},
        {"echo", ["é", "日本", "🙂"], []},
        {"echo", [<<255, 254>>], []},
        {"echo", [@large], []},
        {"echo", List.duplicate(@large, 5), []},
        {"sh", ["-c", "echo $#", "sh"] ++ List.duplicate("a", 30_000), []},
        {"sh", ["-c", "echo $0 $1", "zero", "one"], []},
        {"sh", ["-c", "tr '\\0' ' ' < /proc/$$/cmdline"], []},
        {"echo", [:atom], []},
        {"echo", [1], []},
        {"echo", [nil], []},
        {"echo", [["a"]], []},
        {"echo", "a", []},
        {"echo", nil, []},
        {"echo", %{}, []}
      ])
    end

    test "which program is run, and on its absence", %{directory: directory} do
      same([
        {"/bin/echo", ["a"], []},
        {"//bin//echo", ["a"], []},
        {"/bin/../bin/echo", ["a"], []},
        {directory <> "/linx-script", ["a", "b"], []},
        {directory <> "/link", ["a"], []},
        {directory <> "/naïve name", [], []},
        {"./linx-script", [], [cd: directory]},
        {"linx-no-such-program", [], []},
        {"linx no such program", [], []},
        {"/no/such/program", [], []},
        {"./no-such-program", [], []},
        {"", [], []},
        {" ", [], []},
        {".", [], []},
        {"..", [], []},
        {"linx-sub", [], [cd: directory]},
        {"./linx-sub", [], [cd: directory]},
        {directory <> "/not executable", [], []},
        {directory <> "/loop", [], []},
        {directory <> "/linx-script/below", [], []},
        {@long_name, [], []},
        {@long_path, [], []},
        {:echo, [], []},
        {nil, [], []},
        {["echo"], [], []},
        {"true", [], [env: [{"PATH", "/nowhere"}]]},
        {"true", [], [env: [{"PATH", nil}]]}
      ])
    end

    test "exit statuses and signals" do
      same([
        {"true", [], []},
        {"false", [], []},
        {"sh", ["-c", "exit 3"], []},
        {"sh", ["-c", "exit 128"], []},
        {"sh", ["-c", "exit 137"], []},
        {"sh", ["-c", "exit 255"], []},
        {"sh", ["-c", "exit 256"], []},
        {"sh", ["-c", "exit 511"], []},
        {"sh", ["-c", "echo before; kill -KILL $$"], []},
        {"sh", ["-c", "kill -TERM $$"], []},
        {"sh", ["-c", "kill -HUP $$"], []},
        {"sh", ["-c", "kill -INT $$"], []},
        {"sh", ["-c", "ulimit -c 0; kill -SEGV $$"], []},
        {"sh", ["-c", "ulimit -c 0; kill -ABRT $$"], []},
        {"sh", ["-c", "kill -34 $$"], []},
        {"sh", ["-c", "kill -64 $$"], []},
        {"sh", ["-c", "trap 'exit 9' TERM; kill -TERM $$"], []},
        {"sh", ["-c", "trap '' TERM; kill -TERM $$; exit 4"], []}
      ])
    end

    test "output of any size and content, and on programs that close it" do
      same([
        {"printf", ["a\\0b"], []},
        {"printf", ["\\377\\376"], []},
        {"printf", ["no newline"], []},
        {"head", ["-c", "65536", "/dev/zero"], []},
        {"head", ["-c", "65537", "/dev/zero"], []},
        {"head", ["-c", "5000000", "/dev/zero"], []},
        {"seq", ["100000"], []},
        {"sh", ["-c", "exec >&-; exit 4"], []},
        {"sh", ["-c", "exec >&- 2>&-; exit 5"], []},
        {"sh", ["-c", "echo a; exec >&-; sleep 0.1; exit 6"], []},
        {"sh", ["-c", "echo x > /dev/stdout"], []},
        {"sh", ["-c", "yes 2>/dev/null | head -n 3"], []},
        {"sh", ["-c", "(echo a; (echo b; (echo c)))"], []},
        {"sh", ["-c", "test -p /dev/stdout && echo pipe"], []}
      ])
    end

    test "stderr" do
      same([
        {"sh", ["-c", "echo out; echo err >&2; exit 1"], [stderr_to_stdout: true]},
        {"sh", ["-c", "echo out"], [stderr_to_stdout: false]},
        {"sh", ["-c", "echo x > /dev/stderr"], [stderr_to_stdout: true]},
        {"sh", ["-c", "exec >&-; echo b >&2; exit 2"], [stderr_to_stdout: true]},
        {"sh", ["-c", "readlink /proc/$$/fd/2"], []},
        {"ls", ["/no/such/file"], [stderr_to_stdout: true]},
        {"head", ["-c", "300000", "/dev/zero"], [stderr_to_stdout: true]},
        {"echo", [], [stderr_to_stdout: nil]},
        {"echo", [], [stderr_to_stdout: 1]}
      ])
    end

    test "the directory", %{directory: directory} do
      same([
        {"pwd", [], []},
        {"pwd", [], [cd: "/"]},
        {"pwd", [], [cd: "/tmp/"]},
        {"pwd", [], [cd: directory]},
        {"pwd", [], [cd: directory <> "/linx-sub/.."]},
        {"pwd", [], [cd: directory <> "/" <> <<255>>]},
        {"pwd", [], [cd: "."]},
        {"pwd", [], [cd: ".."]},
        {"pwd", [], [cd: :tmp]},
        {"pwd", [], [cd: nil]},
        {"pwd", [], [cd: 7]}
      ])
    end

    test "the environment" do
      a = ["-c", "echo ${A-unset}"]

      same([
        {"sh", ["-c", "env | sort"], []},
        {"sh", ["-c", "env | sort"], [env: []]},
        {"sh", ["-c", "env | sort"], [env: [{"HOME", nil}, {"A", "1"}]]},
        {"sh", a, []},
        {"sh", a, [env: %{}]},
        {"sh", a, [env: [{"A", "1"}]]},
        {"sh", a, [env: %{"A" => "1"}]},
        {"sh", a, [env: MapSet.new([{"A", "1"}])]},
        {"sh", a, [env: Stream.map(["1"], &{"A", &1})]},
        {"sh", a, [env: [{"A", "1"}, {"A", "2"}]]},
        {"sh", a, [env: [{"A", "1"}, {"A", nil}]]},
        {"sh", a, [env: [{"A", nil}, {"A", "1"}]]},
        {"sh", a, [env: [{"A", nil}]]},
        {"sh", a, [env: [{"A", "x=y\nz é"}]]},
        {"sh", ["-c", "echo ${HOME-unset}"], [env: [{"HOME", nil}]]},
        {"sh", ["-c", "echo ${#A}"], [env: [{"A", @large}]]},
        {"sh", a, [env: ["A=1"]]},
        {"sh", a, [env: [{"A"}]]},
        {"sh", a, [env: [{"A", "b", "c"}]]},
        {"sh", a, [env: [{"A=B", "1"}]]},
        {"sh", a, [env: [{"A\0", "1"}]]},
        {"sh", a, [env: [{"A", "1\0"}]]}
      ])
    end

    test "what the program inherits" do
      same(
        for script <- [
              "umask; nice; ulimit -a",
              "cat /proc/self/limits",
              "cat /proc/self/cgroup /proc/self/oom_score_adj /proc/self/coredump_filter",
              "readlink /proc/self/ns/*",
              "ls /proc/self/fd",
              "grep -E '^(Umask|Uid|Gid|Groups|SigBlk|Cap|NoNewPrivs|Seccomp)' /proc/self/status",
              "set -- $(cut -d')' -f2 /proc/$$/stat); echo $(($3 == $$)) $(($4 == $$)) $5",
              "tty",
              "echo x > /dev/tty"
            ],
            do: {"sh", ["-c", script], [stderr_to_stdout: true]}
      )
    end

    test "the output's Collectable", %{directory: directory} do
      same([
        {"echo", ["a"], [into: ""]},
        {"echo", ["a"], [into: "before "]},
        {"echo", ["a"], [into: <<1::3>>]},
        {"echo", ["a"], [into: []]},
        {"true", [], [into: []]},
        {"true", [], [into: %{}]},
        {"echo", ["a"], [into: %{}]},
        {"echo", ["a"], [into: MapSet.new()]},
        {"no-such-program", [], [into: []]},
        {"echo", ["a"], [into: File.stream!(directory <> "/no/such/directory/file")]}
      ])

      stream = File.stream!(directory <> "/output")

      assert [{:returned, {^stream, 3}}, "a\n"] =
               both("sh", ["-c", "echo a; exit 3"], [into: stream], fn outcome ->
                 [outcome, File.read!(directory <> "/output")]
               end)

      for stream <- [IO.stream(), IO.binstream()] do
        [linx, system] =
          for fun <- [&Linx.cmd/3, &System.cmd/3] do
            capture_io(fn ->
              assert fun.("printf", ["a\\nb"], into: stream) == {stream, 0}
            end)
          end

        assert linx == system
        assert linx == "a\nb"
      end

      for {command, commands} <- [{"echo", [{:cont, "a\n"}, :done]}, {"true", [:done]}],
          fun <- [&Linx.cmd/3, &System.cmd/3] do
        into = %Linx.Test.Collector{pid: self(), fun: & &1}
        assert fun.(command, ["a"], into: into) == {:collected, 0}
        assert collected() == commands
      end
    end

    test "argv[0]" do
      cmdline = ["-c", "tr '\\0' ' ' < /proc/$$/cmdline"]

      same([
        {"sh", ["-c", "echo $0"], [arg0: "other"]},
        {"sh", ["-c", "echo $0"], [arg0: ""]},
        {"sh", cmdline, [arg0: "other"]},
        {"sh", cmdline, [arg0: "a b"]},
        {"sh", cmdline, [arg0: "é"]},
        {"sh", cmdline, [arg0: <<255>>]},
        {"sh", ["-c", "echo $0"], [arg0: nil]},
        {"sh", ["-c", "echo $0"], [arg0: :a]}
      ])
    end

    test "other options, also wrong ones and those given twice" do
      same([
        {"echo", ["a"], [parallelism: true]},
        {"echo", ["a"], [parallelism: false]},
        {"echo", ["a"], [parallelism: nil]},
        {"echo", ["a"], [parallelism: :yes]},
        {"echo", ["a"], [no_such_option: 1]},
        {"echo", ["a"], [exit_status: true]},
        {"echo", ["a"], [binary: true]},
        {"echo", ["a"], [hide: true]},
        {"echo", ["a"], [args: ["b"]]},
        {"echo", ["a"], [{"cd", "/"}]},
        {"pwd", [], [cd: "/", cd: "/tmp"]},
        {"pwd", [], [cd: 1, cd: "/tmp"]},
        {"sh", ["-c", "echo $0"], [arg0: "a", arg0: "b"]},
        {"sh", ["-c", "echo $A $B"], [env: [{"A", "1"}], env: [{"B", "2"}]]}
      ])
    end

    # Versions of System.cmd/3 that take :lines read them from a port with the option :line.
    test "where a line ends" do
      for {script, lines} <- [
            {"printf 'one\\ntwo\\n'", ["one", "two"]},
            {"printf '\\n\\r\\n\\n'", ["", "", ""]},
            {"printf 'one\\r\\ntwo\\n'", ["one", "two"]},
            {"printf 'a\\rb\\r\\r\\n'", ["a\rb\r"]},
            {"printf 'a line longer than the buffer\\r\\n'", ["a line longer than the buffer"]},
            {"printf '123\\r\\n1234\\r\\n12345\\r\\n'", ["123", "1234", "12345"]},
            {"exec seq 20000", Enum.map(1..20_000, &to_string/1)}
          ] do
        assert {script, Linx.cmd("sh", ["-c", script], into: [], lines: 4)} ==
                 {script, {lines, 0}}

        assert {script, port_lines(script, 4)} == {script, lines}
      end
    end
  end

  describe "the table of differences" do
    test "has a row for each test of a difference, and a test for each row" do
      rows =
        for [_all, row] <- Regex.scan(~r/^\| ([^|]+?) \| [^|]+ \| [^|]+ \|$/m, doc()), do: row

      tested = for %{tags: %{difference: row}} <- __ex_unit__().tests, do: row
      assert Enum.sort(rows -- ["What", "---"]) == Enum.sort(tested)
    end

    @tag difference: "stdin"
    test "stdin is a pipe that does not end, or /dev/null" do
      assert {{:returned, {"pipe:" <> _, 0}}, {:returned, {"/dev/null\n", 0}}} =
               differ("sh", ["-c", "readlink /proc/$$/fd/0"])
    end

    @tag difference: "processes that the program leaves running"
    test "processes that the program leaves running go on, or are killed" do
      script = ["-c", "(sleep 1; echo late) & echo early; exit 7"]

      assert differ("sh", script) ==
               {{:returned, {"early\nlate\n", 7}}, {:returned, {"early\n", 7}}}

      assert Linx.cmd("sh", script, descendants: :leave) == {"early\nlate\n", 7}
    end

    @tag difference: "a caller that is killed"
    test "the program of a caller that is killed goes on, or is ended" do
      socket = killed_caller(&Linx.cmd/3)
      Beacon.await_dark(socket)

      socket = killed_caller(&System.cmd/3)
      assert Beacon.lit?(socket)
      # SOL_SOCKET and SO_PEERCRED of socket(7), a struct ucred.
      {:ok, [{:raw, 1, 17, <<pid::native-32, _ids::binary>>}]} =
        :inet.getopts(socket, [{:raw, 1, 17, 12}])

      Host.signal(pid, "KILL")
      Beacon.await_dark(socket)
    end

    @tag difference: "an exception in `:into`"
    test "the program goes on after an exception in :into, or is ended" do
      for {fun, lit?} <- [{&Linx.cmd/3, false}, {&System.cmd/3, true}] do
        {listener, [program | args]} = Beacon.actor(["flood", 1])
        test = self()

        fail = fn
          {:cont, _data} -> raise "enough"
          _end -> :ok
        end

        caller =
          {pid, _monitor} =
          caller(fn ->
            into = %Linx.Test.Collector{pid: self(), fun: fail}
            assert_raise RuntimeError, "enough", fn -> fun.(program, args, into: into) end
            send(test, {:raised, self()})
            receive do: (:end -> :ok)
          end)

        assert_receive {:raised, ^pid}, 30_000
        socket = Beacon.await_lit(listener)
        assert Beacon.lit?(socket) == lit?
        send(pid, :end)
        await_down(caller)
        if lit?, do: Beacon.await_dark(socket)
      end
    end

    @tag difference: "a caller that traps exits"
    test "a caller that traps exits has a message afterwards, or none" do
      Process.flag(:trap_exit, true)
      before = ties()
      assert Linx.cmd("echo", ["a"]) == {"a\n", 0}
      assert ties() == before
      assert System.cmd("echo", ["a"]) == {"a\n", 0}
      assert_receive {:EXIT, port, :normal} when is_port(port), 30_000
    end

    @tag difference: "SIGPIPE and SIGFPE"
    test "SIGPIPE and SIGFPE are ignored, or end the program" do
      for {signal, status} <- [{"PIPE", 141}, {"FPE", 136}] do
        assert differ("sh", ["-c", "ulimit -c 0; kill -#{signal} $$"]) ==
                 {{:returned, {"", 0}}, {:returned, {"", status}}}
      end
    end

    @tag difference: "a relative path with a slash"
    test "a relative path begins at a directory of PATH, or at the BEAM's" do
      # It is in the BEAM's directory, and not executable.
      assert differ("./mix.exs") == {{:raised, :enoent}, {:raised, :eacces}}
      assert differ("./echo", ["a"]) == {{:returned, {"a\n", 0}}, {:raised, :enoent}}
    end

    @tag difference: "a file that may be executed, or a directory, and that execve(2) refuses"
    test "that a file cannot be executed is an exit status, or an exception", %{
      directory: directory
    } do
      for {command, args, opts, errno} <- [
            {directory <> "/linx-sub", [], [], :eacces},
            {"/", [], [], :eacces},
            {directory <> "/text", [], [], :enoexec},
            {directory <> "/empty", [], [], :enoexec},
            {directory <> "/bad interpreter", [], [], :enoent},
            {"echo", [@too_large], [], :e2big},
            {"true", [], [env: [{"A", @too_large}]], :e2big}
          ] do
        assert {command, differ(command, args, opts)} ==
                 {command, {{:returned, {"", Linx.Errno.code(errno)}}, {:raised, errno}}}
      end
    end

    @tag difference: "a `:cd` that is not a directory"
    test "a :cd that is not a directory is an exit status, or an exception" do
      assert differ("pwd", [], cd: "/no/such/directory") ==
               {{:returned, {"", 2}}, {:raised, Error}}

      assert {{:returned, {"", _status}}, {:raised, Error}} = differ("pwd", [], cd: "")
    end

    @tag difference: "a NUL byte in an argument, `:arg0` or `:cd`"
    test "a NUL byte ends a string, or raises" do
      for {command, args, opts, result} <- [
            {"echo", ["a\0b", "c"], [], {"a c\n", 0}},
            {"sh", ["-c", "echo $0"], [arg0: "a\0b"], {"a\n", 0}},
            {"pwd", [], [cd: "/\0b"], {"/\n", 0}}
          ] do
        assert differ(command, args, opts) == {{:returned, result}, {:raised, ArgumentError}}
      end

      same([{"a\0b", [], []}])
    end

    @tag difference: "a program or variable whose bytes are not UTF-8"
    test "bytes that are not UTF-8 raise, or are taken", %{directory: directory} do
      File.ln_s!("/bin/echo", directory <> "/" <> <<254>>)

      for {command, args, opts, result} <- [
            {directory <> "/" <> <<254>>, ["a"], [], {"a\n", 0}},
            {"sh", ["-c", "echo $A"], [env: [{"A", <<255>>}]], {<<255, ?\n>>, 0}},
            {"env", [], [env: [{<<255>>, "1"}]], :any}
          ] do
        assert {{:raised, UnicodeConversionError}, {:returned, returned}} =
                 differ(command, args, opts)

        assert result == :any or returned == result
      end
    end

    @tag difference: "a variable set to `\"\"`"
    test "a variable that is set to nothing is removed, or empty" do
      assert differ("sh", ["-c", "echo ${A-unset}"], env: [{"A", ""}]) ==
               {{:returned, {"unset\n", 0}}, {:returned, {"\n", 0}}}
    end

    @tag difference: "a variable without a name"
    test "a variable without a name is left out, or raises" do
      assert differ("true", [], env: [{"", "1"}]) ==
               {{:returned, {"", 0}}, {:raised, ArgumentError}}
    end

    @tag difference: "a charlist, also for the name of a variable, or an atom for that"
    test "a charlist raises, or is taken" do
      for {command, args, opts, output} <- [
            {"sh", ["-c", "echo $0"], [arg0: ~c"a"], "a\n"},
            {"echo", [~c"a", ~c""], [], "a \n"},
            {"pwd", [], [cd: ~c"/"], "/\n"},
            {~c"echo", ["a"], [], "a\n"},
            {"sh", ["-c", "echo $LINX_A"], [env: [{~c"LINX_A", "1"}]], "1\n"},
            {"sh", ["-c", "echo $LINX_A"], [env: [{"LINX_A", ~c"1"}]], "1\n"},
            {"sh", ["-c", "echo $LINX_A"], [env: [LINX_A: "1"]], "1\n"}
          ] do
        assert {system, {:returned, {^output, 0}}} = differ(command, args, opts)

        assert system in [{:raised, ArgumentError}, {:raised, FunctionClauseError}],
               "#{inspect({command, args, opts})}: #{inspect(system)}"
      end
    end

    @tag difference: "an argument or option of another type"
    test "of what has another type it raises one of several exceptions, or ArgumentError" do
      for {args, opts} <- [
            {["a" | "b"], []},
            {["a"], [env: [{"A", 1}]]},
            {["a"], [env: [{"A", false}]]},
            {["a"], [env: nil]},
            {["a"], [env: "A=1"]},
            {["a"], [into: nil]},
            {["a"], [into: 7]},
            {["a"], [into: {1}]},
            {["a"], [:binary]},
            {["a"], [1]},
            {["a"], [{:cd, "/", 1}]},
            {["a"], [{:cd, "/"} | :b]},
            {["a"], %{cd: "/"}},
            {["a"], nil},
            {["a"], :binary}
          ] do
        assert {{:raised, exception}, {:raised, ArgumentError}} = differ("echo", args, opts)
        assert exception in [FunctionClauseError, Protocol.UndefinedError]
      end
    end

    @tag difference: "the text of an `ArgumentError`"
    test "the text of an ArgumentError differs, and both name the option" do
      for {name, value, expected} <- [
            {:cd, 7, "a path, without NUL bytes"},
            {:arg0, nil, "a string without NUL bytes"},
            {:parallelism, nil, "true or false"}
          ] do
        assert message(&System.cmd/3, [{name, value}]) ==
                 "invalid option #{inspect(name)} with value #{inspect(value)}"

        assert message(&Linx.cmd/3, [{name, value}]) ==
                 "bad option #{inspect(name)}: #{expected}, got: #{inspect(value)}"
      end

      assert message(&System.cmd/3, no_such_option: 1) =~ ~r/^invalid option :no_such_option /
      assert message(&Linx.cmd/3, no_such_option: 1) == "there is no option :no_such_option"
    end

    @tag difference: "a bad option for a program that does not exist"
    test "of a bad option and a missing program the one or the other is raised" do
      for opts <- [[no_such_option: 1], [cd: 7], [into: nil]] do
        assert differ("no-such-program", [], opts) ==
                 {{:raised, :enoent}, {:raised, ArgumentError}}
      end
    end

    @tag difference: "`:into` given twice"
    test "of :into given twice the last counts, or the first" do
      assert differ("echo", ["a"], into: [], into: "") ==
               {{:returned, {"a\n", 0}}, {:returned, {["a\n"], 0}}}
    end

    @tag difference: "the arguments left out"
    test "the arguments may be left out of one" do
      refute function_exported?(System, :cmd, 1)
      assert Linx.cmd("echo") == {"\n", 0}
    end

    @tag difference: "the options under \"More options\""
    test "options of its own are unknown to the other" do
      own = String.to_integer(System.pid())

      for option <- [
            input: "",
            timeout: 60_000,
            kill_after: 1,
            stdio: [],
            checkpoint: nil,
            max_chunk: 1,
            pty: false,
            enter: own
          ] do
        assert differ("true", [], [option]) == {{:raised, ArgumentError}, {:returned, {"", 0}}}
      end
    end

    @tag difference: "`:lines` and `:use_stdio`"
    test "in older versions of Elixir some options are unknown" do
      for {option, result} <- [
            {[into: [], lines: 80], {["a"], 0}},
            {[into: "", use_stdio: true], {"a\n", 0}}
          ] do
        assert outcome(&Linx.cmd/3, "echo", ["a"], option) == {:returned, result}

        assert outcome(&System.cmd/3, "echo", ["a"], option) in [
                 {:raised, ArgumentError},
                 {:returned, result}
               ]
      end
    end
  end

  # Makes each call by both, and asserts that the outcomes are equal.
  defp same(calls) do
    for {command, args, opts} <- calls, do: both(command, args, opts, & &1)
  end

  defp collected do
    receive do
      {:collected, command} -> [command | collected()]
    after
      0 -> []
    end
  end

  # What `look` makes of the outcome of both, which is the same.
  defp both(command, args, opts, look) do
    system = look.(outcome(&System.cmd/3, command, args, opts))
    linx = look.(outcome(&Linx.cmd/3, command, args, opts))
    assert {command, args, opts, linx} == {command, args, opts, system}
    linx
  end

  defp differ(command, args \\ [], opts \\ []),
    do: {outcome(&System.cmd/3, command, args, opts), outcome(&Linx.cmd/3, command, args, opts)}

  # Exceptions are compared by their module, because a difference of the table is that their texts differ.
  defp outcome(fun, command, args, opts) do
    {:returned, fun.(command, args, opts)}
  rescue
    error -> {:raised, with(%ErlangError{original: reason} <- error, do: reason) |> exception()}
  end

  defp exception(%module{}), do: module
  defp exception(reason), do: reason

  defp message(fun, opts) do
    Exception.message(assert_raise(ArgumentError, fn -> fun.("true", [], opts) end))
  end

  defp killed_caller(fun) do
    {listener, [program | args]} = Beacon.actor(["pause"])
    {pid, _monitor} = caller = caller(fn -> fun.(program, args, []) end)
    socket = Beacon.await_lit(listener)
    Process.exit(pid, :kill)
    await_down(caller)
    socket
  end

  defp port_lines(script, size) do
    port =
      Port.open({:spawn_executable, ~c"/bin/sh"}, [
        :binary,
        :eof,
        {:line, size},
        args: ["-c", script]
      ])

    receive_lines(port, "")
  end

  defp receive_lines(port, line) do
    receive do
      {^port, {:data, {:noeol, data}}} -> receive_lines(port, line <> data)
      {^port, {:data, {:eol, data}}} -> [line <> data | receive_lines(port, "")]
      {^port, :eof} -> []
    end
  end

  defp doc do
    {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(Linx)
    [text] = for {{:function, :cmd, 3}, _, _, %{"en" => text}, _} <- docs, do: text
    text
  end
end
