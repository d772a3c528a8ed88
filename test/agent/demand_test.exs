# SPDX-License-Identifier: MIT

defmodule AgentTest.DemandTest do
  use AgentTest.Case, async: true

  @mib 1024 * 1024
  @out [stdout: :pipe, stderr: :pipe]

  defp on_demand(part, stdio, opts \\ []),
    do: running(%{argv: actor(part), stdio: stdio, flow: :demand}, opts)

  defp ended(wire), do: finish(wire, drained: true)

  # The end of stderr and that of the workload come in any order.
  defp next_two(wire) do
    Enum.sort(
      for _ <- 1..2 do
        case next_frame(wire) do
          {:eof, :stderr} -> :eof
          {:status, :exited, 0} -> :exited
        end
      end
    )
  end

  test "nothing is sent that was not asked for" do
    # No more bytes than the smallest pipe holds (pipe(7)), so that the workload ends without a reader.
    wire = on_demand(["write", 1, 4000], @out)
    assert [:eof, :exited] = next_two(wire)
    assert so_far(wire, :stdout) == ""
    send_term(wire, {:demand, :stdout, 10})
    assert await_bytes(wire, :stdout, 10) == pattern(10)
    send_term(wire, {:demand, :stdout, 5})
    assert await_bytes(wire, :stdout, 15) == pattern(15)
    send_term(wire, {:close, :stdout})
    assert ended(wire).stdout == pattern(15)
  end

  test "demands add up, also ahead of the output" do
    wire = on_demand(["write-late", 1, 1000], stdout: :pipe)
    for _ <- 1..6, do: send_term(wire, {:demand, :stdout, 100})
    await_pipe(wire, :stdout, "ready\n")
    send_term(wire, {:signal, 10})
    await_bytes(wire, :stdout, 600)
    send_term(wire, {:close, :stdout})
    assert ended(wire).stdout == binary_part("ready\n" <> pattern(1000), 0, 600)
  end

  test "a demand at the checkpoint counts" do
    wire = parked(%{argv: actor(["write", 1, 1000]), stdio: [stdout: :pipe], flow: :demand})
    send_term(wire, {:demand, :stdout, 7})
    send_term(wire, :proceed)
    await_bytes(wire, :stdout, 7)
    send_term(wire, {:close, :stdout})
    assert ended(wire).stdout == pattern(7)
  end

  test "a demand for one stream is none for another" do
    script = "echo out; echo err >&2"
    wire = running(%{argv: ["/bin/sh", "-c", script], stdio: @out, flow: :demand})
    send_term(wire, {:demand, :stderr, 100})
    await_pipe(wire, :stderr, "err\n")
    send_term(wire, {:close, :stdout})
    result = ended(wire)
    assert {result.stdout, result.stderr} == {"", "err\n"}
  end

  test "demands of any size are taken" do
    wire = on_demand(["write", 1, 200_000], stdout: :pipe)
    send_term(wire, {:demand, :stdout, 0})
    send_term(wire, {:demand, :stdout, Bitwise.bsl(1, 62)})
    send_term(wire, {:demand, :stdout, Bitwise.bsl(1, 64) - 1})
    send_term(wire, {:demand, :stdout, Bitwise.bsl(1, 64) - 1})
    assert ended(wire).stdout == pattern(200_000)
  end

  # An ordinary user's pipes are small when there are many of them (pipe(7), pipe-user-pages-soft).
  @tag :root
  test "a megabyte of demand comes in few frames" do
    wire = on_demand(["write", 1, 4 * @mib], stdout: :pipe)
    send_term(wire, {:demand, :stdout, 4 * @mib + 1})
    result = ended(wire)
    assert result.stdout == pattern(4 * @mib)
    sizes = for {:stdout, data} <- result.frames, do: byte_size(data)
    assert length(sizes) <= 4 * 64
    assert Enum.max(sizes) <= Linx.Agent.Wire.output_max()
  end

  describe "the final frame" do
    test "does not wait for output to be asked for" do
      wire = on_demand(["write", 1, 1000], @out)
      assert [:eof, :exited] = next_two(wire)
      assert so_far(wire, :stdout) == ""
      send_term(wire, {:demand, :stdout, 2000})
      assert_frame(wire, {:eof, :stdout})
      result = ended(wire)
      assert result.stdout == pattern(1000)
      assert final(result) == {:status, :exited, 0}
    end

    test "is followed by what was written, in any number of demands" do
      wire = on_demand(["write", 1, 4000], stdout: :pipe)
      assert_frame(wire, {:status, :exited, 0})

      for n <- 1..10 do
        send_term(wire, {:demand, :stdout, 400})
        assert await_bytes(wire, :stdout, n * 400) == pattern(n * 400)
      end

      send_term(wire, {:demand, :stdout, 1})
      assert_frame(wire, {:eof, :stdout})
      ended(wire)
    end

    test "is followed by no more once the BEAM has closed every stream" do
      wire = on_demand(["write", 1, 1000], @out)
      assert [:eof, :exited] = next_two(wire)
      send_term(wire, {:close, :stdout})
      result = ended(wire)
      assert result.stdout == ""
    end

    test "comes at once of a workload that is killed while its output is stuck" do
      wire = on_demand(["flood", 1], stdout: :pipe)
      send_term(wire, {:demand, :stdout, 106})
      await_bytes(wire, :stdout, 106)
      send_term(wire, {:signal, 9})
      assert_frame(wire, {:status, :signaled, 9})
      send_term(wire, {:close, :stdout})
      assert ended(wire).stdout == "ready\n" <> pattern(100)
    end

    test "leaves an agent that goes when the BEAM's end closes" do
      wire = on_demand(["write", 1, 1000], stdout: :pipe)
      assert_frame(wire, {:status, :exited, 0})
      close_commands(wire)
      assert %{orphans: [], agent: {:exited, _, _}} = await_gone(wire)
    end
  end

  test "a terminal's output is sent on demand as well" do
    wire = on_demand(["write-late", 1, 1000], :pty)
    send_term(wire, {:demand, :pty, 7})
    assert await_pty(wire, "ready\r\n") == "ready\r\n"
    send_term(wire, {:signal, 10})
    send_term(wire, {:demand, :pty, 100})
    await_bytes(wire, :pty, 107)
    send_term(wire, {:demand, :pty, 10_000})
    result = ended(wire)
    assert result.pty == "ready\r\n" <> pattern(1000)
    assert final(result) == {:status, :exited, 0}
  end

  test "a terminal's input is acknowledged by {:written, :pty, n}" do
    wire = on_demand(["read-late", 300_000], :pty)
    send_term(wire, {:demand, :pty, 10_000})
    await_pty(wire, "ready")
    send_term(wire, {:pty_in, pattern(300_000)})
    send_term(wire, {:signal, 10})
    await_written(wire, :pty, 300_000)
    result = ended(wire)
    assert result.pty =~ "read 300000\n"
    assert result.written == %{pty: 300_000}
  end

  test "without flow: :demand a terminal's input is not acknowledged" do
    wire = running(%{argv: actor(["read-late", 100]), stdio: :pty})
    await_pty(wire, "ready")
    send_term(wire, {:pty_in, pattern(100)})
    send_term(wire, {:signal, 10})
    assert finish(wire).written == %{}
  end

  describe "demand: in the request" do
    test "counts like a demand that came first" do
      request = %{argv: actor(["write", 1, 4000]), stdio: @out, flow: :demand}
      wire = running(Map.put(request, :demand, stdout: 100, stderr: 1))
      assert [:eof, :exited] = next_two(wire)
      send_term(wire, {:demand, :stdout, 10})
      await_bytes(wire, :stdout, 110)
      send_term(wire, {:close, :stdout})
      assert ended(wire).stdout == pattern(110)
    end

    test "lets a terminal's output out before the final frame" do
      for _ <- 1..10 do
        request = %{argv: actor(["write", 1, 3000]), stdio: :pty, flow: :demand, proceed: true}
        wire = requested(Map.put(request, :demand, pty: 1_000_000))
        result = ended(wire)
        assert result.pty == pattern(3000)
        data = Enum.find_index(result.frames, &match?({:pty_out, _}, &1))
        assert data < Enum.find_index(result.frames, &final?/1)
      end
    end

    test "that is wrong is malformed" do
      for value <- [1, :all, [:stdout], [stdout: -1], [stdout: :all], [foo: 1], [{:stdout, 1, 2}]] do
        wire = requested(%{argv: actor(["exit", 0]), flow: :demand, demand: value})
        assert finish(wire, exit: 2).frames == [{:error, errno(:einval), :malformed_request}]
      end
    end
  end

  test "what a terminal showed before the end stays readable after it" do
    wire = on_demand(["write", 1, 1000], :pty)
    assert_frame(wire, {:status, :exited, 0})
    send_term(wire, {:demand, :pty, 600})
    assert await_bytes(wire, :pty, 600) == pattern(600)
    send_term(wire, {:demand, :pty, 600})
    assert_frame(wire, {:eof, :pty})
    assert ended(wire).pty == pattern(1000)
  end

  @tag :sanitizer_unfit
  test "an agent that is asked for nothing holds nothing" do
    {listener, argv} = Beacon.actor(["write", 1, 64 * @mib])
    wire = running(%{argv: argv, stdio: [stdout: :pipe], flow: :demand})
    beacon = Beacon.await_lit(listener)
    # A workload whose output was taken would have ended by now.
    assert {:error, :timeout} = :gen_tcp.recv(beacon, 0, 300)
    send_term(wire, {:demand, :stdout, 64 * @mib + 1})
    result = ended(wire)
    assert byte_size(result.stdout) == 64 * @mib
    assert result.maxrss_kb < 8_000
  end

  test "output that is not asked for costs no processor" do
    argv = ["/bin/sh", "-c", "echo unread; exec >&-; exec sleep 0.4"]
    wire = running(%{argv: argv, stdio: [stdout: :pipe], flow: :demand})
    assert_frame(wire, {:status, :exited, 0})
    send_term(wire, {:close, :stdout})
    assert {_, _, cpu_us} = ended(wire).agent
    assert cpu_us < 150_000
  end

  test "another value than :demand is malformed" do
    for value <- [true, nil, 1, :push, "demand"] do
      wire = requested(%{argv: actor(["exit", 0]), flow: value})
      assert finish(wire, exit: 2).frames == [{:error, errno(:einval), :malformed_request}]
    end
  end
end
