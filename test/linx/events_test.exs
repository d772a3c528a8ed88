# SPDX-License-Identifier: MIT

defmodule Linx.EventsTest do
  use Linx.SessionCase, async: true

  test "plain events name what happened" do
    {:ok, session} =
      Linx.Process.spawn(argv: actor(["say", "hello"]), stdio: :pty, auto_proceed: true)

    {:ok, {:exited, 0}} = Linx.Process.wait(session)
    assert_received {:linx_process, :ready, host_pid} when is_integer(host_pid)
    assert_received {:linx_process, :running}
    assert shown() == "hello\r\n"
    assert_received {:linx_process, :exited, 0}
    refute_messages()
  end

  test "plain final events" do
    {:ok, session} = Linx.Process.spawn(argv: ["/no/such/program"], auto_proceed: true)
    {:error, _} = Linx.Process.wait(session)
    assert_received {:linx_process, :ready, _}
    assert_received {:linx_process, :error, 2, :execve}

    {:ok, session} = Linx.Process.spawn(argv: actor(["die", 9]), auto_proceed: true)
    {:ok, _} = Linx.Process.wait(session)
    assert_received {:linx_process, :signaled, 9}

    {:ok, session} = Linx.Process.spawn(argv: actor(["pause"]), stdio: :devnull)
    :ok = Linx.Process.abort(session)
    {:ok, _} = Linx.Process.wait(session)
    assert_received {:linx_process, :aborted}
  end

  test "tagged events name the session too" do
    {:ok, session} =
      Linx.Process.spawn(
        argv: actor(["say", "hello"]),
        stdio: :pty,
        auto_proceed: true,
        events: :tagged
      )

    {:ok, {:exited, 0}} = Linx.Process.wait(session)
    assert_received {:linx_process, ^session, {:ready, host_pid}} when is_integer(host_pid)
    assert_received {:linx_process, ^session, :running}
    assert shown(session) == "hello\r\n"
    assert_received {:linx_process, ^session, {:exited, 0}}
    refute_messages()

    failed = session(argv: ["/no/such/program"], auto_proceed: true)
    {:error, _} = Linx.Process.wait(failed)
    assert [{:ready, _}, {:error, 2, :execve}] = events_so_far(failed)
  end

  test "without events there are none" do
    {:ok, session} =
      Linx.Process.spawn(
        argv: actor(["say", "hello"]),
        stdio: :pty,
        auto_proceed: true,
        events: :none
      )

    {:ok, {:exited, 0}} = Linx.Process.wait(session)
    refute_messages()
  end

  test "the owner gets the events, and no other process" do
    test = self()
    owner = spawn_link(fn -> forward(test) end)

    {:ok, session} =
      Linx.Process.spawn(argv: actor(["exit", 0]), auto_proceed: true, owner: owner)

    {:ok, {:exited, 0}} = Linx.Process.wait(session)
    assert_receive {:owner, {:linx_process, :ready, _}}, 30_000
    assert_receive {:owner, {:linx_process, :running}}, 30_000
    assert_receive {:owner, {:linx_process, :exited, 0}}, 30_000
    refute_messages()
  end

  test "set_owner hands over what is to come" do
    test = self()
    owner = spawn_link(fn -> forward(test) end)
    {session, _host_pid} = parked()
    assert :ok = Linx.Process.set_owner(session, owner)
    assert {:ok, %Info{owner: ^owner}} = Linx.Process.info(session)
    :ok = Linx.Process.abort(session)
    {:ok, :aborted} = Linx.Process.wait(session)
    assert_receive {:owner, {:linx_process, ^session, :aborted}}, 30_000
    refute_messages()
  end

  test "an owner is a pid" do
    {session, _host_pid} = parked()

    for owner <- [nil, :me, "pid", {:via, :global, :x}],
        do: assert({:error, {:bad_owner, ^owner}} = Linx.Process.set_owner(session, owner))

    :ok = Linx.Process.abort(session)
  end

  defp forward(test) do
    receive do
      message -> send(test, {:owner, message})
    end

    forward(test)
  end
end
