# SPDX-License-Identifier: MIT

defmodule Linx.CheckpointTest do
  use Linx.SessionCase, async: true

  # A command that drops nothing, which needs no privilege.
  defp verb(session), do: Linx.Capabilities.set_ambient(session, [])

  test "proceed and the verbs are of the checkpoint: after it they are refused" do
    {session, _host_pid} = running()
    assert {:error, :running} = Linx.Process.proceed(session)
    assert {:error, :running} = Linx.Process.abort(session)
    assert {:error, :running} = verb(session)
    assert {:ok, %Info{state: :running}} = Linx.Process.info(session)
  end

  test "after the end there is no process any more" do
    {session, _host_pid} = running(argv: actor(["exit", 0]))
    {:ok, {:exited, 0}} = Linx.Process.wait(session)
    assert {:error, :no_process} = Linx.Process.proceed(session)
    assert {:error, :no_process} = Linx.Process.abort(session)
    assert {:error, :no_process} = Linx.Process.signal(session, :sigterm)
    assert {:error, :no_process} = Linx.Process.pty_write(session, "x")
    assert {:error, :no_process} = Linx.Process.pty_set_winsize(session, {1, 1, 0, 0})
    assert {:error, :no_process} = Linx.Process.pty_master(session)
    assert {:error, :no_process} = Linx.Process.enter(session, argv: ["/bin/true"])
    assert {:error, :no_process} = verb(session)
    assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
  end

  test "a session without a checkpoint has none to stop at" do
    {session, _host_pid} = running(auto_proceed: true)
    assert {:error, :running} = Linx.Process.proceed(session)
    assert {:error, :running} = Linx.Process.abort(session)
    assert {:error, :running} = verb(session)
  end

  test "a verb returns once the kernel has done it" do
    {session, host_pid} = parked()
    assert :ok = Linx.Capabilities.set_thread_sets(session, [])
    {:ok, capabilities} = Linx.Capabilities.read(host_pid)
    assert MapSet.size(capabilities.effective) == 0
    assert MapSet.size(capabilities.permitted) == 0
    :ok = Linx.Process.abort(session)
  end

  test "a refusal by the kernel is the verb's result and the final event" do
    {session, _host_pid} = parked()
    # A capability that is not permitted cannot become ambient (capabilities(7)).
    :ok = Linx.Capabilities.set_thread_sets(session, [])

    assert {:error, %Error{stage: :cap_set_ambient, errno: :eperm} = error} =
             Linx.Capabilities.set_ambient(session, [:cap_kill])

    assert {:error, ^error} = Linx.Process.wait(session)
    assert events_so_far(session) == [{:error, 1, :cap_set_ambient}]
    assert {:error, :no_process} = verb(session)
  end

  test "many callers at once each get a reply, in order" do
    {session, _host_pid} = parked()
    tasks = for _ <- 1..50, do: Task.async(fn -> verb(session) end)
    assert Enum.uniq(Task.await_many(tasks, 30_000)) == [:ok]
    :ok = Linx.Process.proceed(session)
    :running = next_event(session)
  end

  test "of many callers one meets the refusal, those after it the end" do
    {session, _host_pid} = parked()
    :ok = Linx.Capabilities.set_thread_sets(session, [])

    tasks =
      for _ <- 1..20,
          do: Task.async(fn -> Linx.Capabilities.set_ambient(session, [:cap_kill]) end)

    {refused, gone} =
      tasks |> Task.await_many(30_000) |> Enum.split_with(&match?({:error, %Error{}}, &1))

    assert [{:error, %Error{stage: :cap_set_ambient}}] = refused
    assert Enum.uniq(gone) == [{:error, :no_process}]
    assert [{:error, 1, :cap_set_ambient}] = events_so_far(session)
  end

  test "a proceed that is behind a refused verb ends with it" do
    {session, _host_pid} = parked()
    :ok = Linx.Capabilities.set_thread_sets(session, [])
    task = Task.async(fn -> Linx.Capabilities.set_ambient(session, [:cap_kill]) end)
    answer = Linx.Process.proceed(session)
    assert answer in [:ok, {:error, :no_process}]

    case Task.await(task, 30_000) do
      {:error, %Error{}} ->
        assert {:error, %Error{stage: :cap_set_ambient}} = Linx.Process.wait(session)

      # The proceed of the other process came first.
      {:error, :running} ->
        assert next_event(session) == :running
    end
  end

  test "a verb of a child that dies returns at the end" do
    {session, host_pid} = parked()
    Host.signal(host_pid, :STOP)
    task = Task.async(fn -> verb(session) end)
    Host.signal(host_pid, :KILL)
    assert {:error, :no_process} = Task.await(task, 30_000)
    assert {:ok, {:signaled, 9}} = Linx.Process.wait(session)
  end

  test "an aborted session is over for every caller, and a second abort is fine" do
    {session, _host_pid} = parked()
    assert :ok = Linx.Process.abort(session)
    assert Linx.Process.abort(session) in [:ok, {:error, :no_process}]
    assert {:error, :no_process} = Linx.Process.proceed(session)
    assert {:error, :no_process} = Linx.Process.signal(session, 9)
    assert {:ok, :aborted} = Linx.Process.wait(session)
  end
end
