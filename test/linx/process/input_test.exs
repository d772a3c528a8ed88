defmodule Linx.Process.InputTest do
  use ExUnit.Case, async: true

  import :proper_types, only: [list: 1, oneof: 1, tuple: 1, integer: 2]

  alias Linx.Agent.Wire
  alias Linx.Process.Input
  alias Linx.Property

  doctest Input

  @window 1024 * 1024

  test "bytes leave in order, none lost, none twice, and never more than the window unacknowledged" do
    step =
      oneof([
        tuple([:push, integer(0, 3 * @window)]),
        :take,
        tuple([:acknowledge, integer(0, @window)])
      ])

    Property.check(list(step), 100, fn steps ->
      {input, pushed, taken} = Enum.reduce(steps, {%Input{}, [], []}, &apply_step/2)
      {last, input} = drain(input, [])
      assert input.waiting == 0
      assert IO.iodata_length(pushed) == IO.iodata_length([taken, last])
      assert IO.iodata_to_binary(pushed) == IO.iodata_to_binary([taken, last])
    end)
  end

  defp apply_step({:push, size}, {input, pushed, taken}) do
    data = :binary.copy(<<rem(length(pushed), 256)>>, size)
    {Input.push(input, data), pushed ++ [data], taken}
  end

  defp apply_step(:take, {input, pushed, taken}) do
    {pieces, input} = Input.take(input)
    assert input.unacknowledged <= @window
    assert input.waiting == 0 or input.unacknowledged == @window
    assert Enum.all?(pieces, &(byte_size(&1) in 1..Wire.data_max()))
    {input, pushed, [taken | pieces]}
  end

  defp apply_step({:acknowledge, bytes}, {input, pushed, taken}) do
    case Input.acknowledge(input, bytes) do
      {:ok, acknowledged} ->
        assert acknowledged.unacknowledged == input.unacknowledged - bytes
        {acknowledged, pushed, taken}

      :error ->
        assert bytes > input.unacknowledged
        {input, pushed, taken}
    end
  end

  defp drain(input, taken) do
    {:ok, input} = Input.acknowledge(input, input.unacknowledged)

    case Input.take(input) do
      {[], input} -> {taken, input}
      {pieces, input} -> drain(input, [taken | pieces])
    end
  end

  test "an input is full above 4 MiB, and no longer full at that" do
    input = Input.push(%Input{}, :binary.copy("x", 4 * @window))
    refute Input.full?(input)
    assert Input.full?(Input.push(input, "x"))
  end

  test "more than was sent cannot be acknowledged" do
    {["abc"], input} = %Input{} |> Input.push("abc") |> Input.take()
    assert Input.acknowledge(input, 4) == :error
    assert {:ok, %{unacknowledged: 0}} = Input.acknowledge(input, 3)
  end
end
