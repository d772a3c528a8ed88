# SPDX-License-Identifier: MIT

defmodule Linx.StreamTest do
  use Linx.CallCase, async: true

  test "a stream is lazy, and runs its program each time it is enumerated" do
    assert Linx.stream!("no-such-program") |> is_function()
    stream = Linx.stream!(sh("echo $$"), lines: true)
    assert [first] = Enum.to_list(stream)
    assert [second] = Enum.to_list(stream)
    assert first != second
  end

  test "elements are binaries, or say which output they come from when both are read" do
    script = sh("echo out; echo err >&2")
    assert Linx.stream!(script, stdio: [stderr: :devnull]) |> Enum.join() == "out\n"
    both = Linx.stream!(script, stdio: [stderr: :pipe])
    assert Enum.sort(both) == [stderr: "err\n", stdout: "out\n"]

    assert Linx.stream!(script, stdio: [stdout: :devnull, stderr: :pipe]) |> Enum.join() ==
             "err\n"

    assert Linx.stream!(script, stderr_to_stdout: true) |> Enum.join() == "out\nerr\n"
    assert Linx.stream!(script, stdio: :devnull) |> Enum.to_list() == []
  end

  test "lines are whole, of each output by itself" do
    script = "printf 'a\\nb'; printf 'c\\nd' >&2; printf 'e\\n'; printf 'f' >&2"
    lines = Linx.stream!(sh(script), lines: true, stdio: [stderr: :pipe]) |> Enum.to_list()
    assert for({:stdout, line} <- lines, do: line) == ["a", "be"]
    assert for({:stderr, line} <- lines, do: line) == ["c", "df"]

    assert Linx.stream!(["seq", "100000"], lines: true) |> Enum.map(&String.to_integer/1) ==
             Enum.to_list(1..100_000)
  end

  test "a line may end with \\r\\n, also when the \\n comes later" do
    test = self()

    # The shell writes "one\r\ntwo\r" at once, so that all of it has been read when the first line is there.
    script = sh(~S(printf 'one\r\ntwo\r'; read go; printf '\n\r\nth\rree\r'))

    input =
      Stream.map([1], fn _ ->
        send(test, {:feeder, self()})
        receive do: (:go -> "go\n")
      end)

    lines =
      script
      |> Linx.stream!(lines: true, input: input)
      |> Stream.each(fn line ->
        if line == "one", do: receive(do: ({:feeder, feeder} -> send(feeder, :go)))
      end)
      |> Enum.to_list()

    assert lines == ["one", "two", "", "th\rree\r"]
  end

  test "a line that is too long ends the program, and is an error" do
    argv = sh("echo ok; head -c 4000 /dev/zero; exec sleep 600")
    assert_raise Error, ~r/:lines/, fn -> Linx.stream!(argv, lines: 100) |> Enum.to_list() end

    assert Linx.stream!(["head", "-c", "4000", "/dev/zero"], lines: 4000)
           |> Enum.map(&byte_size/1) == [4000]

    assert Linx.stream!(sh("printf 'abc\\r\\n'"), lines: 3) |> Enum.to_list() == ["abc"]

    assert_raise Error, ~r/:lines/, fn ->
      Linx.stream!(sh("printf 'abc\\r'"), lines: 3) |> Enum.to_list()
    end
  end

  test "a program that fails raises, after its output" do
    test = self()

    error =
      assert_raise Linx.ExitError, fn ->
        Linx.stream!(sh("printf one; exit 3"), lines: true)
        |> Enum.each(&send(test, {:element, &1}))
      end

    assert {error.status, error.outcome} == {3, {:exited, 3}}
    assert Exception.message(error) == "/bin/sh exited with status 3"
    assert_received {:element, "one"}

    assert_raise Linx.ExitError, ~r/SIGKILL/, fn ->
      Linx.stream!(actor(["die", 9])) |> Stream.run()
    end

    assert Linx.stream!(sh("printf one; exit 3"), ignore_exit: true) |> Enum.to_list() == ["one"]
    assert_raise Error, ~r/execve/, fn -> Linx.stream!("no-such-program") |> Enum.to_list() end

    assert_raise Error, ~r/execve/, fn ->
      Linx.stream!("/no/such/program", ignore_exit: true) |> Enum.to_list()
    end
  end

  test "a bad option is refused before the stream is enumerated" do
    assert_raise ArgumentError, ~r/option :lines.*0/, fn -> Linx.stream!("true", lines: 0) end
    assert_raise ArgumentError, ~r/option :cd.*7/, fn -> Linx.stream!("true", cd: 7) end
    assert_raise ArgumentError, ~r/:into/, fn -> Linx.stream!("true", into: []) end
    assert_raise ArgumentError, ~r/argv/, fn -> Linx.stream!([]) end
  end

  test "a reader that halts, at any point, ends the program with all it has started" do
    for n <- [0, 1, 2, 3, 10, 1000] do
      assert Linx.stream!("yes", lines: true) |> Enum.take(n) == List.duplicate("y", n)
    end

    for part <- [["flood", 1], ["ignore", 15], ["pause"], ["daemon", "keep"]] do
      assert [<<_, _::binary>>] =
               leaves_nothing(part, &(Linx.stream!(&1, kill_after: 10) |> Enum.take(1)))
    end
  end

  test "a reader that raises, throws or exits ends it as well, and its own reason stays" do
    for {fun, kind, reason} <- [
          {fn -> raise "reader" end, :error, %RuntimeError{message: "reader"}},
          {fn -> throw(:reader) end, :throw, :reader},
          {fn -> exit(:reader) end, :exit, :reader}
        ] do
      assert {kind, reason} ==
               leaves_nothing(["flood", 1], fn argv ->
                 try do
                   argv |> Linx.stream!() |> Enum.each(fn _ -> fun.() end)
                 catch
                   kind, reason -> {kind, reason}
                 end
               end)
    end
  end

  test "a program that halts its reader is not run at all" do
    path =
      Path.join(
        System.tmp_dir!(),
        "linx-stream-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    assert Linx.stream!(["touch", path]) |> Enum.take(0) == []
    refute File.exists?(path)
  end

  test "streams can be interleaved, and suspended ones are ended with the rest" do
    numbers = Linx.stream!(["seq", "1", "2", "1000000"], lines: true)

    assert leaves_nothing(["flood", 1], fn argv ->
             Stream.zip(numbers, Linx.stream!(argv)) |> Enum.take(3) |> Enum.map(&elem(&1, 0))
           end) == ["1", "3", "5"]

    assert Stream.zip(Linx.stream!(["seq", "3"], lines: true), Linx.stream!("yes", lines: true))
           |> Enum.to_list() == [{"1", "y"}, {"2", "y"}, {"3", "y"}]
  end

  test "a program that its reader does not read is held up, and no more is read than is asked for" do
    {listener, argv} = Beacon.actor(["flood", 1])
    {:suspended, _, continue} = suspend(Linx.stream!(argv))
    socket = Beacon.await_lit(listener)
    assert Beacon.lit?(socket)
    {:memory, before} = Process.info(self(), :memory)
    {:suspended, <<_, _::binary>>, continue} = continue.({:cont, nil})
    {:memory, now} = Process.info(self(), :memory)
    assert now - before < 8 * 1024 * 1024
    {:halted, _} = continue.({:halt, nil})
    refute Beacon.lit?(socket)
  end

  test "a suspended stream goes with the process that it was started by" do
    for reason <- [:normal, :kill, :shutdown] do
      {listener, argv} = Beacon.actor(["flood", 1])
      test = self()

      caller =
        caller(fn ->
          {:suspended, _, _} = suspend(Linx.stream!(argv, input: Stream.cycle(["x"])))
          send(test, :suspended)
          receive do: (:end -> :ok)
        end)

      assert_receive :suspended, 30_000
      socket = Beacon.await_lit(listener)

      if reason == :normal,
        do: send(elem(caller, 0), :end),
        else: Process.exit(elem(caller, 0), reason)

      await_down(caller)
      Beacon.await_dark(socket)
    end
  end

  test "input is fed as it is read: both sides full is no deadlock" do
    block = :crypto.strong_rand_bytes(65_536)
    {stream, counts} = counted(Stream.repeatedly(fn -> block end), 4_096)

    {size, digest} =
      Linx.stream!("cat", input: stream)
      |> Enum.reduce({0, :crypto.hash_init(:sha256)}, fn data, {size, hash} ->
        {size + byte_size(data), :crypto.hash_update(hash, data)}
      end)

    assert size == 256 * 1024 * 1024

    expected =
      Enum.reduce(1..4_096, :crypto.hash_init(:sha256), fn _, h ->
        :crypto.hash_update(h, block)
      end)

    assert :crypto.hash_final(digest) == :crypto.hash_final(expected)
    assert :counters.get(counts, 1) == 4_096
  end

  test "input is enumerated no further than the program, its pipe and a window are ahead of it" do
    {stream, counts} =
      counted(Stream.repeatedly(fn -> String.duplicate("x", 65_536) end), 100_000)

    assert [_] = Linx.stream!("cat", input: stream) |> Enum.take(1)
    assert :counters.get(counts, 1) < 200
  end

  test "one stream feeds another" do
    assert Linx.stream!(["sort", "-rn"], input: Linx.stream!(["seq", "5"]), lines: true)
           |> Enum.to_list() == ~w(5 4 3 2 1)

    assert Linx.stream!(["head", "-n", "2"], input: Linx.stream!("yes"), lines: true)
           |> Enum.to_list() == ["y", "y"]

    # The exception of the inner stream is raised by the outer one.
    assert_raise Linx.ExitError, ~r/false/, fn ->
      Linx.stream!("cat", input: Linx.stream!("false")) |> Stream.run()
    end
  end

  test "a stream that is fed by another leaves nothing of either" do
    assert ["y"] =
             leaves_nothing(["flood", 1], fn argv ->
               Linx.stream!("cat", input: Linx.stream!(argv)) |> Enum.take(1)

               Linx.stream!(["head", "-n", "1"], input: Linx.stream!("yes"), lines: true)
               |> Enum.to_list()
             end)
  end

  test "a stream that takes too long ends, while it is read and after" do
    for script <- ["echo; exec sleep 600", "exec >&-; exec sleep 600"] do
      assert_raise Error, ~r/:timeout/, fn ->
        Linx.stream!(sh(script), timeout: 1_000) |> Stream.run()
      end
    end
  end

  test "a program that closes its output and lives is waited for" do
    assert_raise Linx.ExitError, ~r/status 5/, fn ->
      Linx.stream!(sh("exec >&-; sleep 0.2; exit 5")) |> Stream.run()
    end
  end

  test "stdin can be closed by the program, and by the end of the input, while it writes" do
    assert Linx.stream!(sh("exec <&-; seq 3"), input: Stream.cycle(["x"]), lines: true)
           |> Enum.to_list() ==
             ["1", "2", "3"]

    assert Linx.stream!(sh("cat >/dev/null; seq 3"), input: ["x"], lines: true) |> Enum.to_list() ==
             ["1", "2", "3"]
  end

  defp suspend(stream),
    do: Enumerable.reduce(stream, {:cont, nil}, fn element, _ -> {:suspend, element} end)

  defp counted(stream, count) do
    counts = :counters.new(1, [])
    {stream |> Stream.take(count) |> Stream.each(fn _ -> :counters.add(counts, 1, 1) end), counts}
  end
end
