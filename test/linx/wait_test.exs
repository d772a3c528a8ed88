# SPDX-License-Identifier: MIT

defmodule Linx.WaitTest do
  use Linx.SessionCase, async: true

  test "any number of waiters get the result, before and after the end" do
    {session, _host_pid} = running()
    tasks = for _ <- 1..100, do: Task.async(fn -> Linx.Process.wait(session, 30_000) end)
    await_waiters(session, 100)
    :ok = Linx.Process.signal(session, :sigterm)
    assert Enum.uniq(Task.await_many(tasks, 30_000)) == [{:ok, {:signaled, 15}}]
    for _ <- 1..3, do: assert({:ok, {:signaled, 15}} = Linx.Process.wait(session, 0))
  end

  test "a wait that times out leaves the session alone, and no message comes later" do
    {session, host_pid} = running()
    assert {:error, :timeout} = Linx.Process.wait(session, 0)
    assert {:error, :timeout} = Linx.Process.wait(session, 20)
    assert Host.alive?(host_pid)
    :ok = Linx.Process.signal(session, :sigterm)
    assert {:ok, {:signaled, 15}} = Linx.Process.wait(session, :infinity)
    assert events_so_far(session) == [{:signaled, 15}]
    refute_messages()
  end

  test "waiters that die are forgotten" do
    {session, _host_pid} = running()
    waiter = spawn(fn -> Linx.Process.wait(session) end)
    await_waiters(session, 1)
    Process.exit(waiter, :kill)
    await_down(waiter)
    # The session has been notified of the caller's end before it replies to this request.
    assert {:error, :timeout} = Linx.Process.wait(session, 0)
    await_waiters(session, 0)
  end

  test "a bad timeout is named" do
    {session, _host_pid} = parked()

    for timeout <- [-1, 1.5, nil, "1", :forever, 0x1_0000_0000, 0x1_0000_0000_0000_0000, {1}],
        do: assert({:error, {:bad_timeout, ^timeout}} = Linx.Process.wait(session, timeout))

    :ok = Linx.Process.abort(session)
  end

  test "every call to a session that is gone is {:error, :no_process}, by pid and by name" do
    {session, _host_pid} = parked()
    Process.unlink(session)
    :ok = GenServer.stop(session)

    for gone <- [session, :no_such_session, {:global, :no_such_session}, {:via, :global, :none}] do
      for call <- [
            &Linx.Process.wait/1,
            &Linx.Process.wait(&1, 5),
            &Linx.Process.info/1,
            &Linx.Process.host_pid/1,
            &Linx.Process.proceed/1,
            &Linx.Process.abort/1,
            &Linx.Process.signal(&1, 9),
            &Linx.Process.set_owner(&1, self()),
            &Linx.Process.pty_write(&1, "x"),
            &Linx.Process.pty_set_winsize(&1, {1, 1, 0, 0}),
            &Linx.Process.pty_master/1,
            &Linx.Process.enter(&1, argv: ["/bin/true"]),
            &Linx.Capabilities.drop_bounding(&1, []),
            &Linx.Capabilities.set_thread_sets(&1, []),
            &Linx.Capabilities.set_ambient(&1, []),
            &Linx.Seccomp.install(&1, Bpf.allow()),
            &Linx.User.set_credentials(&1, uid: 0, gid: 0)
          ] do
        assert {:error, :no_process} = call.(gone)
      end
    end
  end
end
