# SPDX-License-Identifier: MIT

defmodule Linx.TracedZombieTest do
  # The end of a traced process is kept from its parent until the tracer has waited for it (ptrace(2)). These
  # tracers never wait, and no call depends on it.
  use Linx.SessionCase, async: true

  alias AgentTest.{Programs, Target}

  # Milliseconds; the bound only guards against a hang.
  @patience 10_000

  defp in_time(fun) do
    task = Task.async(fun)
    assert {:ok, answer} = Task.yield(task, @patience) || Task.shutdown(task, :brutal_kill)
    answer
  end

  # A workload that a process outside every session traces.
  defp traced(opts) do
    tracer = Target.neighbour("tracer")
    {session, host_pid} = running(opts)
    Target.order(tracer, "#{host_pid}", "seized #{host_pid}\n")
    {tracer, session}
  end

  defp release(tracer), do: if(Host.alive?(tracer.pid), do: Host.signal(tracer.pid, :KILL))

  test "stop returns, and the session's agent is gone with it" do
    for descendants <- [:leave, :kill] do
      {tracer, session} = traced(descendants: descendants)
      {:ok, %{agent_pid: agent}} = Linx.Process.info(session)

      # A traced process is stopped at SIGTERM until its tracer decides (ptrace(2)), so the whole grace passes.
      assert {:ok, {:signaled, 9}} = in_time(fn -> Linx.Process.stop(session, 100) end)
      assert :ok = in_time(fn -> GenServer.stop(session) end)
      await_gone(agent)
      release(tracer)
    end
  end

  test "wait returns how a workload has ended that its own child traces" do
    {output, listener} = capture()

    {session, _host_pid} =
      running(argv: [Programs.path("tracer"), "exit", "7"], stdio: [stdout: output])

    assert {:ok, {:exited, 7}} = in_time(fn -> Linx.Process.wait(session) end)
    {:ok, socket} = :gen_tcp.accept(listener)
    {:ok, "tracer " <> pid} = :gen_tcp.recv(socket, 0, @patience)
    pid = pid |> String.trim() |> String.to_integer()
    if Host.alive?(pid), do: Host.signal(pid, :KILL)
  end

  test "run returns how a program has ended that its own child traces" do
    argv = [Programs.path("tracer"), "exit", "7"]
    assert {:ok, %{status: 7}} = in_time(fn -> Linx.run(argv) end)
  end
end
