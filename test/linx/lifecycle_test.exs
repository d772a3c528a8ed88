# SPDX-License-Identifier: MIT

defmodule Linx.LifecycleTest do
  use Linx.SessionCase, async: true

  doctest Linx.Process

  test "a workload stops at the checkpoint, runs when it may, and tells how it ended" do
    {:ok, session} = Linx.Process.spawn(argv: actor(["exit", 7]))
    assert_receive {:linx_process, :ready, host_pid}, 30_000
    assert Host.alive?(host_pid)
    assert {:ok, ^host_pid} = Linx.Process.host_pid(session)
    refute Host.exe(host_pid) == hd(actor(["exit"]))
    refute_messages()

    assert :ok = Linx.Process.proceed(session)
    assert {:ok, {:exited, 7}} = Linx.Process.wait(session)
    assert_received {:linx_process, :running}
    assert_received {:linx_process, :exited, 7}
    refute_messages()
  end

  test "every exit code comes through" do
    for code <- [0, 1, 2, 126, 127, 128, 137, 255] do
      session = session(argv: actor(["exit", code]), auto_proceed: true)
      assert {:ok, {:exited, ^code}} = Linx.Process.wait(session)
      assert [{:ready, _}, :running, {:exited, ^code}] = events_so_far(session)
    end
  end

  test "the signal that ended a workload comes through" do
    for signal <- [1, 6, 9, 15, 34, 64] do
      session = session(argv: actor(["die", signal]), auto_proceed: true)
      assert {:ok, {:signaled, ^signal}} = Linx.Process.wait(session)
      assert [{:ready, _}, :running, {:signaled, ^signal}] = events_so_far(session)
    end
  end

  test "an aborted child never runs" do
    {session, host_pid} = parked()
    assert :ok = Linx.Process.abort(session)
    assert {:ok, :aborted} = Linx.Process.wait(session)
    assert events_so_far(session) == [:aborted]
    await_gone(host_pid)
  end

  test "a program that cannot be executed is an error with its reason, and never runs" do
    {session, _host_pid} = parked(argv: ["/no/such/program"])
    assert :ok = Linx.Process.proceed(session)
    assert {:error, %Error{stage: :execve, errno: :enoent, code: 2}} = Linx.Process.wait(session)
    assert events_so_far(session) == [{:error, 2, :execve}]
  end

  test "a child that is killed while it is parked is signaled, and never ran" do
    {session, host_pid} = parked()
    Host.signal(host_pid, :KILL)
    assert {:ok, {:signaled, 9}} = Linx.Process.wait(session)
    assert events_so_far(session) == [{:signaled, 9}]
  end

  test "a session without a checkpoint runs by itself" do
    session = session(argv: actor(["exit", 0]), auto_proceed: true)
    assert {:ready, _} = next_event(session)
    assert next_event(session) == :running
    assert next_event(session) == {:exited, 0}
  end

  test "info tells where a session stands" do
    {session, host_pid} = parked()

    assert {:ok, %Info{mode: :spawn, state: :ready, host_pid: ^host_pid, result: nil} = info} =
             Linx.Process.info(session)

    assert info.child_pid == host_pid
    assert Host.stat(host_pid).ppid == info.agent_pid
    assert info.owner == self()
    assert info.linger
    refute info.pty?
    refute info.auto_proceed

    :ok = Linx.Process.proceed(session)
    :running = next_event(session)
    assert {:ok, %Info{state: :running}} = Linx.Process.info(session)

    :ok = Linx.Process.signal(session, :sigkill)
    {:ok, {:signaled, 9}} = Linx.Process.wait(session)

    assert {:ok, %Info{state: :ended, agent_pid: nil, result: {:ok, {:signaled, 9}}}} =
             Linx.Process.info(session)
  end

  @tag :userns
  test "in a pid namespace the child's own pid is 1" do
    {session, host_pid} = parked(namespaces: [:user, :pid])
    assert {:ok, %Info{host_pid: ^host_pid, child_pid: 1}} = Linx.Process.info(session)
    :ok = Linx.Process.abort(session)
  end

  test "nothing is left of a session after its end: no agent, no workload, no port" do
    {session, host_pid} = running()
    {:ok, %{agent_pid: agent_pid}} = Linx.Process.info(session)
    :ok = Linx.Process.signal(session, 9)
    {:ok, {:signaled, 9}} = Linx.Process.wait(session)
    assert Host.stat(host_pid) == nil
    await_gone(agent_pid)
    {:links, links} = Process.info(session, :links)
    assert Enum.filter(links, &is_port/1) == []
  end

  test "the workload gets what the options say" do
    facts =
      probe([:argv, :env, :files, :security],
        env: ["A=1", "B=two words"],
        cwd: "/usr",
        no_new_privs: true
      )

    assert Probe.list(facts, "env") == ["A=1", "B=two words"]
    assert facts["cwd"] == "/usr"
    assert facts["no_new_privs"] == "1"
  end

  test "argv and env of a megabyte arrive whole" do
    word = :binary.copy("x", 100_000)
    argv = actor(["sizes" | List.duplicate(word, 8)])
    env = for n <- 1..8, do: "V#{n}=" <> word
    {output, listener} = capture()
    session = session(argv: argv, env: env, auto_proceed: true, stdio: [stdout: output])
    assert captured(listener) == "argv 8 800000 env 8 800024\n"
    assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
  end

  test "an argv past what exec takes is the kernel's error, not a crash" do
    argv = actor(["sizes" | List.duplicate(:binary.copy("x", 100_000), 120)])
    session = session(argv: argv, auto_proceed: true)
    assert {:error, %Error{stage: :execve, errno: :e2big} = error} = Linx.Process.wait(session)
    assert Error.kind(error) == :bad_args
  end

  test "many sessions at once keep apart" do
    sessions =
      for code <- 0..63, do: {code, session(argv: actor(["exit", code]), auto_proceed: true)}

    for {code, session} <- sessions,
        do: assert({:ok, {:exited, ^code}} = Linx.Process.wait(session))

    for {code, session} <- sessions,
        do: assert({:exited, ^code} = List.last(events_so_far(session)))
  end
end
