# SPDX-License-Identifier: MIT

defmodule Linx.Process.TerminalTest do
  use ExUnit.Case, async: true

  alias Linx.Process.Terminal

  doctest Terminal

  @mib 1024 * 1024

  defp write(terminal, from, size),
    do: Terminal.call(terminal, :running, from, {:pty_write, :binary.copy("x", size)})

  defp replies(effects), do: for({:reply, from, result} <- effects, do: {from, result})
  defp sent(effects), do: Enum.sum(for {:send, {:pty_in, data}} <- effects, do: byte_size(data))

  test "a writer waits above 4 MiB of unsent input, and no longer at that" do
    # 1 MiB is sent at once, and may be unacknowledged.
    {full, effects} = write(%Terminal{}, :first, 5 * @mib)
    assert {replies(effects), sent(effects)} == {[first: :ok], @mib}

    {full, effects} = write(full, :second, 1)
    assert {replies(effects), sent(effects)} == {[], 0}
    {full, effects} = write(full, :third, 1)
    assert {replies(effects), sent(effects)} == {[], 0}

    {:ok, {full, effects}} = Terminal.written(full, 1)
    assert {replies(effects), sent(effects)} == {[], 1}
    {:ok, {_terminal, effects}} = Terminal.written(full, 1)
    assert {replies(effects), sent(effects)} == {[second: :ok, third: :ok], 1}
  end

  test "those that wait at the workload's end are told of it, in order" do
    {terminal, _effects} = write(%Terminal{}, :first, 6 * @mib)
    {terminal, _effects} = write(terminal, :second, 1)
    {terminal, effects} = Terminal.finish(terminal)
    assert replies(effects) == [first: {:error, :no_process}, second: {:error, :no_process}]
    assert {^terminal, []} = Terminal.finish(terminal)
  end

  test "more than was sent cannot be acknowledged" do
    {terminal, _effects} = write(%Terminal{}, :first, 3)
    assert Terminal.written(terminal, 4) == :error
    assert {:ok, {_terminal, []}} = Terminal.written(terminal, 3)
  end
end
