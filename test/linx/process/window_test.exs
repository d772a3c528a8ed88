# SPDX-License-Identifier: MIT

defmodule Linx.Process.WindowTest do
  use ExUnit.Case, async: true

  import :proper_types, only: [list: 1, oneof: 1, tuple: 1, integer: 2]

  alias Linx.Agent.Wire
  alias Linx.Process.Window
  alias Linx.Property

  doctest Window

  @window 1024 * 1024

  test "bytes leave in order, none lost, none twice, and never more than the window unacknowledged" do
    step =
      oneof([
        tuple([:push, integer(0, 3 * @window)]),
        :take,
        tuple([:acknowledge, integer(0, @window)])
      ])

    Property.check(list(step), 100, fn steps ->
      {window, pushed, taken} = Enum.reduce(steps, {%Window{}, [], []}, &apply_step/2)
      {last, window} = drain(window, [])
      assert window.unsent_bytes == 0
      assert IO.iodata_length(pushed) == IO.iodata_length([taken, last])
      assert IO.iodata_to_binary(pushed) == IO.iodata_to_binary([taken, last])
    end)
  end

  defp apply_step({:push, size}, {window, pushed, taken}) do
    data = :binary.copy(<<rem(length(pushed), 256)>>, size)
    {Window.push(window, length(pushed), data), pushed ++ [data], taken}
  end

  defp apply_step(:take, {window, pushed, taken}) do
    {pieces, window} = Window.take(window)
    assert unacknowledged(window) <= @window
    assert window.unsent_bytes == 0 or unacknowledged(window) == @window
    assert Enum.all?(pieces, &(byte_size(&1) in 1..Wire.data_max()))
    {window, pushed, [taken | pieces]}
  end

  defp apply_step({:acknowledge, bytes}, {window, pushed, taken}) do
    case Window.acknowledge(window, bytes) do
      {:ok, _writers, acknowledged} ->
        assert unacknowledged(acknowledged) == unacknowledged(window) - bytes
        {acknowledged, pushed, taken}

      :error ->
        assert bytes > unacknowledged(window)
        {window, pushed, taken}
    end
  end

  defp drain(window, taken) do
    {:ok, _writers, window} = Window.acknowledge(window, unacknowledged(window))

    case Window.take(window) do
      {[], window} -> {taken, window}
      {pieces, window} -> drain(window, [taken | pieces])
    end
  end

  test "more than was sent cannot be acknowledged" do
    {["abc"], window} = %Window{} |> Window.push(:writer, "abc") |> Window.take()
    assert Window.acknowledge(window, 4) == :error
    assert {:ok, [:writer], window} = Window.acknowledge(window, 3)
    assert unacknowledged(window) == 0
  end

  defp unacknowledged(window), do: window.sent - window.acknowledged
end
