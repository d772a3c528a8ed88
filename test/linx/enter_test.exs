# SPDX-License-Identifier: MIT

defmodule Linx.EnterTest do
  use Linx.SessionCase, async: true

  defp enter(target, opts) do
    {:ok, session} = Linx.Process.enter(target, [events: :tagged, stdio: :devnull] ++ opts)
    session
  end

  # The target runs, because only root can read /proc of a parked child.
  defp entered(target, opts \\ []) do
    session = enter(target, [argv: actor(["pause"])] ++ opts)
    entered = await_ready(session)
    :ok = Linx.Process.proceed(session)
    :running = next_event(session)
    {session, entered}
  end

  defp namespaces, do: [:user, :mount, :uts, :ipc, :net, :pid, :cgroup, :time]

  # A container: all namespaces are fresh, and its workload is root in them.
  defp container(opts \\ []) do
    {session, host_pid} = parked([namespaces: namespaces()] ++ opts)
    :ok = become_root(host_pid)
    :ok = Linx.Process.proceed(session)
    :running = next_event(session)
    {session, host_pid}
  end

  @tag :userns
  test "a program enters every namespace of another session, by its pid" do
    {container, host_pid} = container()
    {session, entered} = entered(container)
    assert Host.namespaces(entered) == Host.namespaces(host_pid)
    assert {:ok, %Info{mode: :enter, host_pid: ^entered}} = Linx.Process.info(session)
    :ok = Linx.Process.signal(session, 15)
    assert {:ok, {:signaled, 15}} = Linx.Process.wait(session)
    assert {:error, :timeout} = Linx.Process.wait(container, 0)
  end

  @tag :userns
  test "by name and by host pid it is the same" do
    name = :"container_#{System.unique_integer([:positive])}"
    {_container, host_pid} = container(name: name)

    for target <- [name, host_pid] do
      {session, entered} = entered(target)
      assert Host.namespaces(entered) == Host.namespaces(host_pid)
      :ok = Linx.Process.signal(session, 9)
      assert {:ok, {:signaled, 9}} = Linx.Process.wait(session)
    end
  end

  @tag :userns
  test "only the namespaces that were asked for are entered" do
    {container, host_pid} = container()
    {_session, entered} = entered(container, namespaces: [:user, :uts])
    entered = Host.namespaces(entered)
    target = Host.namespaces(host_pid)
    own = Host.namespaces()
    assert Map.take(entered, ~w(user uts)) == Map.take(target, ~w(user uts))
    assert Map.drop(entered, ~w(user uts)) == Map.drop(own, ~w(user uts))
  end

  @tag :userns
  test "a parked child can be entered too" do
    {container, host_pid} = parked(namespaces: [:user, :uts, :net])
    :ok = become_root(host_pid)
    facts = probe([:namespaces], enter: container)
    assert facts["ns.net"] == Host.namespaces(host_pid)["net"]
    assert facts["ns.uts"] == Host.namespaces(host_pid)["uts"]
    :ok = Linx.Process.abort(container)
  end

  @tag :userns
  test "the verbs of the checkpoint work on what enters" do
    {container, _host_pid} = container()

    facts =
      probe([:capabilities, :security], [enter: container], fn session, _pid ->
        :ok = Linx.Capabilities.drop_bounding(session, [:cap_net_raw])
        :ok = Linx.Seccomp.install(session, Bpf.allow())
      end)

    {:ok, mask} = Linx.Capabilities.mask([:cap_net_raw])
    assert Bitwise.band(Probe.mask(facts, "cap.bounding"), mask) == 0
    assert facts["seccomp.mode"] == "2"
  end

  @tag :root
  test "root enters a process that shares its user namespace" do
    {container, host_pid} = running(namespaces: [:mount, :uts, :ipc, :net, :pid])
    session = enter(container, argv: actor(["pause"]))
    assert Host.namespaces(await_ready(session)) == Host.namespaces(host_pid)
    :ok = Linx.Process.abort(session)
  end

  test "a host pid that is gone is an error and no process anywhere" do
    {session, host_pid} = running(argv: actor(["exit", 0]))
    {:ok, {:exited, 0}} = Linx.Process.wait(session)
    entering = enter(host_pid, argv: actor(["pause"]))

    assert {:error, %Error{stage: :pidfd_open, errno: :esrch} = error} =
             Linx.Process.wait(entering)

    assert events_so_far(entering) == [{:error, 3, :pidfd_open}]
    assert Error.kind(error) == :not_found
  end

  test "a session that has ended cannot be entered" do
    {session, _host_pid} = running(argv: actor(["exit", 0]))
    {:ok, {:exited, 0}} = Linx.Process.wait(session)
    assert {:error, :no_process} = Linx.Process.enter(session, argv: ["/bin/true"])
    Process.unlink(session)
    :ok = GenServer.stop(session)
    assert {:error, :no_process} = Linx.Process.enter(session, argv: ["/bin/true"])
  end

  test "what is no target is refused by its value" do
    for target <- [
          nil,
          true,
          :undefined,
          0,
          -1,
          1.5,
          0x8000_0000,
          "1",
          '1',
          {1},
          {:via, "m", 1},
          %{},
          [self()],
          self(),
          make_ref()
        ] do
      assert {:error, {:bad_target, ^target} = reason} =
               Linx.Process.enter(target, argv: ["/bin/true"])

      assert Linx.Process.format_error(reason) =~ "target"
    end
  end

  test "the options are validated as for spawn" do
    assert {:error, :argv_required} = Linx.Process.enter(1, [])
    assert {:error, {:bad_argv, :x}} = Linx.Process.enter(1, argv: :x)
    assert {:error, {:bad_options, :x}} = Linx.Process.enter(1, :x)

    assert {:error, {:bad_option, {:target, 1}}} =
             Linx.Process.enter(1, argv: ["/bin/true"], target: 1)
  end
end
