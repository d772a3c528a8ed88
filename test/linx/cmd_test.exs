# SPDX-License-Identifier: MIT

defmodule Linx.CmdTest do
  use Linx.CallCase, async: true

  doctest Linx

  @lines? Version.match?(System.version(), ">= 1.15.0")

  describe "what System.cmd does" do
    # The results of options that only newer versions of System.cmd/3 have are written here.
    test "Linx.cmd does with lines, in every version of Elixir" do
      for {script, lines} <- [
            {"printf 'one\\ntwo\\n'", ["one", "two"]},
            {"printf 'one\\ntwo'", ["one", "two"]},
            {"printf '\\n\\nthree\\n'", ["", "", "three"]},
            {"printf 'one\\r\\n\\r\\nthree\\r\\n'", ["one", "", "three"]},
            {"printf 'a\\rb\\r\\r\\nc\\r'", ["a\rb\r", "c\r"]},
            {"printf ''", []},
            {"printf 'a line longer than the buffer\\n'", ["a line longer than the buffer"]}
          ] do
        assert Linx.cmd("sh", ["-c", script], into: [], lines: 4) == {lines, 0}

        if @lines? do
          assert apply(System, :cmd, ["sh", ["-c", script], [into: [], lines: 4]]) == {lines, 0}
        end
      end
    end

    test "the output goes to any Collectable, and is ended as it should be" do
      path = Path.join(tmp(), "output")
      stream = File.stream!(path)
      assert {^stream, 0} = Linx.cmd("echo", ["to a file"], into: stream)
      assert File.read!(path) == "to a file\n"

      test = self()
      assert {:collected, 0} = Linx.cmd("echo", ["x"], into: collector(test, fn _ -> :ok end))
      assert_received {:collected, {:cont, "x\n"}}
      assert_received {:collected, :done}

      assert_raise RuntimeError, "enough", fn ->
        Linx.cmd("yes", [],
          into:
            collector(test, fn
              {:cont, _} -> raise "enough"
              _ -> :ok
            end)
        )
      end

      assert_received {:collected, {:cont, _}}
      assert_received {:collected, :halt}
    end

    test "without stdio the program has the BEAM's own" do
      ours = File.read_link!("/proc/#{System.pid()}/fd/2")
      path = Path.join(tmp(), "fds")
      script = "readlink /proc/$$/fd/2 > #{path}"
      assert Linx.cmd("sh", ["-c", script], use_stdio: false) == {"", 0}
      assert File.read!(path) == ours <> "\n"
    end
  end

  test "stdin is at its end without :input" do
    assert Linx.cmd("cat") == {"", 0}
  end

  test "input is iodata or an enumerable of it" do
    for input <- [
          "text",
          ~c"text",
          ["te", [~c"x"], "t"],
          Stream.concat(["te"], [~c"xt"]),
          MapSet.new(["text"])
        ] do
      assert Linx.cmd("cat", [], input: input) == {"text", 0}
    end

    assert Linx.cmd("cat", [], input: "") == {"", 0}
    assert Linx.cmd("cat", [], input: []) == {"", 0}
    assert Linx.cmd("wc", ["-l"], input: Stream.map(1..20_000, &"#{&1}\n")) |> elem(0) =~ "20000"
  end

  test "input that is not read is no error, and not enumerated to its end" do
    assert {"", 0} = Linx.cmd("true", [], input: Stream.cycle(["more\n"]))
    assert {"more\n", 0} = Linx.cmd("head", ["-n", "1"], input: Stream.cycle(["more\n"]))
    assert {"", 3} = Linx.cmd("sh", ["-c", "exit 3"], input: String.duplicate("x", 4_000_000))
  end

  test "input that waits for ever does not keep the call" do
    never = Stream.resource(fn -> :ok end, fn _ -> receive(do: (:never -> :ok)) end, & &1)
    assert Linx.cmd("true", [], input: never) == {"", 0}
    assert {"x", 0} = Linx.cmd("head", ["-c", "1"], input: Stream.concat(["x"], never))
  end

  test "the input is enumerated in a process that says whose work it does" do
    test = self()

    input =
      Stream.map([1], fn _ -> send(test, {:input, self(), Process.get(:"$callers")}) && "" end)

    assert {"", 0} = Linx.cmd("cat", [], input: input)
    assert_received {:input, feeder, [^test | _]}
    assert feeder != test
  end

  test "each element of a slow input is there before the next one is" do
    {:ok, seen} = Agent.start_link(fn -> [] end)
    test = self()

    into =
      collector(test, fn
        {:cont, data} -> Agent.update(seen, &[data | &1])
        _ -> :ok
      end)

    # The second element can be made only after the first has been read back.
    input =
      Stream.concat(
        ["ping\n"],
        Stream.map([1], fn _ ->
          await_echo(seen)
          "pong\n"
        end)
      )

    assert {:collected, 0} = Linx.cmd("cat", [], input: input, into: into)
    assert seen |> Agent.get(& &1) |> Enum.reverse() |> IO.iodata_to_binary() == "ping\npong\n"
  end

  test "what enumerating the input raises, exits with or throws is the caller's, and ends the program" do
    for {fun, kind, reason} <- [
          {fn -> raise "broken" end, :error, %RuntimeError{message: "broken"}},
          {fn -> exit(:gone) end, :exit, :gone},
          {fn -> throw(:ball) end, :throw, :ball}
        ] do
      {listener, [program | args]} = Beacon.actor(["pause"])
      beacon = start_supervised!({Agent, fn -> nil end}, id: kind)

      # The input fails only once the program runs, because it may otherwise be ended before exec.
      input =
        Stream.map([1], fn _ ->
          socket = Beacon.await_lit(listener)
          :ok = :gen_tcp.controlling_process(socket, beacon)
          Agent.update(beacon, fn nil -> socket end)
          fun.()
        end)

      before = ties()

      assert {kind, reason} ==
               (try do
                  Linx.cmd(program, args, input: input)
                catch
                  kind, reason -> {kind, reason}
                end)

      assert ties() == before
      refute beacon |> Agent.get(& &1) |> Beacon.lit?()
    end

    assert_raise ArgumentError, ~r/iodata.*:atom/, fn ->
      Linx.cmd("cat", [], input: Stream.map([1], fn _ -> :atom end))
    end
  end

  # The end of a session with an error is logged, as that of any GenServer.
  @tag :capture_log
  test "an input whose process is killed ends the call" do
    input = Stream.map([1], fn _ -> Process.exit(self(), :kill) end)
    assert_raise RuntimeError, ~r/session has ended/, fn -> Linx.cmd("cat", [], input: input) end
  end

  test "a call that takes too long returns what there is, and that it did" do
    assert {"ready\n", :timeout} =
             leaves_nothing_in_time(["pause"], fn [program | args], limit ->
               Linx.cmd(program, args, timeout: limit)
             end)

    # A last line without a newline is part of the output.
    script = ["-c", "printf half; exec sleep 600"]

    assert {["half"], :timeout} =
             in_time(&Linx.cmd("sh", script, timeout: &1, into: [], lines: 9))
  end

  # The result of a call whose time limit was long enough for its program to write something.
  defp in_time(fun, [limit | longer] \\ limits()) do
    case fun.(limit) do
      {nothing, :timeout} when nothing in ["", []] and longer != [] -> in_time(fun, longer)
      answer -> answer
    end
  end

  test "a time limit holds for a program that ignores SIGTERM, and for input that is never read" do
    assert {_, :timeout} =
             leaves_nothing_in_time(["ignore", 15], fn [program | args], limit ->
               Linx.cmd(program, args, timeout: limit, kill_after: 10)
             end)

    assert {_, :timeout} =
             leaves_nothing_in_time(["pause"], fn [program | args], limit ->
               Linx.cmd(program, args,
                 timeout: limit,
                 input: Stream.cycle([String.duplicate("x", 9999)])
               )
             end)
  end

  test "a program that is ended may take its leave within :kill_after" do
    path = Path.join(tmp(), "farewell")
    script = "trap 'echo bye > #{path}; exit' TERM; echo; while :; do sleep 0.01; done"

    opts = [kill_after: 20_000, stdio: [stderr: :devnull]]
    assert {_, :timeout} = in_time(&Linx.cmd("sh", ["-c", script], [timeout: &1] ++ opts))

    assert File.read!(path) == "bye\n"
  end

  test "descendants do not outlast the call, daemons included" do
    assert {"daemon" <> _ = text, 0} =
             leaves_nothing(["daemon", "keep"], fn [program | args] -> Linx.cmd(program, args) end)

    assert alive(pids(text)) == []

    assert {text, 0} =
             leaves_nothing(["leave-child"], fn [program | args] -> Linx.cmd(program, args) end)

    assert alive(pids(text)) == []
  end

  test "descendants are left alone when that is asked for" do
    [program | args] = actor(["daemon"])
    assert {"daemon" <> _ = text, 0} = Linx.cmd(program, args, descendants: :leave)
    assert [pid] = alive(pids(text))
    Host.signal(pid, "KILL")
  end

  test "an output of many sizes is whole, however quickly the program ends" do
    for size <- [0, 1, 4_095, 4_096, 65_535, 65_536, 65_537, 1_048_577, 5_000_000] do
      assert {output, 0} = Linx.cmd("head", ["-c", "#{size}", "/dev/zero"])
      assert {size, byte_size(output)} == {size, size}
    end

    for n <- 1..100, do: assert({"#{n}\n", 0} == Linx.cmd("echo", ["#{n}"]))
  end

  test "calls at the same time do not meet" do
    1..40
    |> Task.async_stream(&{&1, Linx.cmd("cat", [], input: "#{&1}")},
      max_concurrency: 20,
      timeout: 60_000
    )
    |> Enum.each(fn {:ok, {n, answer}} -> assert answer == {"#{n}", 0} end)
  end

  test "a failure that is not the program's is an error of its own" do
    assert_raise Error, ~r/chdir/, fn -> Linx.cmd("true", [], cd: "/no/such/directory") end

    assert_raise ArgumentError, ~r/option :timeout.*-1/, fn ->
      Linx.cmd("true", [], timeout: -1)
    end

    assert_raise RuntimeError, ~r/cannot be reached/, fn ->
      Linx.cmd("true", [], node: :nobody@nowhere)
    end
  end

  @tag :userns
  test "the checkpoint is the caller's to use, and its refusal ends the call" do
    {uid, 0} = System.cmd("id", ["-u"])
    {gid, 0} = System.cmd("id", ["-g"])
    row = &[{0, String.to_integer(String.trim(&1)), 1}]

    before = ties()

    assert {"0\n", 0} =
             Linx.cmd("id", ["-u"],
               namespaces: [:user],
               checkpoint: fn session, host_pid ->
                 assert {:ok, ^host_pid} = Linx.Process.host_pid(session)
                 Linx.User.setup_maps(host_pid, uid: row.(uid), gid: row.(gid))
               end
             )

    assert_raise RuntimeError, ~r/:unwilling/, fn ->
      Linx.cmd("true", [], checkpoint: fn _, _ -> {:error, :unwilling} end)
    end

    assert_raise ErlangError, fn ->
      Linx.cmd("true", [], checkpoint: fn _, _ -> :erlang.error(:own) end)
    end

    assert_raise ArgumentError, ~r/:checkpoint/, fn ->
      Linx.cmd("true", [], checkpoint: fn _, _ -> :what end)
    end

    assert_raise ErlangError, ~r/enoent/, fn ->
      Linx.cmd("/no/such/program", [], checkpoint: fn _, _ -> :ok end)
    end

    assert ties() == before
  end

  # A Collectable that sends the test what it is given, and runs a function.
  defp collector(pid, fun), do: %Linx.Test.Collector{pid: pid, fun: fun}

  defp await_echo(seen) do
    if Agent.get(seen, & &1) == [], do: await_echo(seen), else: :ok
  end

  defp tmp do
    path =
      Path.join(
        System.tmp_dir!(),
        "linx-cmd-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    File.mkdir_p!(path)
    on_exit(fn -> File.rm_rf!(path) end)
    path
  end
end
