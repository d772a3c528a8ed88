# SPDX-License-Identifier: MIT

defmodule Linx.EarlyTest do
  # Requests to a session whose agent has not sent a frame yet.
  use Linx.SessionCase, async: false

  setup do
    {:ok, gate: gate()}
  end

  test "before the checkpoint its verbs are refused, and nothing comes of it", %{gate: gate} do
    session = session(argv: actor(["exit", 0]))
    assert {:error, :not_ready} = Linx.Process.proceed(session)
    assert {:error, :not_ready} = Linx.Process.host_pid(session)
    assert {:error, :not_ready} = Linx.Capabilities.drop_bounding(session, [:cap_kill])
    assert {:error, :not_ready} = Linx.Seccomp.install(session, Bpf.allow())
    assert {:error, :not_ready} = Linx.User.set_credentials(session, uid: 0, gid: 0)
    assert {:error, :not_ready} = Linx.Process.enter(session, argv: ["/bin/true"])

    assert {:ok, %Info{state: :starting, host_pid: nil, child_pid: nil}} =
             Linx.Process.info(session)

    open_gate(gate)
    await_ready(session)
    :ok = Linx.Process.proceed(session)
    assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
  end

  test "an early abort ends the session, before the checkpoint or there", %{gate: gate} do
    session = session(argv: actor(["pause"]))
    assert :ok = Linx.Process.abort(session)
    assert :ok = Linx.Process.abort(session)
    open_gate(gate)
    assert {:ok, :aborted} = Linx.Process.wait(session)
    assert Enum.reject(events_so_far(session), &match?({:ready, _}, &1)) == [:aborted]
  end

  test "early signals are kept, in order, until the workload runs", %{gate: gate} do
    session = session(argv: actor(["pause"]))

    # The signals are sent in their order: the last one ends a workload that the others stop and continue.
    for signal <- [:sigstop, :sigcont, :sigterm],
        do: assert(:ok = Linx.Process.signal(session, signal))

    open_gate(gate)
    await_ready(session)
    assert :ok = Linx.Process.proceed(session)
    assert {:ok, {:signaled, 15}} = Linx.Process.wait(session)
    assert [:running, {:signaled, 15}] = events_so_far(session)
  end

  test "a session without a checkpoint refuses to abort at one, even early", %{gate: gate} do
    session = session(argv: actor(["exit", 0]), auto_proceed: true)
    assert {:error, :running} = Linx.Process.abort(session)
    assert {:error, :running} = Linx.Process.proceed(session)
    assert {:error, :running} = Linx.Capabilities.drop_bounding(session, [])
    open_gate(gate)
    assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
  end

  test "a terminal's size that comes early is there when the workload starts", %{gate: gate} do
    session = session(argv: actor(["winsize"]), stdio: :pty)
    assert :ok = Linx.Process.pty_set_winsize(session, {50, 132, 7, 9})
    assert {:error, :not_running} = Linx.Process.pty_write(session, "x")
    assert {:ok, ^session} = Linx.Process.pty_master(session)
    open_gate(gate)
    await_ready(session)
    :ok = Linx.Process.proceed(session)
    :running = next_event(session)
    assert await_output(session, "ready") =~ "winsize 50 132 7 9"
  end

  test "a session that ends before its agent has said anything leaves no agent behind" do
    session = session(argv: actor(["pause"]))
    {:ok, %{agent_pid: agent_pid}} = Linx.Process.info(session)
    # The agent does not react, so that the session stops after the time that it waits for it.
    Process.unlink(session)
    assert :ok = GenServer.stop(session)
    assert next_event(session) == {:error, 1, :agent_died}
    Host.signal(agent_pid, :KILL)
    await_gone(agent_pid)
  end
end
