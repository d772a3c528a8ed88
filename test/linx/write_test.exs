# SPDX-License-Identifier: MIT

defmodule Linx.WriteTest do
  use Linx.SessionCase, async: true

  alias Linx.Process, as: P

  @mib 1024 * 1024

  defp piped(argv, opts \\ []),
    do: session([argv: argv, stdio: :pipe, auto_proceed: true] ++ opts)

  defp pattern(size) do
    block = for n <- 0..22, into: <<>>, do: <<?a + n>>
    block |> :binary.copy(div(size, 23) + 1) |> binary_part(0, size)
  end

  defp ready(session) do
    assert {:ok, "ready\n"} = P.read(session, :stdout)
    session
  end

  # The error of a write to a pipe without a reader.
  defp assert_broken(answer) do
    assert {:error, %Error{stage: :write, errno: :epipe, code: 32} = error} = answer
    assert Exception.message(error) =~ "write failed: EPIPE"
  end

  test "what is written is read by the workload, in order, whatever its size and shape" do
    session = piped(actor(["copy"]))

    parts = ["a", [], ["b", [?c | "d"]], 'ef', pattern(70_000), :binary.copy("x", 10)]
    for part <- parts, do: assert(:ok = P.write(session, part))
    assert :ok = P.close_stdin(session)
    assert read_all(session, :stdout) == IO.iodata_to_binary(parts)
    assert {:ok, {:exited, 0}} = P.wait(session)
  end

  test "a write returns once the kernel took it, and not before" do
    session = piped(actor(["read-late", 9 * @mib])) |> ready()
    # As many bytes as the kernel takes for a pipe that is not read.
    assert :ok = P.write(session, pattern(1000))
    <<_::binary-size(1000), rest::binary>> = pattern(9 * @mib)
    writer = Task.async(fn -> P.write(session, rest) end)
    assert {:error, :timeout} = P.wait(session, 50)
    assert Task.yield(writer, 0) == nil
    :ok = P.signal(session, :sigusr1)
    assert :ok = Task.await(writer, 30_000)
    assert {:ok, "read 9437184\n"} = P.read(session, :stdout)
  end

  test "what several write at once arrives unmixed" do
    session = piped(["/bin/cat"])

    writers =
      for n <- 0..9,
          do: Task.async(fn -> P.write(session, :binary.copy(<<?0 + n>>, 300_000)) end)

    reader = Task.async(fn -> read_all(session, :stdout) end)
    assert Enum.all?(Task.await_many(writers, 60_000), &(&1 == :ok))
    :ok = P.close_stdin(session)
    output = Task.await(reader, 60_000)
    assert byte_size(output) == 3_000_000
    runs = for <<run::binary-size(300_000) <- output>>, do: run
    assert Enum.sort(runs) == for(n <- 0..9, do: :binary.copy(<<?0 + n>>, 300_000))
  end

  describe "stdin can be closed" do
    test "before the workload runs, with or without something written" do
      for input <- ["", "early"] do
        {session, _} = parked(argv: actor(["copy"]), stdio: :pipe)
        assert :ok = P.write(session, input)
        assert :ok = P.close_stdin(session)
        assert :ok = P.close_stdin(session)
        assert {:error, :closed} = P.write(session, "late")
        :ok = P.proceed(session)
        assert read_all(session, :stdout) == input
        assert {:ok, {:exited, 0}} = P.wait(session)
      end
    end

    test "while there is output to read" do
      session = piped(["/bin/cat"])
      :ok = P.write(session, "one")
      assert {:ok, "one"} = P.read(session, :stdout)
      :ok = P.write(session, "two")
      assert :ok = P.close_stdin(session)
      assert read_all(session, :stdout) == "two"
    end

    test "behind a write that is still on its way" do
      session = piped(actor(["read-late", 5 * @mib])) |> ready()
      writer = Task.async(fn -> P.write(session, pattern(5 * @mib)) end)
      await_sent(session)
      assert :ok = P.close_stdin(session)
      assert {:error, :closed} = P.write(session, "behind it")
      :ok = P.signal(session, :sigusr1)
      assert :ok = Task.await(writer, 30_000)
      assert {:ok, "read 5242880\n"} = P.read(session, :stdout)
      assert {:ok, {:exited, 0}} = P.wait(session)
    end

    test "after the workload's end" do
      session = piped(["/bin/true"])
      assert {:ok, {:exited, 0}} = P.wait(session)
      assert :ok = P.close_stdin(session)
      assert :eof = P.read_any(session)
      assert :ok = P.close_stdin(session)
    end
  end

  defp stdin(session), do: :sys.get_state(session).session.pipes.stdin

  # Waits until a writer waits in the session.
  defp await_sent(session) do
    if :queue.is_empty(stdin(session).window.unsent), do: await_sent(session)
  end

  describe "a reader that is gone" do
    test "is an error to the one who writes, and not the session's end" do
      session = piped(actor(["deaf"])) |> ready()
      assert_broken(P.write(session, "x"))
      assert_broken(P.write(session, pattern(2 * @mib)))
      assert :ok = P.close_stdin(session)
      assert {:error, :timeout} = P.wait(session, 0)
      assert {:ok, {:signaled, 15}} = P.stop(session)
      assert_broken(P.write(session, "x"))
    end

    test "is one to those who wait" do
      session = piped(actor(["ignore", 1])) |> ready()
      writers = for _ <- 1..3, do: Task.async(fn -> P.write(session, pattern(2 * @mib)) end)
      await_sent(session)
      :ok = P.signal(session, :sigterm)
      for writer <- writers, do: assert_broken(Task.await(writer, 30_000))
      assert {:ok, {:signaled, 15}} = P.wait(session)
    end

    test "took what it took" do
      session = piped(["/usr/bin/head", "-c", "5"])
      assert :ok = P.write(session, "12345")
      assert {:ok, "12345"} = P.read(session, :stdout)
      assert {:ok, {:exited, 0}} = P.wait(session)
      assert_broken(P.write(session, "6"))
    end

    test "an empty write is fine as long as it is not known" do
      session = piped(actor(["pause"])) |> ready()
      assert :ok = P.write(session, "")
      assert :ok = P.write(session, [[], ""])
    end
  end

  describe "a workload that never reads" do
    test "is signalled past what was written to it" do
      session = piped(actor(["ignore", 1])) |> ready()
      writer = Task.async(fn -> P.write(session, pattern(64 * @mib)) end)
      await_sent(session)
      :ok = P.signal(session, :sigterm)
      assert {:ok, {:signaled, 15}} = P.wait(session)
      assert_broken(Task.await(writer, 30_000))
    end

    test "is written to in vain, until the time is over" do
      session = piped(actor(["pause"])) |> ready()
      assert {:error, :timeout} = P.write(session, pattern(2 * @mib), 20)
      assert {:error, :timeout} = P.write(session, "x", 0)
      # The session holds no bytes of a writer that does not wait any more.
      assert :queue.is_empty(stdin(session).window.unsent)
      assert {:ok, {:signaled, 15}} = P.stop(session)
    end

    @tag :sanitizer_unfit
    test "costs the agent no more than the window" do
      session = piped(actor(["pause"])) |> ready()
      writer = Task.async(fn -> P.write(session, pattern(32 * @mib)) end)
      await_sent(session)
      {:ok, %{agent_pid: agent}} = P.info(session)
      [_, rss] = Regex.run(~r/VmRSS:\s+(\d+) kB/, File.read!("/proc/#{agent}/status"))
      assert String.to_integer(rss) < 6 * 1024
      assert {:ok, {:signaled, 15}} = P.stop(session)
      assert_broken(Task.await(writer, 30_000))
    end
  end

  test "after a timeout what comes next is written whole" do
    session = piped(actor(["catch", 1])) |> ready()
    assert {:error, :timeout} = P.write(session, pattern(4 * @mib), 20)
    next = Task.async(fn -> P.write(session, "next") end)
    assert {:error, :timeout} = P.wait(session, 20)
    assert Task.yield(next, 0) == nil
    assert {:ok, {:signaled, 15}} = P.stop(session)
    assert_broken(Task.await(next, 30_000))
  end

  test "a writer that dies does not hold up the next" do
    session = piped(actor(["read-late", 4 * @mib])) |> ready()
    writer = spawn(fn -> P.write(session, pattern(64 * @mib)) end)
    await_sent(session)
    Process.exit(writer, :kill)
    await_down(writer)
    await_nobody(session)
    # The bytes that the agent had by then are written.
    sent = stdin(session).window.sent
    rest = binary_part(pattern(4 * @mib), sent, 4 * @mib - sent)
    next = Task.async(fn -> P.write(session, rest) end)
    :ok = P.signal(session, :sigusr1)
    assert :ok = Task.await(next, 30_000)
    assert {:ok, "read 4194304\n"} = P.read(session, :stdout)
  end

  defp await_nobody(session) do
    if Linx.Process.Stdin.busy?(stdin(session)), do: await_nobody(session)
  end

  test "before the workload runs, what is written waits for it" do
    {session, _} = parked(argv: actor(["copy"]), stdio: :pipe)
    writer = Task.async(fn -> P.write(session, pattern(3 * @mib)) end)
    await_sent(session)
    reader = Task.async(fn -> read_all(session, :stdout) end)
    :ok = P.proceed(session)
    assert :ok = Task.await(writer, 30_000)
    :ok = P.close_stdin(session)
    assert Task.await(reader, 30_000) == pattern(3 * @mib)
  end

  test "what is written to a workload that never ran is lost, and that is said" do
    {session, _} = parked(argv: actor(["copy"]), stdio: :pipe)
    writer = Task.async(fn -> P.write(session, pattern(3 * @mib)) end)
    await_sent(session)
    :ok = P.abort(session)
    assert_broken(Task.await(writer, 30_000))

    session = piped(["/no/such/program"])
    assert {:error, _} = P.wait(session)
    assert_broken(P.write(session, "x"))
  end

  test "what else a write may return" do
    {session, _} = parked()
    assert {:error, :not_piped} = P.write(session, "x")
    assert {:error, :not_piped} = P.close_stdin(session)

    for data <- [nil, :x, 1, {"x"}, %{}, [256], ["x" | :y], <<1::1>>],
        do: assert({:error, {:bad_data, ^data}} = P.write(session, data))

    for timeout <- [-1, nil, 1.5, 0x1_0000_0000],
        do: assert({:error, {:bad_timeout, ^timeout}} = P.write(session, "x", timeout))

    GenServer.stop(session)
    assert {:error, :no_process} = P.write(session, "x")
    assert {:error, :no_process} = P.close_stdin(session)
  end

  describe "in both directions at once" do
    @tag timeout: 300_000
    test "256 MiB come back as they went, with both sides full" do
      session = piped(["/bin/cat"])
      chunk = :crypto.strong_rand_bytes(@mib)
      # The pieces are neither as large as a pipe or a frame, nor aligned with either.
      pieces = for n <- 1..256, do: binary_part(<<chunk::binary, chunk::binary>>, n * 3011, @mib)

      writer =
        Task.async(fn ->
          for piece <- pieces, do: :ok = P.write(session, piece)
          P.close_stdin(session)
        end)

      expected = digest(pieces)
      reader = Task.async(fn -> digest_stream(session, :crypto.hash_init(:sha256), 0) end)
      assert :ok = Task.await(writer, 300_000)
      assert {digest, size} = Task.await(reader, 300_000)
      assert size == 256 * @mib
      assert digest == expected
      assert {:ok, {:exited, 0}} = P.wait(session)
    end

    test "a write of more than all buffers hold does not stop a read by the same process" do
      session = piped(["/bin/cat"])
      writer = Task.async(fn -> P.write(session, pattern(16 * @mib)) end)
      await_sent(session)
      assert {:ok, data} = P.read(session, :stdout, 1000)
      size = 16 * @mib - byte_size(data)
      assert data <> read_bytes(session, size) == pattern(16 * @mib)
      assert :ok = Task.await(writer, 30_000)
    end
  end

  defp digest(pieces) do
    pieces
    |> Enum.reduce(:crypto.hash_init(:sha256), &:crypto.hash_update(&2, &1))
    |> :crypto.hash_final()
  end

  defp digest_stream(session, hash, size) do
    case P.read(session, :stdout, @mib) do
      {:ok, data} ->
        digest_stream(session, :crypto.hash_update(hash, data), size + byte_size(data))

      :eof ->
        {:crypto.hash_final(hash), size}
    end
  end

  defp read_bytes(_session, 0), do: ""

  defp read_bytes(session, size) do
    {:ok, data} = P.read(session, :stdout, size)
    data <> read_bytes(session, size - byte_size(data))
  end
end
