# SPDX-License-Identifier: MIT

defmodule Linx.InputTest do
  # What a call gives its program to read, in small elements and by a function.
  use Linx.CallCase, async: true

  # The numbers from 1, of which the later ones are made when the earlier ones have been read back.
  defp in_rounds(count, per_round, test) do
    Stream.flat_map(1..count, fn round ->
      if round == 1,
        do: send(test, {:enumerates, self()}),
        else: for(_ <- 1..per_round, do: receive(do: (:echoed -> :ok)))

      for n <- 1..per_round, do: "#{(round - 1) * per_round + n}\n"
    end)
  end

  defp echo(input) do
    Process.delete(:enumerates)

    Linx.stream!("cat", input: input, lines: true)
    |> Stream.each(fn _line -> send(enumerating(), :echoed) end)
    |> Enum.map(&String.to_integer/1)
  end

  # It has sent its pid before the first line.
  defp enumerating do
    with nil <- Process.get(:enumerates) do
      assert_received {:enumerates, pid}
      Process.put(:enumerates, pid)
      pid
    end
  end

  test "no element waits for the next one, however fast those before it came" do
    test = self()

    for {rounds, per_round} <- [{200, 1}, {50, 2}, {20, 100}, {3, 9_000}] do
      numbers = Enum.to_list(1..(rounds * per_round))
      assert echo(in_rounds(rounds, per_round, test)) == numbers

      assert echo(fn sink -> rounds |> in_rounds(per_round, test) |> Enum.into(sink) end) ==
               numbers
    end
  end

  test "elements of all sizes arrive in their order" do
    sizes = for n <- 1..300, do: rem(n * n * 977, 200_000)
    elements = for {size, n} <- Enum.with_index(sizes), do: :binary.copy(<<n>>, size)
    whole = IO.iodata_to_binary(elements)
    assert {:ok, %{stdout: ^whole}} = Linx.run("cat", input: Stream.map(elements, &[&1, ""]))
    assert {:ok, %{stdout: ^whole}} = Linx.run("cat", input: &Enum.into(elements, &1))
  end

  test "tiny elements that the program does not read are not enumerated without a bound" do
    [program | args] = actor(["pause"])
    counter = :counters.new(1, [])
    elements = Stream.repeatedly(fn -> :counters.add(counter, 1, 1) && "x" end)

    for input <- [elements, &Enum.into(elements, &1)] do
      :counters.put(counter, 1, 0)

      assert {"ready\n", :timeout} =
               Linx.cmd(program, args, input: input, timeout: 2_000, kill_after: 0)

      # The agent makes the pipe 256 KiB large, and 4096 elements may be ahead of it.
      assert :counters.get(counter, 1) <= 262_144 + 4_200
    end
  end

  test "a function writes as often as it likes, and its end is the end of the input" do
    write = fn sink ->
      assert Enum.into(["one ", ["t", ?w, "o "]], sink) == sink
      Enum.into([], sink)
      Enum.into(3..5, sink, &to_string/1)
      :any
    end

    assert Linx.cmd("cat", [], input: write) == {"one two 345", 0}
    assert {:ok, %{stdout: "one two 345"}} = Linx.run("cat", input: write)
    assert Linx.stream!("cat", input: write) |> Enum.join() == "one two 345"
    assert Linx.cmd("cat", [], input: fn _sink -> :ok end) == {"", 0}
  end

  test "a function runs in a process that says whose work it does" do
    test = self()
    input = fn _sink -> send(test, {:input, self(), Process.get(:"$callers")}) end
    assert {"", 0} = Linx.cmd("cat", [], input: input)
    assert_received {:input, feeder, [^test | _]}
    assert feeder != test
  end

  test "what a function raises, exits with or throws is the caller's, and ends the program" do
    for {fun, kind, reason} <- [
          {fn -> raise "broken" end, :error, %RuntimeError{message: "broken"}},
          {fn -> raise ArgumentError, "broken" end, :error, %ArgumentError{message: "broken"}},
          {fn -> raise Error.new(:write, :epipe) end, :error, Error.new(:write, :epipe)},
          {fn -> exit(:gone) end, :exit, :gone},
          {fn -> throw(:ball) end, :throw, :ball}
        ] do
      {listener, [program | args]} = Beacon.actor(["pause"])
      beacon = start_supervised!({Agent, fn -> nil end}, id: make_ref())

      # The input fails only once the program runs, because it may otherwise be ended before exec.
      input = fn sink ->
        Enum.into(["x"], sink)
        socket = Beacon.await_lit(listener)
        :ok = :gen_tcp.controlling_process(socket, beacon)
        Agent.update(beacon, fn nil -> socket end)
        fun.()
      end

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
      Linx.cmd("cat", [], input: &Enum.into([:atom], &1))
    end
  end

  test "a program that reads no more ends the function, and not the call" do
    test = self()

    input = fn sink ->
      try do
        Enum.into(Stream.cycle(["more\n"]), sink)
      rescue
        error in Error ->
          send(test, {:raised, error.errno})
          reraise error, __STACKTRACE__
      end
    end

    assert Linx.cmd("sh", ["-c", "exec <&-; sleep 1; echo end"], input: input) == {"end\n", 0}
    assert_received {:raised, :epipe}
    assert Linx.cmd("head", ["-n", "1"], input: input) == {"more\n", 0}
    assert {:ok, %{status: 3}} = Linx.run(["sh", "-c", "exit 3"], input: input)
  end

  test "a function that does not return does not keep the call" do
    never = fn sink ->
      Enum.into(["x"], sink)
      receive do: (:never -> :ok)
    end

    before = ties()
    assert Linx.cmd("head", ["-c", "1"], input: never) == {"x", 0}
    assert Linx.cmd("cat", [], input: never, timeout: 500) == {"x", :timeout}
    assert ties() == before
  end
end
