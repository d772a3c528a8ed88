# SPDX-License-Identifier: MIT

defmodule Linx.TtyTest do
  # Tests in a real terminal. Words that a test waits for are typed with quotes in them, so that the echo of
  # what is typed is not mistaken for the output of the shell.
  use Linx.SessionCase, async: true

  alias Linx.Test.Tmux

  @moduletag :tmux

  setup do
    tmux = Tmux.start()
    {:ok, tmux: tmux, before: Tmux.settings(tmux)}
  end

  # Root stays root on the host, because the checkout may be readable by root only.
  defp linx_shell(command, options \\ "") do
    root = if Host.root?(), do: "--root ", else: ""
    "mix linx.shell " <> root <> options <> command
  end

  defp start_shell(tmux) do
    Tmux.type(tmux, linx_shell("sh"))
    Tmux.await(tmux, ~r/^# \s*\z/m)
  end

  defp assert_restored(%{tmux: tmux, before: before}), do: assert(Tmux.settings(tmux) == before)

  describe "mix linx.shell" do
    @describetag :userns

    test "is a shell to type to, isolated, and its exit status is that of mix",
         %{tmux: tmux} = context do
      start_shell(tmux)
      Tmux.type(tmux, ~S|echo "pid=$$ id=$(id -u) host=$(hostname) size=$(stty size)"|)
      Tmux.await(tmux, "pid=1 id=0 host=linx size=30 100")
      Tmux.type(tmux, "echo processes: /proc/[0-9]*")
      Tmux.await(tmux, ~r/^processes: \/proc\/1$/m)
      Tmux.type(tmux, "echo ž''€")
      Tmux.await(tmux, "ž€")
      Tmux.type(tmux, "exit 3")
      Tmux.await_prompt(tmux)
      assert_restored(context)
      Tmux.type(tmux, "echo sta''tus $?")
      Tmux.await(tmux, "status 3")
    end

    test "leaves ctrl-C, ctrl-\\ and ctrl-Z to what runs inside", %{tmux: tmux} = context do
      start_shell(tmux)

      for {key, status} <- [{"C-c", 130}, {"C-\\", 131}, {"C-z", 148}] do
        Tmux.type(tmux, ~s|sh -c "echo 'wai''ting for #{key}'; exec sleep 1000"|)
        Tmux.await(tmux, "waiting for #{key}")
        Tmux.key(tmux, key)
        Tmux.type(tmux, "echo sta''tus $?")
        Tmux.await(tmux, "status #{status}")
      end

      Tmux.type(tmux, "kill -9 %1; exec true")
      Tmux.await_prompt(tmux)
      assert_restored(context)
    end

    test "tells the workload of every change of the window's size", %{tmux: tmux} = context do
      Tmux.type(tmux, linx_shell(Enum.join(actor(["winsize"]), " ")))
      Tmux.await(tmux, ~r/^winsize 30 100 /m)
      Tmux.resize(tmux, 90, 20)
      Tmux.await(tmux, ~r/^winsize 20 90 /m)
      Tmux.resize(tmux, 132, 43)
      Tmux.await(tmux, ~r/^winsize 43 132 /m)
      Host.signal(Tmux.workload(tmux), :KILL)
      Tmux.await_prompt(tmux)
      assert_restored(context)
    end

    # The project is not in that directory, so the task is run by one that is not looked for there.
    defp in_directory(tmux, directory, arguments) do
      program = "File.cd!(#{inspect(directory)}); Mix.Tasks.Linx.Shell.run(#{inspect(arguments)})"
      Tmux.type(tmux, "mix run --no-start -e '#{program}'")
    end

    test "opens files by their names in the directory it was started in", %{tmux: tmux} do
      directory = Path.join(Path.dirname(tmux.socket), "directory")
      File.mkdir!(directory)
      File.write!(Path.join(directory, "README.md"), "to be read\n")

      for namespaces <- [[], ["--ns", "user"]],
          root <- if(Host.root?(), do: [[], ["--root"]], else: [[]]) do
        in_directory(tmux, directory, namespaces ++ root ++ ["cat", "README.md"])
        Tmux.await(tmux, ~r/^to be read$/m)
        Tmux.await_prompt(tmux)
        Tmux.clear(tmux)
      end
    end

    @tag :root
    test "run by root in a directory of root's alone is in /, and says so", %{tmux: tmux} do
      private = Path.join(Path.dirname(tmux.socket), "private")
      open = Path.join(private, "open")
      File.mkdir_p!(open)
      File.chmod!(private, 0o700)

      for directory <- [private, open], namespaces <- [[], ["--ns", "user"]] do
        in_directory(tmux, directory, namespaces ++ ["pwd"])
        assert Tmux.await(tmux, ~r"^/$"m) =~ "so the shell is in /"
        Tmux.await_prompt(tmux)
        Tmux.clear(tmux)
      end

      in_directory(tmux, open, ["--root", "pwd"])
      refute Tmux.await(tmux, ~r/^#{open}$/m) =~ "so the shell is in /"
      Tmux.await_prompt(tmux)
    end

    test "has the person's control characters, flags and TERM", %{tmux: tmux} do
      Tmux.type(tmux, "stty erase ^H kill ^G intr ^B susp undef -iutf8 -ixon -echoctl tostop")
      Tmux.type(tmux, "stty -a | grep -v speed >#{tmux.socket}.outside; TERM=screen.linx")
      start_shell(tmux)
      Tmux.type(tmux, "stty -a | grep -v speed >#{tmux.socket}.inside; echo term=$TERM.")
      Tmux.await(tmux, ~r/^term=screen.linx.$/m)
      outside = File.read!(tmux.socket <> ".outside")
      assert File.read!(tmux.socket <> ".inside") == outside
      for word <- ["erase = ^H;", "intr = ^B;", "-iutf8", "tostop"], do: assert(outside =~ word)

      # The kernel goes by them: ^G kills the line, ^B the program.
      Tmux.type(tmux, "cat")
      Tmux.key(tmux, "x")
      Tmux.key(tmux, "C-g")
      Tmux.type(tmux, "y''y")
      Tmux.await(tmux, ~r/^y''y$/m)
      Tmux.key(tmux, "C-b")
      Tmux.type(tmux, "echo sta''tus $?")
      Tmux.await(tmux, "status 130")
      Tmux.type(tmux, "exit")
      Tmux.await_prompt(tmux)
    end

    test "carries a full-screen program", %{tmux: tmux} = context do
      inner = Path.join(Path.dirname(tmux.socket), "inner")
      Tmux.type(tmux, linx_shell("tmux -S #{inner} -f /dev/null new-session sh"))
      Tmux.await(tmux, ~r/^\[0\] 0:sh/m)
      Tmux.type(tmux, "echo inner $((6*7))")
      Tmux.await(tmux, "inner 42")
      Tmux.key(tmux, "C-b")
      Tmux.key(tmux, "%")
      Tmux.await(tmux, "│")
      Tmux.type(tmux, "tmux kill-server")
      Tmux.await(tmux, "[server exited]")
      Tmux.await_prompt(tmux)
      assert_restored(context)
    end

    test "is quick to leave a workload that floods the screen", %{tmux: tmux} = context do
      start_shell(tmux)
      Tmux.type(tmux, "yes flo''od")
      Tmux.await(tmux, "flood")
      Tmux.key(tmux, "C-c")
      Tmux.type(tmux, "exit")
      Tmux.await_prompt(tmux)
      assert_restored(context)
    end

    test "runs a command with the chosen namespaces alone", %{tmux: tmux} do
      Tmux.type(
        tmux,
        linx_shell(~S|sh -c 'readlink /proc/$$/ns/*'|, "--ns user,net ") <> "; echo sta''tus $?"
      )

      Tmux.await(tmux, "status 0")
      shown = Tmux.history(tmux)
      host = Host.namespaces()

      for {name, link} <- host,
          do: assert({name, shown =~ link} == {name, name not in ["user", "net"]})
    end

    @tag :root
    test "run by root has ids that own nothing outside, unless it is asked for", %{tmux: tmux} do
      for {option, uid} <- [{"", 65_534}, {"--root", 0}] do
        Tmux.type(tmux, "mix linx.shell #{option} cat /proc/self/uid_map")
        Tmux.await(tmux, ~r/^ +0 +#{uid} +1$/m)
        Tmux.await_prompt(tmux)
      end
    end

    @tag :rootless
    test "refuses --root to others", %{tmux: tmux} do
      Tmux.type(tmux, "mix linx.shell --root")
      Tmux.await(tmux, "--root is for root")
    end

    test "has words for what is wrong, and for itself", %{tmux: tmux} = context do
      for {command, status, words} <- [
            {"no-such-program", 1, "there is no program no-such-program"},
            {"/no/such/program", 1, ~s(execve failed for "/no/such/program": ENOENT)},
            {"--ns user,disk", 1, "--ns: disk is none of"},
            {"--nonsense", 1, "--nonsense: no such option"},
            {"</dev/null", 1, "standard input is not a terminal"},
            {"--help", 0, "Without a command it is the shell"}
          ] do
        Tmux.type(tmux, "clear; mix linx.shell #{command}; echo sta''tus of '#{command}' $?")
        assert Tmux.await(tmux, "status of #{command} #{status}") =~ words
        assert_restored(context)
      end
    end
  end

  describe "the terminal is as it was before, and nothing is left, when" do
    @describetag :userns

    # The session's workload is the only process of the window that can end by itself.
    setup %{tmux: tmux} do
      Tmux.type(tmux, linx_shell(Enum.join(actor(["winsize"]), " ")))
      Tmux.await(tmux, ~r/^ready$/m)
      {:ok, Map.put(Tmux.agents(tmux), :workload, Tmux.workload(tmux))}
    end

    defp assert_nothing_left(context) do
      for name <- [:terminal, :session, :workload], do: await_gone(context[name])
      assert_restored(context)
    end

    test "the workload is killed", %{tmux: tmux} = context do
      Host.signal(context.workload, :KILL)
      Tmux.await_prompt(tmux)
      assert_nothing_left(context)
      Tmux.type(tmux, "echo sta''tus $?")
      Tmux.await(tmux, "status 137")
    end

    test "the session's agent is killed", %{tmux: tmux} = context do
      Host.signal(context.session, :KILL)
      assert Tmux.await_prompt(tmux) =~ "linx.shell: "
      assert_nothing_left(context)
    end

    test "the terminal's agent is killed", %{tmux: tmux} = context do
      Host.signal(context.terminal, :KILL)
      assert Tmux.await_prompt(tmux) =~ "linx.shell: "
      assert_nothing_left(context)
    end

    test "the BEAM is killed", %{tmux: tmux} = context do
      Host.signal(Tmux.beam(tmux), :KILL)
      Tmux.await_prompt(tmux)
      assert_nothing_left(context)
      Tmux.type(tmux, "echo sti''ll here")
      Tmux.await(tmux, "still here")
    end

    for signal <- [:TERM, :HUP, :QUIT] do
      test "the BEAM is sent SIG#{signal}", %{tmux: tmux} = context do
        Host.signal(Tmux.beam(tmux), unquote(signal))
        Tmux.await_prompt(tmux)
        assert_nothing_left(context)
      end
    end
  end

  describe "attach" do
    # Programs in the window print the result and then read a line, so that the terminal can be examined while
    # the BEAM runs, and input that was typed for the session would be seen there.
    defp finish(%{tmux: tmux} = context, expected) do
      Tmux.await(tmux, expected)
      Tmux.await(tmux, ~r/^line\? \s*\z/m)
      assert_restored(context)
      Tmux.type(tmux, "ž typed")
      Tmux.await(tmux, ~s|"ž typed\\n"|)
      Tmux.await_prompt(tmux)
    end

    @read_line ~S|IO.inspect(IO.gets("line? "))|

    test "takes a session at its checkpoint, lets it go and returns its outcome",
         %{tmux: tmux} = context do
      for active <- ["", ", active: true"] do
        Tmux.run_elixir(tmux, """
        {:ok, session} =
          Linx.Process.spawn(argv: ["/bin/sh"], env: ["PS1=inside$ "], stdio: :pty#{active})

        IO.inspect(Linx.Tty.attach(session))
        #{@read_line}
        """)

        Tmux.await(tmux, ~r/inside\$ \s*\z/)
        Tmux.type(tmux, "stty size; exit 5")
        assert Tmux.await(tmux, "{:ok, {:exited, 5}}") =~ ~r/^30 100$/m
        finish(context, "{:ok, {:exited, 5}}")
        Tmux.clear(tmux)
      end
    end

    test "takes one that runs, and one after the other", %{tmux: tmux} = context do
      Tmux.run_elixir(tmux, """
      for prompt <- ["one", "two"] do
        {:ok, session} =
          Linx.Process.spawn(
            argv: ["/bin/sh"], env: ["PS1=" <> prompt <> "$ "], stdio: :pty, auto_proceed: true, active: false)

        IO.inspect({prompt, Linx.Tty.attach(session)})
      end

      #{@read_line}
      """)

      for prompt <- ["one", "two"] do
        Tmux.await(tmux, ~r/#{prompt}\$ \s*\z/)
        Tmux.type(tmux, "exit")
      end

      finish(context, ~s|{"two", {:ok, {:exited, 0}}}|)
    end

    test "shows all that a workload wrote before it ended", %{tmux: tmux} = context do
      Tmux.run_elixir(tmux, """
      IO.inspect(Linx.Tty.attach(argv: ["/bin/sh", "-c", "seq 100000; echo the end"]))
      #{@read_line}
      """)

      finish(context, ~r/^99999\n100000\nthe end\n{:ok, {:exited, 0}}$/m)
    end

    test "does not wait for those whom the workload left at its terminal",
         %{tmux: tmux} = context do
      Tmux.run_elixir(tmux, """
      IO.inspect(Linx.Tty.attach(argv: ["/bin/sh", "-c", "trap '' HUP; sleep 1000 & echo $!"]))
      #{@read_line}
      """)

      shown = Tmux.await(tmux, "{:ok, {:exited, 0}}")
      [_, sleeper] = Regex.run(~r/^(\d+)$/m, shown)
      on_exit(fn -> System.cmd("kill", ["-9", sleeper], stderr_to_stdout: true) end)
      finish(context, "{:ok, {:exited, 0}}")
    end

    test "gives the terminal back when the preparation raises", %{tmux: tmux} = context do
      Tmux.run_elixir(tmux, """
      try do
        Linx.Tty.attach(argv: ["/bin/sh"], prepare: fn _, _ -> raise "not today" end)
      rescue
        error -> IO.puts("raised: " <> error.message)
      end

      #{@read_line}
      """)

      finish(context, "raised: not today")
    end

    test "ends the session when the preparation fails, and has one terminal to give",
         %{tmux: tmux} = context do
      Tmux.run_elixir(tmux, """
      prepare = fn session, host_pid ->
        {:error, {Process.alive?(session), is_integer(host_pid), Linx.Tty.attach(argv: ["/bin/sh"])}}
      end

      IO.inspect(Linx.Tty.attach(argv: ["/bin/sh"], prepare: prepare))
      #{@read_line}
      """)

      finish(context, "{:error, {true, true, {:error, :busy}}}")
    end

    test "gives the terminal back when the calling process or the session is killed",
         %{tmux: tmux} = context do
      for {victim, answer} <- [{"caller", "killed"}, {"Process.whereis(:here)", "no_process"}] do
        gate = Path.join(Path.dirname(tmux.socket), "gate")
        {_, 0} = System.cmd("mkfifo", [gate])

        Tmux.run_elixir(tmux, """
        {caller, ref} =
          spawn_monitor(fn ->
            exit(Linx.Tty.attach(name: :here, argv: #{inspect(actor(["winsize"]))}))
          end)

        File.read!(#{inspect(gate)})
        [{_, relay, _, _}] = :supervisor.which_children(:kernel_safe_sup)
        relay = Process.monitor(relay)
        Process.exit(#{victim}, :kill)
        receive do {:DOWN, ^relay, _, _, _} -> :ok end
        receive do {:DOWN, ^ref, _, _, reason} -> IO.inspect(reason) end
        #{@read_line}
        """)

        Tmux.await(tmux, ~r/^ready$/m)
        {_, 0} = System.cmd("sh", ["-c", ~s(echo > "$1"), "sh", gate])
        finish(context, answer)
        File.rm!(gate)
        Tmux.clear(tmux)
      end
    end

    # A workload that says which ten bytes it read, and then waits for one more.
    @bytes "stty raw -echo; echo ready; dd bs=1 count=10 2>/dev/null | od -An -v -tx1; " <>
             "dd bs=1 count=1 of=/dev/null 2>/dev/null"

    @detach ~s|detach: "ctrl-p,ctrl-q"|

    test "detaches by keys, and can attach again to a workload that goes on",
         %{tmux: tmux} = context do
      Tmux.run_elixir(tmux, """
      result = Linx.Tty.attach(argv: ["/bin/sh"], env: %{PS1: "inside$ "}, name: :here, #{@detach})
      {:ok, info} = Linx.Process.info(:here)
      IO.inspect({:first, result, info.state, info.owner == self()})
      #{@read_line}
      IO.inspect({:second, Linx.Tty.attach(:here, #{@detach}), Process.alive?(Process.whereis(:here))})
      IO.inspect({:third, Linx.Tty.attach(:here), Linx.Process.wait(:here)})
      #{@read_line}
      """)

      Tmux.await(tmux, ~r/inside\$ \s*\z/)
      Tmux.type(tmux, "x=4''2")
      Tmux.key(tmux, "C-p")
      Tmux.key(tmux, "C-q")
      Tmux.await(tmux, "{:first, {:ok, :detached}, :running, true}")
      Tmux.await(tmux, ~r/^line\? \s*\z/m)
      assert_restored(context)
      Tmux.type(tmux, "ž typed")
      Tmux.await(tmux, ~s|"ž typed\\n"|)

      Tmux.type(tmux, "echo x=$x")
      Tmux.await(tmux, ~r/^x=42$/m)
      Tmux.await(tmux, ~r/inside\$ \s*\z/)
      Tmux.key(tmux, "C-p")
      Tmux.key(tmux, "C-q")
      Tmux.await(tmux, "{:second, {:ok, :detached}, true}")
      Tmux.type(tmux, "exit 7")
      finish(context, "{:third, {:ok, {:exited, 7}}, {:ok, {:exited, 7}}}")
    end

    test "passes on what only begins as the keys do, and leaves what is behind them to others",
         %{tmux: tmux} = context do
      Tmux.run_elixir(tmux, """
      {:ok, session} =
        Linx.Process.spawn(argv: ["/bin/sh", "-c", #{inspect(@bytes)}], stdio: :pty, active: false)

      IO.inspect(Linx.Tty.attach(session, #{@detach}))
      IO.inspect(Linx.Process.pty_write(session, "END"))
      #{@read_line}
      IO.inspect(Linx.Tty.attach(session))
      #{@read_line}
      """)

      Tmux.await(tmux, ~r/^ready\s*\z/m)
      # In one piece.
      Tmux.paste(tmux, <<16, ?a, 17, 16, 16, ?b, 16, 16, 17>> <> "behind\n")
      Tmux.await(tmux, ~s|"behind\\n"|)
      Tmux.await(tmux, "10 61 11 10 10 62 10 45 4e 44")
      Tmux.key(tmux, "x")
      assert Tmux.await(tmux, "{:ok, {:exited, 0}}") =~ ~r/{:ok, :detached}\s+:ok/
      finish(context, "{:ok, {:exited, 0}}")
    end

    test "detaches from a session whose output comes as events, and leaves it to its owner",
         %{tmux: tmux} = context do
      Tmux.run_elixir(tmux, """
      {:ok, session} = Linx.Process.spawn(argv: ["/bin/sh"], env: %{PS1: "inside$ "}, stdio: :pty)
      IO.inspect(Linx.Tty.attach(session, detach: "ctrl-]"))
      {:ok, %{owner: owner}} = Linx.Process.info(session)
      :ok = Linx.Process.pty_write(session, "exit 9\\n")
      wait = fn wait -> receive do {:linx_process, :exited, code} -> code; _ -> wait.(wait) end end
      IO.inspect({owner == self(), wait.(wait)})
      #{@read_line}
      """)

      Tmux.await(tmux, ~r/inside\$ \s*\z/)
      Tmux.key(tmux, "C-]")
      Tmux.await(tmux, "{:ok, :detached}")
      finish(context, "{true, 9}")
    end

    test "a detached session ends with the caller", %{tmux: tmux} = context do
      Tmux.run_elixir(tmux, """
      main = self()

      {_, ref} =
        spawn_monitor(fn ->
          {:ok, :detached} =
            Linx.Tty.attach(argv: ["/bin/sh"], env: %{PS1: "inside$ "}, name: :here, #{@detach})

          send(main, {:session, Process.whereis(:here)})
          receive do :go -> :ok end
        end)

      receive do {:session, session} -> send(main, {:monitor, Process.monitor(session), session}) end
      {:monitor, monitor, session} = receive do message -> message end
      true = Process.alive?(session)
      {caller, _} = {Linx.Process.info(session) |> elem(1) |> Map.fetch!(:owner), ref}
      send(caller, :go)
      receive do {:DOWN, ^ref, _, _, reason} -> IO.inspect({:caller, reason}) end
      receive do {:DOWN, ^monitor, _, _, _} -> IO.puts("session gone") end
      #{@read_line}
      """)

      Tmux.await(tmux, ~r/inside\$ \s*\z/)
      Tmux.key(tmux, "C-p")
      Tmux.key(tmux, "C-q")
      Tmux.await(tmux, "{:caller, :normal}")
      finish(context, "session gone")
    end

    test "refuses a terminal that the BEAM does not read, or reads by a line editor",
         %{tmux: tmux} = context do
      call = ~s|IO.inspect(Linx.Tty.attach(argv: ["/bin/sh"]))|
      Tmux.run_elixir(tmux, call, "--erl -noinput")
      Tmux.await(tmux, "{:error, :no_input}")
      Tmux.run_elixir(tmux, call, "</dev/null")
      Tmux.await(tmux, "{:error, :not_a_terminal}")
      Tmux.await_prompt(tmux)
      assert_restored(context)
      Tmux.type(tmux, "iex -pa #{Tmux.ebin()}")
      Tmux.await(tmux, ~r/^iex\(1\)> \s*\z/m)
      Tmux.type(tmux, call)
      Tmux.await(tmux, "{:error, :line_editor}")
      Tmux.type(tmux, "6 * 7")
      Tmux.await(tmux, ~r/^42$/m)
    end

    test "refuses options that are not for a person's terminal", %{tmux: tmux} do
      Tmux.run_elixir(tmux, """
      for opts <- [
            [argv: ["/bin/sh"], stdio: :pipe],
            [argv: ["/bin/sh"], active: true],
            [argv: ["/bin/sh"], cwd: 7],
            [argv: ["/bin/sh"], prepare: :no],
            [argv: ["/bin/sh"], detach: "ctrl-1"],
            [],
            [1]
          ],
          do: IO.inspect(Linx.Tty.attach(opts))

      {:ok, session} = Linx.Process.spawn(argv: ["/bin/true"])
      IO.inspect(Linx.Tty.attach(session))
      IO.inspect(Linx.Tty.attach(:nobody))
      """)

      shown = Tmux.await(tmux, "{:error, :no_process}")

      for error <- [
            "{:bad_option, {:stdio, :pipe}}",
            "{:bad_option, {:active, true}}",
            "{:bad_cwd, 7}",
            "{:bad_prepare, :no}",
            "{:bad_detach, \"ctrl-1\"}",
            ":argv_required",
            "{:bad_options, [1]}",
            ":no_pty"
          ],
          do: assert(shown =~ "{:error, #{error}}")
    end
  end
end
