# SPDX-License-Identifier: MIT

defmodule Linx.RunOutputTest do
  # Where Linx.run/2 puts output, and what an error of it has.
  use Linx.CallCase, async: true

  alias Linx.Test.Collector

  # Runs with a longer limit until the program has written before it.
  defp run_until_timeout(argv, opts, written?, [limit | longer] \\ limits()) do
    assert {:error, %Error{stage: :timeout} = error} = Linx.run(argv, [timeout: limit] ++ opts)

    if written?.(error) or longer == [],
      do: error,
      else: run_until_timeout(argv, opts, written?, longer)
  end

  describe "an error has what was written before it" do
    test "when a time limit ends the program" do
      script = sh("echo out; echo err >&2; exec sleep 600")
      written? = &(&1.stdout != "" and &1.stderr != "")

      error = run_until_timeout(script, [kill_after: 0], written?)
      assert {error.stdout, error.stderr} == {"out\n", "err\n"}
      error = run_until_timeout(script, [stderr_to_stdout: true], &(&1.stdout =~ "err"))
      assert {error.stdout, error.stderr} == {"out\nerr\n", nil}
      error = run_until_timeout(script, [into: [], stderr_into: &is_binary/1], &(&1.stderr != ""))
      assert {error.stdout, error.stderr} == {["out\n"], "err\n"}

      assert {:error, %Error{stdout: nil, stderr: nil}} =
               Linx.run(script, timeout: 100, stdio: :devnull)

      assert {:error, %Error{stdout: "", stderr: ""}} = Linx.run(["sleep", "600"], timeout: 100)
    end

    test "when it has written too much, to the byte" do
      for opts <- [[], [max_chunk: 7], [into: &is_binary/1]], max <- [0, 1, 1_000, 300_000] do
        assert {:error, %Error{stage: :max_output} = error} =
                 Linx.run("yes", [max_output: max] ++ opts)

        assert {byte_size(error.stdout), error.stderr} == {max, ""}
        assert error.stdout == binary_part(String.duplicate("y\n", max), 0, max)
      end

      both = sh("printf 12345; printf 1234567890 >&2; exec sleep 600")
      assert {:error, error} = Linx.run(both, max_output: 8, kill_after: 600_000)
      assert byte_size(error.stdout <> error.stderr) == 8
      assert {:error, error} = Linx.run("yes", into: [], max_output: 3)
      assert IO.iodata_to_binary(error.stdout) == "y\ny"
    end

    test "when its agent is killed" do
      test = self()
      name = :linx_run_output_agent

      run =
        Task.async(fn ->
          Linx.run(sh("echo out; exec sleep 600"),
            name: name,
            into: fn "out\n" -> send(test, :written) end
          )
        end)

      assert_receive :written, 30_000
      {:ok, %{agent_pid: agent}} = Linx.Process.info(name)
      Host.signal(agent, "KILL")
      assert {:error, %Error{stage: :agent_died, stdout: "out\n"}} = Task.await(run, 30_000)
    end

    test "and none when the program has not run" do
      for {argv, opts} <- [
            {"no-such-program", []},
            {"true", [cd: "/no/such/directory"]},
            {"true", [into: [], cd: "/no/such/directory"]},
            {"true", [stdio: [stdin: {:file, "/no/such/file", :read}]]}
          ] do
        assert {:error, %Error{stdout: nil, stderr: nil}} = Linx.run(argv, opts)
      end
    end

    test "of which neither the message nor inspect/2 shows much" do
      assert {:error, error} = Linx.run("yes", max_output: 1_000_000)
      assert byte_size(error.stdout) == 1_000_000
      assert Exception.message(error) == Exception.message(%{error | stdout: nil})
      assert inspect(error) =~ ~S(stdout: "y\ny\n)
      assert inspect(error) =~ "999920 bytes"
      assert byte_size(inspect(error, limit: :infinity, printable_limit: :infinity)) < 500

      assert inspect(%{error | stdout: nil, stderr: "short"}) ==
               ~s(%Linx.Process.Error{stage: :max_output, errno: :enobufs, code: 105, program: "yes", stderr: "short"})
    end
  end

  describe "output goes" do
    test "into any Collectable, whose result is the call's" do
      script = sh("echo out; echo err >&2; exit 3")
      path = Path.join(System.tmp_dir!(), "linx-into-#{System.pid()}")
      on_exit(fn -> File.rm(path) end)
      file = File.stream!(path)
      assert {:ok, %{stdout: ^file, stderr: "err\n", status: 3}} = Linx.run(script, into: file)
      assert File.read!(path) == "out\n"

      assert {:ok, %{stdout: "out\n", stderr: ["err\n"]}} = Linx.run(script, stderr_into: [])

      assert {:ok, %{stdout: ["out\n"], stderr: ["err\n"]} = result} =
               Linx.run(script, into: [], stderr_into: [])

      assert result.usage.maxrss_kb > 0 and result.duration > 0
      assert {:ok, %{stdout: [], stderr: []}} = Linx.run("true", into: [], stderr_into: [])

      {:ok, io} = StringIO.open("")
      stream = IO.binstream(io, :line)
      assert {:ok, %{stdout: ^stream}} = Linx.run(script, into: stream, stderr_to_stdout: true)
      assert StringIO.contents(io) == {"", "out\nerr\n"}
    end

    test "to a function as it comes, and into the result as well" do
      test = self()

      # The program goes on only when the function has been called with what it wrote before.
      answer = fn
        "one\n" -> send(test, :go)
        "two\n" -> send(test, self())
      end

      input = fn sink ->
        send(test, {:feeder, self()})
        receive do: (:go -> Enum.into(["\n"], sink))
      end

      call =
        Task.async(fn ->
          Linx.run(sh("echo one; read go; echo two"), into: answer, input: input)
        end)

      assert_receive {:feeder, feeder}, 30_000
      assert_receive :go, 30_000
      send(feeder, :go)
      assert {:ok, %{stdout: "one\ntwo\n", status: 0}} = Task.await(call, 30_000)
      assert_received caller when caller == call.pid
    end

    test "in elements of no more than :max_chunk bytes" do
      whole = String.duplicate("0123456789", 100_000)

      for max <- [1_000, 4_096, 100_000, 10_000_000] do
        assert {:ok, %{stdout: chunks}} = Linx.run("cat", input: whole, into: [], max_chunk: max)
        assert IO.iodata_to_binary(chunks) == whole
        assert chunks |> Enum.map(&byte_size/1) |> Enum.max() <= max
        assert {chunks, 0} = Linx.cmd("cat", [], input: whole, into: [], max_chunk: max)
        assert IO.iodata_to_binary(chunks) == whole
        assert chunks |> Enum.map(&byte_size/1) |> Enum.max() <= max
        chunks = Linx.stream!("cat", input: whole, max_chunk: max) |> Enum.to_list()
        assert IO.iodata_to_binary(chunks) == whole
        assert chunks |> Enum.map(&byte_size/1) |> Enum.max() <= max
      end

      assert {:ok, %{stdout: ^whole}} = Linx.run("cat", input: whole, max_chunk: 10_000)
      assert Linx.stream!(["seq", "3"], lines: true, max_chunk: 1) |> Enum.to_list() == ~w(1 2 3)
    end

    test "without a bound by default into a Collectable, and with the one that is given" do
      {:ok, sizes} = Agent.start_link(fn -> 0 end)

      into = %Collector{
        pid: spawn_link(fn -> drop_all() end),
        fun: fn
          {:cont, data} -> Agent.update(sizes, &(&1 + byte_size(data)))
          _end -> :ok
        end
      }

      size = 65 * 1024 * 1024
      pour = ["head", "-c", "#{size}", "/dev/zero"]
      assert {:ok, %{stdout: :collected}} = Linx.run(pour, into: into)
      assert Agent.get(sizes, & &1) == size
      assert {:error, %Error{stage: :max_output}} = Linx.run(pour, into: &is_binary/1)
      assert {:error, %Error{stage: :max_output}} = Linx.run(pour, into: into, max_output: 1000)
    end

    defp drop_all do
      receive do
        _message -> drop_all()
      end
    end
  end

  test "what a function or a Collectable raises ends the program, and halts the other" do
    test = self()
    halted = %Collector{pid: test, fun: fn _ -> :ok end}
    fail = fn _data -> raise "enough" end
    broken = %Collector{pid: spawn(fn -> :ok end), fun: fail}

    for opts <- [
          [into: fail],
          [into: halted, stderr_into: fail],
          [into: broken, stderr_into: halted]
        ] do
      leaves_nothing(["flood", if(opts[:stderr_into] == fail, do: 2, else: 1)], fn argv ->
        assert_raise RuntimeError, "enough", fn ->
          Linx.run(
            argv,
            [kill_after: 600_000] |> Keyword.merge(kill_after: 10) |> Keyword.merge(opts)
          )
        end

        if halted in Keyword.values(opts), do: assert_halted()
      end)
    end
  end

  defp assert_halted do
    receive do
      {:collected, :halt} -> :ok
      {:collected, {:cont, _data}} -> assert_halted()
    after
      0 -> flunk("it was not halted")
    end
  end
end
