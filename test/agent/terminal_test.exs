# SPDX-License-Identifier: MIT

defmodule AgentTest.TerminalTest do
  use AgentTest.Case, async: true

  # {:terminal, %{}} is no session: the agent makes its own terminal raw and restores it. The terminal here is
  # another session's, whose workload does not use it; stty(1) shows its mode.

  defp terminal_of_a_session do
    wire = parked(%{argv: actor(["pause"]), stdio: :pty})
    send_term(wire, {:pty_winsize, {24, 80, 0, 0}})
    send_term(wire, :proceed)
    assert_frame(wire, {:status, :running})
    await_pty(wire, "ready")
    tty = Host.fds(wire.host_pid)[0]
    %{session: wire, tty: tty, before: mode(tty)}
  end

  defp mode(tty) do
    {mode, 0} = System.cmd("stty", ["-F", tty, "-g"])
    mode
  end

  defp lend(terminal) do
    wire = start(driver: ["--read", 0, terminal.tty])
    send_term(wire, {:terminal, %{}})
    assert {:settings, settings} = next_frame(wire)
    {wire, settings}
  end

  defp assert_restored(wire, terminal) do
    result = await_gone(wire)
    assert {:exited, 0, _} = result.agent
    assert mode(terminal.tty) == terminal.before
    result
  end

  test "is raw while it is lent, and its size is told first" do
    terminal = terminal_of_a_session()
    {wire, _settings} = lend(terminal)
    assert_frame(wire, {:winsize, {24, 80, 0, 0}})
    {all, 0} = System.cmd("stty", ["-F", terminal.tty, "-a"])
    for flag <- ~w(-icanon -echo -isig -icrnl -ixon), do: assert(all =~ flag)
    close_commands(wire)
    assert_restored(wire, terminal)
  end

  test "is restored when the BEAM's end closes, however the BEAM died" do
    terminal = terminal_of_a_session()
    {wire, _settings} = lend(terminal)
    assert_frame(wire, {:winsize, _})
    close_commands(wire)
    assert_restored(wire, terminal)
  end

  test "is restored when that is asked for, and the agent ends" do
    terminal = terminal_of_a_session()
    {wire, settings} = lend(terminal)
    assert_frame(wire, {:winsize, {24, 80, 0, 0}})

    for noise <- [
          :restore,
          {:restore, "short"},
          {:resize, settings},
          {:restore, :x, settings}
        ],
        do: send_term(wire, noise)

    send_raw(wire, <<3::32, "bad">>)
    send_raw(wire, [<<9000::32>>, :binary.copy("x", 9000)])
    send_term(wire, {:restore, settings})
    assert_restored(wire, terminal)
  end

  test "is restored by a second agent when the first was killed" do
    terminal = terminal_of_a_session()
    {killed, settings} = lend(terminal)
    assert_frame(killed, {:winsize, {24, 80, 0, 0}})
    Host.signal(killed.agent, :KILL)
    await_gone(killed)
    assert mode(terminal.tty) != terminal.before
    {second, _raw} = lend(terminal)
    send_term(second, {:restore, settings})
    assert_restored(second, terminal)
  end

  test "is left alone when another process has set it since" do
    terminal = terminal_of_a_session()
    {wire, _settings} = lend(terminal)
    assert_frame(wire, {:winsize, {24, 80, 0, 0}})
    {_, 0} = System.cmd("stty", ["-F", terminal.tty, "sane", "-echo"])
    set = mode(terminal.tty)
    close_commands(wire)
    assert {:exited, 0, _} = await_gone(wire).agent
    assert mode(terminal.tty) == set
  end

  for signum <- [1, 2, 3, 15] do
    test "is restored when signal #{signum} ends the agent" do
      terminal = terminal_of_a_session()
      {wire, _settings} = lend(terminal)
      assert_frame(wire, {:winsize, _})
      Host.signal(wire.agent, unquote(signum))
      assert_restored(wire, terminal)
    end
  end

  test "tells of every change of its size" do
    terminal = terminal_of_a_session()
    {wire, _settings} = lend(terminal)
    assert_frame(wire, {:winsize, {24, 80, 0, 0}})
    send_term(terminal.session, {:pty_winsize, {50, 132, 7, 8}})
    assert_frame(wire, {:winsize, {50, 132, 7, 8}})
    close_commands(wire)
    assert_restored(wire, terminal)
  end

  test "that is none is an error" do
    wire = start()
    send_term(wire, {:terminal, %{}})
    result = finish(wire, exit: 3)
    assert result.frames == [{:error, 25, :tcgetattr}]
  end

  test "a malformed request for it is one" do
    for request <- [
          :terminal,
          {:terminal},
          {:terminal, []},
          {:terminal, nil},
          {:terminal, %{}, 1}
        ] do
      wire = requested(request)
      assert finish(wire, exit: 2).frames == [{:error, errno(:einval), :malformed_request}]
    end
  end
end
