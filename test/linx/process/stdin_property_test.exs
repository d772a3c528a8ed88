# SPDX-License-Identifier: MIT

defmodule Linx.Process.StdinPropertyTest do
  use ExUnit.Case, async: true

  import :proper_types, only: [list: 1, oneof: 1, tuple: 1, integer: 2, frequency: 1]

  alias Linx.Process.{Error, Stdin}
  alias Linx.Property

  doctest Stdin

  @moduletag timeout: 300_000
  @window 1024 * 1024

  # Steps: writers write or stop waiting, the agent acknowledges some of the bytes, or the pipe breaks.
  defp step do
    frequency([
      {8, tuple([:write, oneof([0, 1, 10, 65_536, 65_537, 400_000, 1_500_000])])},
      {8, tuple([:written, integer(1, 100)])},
      {2, tuple([:forget, integer(1, 20)])},
      {1, :close},
      {1, :break}
    ])
  end

  defp run(steps) do
    world = %{
      stdin: %Stdin{},
      calls: [],
      effects: [],
      acknowledged: 0,
      sent: 0,
      forgotten: [],
      broken?: false
    }

    steps |> Enum.reduce(world, &step/2) |> then(&step(:break, &1))
  end

  defp step({:write, size}, world) do
    n = length(world.calls) + 1
    # Every byte is the number of its writer.
    data = :binary.copy(<<rem(n, 256)>>, size)
    world = %{world | calls: world.calls ++ [{n, size, world.stdin.state}]}
    note(world, Stdin.write(world.stdin, {:from, n}, data, :infinity))
  end

  defp step({:written, percent}, %{broken?: false} = world) do
    outstanding = world.sent - world.acknowledged
    bytes = div(outstanding * percent, 100)
    assert Stdin.written(world.stdin, outstanding + 1) == :error
    {:ok, change} = Stdin.written(world.stdin, bytes)
    note(%{world | acknowledged: world.acknowledged + bytes}, change)
  end

  defp step({:written, _percent}, world), do: world

  defp step({:forget, n}, world) do
    case Stdin.forget(world.stdin, {:from, n}) do
      {:ok, change} -> note(%{world | forgotten: [n | world.forgotten]}, change)
      :error -> world
    end
  end

  defp step(:close, world), do: note(world, Stdin.close(world.stdin))

  defp step(:break, world),
    do: note(%{world | broken?: true}, Stdin.break(world.stdin, Error.new(:write, :epipe)))

  defp note(world, {stdin, effects}) do
    more = for {:send, {:stdin, data}} <- effects, reduce: 0, do: (sum -> sum + byte_size(data))
    world = %{world | stdin: stdin, sent: world.sent + more, effects: world.effects ++ effects}

    assert world.sent - world.acknowledged <= @window
    # Bytes wait only when the window is full.
    if stdin.window.unsent_bytes > 0 and not world.broken?,
      do: assert(world.sent - world.acknowledged == @window)

    world
  end

  defp pieces(world), do: for({:send, {:stdin, data}} <- world.effects, do: data)

  defp replies(world, n), do: for({:reply, {:from, ^n}, answer} <- world.effects, do: answer)

  test "one reply a call, bytes in the order of the calls, never more than the window" do
    Property.check(list(step()), 500, fn steps ->
      world = run(steps)

      # A writer that was forgotten gets no reply, every other one exactly one.
      for {n, _size, _state} <- world.calls do
        expected = if n in world.forgotten, do: 0, else: 1
        assert length(replies(world, n)) == expected
      end

      # The bytes of the writers follow each other in the order of their calls, all bytes of one with :ok.
      runs = world |> pieces() |> runs()
      owners = Enum.map(runs, &elem(&1, 0))
      assert owners == Enum.sort(owners) and owners == Enum.uniq(owners)

      acknowledged = world.acknowledged

      Enum.reduce(world.calls, 0, fn {n, size, _state}, before ->
        got = for({^n, bytes} <- runs, do: bytes) |> Enum.sum()
        assert got <= size

        if replies(world, n) == [:ok] and size > 0 do
          assert got == size
          assert before + size <= acknowledged
        end

        before + got
      end)

      # A close is sent at most once, behind all bytes.
      case Enum.drop_while(world.effects, &(&1 != {:send, {:close, :stdin}})) do
        [] -> :ok
        [_close | rest] -> refute Enum.any?(rest, &match?({:send, _}, &1))
      end

      watched = for {:watch, from, _} <- world.effects, do: from
      unwatched = for {:unwatch, from} <- world.effects, do: from
      forgotten = for n <- world.forgotten, do: {:from, n}
      assert Enum.sort(watched) == Enum.sort(unwatched ++ forgotten)
      refute Stdin.busy?(world.stdin)
    end)
  end

  # The writers of the pieces that were sent, with their number of bytes; no piece has bytes of two.
  defp runs(pieces) do
    for [{owner, _} | _] = run <- pieces |> Enum.map(&owned/1) |> Enum.chunk_by(&elem(&1, 0)),
        do: {owner, Enum.sum(for {_, size} <- run, do: size)}
  end

  defp owned(<<owner, _::binary>> = piece) do
    assert piece == :binary.copy(<<owner>>, byte_size(piece))
    {owner, byte_size(piece)}
  end

  test "the reply to a write by state" do
    error = Error.new(:write, :epipe)
    {closed, [{:send, {:close, :stdin}}]} = Stdin.close(%Stdin{})
    {broken, []} = Stdin.break(%Stdin{}, error)
    assert {^closed, [{:reply, 1, {:error, :closed}}]} = Stdin.write(closed, 1, "x", 5)
    assert {^closed, [{:reply, 1, {:error, :closed}}]} = Stdin.write(closed, 1, "", 5)
    assert {^broken, [{:reply, 1, {:error, ^error}}]} = Stdin.write(broken, 1, "x", 5)
    assert {^closed, []} = Stdin.close(closed)
    assert {^broken, []} = Stdin.close(broken)
    assert {%Stdin{state: :open}, [{:reply, 1, :ok}]} = Stdin.write(%Stdin{}, 1, "", 5)
  end
end
