# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.Tally do
  @moduledoc false
  # What a daemon counts: `:counters`, so that they can be read while the reader of the output, which counts, waits
  # for the log.

  @indexes %{lines: 1, bytes: 2, lost: 3}

  @type t :: :counters.counters_ref()

  @spec new() :: t()
  def new, do: :counters.new(map_size(@indexes), [])

  @spec add(t(), :lines | :bytes | :lost, non_neg_integer()) :: :ok
  def add(tally, name, count), do: :counters.add(tally, Map.fetch!(@indexes, name), count)

  @doc """
  The counts.

      iex> tally = Linx.Daemon.Tally.new()
      iex> Linx.Daemon.Tally.add(tally, :lines, 2)
      iex> Linx.Daemon.Tally.read(tally)
      %{lines: 2, bytes: 0, lost: 0}
  """
  @spec read(t()) :: %{lines: integer(), bytes: integer(), lost: integer()}
  def read(tally),
    do: Map.new(@indexes, fn {name, index} -> {name, :counters.get(tally, index)} end)

  @doc """
  Counts a start of a program in the counter of its child specification, and returns how many there were before it.
  0 without a counter, and for one of another node, which does not exist here.

      iex> starts = Linx.Daemon.Tally.new_starts()
      iex> {Linx.Daemon.Tally.started(starts), Linx.Daemon.Tally.started(starts)}
      {0, 1}
  """
  @spec started(t() | nil) :: non_neg_integer()
  def started(nil), do: 0

  def started(starts) do
    :counters.add(starts, 1, 1)
    max(:counters.get(starts, 1) - 1, 0)
  rescue
    ArgumentError -> 0
  end

  @spec new_starts() :: t()
  def new_starts, do: :counters.new(1, [:atomics])
end
