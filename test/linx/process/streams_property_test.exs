# SPDX-License-Identifier: MIT

defmodule Linx.Process.StreamsPropertyTest do
  use ExUnit.Case, async: true

  import :proper_types, only: [list: 1, oneof: 1, tuple: 1, integer: 2, frequency: 1]

  alias Linx.Agent.Wire
  alias Linx.Process.{Error, Output, Streams}
  alias Linx.Property

  doctest Output
  doctest Streams

  @moduletag timeout: 300_000
  @window 256 * 1024

  defp name, do: oneof([:stdout, :stderr])

  # Readers, a receiver, and an agent that sends some of what was asked for.
  defp step do
    frequency([
      {8, tuple([:read, oneof([:stdout, :stderr, :any]), oneof([1, 7, 100, 70_000, 5_000_000])])},
      {8, tuple([:agent, name(), integer(1, 100)])},
      {2, tuple([:forget, integer(1, 20)])},
      {1, tuple([:active, name(), oneof([true, false, :once, 1, 3])])},
      {1, tuple([:eof, name()])},
      {1, tuple([:close, name()])},
      {1, :receiver_down}
    ])
  end

  # The agent sends the numbers from 0 of each stream, so that the position of every byte is known.
  defp bytes(from, size), do: for(n <- from..(from + size - 1)//1, into: "", do: <<rem(n, 251)>>)

  defp run(active, steps) do
    streams = Streams.new([:stdout, :stderr], active)

    world = %{
      streams: streams,
      asked: Map.merge(%{stdout: 0, stderr: 0}, Map.new(Streams.demand(streams))),
      sent: %{stdout: 0, stderr: 0},
      ended: %{stdout: false, stderr: false},
      closed: %{stdout: false, stderr: false},
      got: %{stdout: "", stderr: ""},
      calls: [],
      forgotten: [],
      effects: [],
      reads_only?: active == false
    }

    steps |> Enum.reduce(world, &step/2) |> finish()
  end

  defp step({:read, request, max}, world) do
    n = length(world.calls) + 1
    world = %{world | calls: world.calls ++ [{n, request, min(max, 1024 * 1024)}]}
    note(world, Streams.read(world.streams, {n, :tag}, request, max, :infinity))
  end

  defp step({:agent, name, percent}, world) do
    outstanding = world.asked[name] - world.sent[name]
    size = min(div(outstanding * percent + 99, 100), 3000)
    data = bytes(world.sent[name], size)

    cond do
      world.ended[name] or size == 0 ->
        world

      world.closed[name] ->
        # The bytes were on their way when the stream was closed.
        assert {:ok, {_streams, []}} = Streams.data(world.streams, name, data)
        world

      true ->
        assert Streams.data(world.streams, name, :binary.copy("x", outstanding + 1)) == :error
        {:ok, change} = Streams.data(world.streams, name, data)
        note(put_in(world.sent[name], world.sent[name] + size), change)
    end
  end

  defp step({:forget, n}, world) do
    case Streams.forget(world.streams, {n, :tag}) do
      {:ok, streams} -> %{world | streams: streams, forgotten: [n | world.forgotten]}
      :error -> world
    end
  end

  defp step({:active, name, active}, world) do
    world = %{world | reads_only?: world.reads_only? and active == false}
    note(world, Streams.set_active(world.streams, [name], active))
  end

  defp step({:eof, name}, world),
    do: note(put_in(world.ended[name], true), Streams.finish(world.streams, name, :eof))

  defp step({:close, name}, world),
    do: note(put_in(world.closed[name], true), Streams.close(world.streams, name))

  defp step(:receiver_down, world) do
    active = for {name, %{active: active}} <- world.streams.outputs, active != false, do: name
    world = Enum.reduce(active, world, &put_in(&2.closed[&1], true))
    note(world, Streams.close_active(world.streams))
  end

  # Ends both streams, and reads the rest.
  defp finish(world) do
    world = Enum.reduce([:stdout, :stderr], world, &step({:eof, &1}, &2))
    assert Streams.ended?(world.streams)

    Enum.reduce([:stdout, :stderr], world, fn name, world ->
      world = note(world, Streams.set_active(world.streams, [name], false))
      read_out(world, name)
    end)
  end

  defp read_out(world, name) do
    world = step({:read, name, 5_000_000}, world)
    n = length(world.calls)

    case for {:reply, {^n, :tag}, answer} <- world.effects, do: answer do
      [{:ok, _data}] -> read_out(world, name)
      [:eof] -> world
      [{:error, :closed}] -> world
    end
  end

  defp note(world, {streams, effects}) do
    world = Enum.reduce(effects, %{world | streams: streams}, &take/2)

    for {name, output} <- streams.outputs, not world.closed[name] do
      asked = world.asked[name] - world.sent[name]
      assert output.demanded == asked

      # No more bytes are held than the readers of this stream had asked for at the same time.
      if world.reads_only? do
        most = for({_n, r, max} <- world.calls, r in [name, :any], do: max) |> Enum.sum()
        assert output.buffered + asked <= most
      end

      # The agent was asked for what a waiting reader wants, and for the receiver's window.
      waiting = for reader <- streams.readers, name in reader.names, do: reader.max

      if output.ending == nil do
        assert asked >= Enum.sum(waiting)
        if output.active != false, do: assert(asked > div(@window, 2) and output.buffered == 0)
        if waiting != [], do: assert(output.buffered == 0)
      end
    end

    %{world | effects: world.effects ++ effects}
  end

  defp take({:send, {:demand, name, bytes}}, world) do
    assert bytes > 0 and not world.ended[name] and not world.closed[name]
    update_in(world.asked[name], &(&1 + bytes))
  end

  defp take({:message, {name, data}}, world) when name in [:stdout, :stderr],
    do: update_in(world.got[name], &(&1 <> data))

  defp take({:reply, {n, :tag}, {:ok, answer}}, world) do
    {^n, request, max} = List.keyfind(world.calls, n, 0)
    {name, data} = if request == :any, do: answer, else: {request, answer}
    assert byte_size(data) in 1..max
    update_in(world.got[name], &(&1 <> data))
  end

  defp take(_effect, world), do: world

  test "every byte once and in order, one reply a call, never more than was asked for" do
    type = tuple([oneof([false, false, true, :once, 2]), list(step())])

    Property.check(type, 1_000, fn {active, steps} ->
      world = run(active, steps)

      for name <- [:stdout, :stderr] do
        expected = bytes(0, world.sent[name])

        if world.closed[name],
          do: assert(String.starts_with?(expected, world.got[name])),
          else: assert(world.got[name] == expected)
      end

      for {n, _request, _max} <- world.calls do
        replies = for {:reply, {^n, :tag}, answer} <- world.effects, do: answer
        assert length(replies) == if(n in world.forgotten, do: 0, else: 1)
      end

      watched = for {:watch, from, _} <- world.effects, do: from
      unwatched = for {:unwatch, from} <- world.effects, do: from
      forgotten = for n <- world.forgotten, do: {n, :tag}
      assert Enum.sort(watched) == Enum.sort(unwatched ++ forgotten)
    end)
  end

  test "readers of one stream are served in the order they came" do
    Property.check(list(integer(1, 50)), 300, fn sizes ->
      streams =
        sizes
        |> Enum.with_index()
        |> Enum.reduce(Streams.new([:stdout], false), fn {size, n}, streams ->
          {streams, _effects} = Streams.read(streams, {n, :tag}, :stdout, size, :infinity)
          streams
        end)

      data = bytes(0, Enum.sum(sizes))

      if data != "" do
        {:ok, {streams, effects}} = Streams.data(streams, :stdout, data)
        answers = for {:reply, {n, :tag}, {:ok, data}} <- effects, do: {n, byte_size(data)}
        assert answers == for({size, n} <- Enum.with_index(sizes), do: {n, size})
        assert Streams.demand(streams) == []
      end
    end)
  end

  test "a reader that gave up leaves what it asked for to the next, who asks for less" do
    streams = Streams.new([:stdout], false)
    {streams, effects} = Streams.read(streams, {1, :tag}, :stdout, 100, 5)
    assert {:send, {:demand, :stdout, 100}} in effects
    {:ok, streams} = Streams.forget(streams, {1, :tag})
    {streams, effects} = Streams.read(streams, {2, :tag}, :stdout, 60, 5)
    refute Enum.any?(effects, &match?({:send, _}, &1))
    {:ok, streams} = Streams.forget(streams, {2, :tag})
    {_streams, effects} = Streams.read(streams, {3, :tag}, :stdout, 130, 5)
    assert {:send, {:demand, :stdout, 30}} in effects
  end

  test "a read that allows for more than a frame asks for whole ones, up to sixteen" do
    frame = Wire.output_max()

    for {max, asked} <- [
          {1, 1},
          {frame - 1, frame - 1},
          {65_536, frame},
          {2 * frame + 1, 2 * frame},
          {1_048_576, 16 * frame},
          {1_000_000_000, 16 * frame}
        ] do
      streams = Streams.new([:stdout], false)
      {_streams, effects} = Streams.read(streams, {1, :tag}, :stdout, max, 5)
      assert {:send, {:demand, :stdout, asked}} in effects
    end
  end

  test "a stream that failed has not ended" do
    error = Error.new(:agent_died, 137)
    {streams, _} = Streams.read(Streams.new([:stdout, :stderr], false), {1, :tag}, :stdout, 10, 5)
    {:ok, {streams, _}} = Streams.data(streams, :stdout, "0123456789")
    {streams, _} = Streams.finish(streams, :stderr, :eof)
    {streams, _} = Streams.finish_all(streams, {:error, error})

    assert {_, [{:reply, {2, :tag}, {:error, ^error}}]} =
             Streams.read(streams, {2, :tag}, :stdout, 10, 5)

    assert {_, [{:reply, {2, :tag}, :eof}]} = Streams.read(streams, {2, :tag}, :stderr, 10, 5)

    assert {_, [{:reply, {2, :tag}, {:error, ^error}}]} =
             Streams.read(streams, {2, :tag}, :any, 10, 5)
  end

  test "a small piece does not keep a large frame" do
    frame = :binary.copy("x", 1_000_000)
    {:ok, output} = Output.push(%Output{demanded: 1_000_000}, frame)
    {piece, output} = Output.take(output, 10)
    assert :binary.referenced_byte_size(piece) == 10
    {rest, output} = Output.take(output, 999_900)
    assert :binary.referenced_byte_size(rest) == 1_000_000
    {last, _output} = Output.take(output, 1_000)
    assert byte_size(last) == 90 and :binary.referenced_byte_size(last) == 90
  end
end
