# SPDX-License-Identifier: MIT

defmodule Linx.LingerTest do
  use Linx.SessionCase, async: true

  # A session that stops with another reason than :normal is logged, as any GenServer.
  @moduletag :capture_log

  setup do
    Process.flag(:trap_exit, true)
    :ok
  end

  defp stop_reason(opts, fun \\ fn _session -> :ok end) do
    {:ok, session} = Linx.Process.spawn([linger: false, events: :none, stdio: :devnull] ++ opts)
    fun.(session)
    assert_receive {:EXIT, ^session, reason}, 30_000
    reason
  end

  test "a session that lingers can be waited for and asked for info after the end" do
    session = session(argv: actor(["exit", 3]), auto_proceed: true)
    assert {:ok, {:exited, 3}} = Linx.Process.wait(session)
    assert {:ok, {:exited, 3}} = Linx.Process.wait(session)
    assert {:ok, %Info{state: :ended}} = Linx.Process.info(session)
    assert {:ok, _pid} = Linx.Process.host_pid(session)
    refute_messages_from(session)
  end

  test "one that does not stops with the workload, and the reason tells how it ended" do
    assert stop_reason(argv: actor(["exit", 0]), auto_proceed: true) == :normal
    assert stop_reason(argv: actor(["exit", 3]), auto_proceed: true) == {:exited, 3}
    assert stop_reason(argv: actor(["die", 9]), auto_proceed: true) == {:signaled, 9}
    assert stop_reason([argv: actor(["pause"])], &Linx.Process.abort/1) == {:shutdown, :aborted}

    assert {:error, %Error{stage: :execve, errno: :enoent}} =
             stop_reason(argv: ["/no/such/program"], auto_proceed: true)
  end

  test "those that wait get their reply before it stops" do
    {:ok, session} =
      Linx.Process.spawn(
        argv: actor(["pause"]),
        stdio: :devnull,
        linger: false,
        auto_proceed: true,
        events: :tagged
      )

    {:ready, _} = next_event(session)
    :running = next_event(session)
    tasks = for _ <- 1..10, do: Task.async(fn -> Linx.Process.wait(session) end)
    await_waiters(session, 10)
    :ok = Linx.Process.signal(session, 15)

    assert Enum.uniq(Task.await_many(tasks, 30_000)) == [{:ok, {:signaled, 15}}]
    assert_receive {:EXIT, ^session, {:signaled, 15}}, 30_000
    assert {:error, :no_process} = Linx.Process.wait(session)
    assert events_so_far(session) == [{:signaled, 15}]
  end

  test "under a supervisor a session does not linger, sends no events, and is started again" do
    {:ok, supervisor} =
      Supervisor.start_link(
        [{Linx.Process, argv: actor(["pause"]), stdio: :devnull, auto_proceed: true}],
        strategy: :one_for_one
      )

    [{Linx.Process, first, :worker, _}] = Supervisor.which_children(supervisor)
    assert {:ok, %Info{linger: false, owner: ^supervisor}} = Linx.Process.info(first)
    ref = Process.monitor(first)
    :ok = Linx.Process.signal(first, :sigkill)
    assert_receive {:DOWN, ^ref, :process, ^first, {:signaled, 9}}, 30_000
    assert supervisor |> await_successor(first) |> is_pid()
    :ok = Supervisor.stop(supervisor)
  end

  test "a supervised session keeps its owner, and cannot be made to linger" do
    spec =
      Linx.Process.child_spec(
        argv: actor(["exit", 0]),
        owner: self(),
        linger: true,
        auto_proceed: true,
        name: :supervised
      )

    assert spec.id == :supervised

    {:ok, supervisor} =
      Supervisor.start_link([Map.put(spec, :restart, :temporary)], strategy: :one_for_one)

    assert_receive {:linx_process, :exited, 0}, 30_000
    :ok = Supervisor.stop(supervisor)
  end

  test "a session that cannot start is the supervisor's error, with its reason" do
    assert {:error, {:shutdown, {:failed_to_start_child, Linx.Process, {:bad_cwd, 7}}}} =
             Supervisor.start_link([{Linx.Process, argv: ["/bin/true"], cwd: 7}],
               strategy: :one_for_one
             )
  end

  test "a supervisor that shuts down leaves no workload" do
    {:ok, supervisor} =
      Supervisor.start_link(
        [
          {Linx.Process,
           argv: actor(["ignore", 15]),
           stdio: [stdout: :pipe],
           owner: self(),
           stop: {:sigterm, 50}}
        ],
        strategy: :one_for_one
      )

    assert_receive {:linx_process, :ready, host_pid}, 30_000
    [{_, session, _, _}] = Supervisor.which_children(supervisor)
    :ok = Linx.Process.proceed(session)
    assert_receive {:linx_process, :running}, 30_000
    assert {:ok, "ready\n"} = Linx.Process.read(session, :stdout)
    :ok = Supervisor.stop(supervisor, :shutdown)
    assert Host.stat(host_pid) == nil
    assert_receive {:linx_process, :signaled, 9}, 30_000
  end

  defp refute_messages_from(session), do: refute_received({:EXIT, ^session, _})
end
