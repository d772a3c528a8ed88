# SPDX-License-Identifier: MIT

defmodule Linx.TerminalInjectionTest do
  # A workload can put input into its terminal, which the next reader of the terminal takes for typed input.
  use Linx.SessionCase, async: true

  alias AgentTest.Programs

  @eperm 1
  @enosys 38

  # The result of each attempt of the program `typist`, as `%{"native TIOCSTI" => "errno 1"}`.
  defp typed(opts, at_checkpoint) do
    {output, listener} = capture()
    argv = [Programs.path("typist")]

    {session, _host_pid} =
      parked(Keyword.merge([argv: argv, stdio: [stdin: :devnull, stdout: output]], opts))

    at_checkpoint.(session)
    :ok = Linx.Process.proceed(session)
    :running = await_running(session)
    said = if opts[:stdio] == :pty, do: await_output(session, "typed"), else: captured(listener)
    assert {:ok, {:exited, 0}} = Linx.Process.wait(session)

    for [_, attempt, outcome] <- Regex.scan(~r/^(\w+ \w+) (.+?)\r?$/m, said), into: %{} do
      {attempt, outcome}
    end
  end

  # EPERM is the filter's refusal, because the kernel itself refuses these commands with ENOTTY, EIO and EINVAL.
  defp denied?(outcome) do
    outcome in ["errno #{@eperm}", "errno #{@enosys}"] or outcome =~ "signal "
  end

  test "deny_terminal_injection keeps a workload from typing, whatever way it goes" do
    for stdio <- [:pty, nil] do
      opts = if stdio, do: [stdio: stdio], else: []

      typed =
        typed(opts, fn session -> assert :ok = Linx.Seccomp.deny_terminal_injection(session) end)

      for command <- ["TIOCSTI", "TIOCLINUX"], do: assert(typed["native #{command}"] == "errno 1")
      for command <- ["TIOCSTI", "TIOCLINUX"], do: assert(typed["wide #{command}"] == "errno 1")
      for {attempt, outcome} <- typed, do: assert(denied?(outcome), "#{attempt}: #{outcome}")
    end
  end

  test "without it a workload's commands reach its terminal" do
    typed = typed([stdio: :pty], fn _session -> :ok end)
    refute denied?(typed["native TIOCSTI"]) and denied?(typed["native TIOCLINUX"])
  end

  test "deny_terminal_injection leaves a terminal usable" do
    {session, _host_pid} = parked(argv: actor(["tty"]), stdio: :pty)
    assert :ok = Linx.Seccomp.deny_terminal_injection(session)
    :ok = Linx.Process.proceed(session)
    :running = await_running(session)
    said = await_output(session, ~r/foreground 1/)
    assert said =~ "isatty 1 1 1"
    assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
  end

  test "deny_terminal_injection adds up with other filters, and is for the checkpoint" do
    facts =
      probe([:security], [], fn session, _pid ->
        assert :ok = Linx.Seccomp.install(session, Bpf.allow())
        assert :ok = Linx.Seccomp.deny_terminal_injection(session)
      end)

    assert facts["seccomp.filters"] == "2"
    {session, _host_pid} = running()
    assert {:error, :running} = Linx.Seccomp.deny_terminal_injection(session)
    assert {:ok, _} = Linx.Process.stop(session)
    assert {:error, :no_process} = Linx.Seccomp.deny_terminal_injection(session)
  end
end
