# SPDX-License-Identifier: MIT

defmodule Linx.Process.WriterTest do
  # The test is the session, and the owner of the writer.
  use ExUnit.Case, async: true

  alias Linx.Process.Writer

  defp write(writer, elements) do
    Enum.reduce(elements, writer, fn element, writer ->
      {:ok, writer} = Writer.write(writer, element)
      writer
    end)
  end

  defp await_write do
    assert_receive {:"$gen_call", from, {:write, data, :infinity}}, 30_000
    {from, data}
  end

  defp messages, do: self() |> Process.info(:messages) |> elem(1)

  test "an element is written at once, and those that come meanwhile in one write" do
    writer = Writer.start(self()) |> write(["a"])
    {from, "a"} = await_write()
    writer = write(writer, ["b", "", "c", "d"])
    GenServer.reply(from, :ok)
    {from, "bcd"} = await_write()
    writer = write(writer, ["e"])
    GenServer.reply(from, :ok)
    {from, "e"} = await_write()
    GenServer.reply(from, :ok)
    assert Writer.finish(writer) == :ok
    assert messages() == []
  end

  test "an owner that does not wait gets no message, so that it never searches its mailbox" do
    writer = Writer.start(self()) |> write(["a"])
    {from, "a"} = await_write()
    GenServer.reply(from, :ok)
    await_taken(writer)
    assert messages() == []
    assert Writer.finish(writer) == :ok
  end

  defp await_taken(writer),
    do: if(:atomics.get(writer.shared, 1) == 0, do: await_taken(writer))

  test "a batch does not wait for the writes before it" do
    writer = Writer.start(self()) |> write(["a", String.duplicate("b", 65_535), "c"])
    {first, "a"} = await_write()
    {second, data} = await_write()
    assert byte_size(data) in 65_535..65_536
    for from <- [first, second], do: GenServer.reply(from, :ok)
    if byte_size(data) == 65_535, do: GenServer.reply(elem(await_write(), 0), :ok)
    assert Writer.finish(writer) == :ok
  end

  test "the owner is no further ahead than its bound, in bytes and in elements" do
    for {element, most} <- [{"", 4_097}, {"x", 4_033}, {String.duplicate("x", 65_472), 5}] do
      test = self()
      counter = :counters.new(1, [])

      {owner, monitor} =
        spawn_monitor(fn ->
          Enum.reduce_while(Stream.cycle([element]), Writer.start(test), fn element, writer ->
            :counters.add(counter, 1, 1)

            case Writer.write(writer, element) do
              {:ok, writer} -> {:cont, writer}
              {:error, :closed} -> {:halt, :ok}
            end
          end)
        end)

      {from, _data} = await_write()
      await_waiting(owner)
      assert :counters.get(counter, 1) == most
      GenServer.reply(from, {:error, :closed})
      assert_receive {:DOWN, ^monitor, :process, ^owner, :normal}, 30_000
      drop_writes()
    end
  end

  # The owner waits for nothing but the writer.
  defp await_waiting(pid) do
    if Process.info(pid, :status) != {:status, :waiting}, do: await_waiting(pid)
  end

  defp drop_writes do
    receive do
      {:"$gen_call", _from, _write} -> drop_writes()
    after
      0 -> :ok
    end
  end

  test "an error is that of a later write, or of the end" do
    writer = Writer.start(self()) |> write(["a"])
    {from, "a"} = await_write()
    GenServer.reply(from, {:error, :closed})
    assert Writer.finish(writer) == {:error, :closed}

    writer = Writer.start(self()) |> write(["a"])
    {from, "a"} = await_write()
    GenServer.reply(from, {:error, :closed})

    assert Enum.reduce_while(Stream.cycle([""]), writer, fn data, writer ->
             with {:ok, writer} <- Writer.write(writer, data),
                  do: {:cont, writer},
                  else: (e -> {:halt, e})
           end) == {:error, :closed}

    assert Writer.halt(writer) == :ok
    assert messages() == []
  end

  test "a session that is gone is an error" do
    {session, monitor} = spawn_monitor(fn -> :ok end)
    assert_receive {:DOWN, ^monitor, :process, ^session, _reason}

    for name <- [session, :no_such_session, {:global, :no_such_session}] do
      writer = Writer.start(name) |> write(["a"])
      assert Writer.finish(writer) == {:error, :no_process}
    end
  end

  test "a writer ends with its owner" do
    test = self()

    {owner, _monitor} =
      spawn_monitor(fn ->
        writer = Writer.start(test) |> write(["a"])
        send(test, {:writer, writer.pid})
        receive do: (:never -> :ok)
      end)

    assert_receive {:writer, pid}, 30_000
    monitor = Process.monitor(pid)
    Process.exit(owner, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^pid, :normal}, 30_000
  end
end
