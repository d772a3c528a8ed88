# SPDX-License-Identifier: MIT

defmodule Linx.NameTest do
  use Linx.SessionCase, async: true

  setup do
    {:ok, name: :"session_#{System.unique_integer([:positive])}"}
  end

  test "a session goes by its name", %{name: name} do
    for name <- [name, {:global, name}, {:via, :global, {:via, name}}] do
      {session, host_pid} = parked(name: name)
      assert GenServer.whereis(name) == session
      assert {:ok, ^host_pid} = Linx.Process.host_pid(name)
      assert :ok = Linx.Process.proceed(name)
      :running = next_event(session)
      assert {:error, :timeout} = Linx.Process.wait(name, 0)
      assert :ok = Linx.Process.signal(name, :sigterm)
      assert {:ok, {:signaled, 15}} = Linx.Process.wait(name)
    end
  end

  test "a taken name is an error that names its holder, and starts nothing", %{name: name} do
    {session, _host_pid} = parked(name: name)

    assert {:error, {:already_started, ^session}} =
             Linx.Process.spawn(argv: ["/bin/true"], name: name)

    assert {:error, {:already_started, ^session} = reason} =
             Linx.Process.enter(session, argv: ["/bin/true"], name: name)

    assert Linx.Process.format_error(reason) =~ inspect(session)
    refute_messages()
    :ok = Linx.Process.abort(session)
  end

  test "a name is free again when its session has stopped", %{name: name} do
    {session, _host_pid} = parked(name: name)
    Process.unlink(session)
    :ok = GenServer.stop(session)
    {again, _host_pid} = parked(name: name)
    assert again != session
  end

  test "a name of no session is no process", %{name: name} do
    assert {:error, :no_process} = Linx.Process.info(name)
    assert {:error, :no_process} = Linx.Process.enter(name, argv: ["/bin/true"])
  end
end
