# SPDX-License-Identifier: MIT

defmodule AgentTest.PipeTest do
  use AgentTest.Case, async: true

  @mib 1024 * 1024
  @pipes [stdin: :pipe, stdout: :pipe, stderr: :pipe]

  defp piped(part, opts \\ []), do: running(%{argv: actor(part), stdio: @pipes}, opts)

  defp ended(wire, opts \\ []), do: finish(wire, [drained: true] ++ opts)

  # In a session with pipes each stream also ends once, with no frame of it behind its end.
  defp assert_streams(result, streams) do
    for stream <- streams do
      behind = result.frames |> Enum.drop_while(&(&1 != {:eof, stream})) |> Enum.drop(1)
      assert {:eof, stream} in result.frames
      refute Enum.any?(behind, &(&1 == {:eof, stream} or match?({^stream, _}, &1)))
    end
  end

  describe "output" do
    test "comes as {:stdout, _} and {:stderr, _}, apart, and each ends with {:eof, _}" do
      script = "echo out; echo err >&2; echo out; echo err >&2"
      result = run(%{argv: ["/bin/sh", "-c", script], stdio: @pipes}, finish: [drained: true])
      assert {result.stdout, result.stderr} == {"out\nout\n", "err\nerr\n"}
      assert_streams(result, [:stdout, :stderr])
      assert final(result) == {:status, :exited, 0}
    end

    test "of a workload that exits at once is whole" do
      for size <- [0, 1, 4096, 65_536, 65_537, 300_000], _ <- 1..5 do
        request = %{argv: actor(["write", 1, size]), stdio: [stdout: :pipe]}
        result = run(request, finish: [drained: true])
        assert result.stdout == pattern(size)
        assert_streams(result, [:stdout])
      end
    end

    test "of 64 MiB arrives whole and in order, in frames worth sending" do
      request = %{argv: actor(["write", 1, 64 * @mib]), stdio: [stdout: :pipe]}
      result = run(request, finish: [drained: true])
      assert result.stdout == pattern(64 * @mib)
      frames = Enum.count(result.frames, &match?({:stdout, _}, &1))
      assert frames < 64 * @mib / 4096
    end

    test "on stderr alone leaves the other streams inherited" do
      wire = running(%{argv: actor(["pause"]), stdio: [stderr: :pipe]})
      await_output(wire, "ready\n")
      assert %{0 => "/dev/null", 1 => "socket:" <> _, 2 => "pipe:" <> _} = Host.fds(wire.host_pid)
      send_term(wire, {:signal, 9})
      result = ended(wire)
      assert_streams(result, [:stderr])
    end

    test "no frame is empty" do
      result = run(%{argv: actor(["write", 1, 100_000]), stdio: @pipes}, finish: [drained: true])
      refute {:stdout, ""} in result.frames
    end
  end

  describe "the workload" do
    test "holds exactly fds 0, 1 and 2, and they are pipes" do
      wire = piped(["pause"], driver: ["--open-fds", 50])
      await_pipe(wire, :stdout, "ready\n")
      fds = Host.fds(wire.host_pid)
      assert Map.keys(fds) == [0, 1, 2]
      for {_, what} <- fds, do: assert("pipe:" <> _ = what)
      send_term(wire, {:signal, 9})
      ended(wire)
    end

    test "that closes its output lives on, and the end is told at once" do
      wire = piped(["close", 1, 2])
      await_pipe(wire, :stdout, "ready\n")
      eofs = [next_frame(wire), next_frame(wire)]
      assert Enum.sort(eofs) == [{:eof, :stderr}, {:eof, :stdout}]
      assert Host.alive?(wire.host_pid)
      send_term(wire, {:signal, 15})
      assert final(ended(wire)) == {:status, :signaled, 15}
    end

    test "whose agent was started with 0, 1 and 2 closed has its pipes all the same" do
      driver = ["--close", 0, "--close", 1, "--close", 2]
      wire = piped(["copy"], driver: driver, stdout: false)
      send_term(wire, {:stdin, "through"})
      send_term(wire, {:close, :stdin})
      result = ended(wire)
      assert {result.stdout, result.stderr} == {"through", "copied 7\n"}
    end
  end

  describe "stdin" do
    test "{:stdin, _} is read by the workload, and {:close, :stdin} is its end of file" do
      wire = piped(["copy"])
      send_term(wire, {:stdin, "hello "})
      send_term(wire, {:stdin, "world"})
      send_term(wire, {:close, :stdin})
      result = ended(wire)
      assert {result.stdout, result.stderr} == {"hello world", "copied 11\n"}
      assert final(result) == {:status, :exited, 0}
    end

    test "can be closed while the output is still read" do
      wire = piped(["copy"])
      send_term(wire, {:stdin, "hello"})
      await_pipe(wire, :stdout, "hello")
      send_term(wire, {:close, :stdin})
      assert ended(wire).stderr == "copied 5\n"
    end

    test "can be filled and closed while the child is parked" do
      wire = parked(%{argv: actor(["copy"]), stdio: @pipes})
      send_term(wire, {:stdin, pattern(500_000)})
      send_term(wire, {:close, :stdin})
      send_term(wire, :proceed)
      result = ended(wire)
      assert result.stdout == pattern(500_000)
    end

    test "{:close, :stdin} comes after everything that was queued" do
      wire = piped(["read-late", @mib])
      await_pipe(wire, :stdout, "ready\n")
      send_term(wire, {:stdin, pattern(@mib)})
      send_term(wire, {:close, :stdin})
      send_term(wire, {:signal, 10})
      result = ended(wire)
      assert result.stdout == "ready\nread #{@mib}\n"
      assert result.written == %{stdin: @mib}
    end

    test "every byte that the kernel took is acknowledged by {:written, :stdin, n}" do
      wire = piped(["copy"])

      for n <- 1..20 do
        send_term(wire, {:stdin, pattern(10_000)})
        await_written(wire, :stdin, n * 10_000)
      end

      send_term(wire, {:close, :stdin})
      result = ended(wire)
      assert result.written == %{stdin: 200_000}
      refute Enum.any?(result.frames, &match?({:written, _, n} when n <= 0, &1))
    end

    test "input that the pipe takes whole is acknowledged in one frame" do
      wire = piped(["copy"])

      for n <- 1..20 do
        send_term(wire, {:stdin, pattern(40_000)})
        await_bytes(wire, :stdout, n * 40_000)
      end

      send_term(wire, {:close, :stdin})
      assert for({:written, :stdin, n} <- ended(wire).frames, do: n) == List.duplicate(40_000, 20)
    end

    test "what the kernel did not take is not acknowledged" do
      wire = piped(["read-late", 1])
      await_pipe(wire, :stdout, "ready\n")
      # More than the largest pipe an ordinary user gets (pipe(7), pipe-max-size).
      for _ <- 1..3, do: send_term(wire, {:stdin, pattern(1_000_000)})
      Host.signal(wire.host_pid, 15)
      result = ended(wire)
      assert Map.get(result.written, :stdin, 0) < 3_000_000
      assert final(result) == {:status, :signaled, 15}
    end

    test "a reader that is gone is {:closed, :stdin, EPIPE}, and the session goes on" do
      wire = piped(["deaf"])
      await_pipe(wire, :stdout, "ready\n")
      send_term(wire, {:stdin, "nobody reads this"})
      assert_frame(wire, {:closed, :stdin, code})
      assert code == errno(:epipe)
      send_term(wire, {:stdin, "nor this"})
      send_term(wire, {:close, :stdin})
      send_term(wire, {:signal, 15})
      result = ended(wire)
      assert final(result) == {:status, :signaled, 15}
      assert Enum.count(result.frames, &match?({:closed, :stdin, _}, &1)) == 1
    end

    test "a workload that ends with input unread is no failure" do
      wire = piped(["read-late", 1])
      await_pipe(wire, :stdout, "ready\n")
      send_term(wire, {:stdin, pattern(@mib)})
      send_term(wire, {:signal, 10})
      assert final(ended(wire)) == {:status, :exited, 0}
    end

    test "1 MiB that is not read does not hold up a signal" do
      wire = piped(["catch", 10])
      await_pipe(wire, :stdout, "ready\n")
      send_term(wire, {:stdin, pattern(@mib)})
      send_term(wire, {:signal, 10})
      await_pipe(wire, :stdout, "got 10\n")
      send_term(wire, {:signal, 9})
      assert final(ended(wire)) == {:status, :signaled, 9}
    end

    test "closing it twice, or writing after closing, does nothing" do
      wire = piped(["copy"])
      send_term(wire, {:stdin, "a"})
      for _ <- 1..3, do: send_term(wire, {:close, :stdin})
      send_term(wire, {:stdin, "b"})
      assert ended(wire).stdout == "a"
    end
  end

  describe "both directions at once" do
    test "64 MiB through a copier, with at most 1 MiB unacknowledged" do
      wire = piped(["copy"])
      block = pattern(23 * 8192)
      blocks = div(64 * @mib, byte_size(block))

      for n <- 1..blocks do
        send_term(wire, {:stdin, block})
        await_written(wire, :stdin, max(0, n * byte_size(block) - 800_000))
      end

      send_term(wire, {:close, :stdin})
      result = ended(wire)
      assert result.stdout == pattern(blocks * byte_size(block))
      assert result.stderr == "copied #{blocks * byte_size(block)}\n"
    end
  end

  describe "{:close, stream}" do
    test "closes the agent's end: who writes there has SIGPIPE" do
      wire = piped(["write-late", 1, 1000])
      await_pipe(wire, :stdout, "ready\n")
      send_term(wire, {:close, :stdout})
      send_term(wire, {:signal, 10})
      result = ended(wire)
      assert final(result) == {:status, :signaled, 13}
      assert result.stdout == "ready\n"
    end

    test "ends the flood of one stream, and the other goes on" do
      wire = piped(["write-late", 2, 1000])
      await_pipe(wire, :stdout, "ready\n")
      send_term(wire, {:close, :stdout})
      send_term(wire, {:signal, 10})
      result = ended(wire)
      assert result.stderr == pattern(1000)
      assert final(result) == {:status, :exited, 0}
    end
  end

  describe "commands for pipes that are wrong" do
    test "are ignored while running" do
      wire = piped(["copy"])

      for term <- [
            {:stdin, 1},
            {:stdin, nil},
            {:stdin},
            {:stdin, "a", "b"},
            {:close, :foo},
            {:close, 1},
            {:close},
            {:close, :stdout, 1},
            {:demand, :foo, 1},
            {:demand, :stdout, -1},
            {:demand, :stdout, 1.0},
            {:demand, :stdout, :all},
            {:demand, :stdin, 1},
            {:demand, :stdout}
          ],
          do: send_term(wire, term)

      send_term(wire, {:stdin, "good"})
      send_term(wire, {:close, :stdin})
      result = ended(wire)
      assert {result.stdout, result.stderr} == {"good", "copied 4\n"}
    end

    test "end a parked session" do
      for term <- [{:stdin, 1}, {:close, :foo}, {:demand, :stdout, -1}, {:demand, :stdout}] do
        wire = parked(%{argv: actor(["copy"]), stdio: @pipes})
        send_term(wire, term)
        result = ended(wire)
        assert final(result) == {:error, errno(:einval), :malformed_command}
      end
    end

    test "in the request are malformed" do
      for stdio <- [
            :pipe,
            [stdin: {:pipe}],
            [stdin: {:pipe, 1}],
            [stdout: :stdout],
            [stdin: :stdout]
          ] do
        wire = requested(%{argv: actor(["copy"]), stdio: stdio})
        assert finish(wire, exit: 2).frames == [{:error, errno(:einval), :malformed_request}]
      end
    end
  end

  describe "without use of the processor" do
    test "a reader that is gone, with input waiting for it" do
      wire = running(%{argv: ["/bin/sh", "-c", "exec <&-; sleep 0.4"], stdio: [stdin: :pipe]})
      send_term(wire, {:stdin, "unread"})
      assert {_, _, cpu_us} = ended(wire).agent
      assert cpu_us < 150_000
    end

    test "writers that are gone, while the workload lives on" do
      wire = running(%{argv: ["/bin/sh", "-c", "exec >&- 2>&-; sleep 0.4"], stdio: @pipes})
      assert {_, _, cpu_us} = ended(wire).agent
      assert cpu_us < 150_000
    end

    test "input that is not read" do
      wire = running(%{argv: ["/bin/sleep", "0.4"], stdio: [stdin: :pipe]})
      send_term(wire, {:stdin, pattern(900_000)})
      assert {_, _, cpu_us} = ended(wire).agent
      assert cpu_us < 150_000
    end
  end
end
