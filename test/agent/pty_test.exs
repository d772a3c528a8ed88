# SPDX-License-Identifier: MIT

defmodule AgentTest.PtyTest do
  use AgentTest.Case, async: true

  @mib 1024 * 1024

  defp in_terminal(part, opts \\ []), do: running(%{argv: actor(part), stdio: :pty}, opts)

  test "the workload has a controlling terminal, and its group is in the foreground" do
    result = run(%{argv: actor(["tty"]), stdio: :pty})
    assert result.pty == "isatty 1 1 1\r\ncontrolling ok\r\nforeground 1\r\n"
  end

  test "what it types is echoed and read, and the end of file is Ctrl-D" do
    wire = running(%{argv: ["/bin/cat"], stdio: :pty})
    send_term(wire, {:pty_in, "hello\n"})
    await_pty(wire, "hello\r\nhello\r\n")
    send_term(wire, {:pty_in, <<4>>})
    assert final(finish(wire)) == {:status, :exited, 0}
  end

  test "Ctrl-C is SIGINT to the foreground group" do
    wire = in_terminal(["pause"])
    await_pty(wire, "ready\r\n")
    send_term(wire, {:pty_in, <<3>>})
    assert final(finish(wire)) == {:status, :signaled, 2}
  end

  test "input of no bytes is no end of file" do
    wire = running(%{argv: ["/bin/cat"], stdio: :pty})
    send_term(wire, {:pty_in, ""})
    send_term(wire, {:pty_in, "still\n"})
    await_pty(wire, "still\r\nstill\r\n")
    send_term(wire, {:pty_in, <<4>>})
    assert final(finish(wire)) == {:status, :exited, 0}
  end

  test "output written just before exit is delivered, and before the final frame" do
    for size <- [1, 100, 4096, 65_536, 200_000], _ <- 1..4 do
      result = run(%{argv: actor(["write", 1, size]), stdio: :pty})
      assert result.pty == pattern(size)
      assert List.last(result.frames) == {:status, :exited, 0}
    end
  end

  test "output of a workload that is killed is delivered too" do
    wire = in_terminal(["write-late", 1, 3000])
    await_pty(wire, "ready\r\n")
    send_term(wire, {:signal, 10})
    await_pty(wire, pattern(3000))
    assert final(finish(wire)) == {:status, :exited, 0}
  end

  test "64 MiB of output arrive whole and in order" do
    result = run(%{argv: actor(["write", 1, 64 * @mib]), stdio: :pty})
    assert byte_size(result.pty) == 64 * @mib
    assert result.pty == pattern(64 * @mib)
  end

  # The workload makes 20 000 writes.
  test "many small pieces come in few frames" do
    script = "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"
    result = run(%{argv: ["/bin/sh", "-c", script], stdio: :pty})
    assert result.pty == Enum.map_join(0..19_999, &"line #{&1}\r\n")
    assert Enum.count(result.frames, &match?({:pty_out, _}, &1)) <= 400
  end

  # The agent sends a frame that it fills with output after a while, also when no more output comes.
  test "pieces that were held together leave though nothing follows them" do
    script = ~S'''
    stty -echo; echo ready
    while read n; do i=0; while [ $i -lt 40 ]; do echo $i; i=$((i+1)); done; echo done $n; done
    '''

    wire = running(%{argv: ["/bin/sh", "-c", script], stdio: :pty})
    await_pty(wire, "ready\r\n")

    for n <- 1..100 do
      send_term(wire, {:pty_in, "#{n}\n"})
      await_pty(wire, "done #{n}\r\n")
    end

    send_term(wire, {:pty_in, <<4>>})
    assert final(finish(wire)) == {:status, :exited, 0}
  end

  test "1 MiB of input waits for a late reader" do
    wire = in_terminal(["read-late", @mib])
    await_pty(wire, "ready")
    send_term(wire, {:pty_in, pattern(@mib)})
    send_term(wire, {:signal, 10})
    result = finish(wire)
    assert result.pty =~ "read #{@mib}\n"
    assert final(result) == {:status, :exited, 0}
  end

  # The reader does not read before the signal, and the signal is behind the data on fd 3.
  test "4 MiB of input are queued before a command behind them has to wait" do
    wire = in_terminal(["read-late", 4 * @mib])
    await_pty(wire, "ready")
    whole = pattern(4 * @mib)
    for n <- 0..3, do: send_term(wire, {:pty_in, binary_part(whole, n * @mib, @mib)})
    send_term(wire, {:signal, 10})
    result = finish(wire)
    assert result.pty =~ "read #{4 * @mib}\n"
  end

  test "more input than is queued pushes back, and none of it is lost" do
    wire = in_terminal(["read-late", 16 * @mib])
    await_pty(wire, "ready")
    whole = pattern(16 * @mib)
    frames = for n <- 0..15, do: frame({:pty_in, binary_part(whole, n * @mib, @mib)})
    sender = Task.async(fn -> Enum.each(frames, &send_raw(wire, &1)) end)
    Host.signal(wire.host_pid, 10)
    assert Task.await(sender, 60_000) == :ok
    result = finish(wire)
    assert result.pty =~ "read #{16 * @mib}\n"
    assert final(result) == {:status, :exited, 0}
  end

  @tag :sanitizer_unfit
  test "the agent's queue has a bound" do
    wire = in_terminal(["read-late", 32 * @mib])
    await_pty(wire, "ready")
    whole = pattern(32 * @mib)
    frames = for n <- 0..31, do: frame({:pty_in, binary_part(whole, n * @mib, @mib)})
    sender = Task.async(fn -> Enum.each(frames, &send_raw(wire, &1)) end)
    # An agent that reads without a limit would have all of it by now.
    assert Task.yield(sender, 300) == nil
    Host.signal(wire.host_pid, 10)
    assert Task.await(sender, 60_000) == :ok
    result = finish(wire)
    assert result.pty =~ "read #{32 * @mib}\n"
    assert result.maxrss_kb < 16_000
  end

  test "input goes in pieces of any size" do
    sizes = [1, 2, 4095, 4096, 4097, 65_535, 65_536, 100_000]
    total = Enum.sum(sizes)
    wire = in_terminal(["read-late", total])
    await_pty(wire, "ready")
    send_term(wire, {:signal, 10})
    whole = pattern(total)

    Enum.reduce(sizes, 0, fn size, offset ->
      send_term(wire, {:pty_in, binary_part(whole, offset, size)})
      offset + size
    end)

    assert finish(wire).pty =~ "read #{total}\n"
  end

  test "a workload that ends with input unread ends as ever" do
    wire = in_terminal(["read-late", 1])
    await_pty(wire, "ready")
    for _ <- 1..3, do: send_term(wire, {:pty_in, pattern(@mib)})
    send_term(wire, {:signal, 15})
    assert final(finish(wire)) == {:status, :signaled, 15}
  end

  test "a terminal whose slave is closed and opened again keeps working" do
    wire = in_terminal(["reopen-tty"])
    seen = await_pty(wire, "ready\r\n")
    assert seen == "before\r\nagain 0\r\nagain 1\r\nagain 2\r\nready\r\n"
    send_term(wire, {:pty_in, "hello\n"})
    assert finish(wire).pty =~ "\r\nline hello\r\n"
  end

  test "a workload that lets go of its terminal runs on, and no processor is spent on it" do
    wire = in_terminal(["close", 0, 1, 2])
    await_pty(wire, "ready\r\n")
    send_term(wire, {:pty_in, "nobody reads this"})
    send_term(wire, {:signal, 18})
    send_term(wire, {:signal, 15})
    assert final(finish(wire)) == {:status, :signaled, 15}
  end

  test "{:pty_winsize, _} while running changes the size and is SIGWINCH" do
    wire = in_terminal(["winsize"])
    await_pty(wire, "ready\r\n")
    send_term(wire, {:pty_winsize, {50, 132, 0, 0}})
    await_pty(wire, "winsize 50 132 0 0\r\n")
    send_term(wire, {:pty_winsize, {65_535, 1, 65_535, 2}})
    await_pty(wire, "winsize 65535 1 65535 2\r\n")
    kill(wire)
  end

  test "a process that keeps the terminal does not keep the session" do
    script = "trap '' HUP; #{path("actor")} ignore 1 15 & read line"
    wire = running(%{argv: ["/bin/sh", "-c", script], stdio: :pty})
    await_pty(wire, "ready\r\n")
    [left] = Host.children(wire.host_pid)
    send_term(wire, {:pty_in, "go\n"})
    assert {:exited, 0, _} = await_agent_exit(wire)
    assert Host.alive?(left)
    Host.signal(left, 9)
    assert final(finish(wire, orphans: true)) == {:status, :exited, 0}
  end

  test "the terminal's name is the same in the workload as on the host" do
    wire = running(%{argv: ["/bin/sh", "-c", "tty; read line"], stdio: :pty})
    name = wire.host_pid |> Host.fds() |> Map.fetch!(0)
    await_pty(wire, name <> "\r\n")
    send_term(wire, {:pty_in, "\n"})
    finish(wire)
  end

  describe "before the workload exists" do
    # A script that says what it finds, and waits.
    defp settings(request) do
      script = "stty -a; stty size; echo term=$TERM."
      run(Map.merge(%{argv: ["/bin/sh", "-c", script]}, request)).pty |> String.split(~r/[\s;]+/)
    end

    test "the size is the request's, with and without a stop" do
      request = %{argv: actor(["winsize"]), stdio: {:pty, {7, 8, 9, 10}}}
      parked = running(request)
      at_once = start()
      send_term(at_once, {:spawn, Map.put(request, :proceed, true)})

      for wire <- [parked, at_once] do
        await_pty(wire, "winsize 7 8 9 10\r\n")
        send_term(wire, {:signal, 9})
        finish(wire)
      end
    end

    test "the settings are the request's, and :like comes first" do
      like = settings_of_terminal()

      for {termios, words} <- [
            {%{}, ~w(-iutf8 echo icanon)},
            {%{iutf8: true}, ~w(iutf8 echo icanon)},
            {%{echo: false}, ~w(-iutf8 -echo icanon)},
            {%{raw: true}, ~w(-echo -icanon -isig -opost)},
            {%{raw: true, echo: true, iutf8: true}, ~w(iutf8 echo -icanon -isig)},
            {%{raw: false}, ~w(echo icanon isig)},
            {%{like: like}, ~w(^H ^B iutf8 -ixon -echoctl noflsh)},
            {%{like: like, echo: false, iutf8: false}, ~w(^H ^B -iutf8 -echo noflsh)}
          ] do
        seen = settings(%{stdio: {:pty, {24, 80, 0, 0}}, termios: termios})
        for word <- words, do: assert({termios, word, word in seen} == {termios, word, true})
        plain = settings(%{stdio: :pty, termios: termios})
        for word <- words, do: assert({termios, word, word in plain} == {termios, word, true})
      end
    end

    # The settings of another session's terminal, as the agent that lends it tells them.
    defp settings_of_terminal do
      wire = in_terminal(["pause"])
      await_pty(wire, "ready")
      tty = Host.fds(wire.host_pid)[0]

      {_, 0} =
        System.cmd("stty", ~w(-F #{tty} erase ^H intr ^B iutf8 -ixon -echoctl noflsh extproc))

      lender = start(driver: ["--read", 0, tty])
      send_term(lender, {:terminal, %{}})
      assert {:settings, settings} = next_frame(lender)
      assert_frame(lender, {:winsize, _})
      close_commands(lender)
      await_gone(lender)
      kill(wire)
      settings
    end

    test "what says the state of another terminal is not taken over" do
      seen = settings(%{stdio: :pty, termios: %{like: settings_of_terminal()}})
      for word <- ~w(-extproc -flusho), do: assert(word in seen)
    end

    test ":term is TERM where the agent's environment names no terminal" do
      for {own, seen} <- [
            {nil, "vt220"},
            {"dumb", "vt220"},
            {"unknown", "vt220"},
            {"linux", "linux"},
            {"xterm", "xterm"}
          ] do
        assert "term=#{seen}." in settings_under(own, %{stdio: :pty, term: "vt220"})
      end

      assert "term=." in settings_under(nil, %{
               stdio: :pty,
               term: "vt220",
               env: ["PATH=/usr/bin:/bin"]
             })

      assert "term=dumb." in settings_under("dumb", %{stdio: :pty})
      set = %{stdio: :pty, term: "vt220", env_set: ["A=1"], env_unset: ["B"]}
      assert "term=vt220." in settings_under("dumb", set)
      assert "term=dumb." in settings_under("xterm", %{set | env_set: ["TERM=dumb"]})
    end

    defp settings_under(term, request) do
      script = "echo term=$TERM."
      wire = start(env: [{~c"TERM", if(term, do: String.to_charlist(term), else: false)}])

      send_term(
        wire,
        {:spawn, Map.merge(%{argv: ["/bin/sh", "-c", script], proceed: true}, request)}
      )

      finish(wire).pty |> String.split()
    end

    test "a workload without a terminal has the environment as it was" do
      wire = start(env: [{~c"TERM", ~c"dumb"}])

      send_term(
        wire,
        {:spawn, %{argv: ["/bin/sh", "-c", "[ $TERM = dumb ]"], proceed: true, term: "vt220"}}
      )

      assert final(finish(wire)) == {:status, :exited, 0}
    end
  end

  test "two sessions at once have two terminals" do
    one = in_terminal(["pause"])
    two = in_terminal(["pause"])
    assert Host.fds(one.host_pid)[0] != Host.fds(two.host_pid)[0]

    for wire <- [one, two] do
      kill(wire)
    end
  end
end
