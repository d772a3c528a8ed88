# SPDX-License-Identifier: MIT

defmodule Linx.CallCollectTest do
  # Not async, because LINX_AGENT is the VM's.
  use Linx.CallCase, async: false

  defmodule Runner do
    use GenServer

    @impl true
    def init(count), do: {:ok, count}

    @impl true
    def handle_call({:run, argv}, _from, count), do: {:reply, Linx.run(argv), count}
    def handle_call(:count, _from, count), do: {:reply, count, count}

    @impl true
    def handle_info(_message, count), do: {:noreply, count + 1}
  end

  defp waiting(count), do: for(n <- 1..count, do: send(self(), {:waiting, n}))

  defp take_waiting(count) do
    for n <- 1..count, do: assert_received({:waiting, ^n})
    {:messages, left} = Process.info(self(), :messages)
    assert left == []
  end

  test "a call finds its replies among other messages, and leaves those in their order" do
    waiting(1_000)
    assert {"x\n", 0} = Linx.cmd("echo", ["x"])
    assert {:ok, %{stdout: "x\n", status: 0}} = Linx.run(["cat"], input: "x\n")
    assert Linx.cmd("sleep", ["600"], timeout: 10) == {"", :timeout}
    assert {:error, %Error{stage: :max_output}} = Linx.run(["yes"], max_output: 10)
    assert {:error, %Error{stage: :execve}} = Linx.run(["/no/such/program"])
    take_waiting(1_000)
  end

  test "a call in a GenServer's callback leaves its messages to it" do
    {:ok, server} = GenServer.start_link(Runner, 0)
    call = Task.async(fn -> GenServer.call(server, {:run, ["sh", "-c", "sleep 0.2; echo x"]}) end)
    for _ <- 1..100, do: send(server, :message)
    assert {:ok, %{stdout: "x\n"}} = Task.await(call)
    assert GenServer.call(server, :count) == 100
  end

  test "the output is there in its order, in both streams and up to the bound" do
    script = "for n in 1 2 3; do echo out $n; echo err $n >&2; done"
    {:ok, result} = Linx.run(["sh", "-c", script])
    assert result.stdout == "out 1\nout 2\nout 3\n"
    assert result.stderr == "err 1\nerr 2\nerr 3\n"
    assert {:ok, _} = Linx.run(["sh", "-c", script], max_output: 36)
    assert {:error, %Error{stage: :max_output}} = Linx.run(["sh", "-c", script], max_output: 35)
    assert {:ok, %{stdout: ""}} = Linx.run(["true"], max_output: 0)
  end

  test "more than the session asks for ahead is collected" do
    assert {:ok, %{stdout: out}} = Linx.run(["head", "-c", "20000000", "/dev/zero"])
    assert byte_size(out) == 20_000_000
    assert {out, 0} = Linx.cmd("head", ["-c", "20000000", "/dev/zero"], into: [])
    assert IO.iodata_length(out) == 20_000_000
  end

  test "what was written before the time limit is there, with lines as well" do
    script = "echo a; printf b; echo x >&2; exec sleep 600"

    assert Linx.cmd("sh", ["-c", script], timeout: 1_000, stdio: [stderr: :devnull]) ==
             {"a\nb", :timeout}

    assert Linx.cmd("sh", ["-c", script],
             timeout: 1_000,
             lines: 80,
             into: [],
             stdio: [stderr: :devnull]
           ) ==
             {["a", "b"], :timeout}
  end

  # With :leave the output lasts until every process that has it open has ended.
  test "output that comes after the program's end is collected" do
    script = "{ sleep 0.2; echo late; } & echo early"
    assert {"early\nlate\n", 0} = Linx.cmd("sh", ["-c", script], descendants: :leave)
    assert {:ok, %{stdout: "early\nlate\n"}} = Linx.run(["sh", "-c", script], descendants: :leave)
  end

  test "a session that another process ends is an error of its call, and leaves nothing" do
    for ending <- [:stop, :kill] do
      {listener, argv} = Beacon.actor(["pause"])
      name = :"linx_collect_#{System.unique_integer([:positive])}"
      call = Task.async(fn -> Linx.run(argv, name: name) end)
      socket = Beacon.await_lit(listener)

      if ending == :stop,
        do: GenServer.stop(name),
        else: Process.exit(Process.whereis(name), :kill)

      assert Task.await(call, 30_000) == {:error, :no_process}
      Beacon.await_dark(socket)
    end
  end

  test "a signal that another process sends is how the program ended" do
    {listener, argv} = Beacon.actor(["pause"])
    name = :"linx_collect_#{System.unique_integer([:positive])}"
    call = Task.async(fn -> Linx.run(argv, name: name) end)
    socket = Beacon.await_lit(listener)
    Linx.Process.stop(name, 1_000)
    assert {:ok, %{outcome: {:signaled, 15}}} = Task.await(call, 30_000)
    Beacon.await_dark(socket)
  end

  test "an agent that cannot be started is an error, and the input is not touched" do
    before = System.get_env("LINX_AGENT")
    System.put_env("LINX_AGENT", "/no/such/agent")

    on_exit(fn ->
      if before, do: System.put_env("LINX_AGENT", before), else: System.delete_env("LINX_AGENT")
    end)

    test = self()
    input = Stream.map([1], fn _ -> send(test, :touched) && "x" end)

    for opts <- [[], [input: "x"], [input: input]] do
      assert Linx.run(["true"], opts) == {:error, {:missing_agent, "/no/such/agent"}}
      assert_raise RuntimeError, ~r"/no/such/agent", fn -> Linx.cmd("true", [], opts) end
    end

    assert ties() == [messages: [], links: [], monitors: []]
  end

  # The process that writes the input may be faster than the call.
  test "a session that could not be started says so to its call, and not to its input" do
    {:ok, options} =
      Linx.Process.Options.parse(
        :spawn,
        [argv: ["/bin/true"], pool: :no_such_pool, link: false],
        self()
      )

    session = Linx.Process.Server.start_unawaited(:spawn, options, self())
    write = :gen_server.send_request(session, {:write, "x", :infinity})
    assert Linx.Process.collect(session, :infinity) == {:refused, {:no_pool, :no_such_pool}}
    assert {:error, _gone} = :gen_server.wait_response(write, 30_000)
  end

  test "an owner that ends takes no output from the call" do
    owner = spawn(fn -> :ok end)

    take = fn session, _host_pid ->
      :ok = Linx.Process.set_owner(session, owner)
    end

    assert {:ok, %{stdout: "x\n"}} =
             Linx.run(["sh", "-c", "sleep 0.2; echo x"], checkpoint: take, timeout: 30_000)
  end

  test "a stream that another process closes or changes is no reason to wait for it" do
    name = :"linx_collect_#{System.unique_integer([:positive])}"

    for request <- [:close, :set_active] do
      {listener, argv} = Beacon.actor(["pause"])
      call = Task.async(fn -> Linx.run(argv, name: name, timeout: 30_000) end)
      socket = Beacon.await_lit(listener)

      if request == :close,
        do: assert(Linx.Process.close(name, :stdout) == :ok),
        else: assert(Linx.Process.set_active(name, :stdout, false) == {:error, :not_piped})

      Linx.Process.stop(name, 0)
      assert {:ok, %{outcome: {:signaled, _}}} = Task.await(call, 30_000)
      Beacon.await_dark(socket)
    end
  end

  test "a name is free again when the call returns" do
    for _ <- 1..20, do: assert({"", 0} = Linx.cmd("true", [], name: :linx_collect_again))
  end

  test "an input that cannot be enumerated is a bad option" do
    for input <- [7, :x, self(), fn -> "x" end, fn _, _, _ -> "x" end] do
      assert Linx.run(["cat"], input: input) == {:error, {:bad_input, input}}
      assert_raise ArgumentError, ~r/:input/, fn -> Linx.cmd("cat", [], input: input) end
      assert_raise ArgumentError, ~r/:input/, fn -> Linx.stream!(["cat"], input: input) end
    end

    # As Stream has them.
    assert {"12", 0} = Linx.cmd("cat", [], input: Stream.map(["1", "2"], & &1))
  end

  test "a request that is too long is a bad option" do
    huge = String.duplicate("x", 17_000_000)
    assert {:error, {:bad_argv, ["true", ^huge]}} = Linx.run(["true", huge])
    assert_raise ArgumentError, ~r/bad argv: too big/, fn -> Linx.cmd("true", [huge]) end
    assert_raise ArgumentError, ~r/bad argv: too big/, fn -> Linx.stream!(["true", huge]) end
  end
end
