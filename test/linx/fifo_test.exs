# SPDX-License-Identifier: MIT

defmodule Linx.FifoTest do
  use Linx.SessionCase, async: true

  # A named pipe as a stream of a session: while the session waits for the other side, everything that ends a
  # session ends it.

  alias Linx.Process, as: P

  @moduletag :tmp_dir

  setup %{tmp_dir: dir} do
    path = Path.join(dir, "fifo")
    {_, 0} = System.cmd("mkfifo", [path])
    {:ok, fifo: path}
  end

  defp reading(fifo, opts \\ []),
    do: session([argv: ["/bin/cat"], stdio: [stdin: {:file, fifo, :read}, stdout: :pipe]] ++ opts)

  # A session whose workload is not executed yet, because there is no writer.
  defp waiting(fifo, opts \\ []) do
    session = reading(fifo, [auto_proceed: true] ++ opts)
    assert_receive {:linx_process, ^session, {:ready, _pid}}, 30_000
    await_state(session, :waiting)
    session
  end

  defp await_state(session, state) do
    case P.info(session) do
      {:ok, %{state: ^state}} -> :ok
      {:ok, _info} -> await_state(session, state)
    end
  end

  test "the workload runs when there is a writer", %{fifo: fifo} do
    for opts <- [[auto_proceed: true], []] do
      session = reading(fifo, opts)
      assert_receive {:linx_process, ^session, {:ready, _pid}}, 30_000
      if opts == [], do: :ok = P.proceed(session)
      File.write!(fifo, "late")
      assert read_all(session, :stdout) == "late"
      assert {:ok, {:exited, 0}} = P.wait(session)
    end
  end

  test "the workload runs when there is a reader", %{fifo: fifo} do
    for how <- [:write, :append] do
      stdio = [stdout: {:file, fifo, how}]
      session = session(argv: ["/bin/echo", "out"], stdio: stdio, auto_proceed: true)
      await_state(session, :waiting)
      assert File.read!(fifo) == "out\n"
      assert {:ok, {:exited, 0}} = P.wait(session)
    end
  end

  test "a signal ends it", %{fifo: fifo} do
    for {signal, number} <- [sigterm: 15, sigkill: 9, sighup: 1] do
      session = waiting(fifo)
      :ok = P.signal(session, signal)
      assert P.wait(session) == {:ok, {:signaled, number}}
    end
  end

  test "a signal that was sent before it waited does", %{fifo: fifo} do
    session = reading(fifo, auto_proceed: true)
    :ok = P.signal(session, :sigterm)
    assert P.wait(session) == {:ok, {:signaled, 15}}
  end

  test "stop/2 does, within its grace", %{fifo: fifo} do
    assert P.stop(waiting(fifo), 3_600_000) == {:ok, {:signaled, 15}}
    assert P.stop(waiting(fifo), 0) == {:ok, {:signaled, 15}}
  end

  test "an abort at the checkpoint does", %{fifo: fifo} do
    session = reading(fifo)
    :ok = P.abort(session)
    assert P.wait(session) == {:ok, :aborted}
  end

  test "the timeout of a call does", %{fifo: fifo} do
    opts = [stdio: [stdin: {:file, fifo, :read}], timeout: 300, stop: {15, 3_600_000}]
    assert {:error, %Error{stage: :timeout, stdout: ""}} = Linx.run(["/bin/cat"], opts)
    assert Linx.cmd("/bin/cat", [], opts) == {"", :timeout}
    lines = Linx.stream!(["/bin/cat"], opts)
    assert %Error{stage: :timeout} = catch_error(Enum.to_list(lines))
  end

  test "a call has what a late writer writes", %{fifo: fifo} do
    call = Task.async(fn -> Linx.run(["/bin/cat"], stdio: [stdin: {:file, fifo, :read}]) end)
    File.write!(fifo, "late")
    assert {:ok, %{stdout: "late"}} = Task.await(call, 30_000)
  end

  test "the end of the session's process does", %{fifo: fifo} do
    session = waiting(fifo)
    {:ok, host_pid} = P.host_pid(session)
    :ok = GenServer.stop(session)
    refute AgentTest.Host.alive?(host_pid)
  end

  test "the end of the whole session by :kill does", %{fifo: fifo} do
    session = waiting(fifo, orphan_policy: :leave, link: false)
    {:ok, %{host_pid: host_pid}} = P.info(session)
    Process.exit(session, :kill)
    await_death(host_pid)
  end

  defp await_death(pid), do: if(AgentTest.Host.alive?(pid), do: await_death(pid))
end
