# SPDX-License-Identifier: MIT

defmodule Linx.CallNodeTest do
  # Programs run in other VMs. This VM becomes a node, so not async.
  use Linx.CallCase, async: false

  alias Linx.Test.Nodes

  # Erlang logs the loss of a node that is killed.
  @moduletag :capture_log

  setup_all do
    Nodes.start_distribution()
  end

  defp kill_vm(node), do: node |> :erpc.call(System, :pid, []) |> Host.signal("KILL")

  test "calls run their program on the node that is named, with its PATH and its environment" do
    node = Nodes.start_node()
    before = ties()
    :ok = :erpc.call(node, System, :put_env, ["LINX_THERE", "there"])
    script = ["-c", "echo $LINX_THERE $LINX_MORE"]
    assert Linx.cmd("sh", script, node: node) == {"there\n", 0}
    assert Linx.cmd("sh", script, node: node, env: [{"LINX_MORE", "more"}]) == {"there more\n", 0}
    assert Linx.cmd("sh", script, node: node, env: %{"LINX_THERE" => nil}) == {"\n", 0}

    opts = [
      node: node,
      env: [LINX_MORE: "more"],
      stdio: [stdout: :pipe],
      auto_proceed: true,
      events: :none
    ]

    {:ok, session} = Linx.Process.spawn([argv: ["/bin/sh" | script]] ++ opts)
    assert Linx.Process.read(session, :stdout, 100, 30_000) == {:ok, "there more\n"}
    Linx.Process.wait(session, 30_000)
    GenServer.stop(session)

    assert {:ok, %{stdout: "out", stderr: "err"}} =
             Linx.run(sh("printf out; printf err >&2"), node: node)

    assert Linx.stream!("yes", node: node, lines: true) |> Enum.take(2) == ["y", "y"]

    directory = Path.join(System.tmp_dir!(), "linx-there-#{System.pid()}")
    File.mkdir_p!(directory)
    on_exit(fn -> File.rm_rf!(directory) end)
    program = "linx-only-there"
    File.write!(Path.join(directory, program), "#!/bin/sh\necho found\n")
    File.chmod!(Path.join(directory, program), 0o755)
    path = :erpc.call(node, System, :get_env, ["PATH"])
    :ok = :erpc.call(node, System, :put_env, ["PATH", path <> ":" <> directory])
    assert Linx.cmd(program, [], node: node) == {"found\n", 0}
    assert_raise ErlangError, ~r/enoent/, fn -> Linx.cmd(program) end
    assert {:error, %Error{errno: :enoent}} = Linx.run("no-such-program", node: node)
    assert ties() == before
  end

  test "a node without the library, or that is not there, is an error" do
    bare = Nodes.start_node(paths: [])
    gone = :"nobody@127.0.0.1"

    for {argv, opts} <- [
          {["/bin/true"], []},
          {["true"], []},
          {["./true"], []},
          {["/bin/true"], [env: [{"A", "b"}]]},
          {["true"], [input: "x"]}
        ] do
      assert Linx.run(argv, [node: bare] ++ opts) == {:error, {:bad_node, bare}}
      assert Linx.run(argv, [node: gone] ++ opts) == {:error, :nodedown}
      [program | arguments] = argv

      for call <- [
            fn -> Linx.cmd(program, arguments, [node: bare] ++ opts) end,
            fn -> argv |> Linx.stream!([node: bare] ++ opts) |> Stream.run() end
          ],
          do: assert_raise(RuntimeError, ~r/has this library/, call)
    end

    assert ties() == [messages: [], links: [], monitors: []]
  end

  test "input goes to another node, and much comes back" do
    node = Nodes.start_node()
    blocks = for _ <- 1..64, do: :crypto.strong_rand_bytes(65_536)
    assert {:ok, %{stdout: stdout}} = Linx.run("cat", node: node, input: Stream.map(blocks, & &1))
    assert stdout == IO.iodata_to_binary(blocks)

    assert_raise RuntimeError, "broken", fn ->
      Linx.cmd("cat", [], node: node, input: Stream.map([1], fn _ -> raise "broken" end))
    end
  end

  test "a node that is lost is an error of the call, and nothing of the program is left" do
    node = Nodes.start_node()
    before = ties()[:messages]
    {listener, argv} = Beacon.actor(["pause"])
    task = Task.async(fn -> {Linx.run(argv, node: node, kill_after: 0), ties()[:messages]} end)
    socket = Beacon.await_lit(listener)
    kill_vm(node)
    assert {{:error, :nodedown}, []} = Task.await(task, 30_000)
    Beacon.await_dark(socket)
    assert ties()[:messages] == before
    assert {:error, :nodedown} = Linx.run("true", node: node)
  end

  test "a caller that dies here leaves nothing there" do
    node = Nodes.start_node()

    for input <- [nil, Stream.cycle(["x"])] do
      {listener, argv} = Beacon.actor(["ignore", 15])
      caller = caller(fn -> Linx.run(argv, node: node, input: input) end)
      socket = Beacon.await_lit(listener)
      Process.exit(elem(caller, 0), :kill)
      await_down(caller)
      Beacon.await_dark(socket)
    end
  end

  test "in a deleted working directory a call is an error that says so" do
    node = Nodes.start_node()
    gone = Path.join(AgentTest.Programs.scratch("gone"), "here")
    File.mkdir_p!(gone)
    path = Enum.join([".", "", "sub", "/bin", "/usr/bin"], ":")
    :ok = :erpc.call(node, System, :put_env, ["PATH", path])
    :ok = :erpc.call(node, File, :cd!, [gone])
    File.rmdir!(gone)

    for {program, opts} <- [
          {"true", []},
          {"/bin/true", []},
          {"./true", []},
          {"sub/true", [cd: "/"]},
          {"no such program", []},
          {"true", [cd: "/"]},
          {"true", [env: [{"A", "1"}]]}
        ],
        {function, call_node} <- [{:here, node}, {:there, nil}] do
      opts = if call_node, do: [{:node, node} | opts], else: opts

      result =
        if function == :here,
          do: Linx.run([program], opts),
          else: :erpc.call(node, Linx, :run, [[program], opts])

      assert {:error, %Linx.Process.Error{stage: :chdir, errno: :enoent} = error} = result
      assert {error.program, error.option} == {program, nil}
      assert Linx.format_error(error) =~ "the BEAM's working directory does not exist any more"
    end
  end
end
