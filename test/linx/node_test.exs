# SPDX-License-Identifier: MIT

defmodule Linx.NodeTest do
  # Sessions in other VMs. This VM becomes a node, so not async.
  use Linx.SessionCase, async: false

  alias Linx.Process, as: P
  alias Linx.Test.Nodes

  # Erlang logs the loss of a node, and sessions that stop with another reason than :normal.
  @moduletag :capture_log

  setup_all do
    Nodes.start_distribution()
  end

  defp start(node, opts) do
    session = session([node: node, auto_proceed: true] ++ opts)
    assert node(session) == node
    {session, await_ready(session)}
  end

  defp ready(node, opts \\ []) do
    {session, host_pid} = start(node, [argv: actor(["pause"]), stdio: :pipe] ++ opts)
    assert :running = next_event(session)
    assert {:ok, "ready\n"} = P.read(session, :stdout)
    {session, host_pid}
  end

  defp vm(node), do: :erpc.call(node, System, :pid, []) |> String.to_integer()

  defp kill_vm(node) do
    os_pid = vm(node)
    Host.signal(os_pid, :KILL)
    await_gone(os_pid)
  end

  defp terminal_events(session),
    do: for(event <- events_so_far(session), Linx.Process.Events.final?(event), do: event)

  test "a session lives on its node, and everything else is here" do
    node = Nodes.start_node()
    {session, host_pid} = start(node, argv: actor(["copy"]), stdio: :pipe, usage: true)
    assert :running = next_event(session)
    assert {:ok, ^host_pid} = P.host_pid(session)

    {:ok, %Info{agent_pid: agent, owner: owner}} = P.info(session)
    assert owner == self()
    # The agent's parent is erl_child_setup, whose parent is the other VM.
    assert Host.stat(Host.stat(agent).ppid).ppid == vm(node)

    input = :crypto.strong_rand_bytes(3_000_000)
    writer = Task.async(fn -> P.write(session, input) end)
    reader = Task.async(fn -> read_all(session, :stdout) end)
    assert :ok = Task.await(writer, 30_000)
    assert :ok = P.close_stdin(session)
    assert Task.await(reader, 30_000) == input
    assert {:ok, {:exited, 0}} = P.wait(session)
    # The events take another path than the reply.
    assert {:usage, %{}} = next_event(session)
    assert {:exited, 0} = next_event(session)
    assert {:error, :timeout} = P.wait(elem(ready(node), 0), 10)
  end

  test "the agent is of that node's own pool, by its name" do
    node = Nodes.start_node()
    name = :"#{__MODULE__}.pool"
    assert {:error, {:no_pool, ^name}} = P.spawn(node: node, argv: actor(["pause"]), pool: name)
    # The call's own process ends, so that the pool must not be linked to it.
    {:ok, pool} = :erpc.call(node, GenServer, :start, [Linx.Pool.Server, 2, [name: name]])
    :ok = :erpc.call(node, Linx.Pool, :await, [name, 30_000])
    {session, _host_pid} = start(node, argv: actor(["exit", 5]), pool: name)
    assert {:ok, {:exited, 5}} = P.wait(session)
    assert {:ok, %{stdout: "there\n"}} = Linx.run(["echo", "there"], node: node, pool: name)
    assert %{hits: 2, misses: 0} = Linx.Pool.info(pool)
    # A port cannot be handed over to another node.
    assert {:error, {:no_pool, ^pool}} = P.spawn(argv: actor(["pause"]), pool: pool)
  end

  test "the checkpoint, plain events and a terminal as well" do
    node = Nodes.start_node()
    {:ok, session} = P.spawn(argv: actor(["say", "hello"]), stdio: :pty, node: node)
    assert_receive {:linx_process, :ready, _host_pid}, 30_000
    assert :ok = Linx.Capabilities.set_ambient(session, [])
    assert :ok = P.proceed(session)
    assert_receive {:linx_process, :running}, 30_000
    assert_receive {:linx_process, :exited, 0}, 30_000
    assert shown() == "hello\r\n"
    refute_messages()
  end

  test "streams are sent here too" do
    node = Nodes.start_node()
    # The events arrive in their order, as from a session of this node.
    {session, _} = start(node, argv: actor(["write", 1, 1_000_000]), stdio: :pipe, active: true)
    assert :running = next_event(session)
    assert byte_size(collect(session, "")) == 1_000_000
  end

  defp collect(session, data) do
    receive do
      {:linx_process, ^session, {:stdout, more}} -> collect(session, data <> more)
      {:linx_process, ^session, {:eof, :stdout}} -> data
    after
      30_000 -> flunk("no end")
    end
  end

  describe "a lost node" do
    test "is one final event, a reply to every call, and the end of the workload" do
      node = Nodes.start_node()
      {session, host_pid} = ready(node)

      calls =
        for call <- [
              fn -> P.wait(session) end,
              fn -> P.read(session, :stdout) end,
              fn -> P.read_any(session, 10, 60_000) end,
              fn -> P.write(session, :binary.copy("x", 5_000_000)) end
            ],
            do: Task.async(call)

      kill_vm(node)
      assert Enum.uniq(Task.await_many(calls, 30_000)) == [{:error, :nodedown}]
      assert {:error, 112, :nodedown} = next_event(session)
      await_gone(host_pid)

      assert {:error, :nodedown} = P.wait(session)
      assert {:error, :nodedown} = P.info(session)
      assert {:error, :nodedown} = P.signal(session, 9)
      assert {:error, :nodedown} = P.stop(session)
      assert terminal_events(session) == []
      # The loss of the node has not ended this process, though it is linked to the session.
      refute_received {:EXIT, _, _}
    end

    test "is the end of the streams that a process receives" do
      node = Nodes.start_node()
      opts = [argv: actor(["pause"]), stdio: :pipe, events: :plain, auto_proceed: true]
      test = self()
      receiver = spawn_link(fn -> forward(test) end)
      {:ok, session} = P.spawn([node: node, stream_to: receiver, active: true] ++ opts)
      assert_receive {:got, {:linx_process, ^session, {:stdout, "ready\n"}}}, 30_000
      kill_vm(node)
      assert_receive {:got, {:linx_process, ^session, {:failed, :stdout, error}}}, 30_000
      assert_receive {:got, {:linx_process, ^session, {:failed, :stderr, ^error}}}, 30_000
      assert %Error{stage: :nodedown, errno: :ehostdown} = error
      assert Exception.message(error) =~ "nodedown"
      assert_receive {:linx_process, :error, 112, :nodedown}, 30_000
    end

    test "is told to the process that is the owner by then" do
      node = Nodes.start_node()
      {session, _} = ready(node)
      test = self()
      owner = spawn_link(fn -> receive do: (message -> send(test, {:owner_got, message})) end)
      assert :ok = P.set_owner(session, owner)
      kill_vm(node)
      assert_receive {:owner_got, {:linx_process, ^session, {:error, 112, :nodedown}}}, 30_000
      assert terminal_events(session) == []
    end

    test "after the end is no second end" do
      node = Nodes.start_node()
      {session, _} = start(node, argv: ["/bin/true"])
      assert {:ok, {:exited, 0}} = P.wait(session)
      assert :running = next_event(session)
      assert {:exited, 0} = next_event(session)
      kill_vm(node)
      assert {:error, :nodedown} = P.wait(session)
      assert terminal_events(session) == []
    end

    test "that still runs ends the session itself" do
      node = Nodes.start_node()
      {session, host_pid} = ready(node)
      true = Node.disconnect(node)
      assert {:error, 112, :nodedown} = next_event(session)
      await_gone(host_pid)
    end
  end

  defp forward(test) do
    receive do: (message -> send(test, {:got, message}))
    forward(test)
  end

  test "what cannot be a session's node is an error" do
    assert {:error, :nodedown} = P.spawn(argv: ["/bin/true"], node: :"nobody@127.0.0.1")
    bare = Nodes.start_node(paths: [])
    assert {:error, {:bad_node, ^bare}} = P.spawn(argv: ["/bin/true"], node: bare)
    assert P.format_error({:bad_node, bare}) =~ "has this library"

    for node <- [nil, "node", 1, true],
        do: assert({:error, {:bad_node, ^node}} = P.spawn(argv: ["/bin/true"], node: node))

    assert P.format_error(:nodedown) =~ "node"
    refute_messages()
  end

  test "node: node() is here" do
    {session, _} = start(node(), argv: ["/bin/true"])
    assert {:ok, {:exited, 0}} = P.wait(session)
  end

  test "an error before the start comes back as it is" do
    node = Nodes.start_node()
    :ok = :erpc.call(node, System, :put_env, ["LINX_AGENT", "/no/such/agent"])
    assert {:error, {:missing_agent, "/no/such/agent"}} = P.spawn(argv: ["/bin/true"], node: node)
    refute_messages()
  end

  describe "the session and its caller" do
    test "the caller's end is the session's" do
      node = Nodes.start_node()

      for opts <- [[], [link: false]] do
        test = self()

        caller =
          spawn(fn ->
            {session, host_pid} = ready(node, opts)
            send(test, {:started, session, host_pid})
            receive do: (:never -> :ok)
          end)

        assert_receive {:started, session, host_pid}, 30_000
        ref = Process.monitor(session)
        Process.exit(caller, :kill)
        assert_receive {:DOWN, ^ref, :process, ^session, _}, 30_000
        await_gone(host_pid)
      end
    end

    test "a session that does not linger ends a caller that is linked to it" do
      node = Nodes.start_node()
      test = self()

      for {link, expected} <- [{true, {:exited, 3}}, {false, :normal}] do
        caller =
          spawn(fn ->
            {:ok, session} =
              P.spawn(
                argv: actor(["exit", 3]),
                stdio: :devnull,
                node: node,
                linger: false,
                link: link
              )

            receive do: ({:linx_process, :ready, _} -> send(test, {:session, session}))
            receive do: (:go -> :ok)
          end)

        ref = Process.monitor(caller)
        assert_receive {:session, session}, 30_000
        assert :ok = P.proceed(session)
        await_down(session)
        if not link, do: send(caller, :go)
        assert_receive {:DOWN, ^ref, :process, ^caller, ^expected}, 30_000
      end
    end

    test "a supervisor starts it again, there" do
      node = Nodes.start_node()
      child = {P, argv: actor(["pause"]), stdio: :devnull, node: node, auto_proceed: true}
      {:ok, supervisor} = Supervisor.start_link([child], strategy: :one_for_one)
      [{P, first, :worker, _}] = Supervisor.which_children(supervisor)
      ref = Process.monitor(first)
      :ok = P.signal(first, :sigkill)
      assert_receive {:DOWN, ^ref, :process, ^first, {:signaled, 9}}, 30_000
      second = await_successor(supervisor, first)
      assert node(second) == node
      {:ok, host_pid} = host_pid(second)
      :ok = Supervisor.stop(supervisor)
      await_gone(host_pid)
    end
  end

  defp host_pid(session) do
    with {:error, :not_ready} <- P.host_pid(session), do: host_pid(session)
  end

  @tag :root
  test "a session of another node is entered on that node" do
    node = Nodes.start_node()
    {target, target_pid} = ready(node, namespaces: [:uts])

    {:ok, session} =
      P.enter(target,
        argv: ["/bin/readlink", "/proc/self/ns/uts"],
        stdio: :pipe,
        events: :none,
        auto_proceed: true
      )

    assert node(session) == node
    assert read_all(session, :stdout) == File.read_link!("/proc/#{target_pid}/ns/uts") <> "\n"

    assert {:error, {:bad_target, ^target}} = P.enter(target, argv: ["/bin/true"], node: node())
  end
end
