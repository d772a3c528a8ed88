# SPDX-License-Identifier: MIT

defmodule Bench.Report do
  @moduledoc """
  Prints rows of figures: what was measured and what it is compared with, the ratio of the two, the
  target, and a bar.
  """

  defmodule Row do
    @moduledoc """
    One figure, or a comparison of two. A figure is a number, or a map with the `:median` of several,
    `:low` and `:high`. A target of `{:max | :min, number}` is for the ratio where there is one.
    """
    @enforce_keys [:what, :value, :unit]
    defstruct [:what, :value, :unit, :peer, :peer_value, :target]
  end

  @bar_width 16

  @doc "Runs a function, and prints what is being measured and how long it took."
  def progress(what, run) do
    IO.write(:stderr, "#{what} ... ")
    {microseconds, answer} = :timer.tc(run)
    IO.puts(:stderr, "#{Float.round(microseconds / 1_000_000, 1)} s")
    answer
  end

  @columns ["", "median", "", "compared with", "median", "", "ratio", "target", "", ""]

  # Numbers to the right, words to the left.
  @right [1, 4, 6]

  # What is left of them in Markdown.
  @figures [0, 1, 3, 4, 6]

  @doc "Prints a table, for a terminal."
  def table(title, rows) do
    IO.puts("\n#{title}\n")

    rows
    |> columns()
    |> Enum.map(&pad/1)
    |> Enum.zip_with(&("  " <> Enum.join(&1, "  ")))
    |> Enum.each(&IO.puts(String.trim_trailing(&1)))
  end

  @doc "Prints the same as a table in Markdown, without spreads, targets and bars."
  def markdown(title, rows) do
    [{_index, [_blank | whats]} | others] =
      rows |> columns() |> Enum.filter(fn {index, _cells} -> index in @figures end)

    rule = Enum.map(others, fn {index, _cells} -> if index in @right, do: "---:", else: "---" end)
    [head | lines] = Enum.zip_with([[title | whats] | Enum.map(others, &elem(&1, 1))], & &1)
    IO.puts("")
    for line <- [head, ["---" | rule] | lines], do: IO.puts("| #{Enum.join(line, " | ")} |")
  end

  @doc "What a bar means, and how many of the targets are reached."
  def legend(rows) do
    {met, missed} = rows |> Enum.filter(& &1.target) |> Enum.split_with(&met?/1)

    IO.puts("""

    In brackets: what four fifths of the samples lie between. A bar ends at the ratio, or at the figure
    where there is none; the | is the target, or without one what it is compared with.

    #{length(met)} of #{length(met) + length(missed)} targets met.
    """)
  end

  @doc "The number that the target is about."
  def ratio(%Row{peer_value: nil}), do: nil
  def ratio(%Row{value: value, peer_value: peer}), do: median(value) / median(peer)

  @doc "Whether a row's target is reached; nil without one."
  def met?(%Row{target: nil}), do: nil
  def met?(%Row{target: {:max, limit}} = row), do: measure(row) <= limit
  def met?(%Row{target: {:min, limit}} = row), do: measure(row) >= limit

  defp measure(row), do: ratio(row) || median(row.value)

  defp median(%{median: median}), do: median
  defp median(number), do: number

  defp cells(row) do
    [
      row.what,
      format(median(row.value), row.unit),
      spread(row.value, row.unit),
      row.peer || "",
      if(row.peer_value, do: format(median(row.peer_value), row.unit), else: ""),
      spread(row.peer_value, row.unit),
      if(ratio(row), do: "#{decimals(ratio(row), 2)}x", else: ""),
      target(row),
      verdict(row),
      bar(row)
    ]
  end

  # The columns that something is in, with their place and head.
  defp columns(rows) do
    columns = rows |> Enum.map(&cells/1) |> Enum.zip_with(& &1)

    for {{cells, head}, index} <- columns |> Enum.zip(@columns) |> Enum.with_index(),
        Enum.any?(cells, &(&1 != "")),
        do: {index, [head | cells]}
  end

  defp pad({index, cells}) do
    width = cells |> Enum.map(&String.length/1) |> Enum.max()
    pad = if index in @right, do: &String.pad_leading/2, else: &String.pad_trailing/2
    Enum.map(cells, &pad.(&1, width))
  end

  defp target(%Row{target: nil}), do: ""

  defp target(%Row{target: {kind, limit}} = row) do
    sign = if kind == :max, do: "<=", else: ">="

    if ratio(row),
      do: "#{sign} #{decimals(limit, 2)}x",
      else: "#{sign} #{format(limit, row.unit)}"
  end

  defp verdict(row) do
    case met?(row) do
      nil -> ""
      true -> "met"
      false -> "MISSED"
    end
  end

  # The mark stands at half the width, whatever the scale.
  defp bar(%Row{target: nil, peer_value: nil}), do: ""

  defp bar(row) do
    mark = div(@bar_width, 2)
    limit = with {_kind, limit} <- row.target, do: limit
    length = round(measure(row) / (limit || 1) * mark)
    more = if length > @bar_width, do: ">", else: ""
    cells = String.pad_trailing(String.duplicate("=", min(length, @bar_width)), @bar_width)
    {left, right} = String.split_at(cells, mark)
    "#{left}|#{right}#{more}"
  end

  defp spread(%{median: median, low: low, high: high}, unit) do
    {_name, divisor, places} = scale(median, unit)
    "(#{decimals(low / divisor, places)}-#{decimals(high / divisor, places)})"
  end

  defp spread(_number, _unit), do: ""

  defp format(number, unit) do
    {name, divisor, places} = scale(number, unit)
    decimals(number / divisor, places) <> name
  end

  # What a unit is called, what it is worth, and how many decimals it is shown with.
  defp scale(nanoseconds, :time) when nanoseconds < 10_000_000, do: {" us", 1_000, 0}
  defp scale(_nanoseconds, :time), do: {" ms", 1_000_000, 1}
  defp scale(_bytes, :kib), do: {" KiB", 1024, 0}
  defp scale(_bytes, :mib), do: {" MiB", 1_048_576, 1}
  defp scale(_bytes, :rate), do: {" MiB/s", 1_048_576, 0}
  defp scale(_starts, :starts), do: {"/s", 1, 0}
  defp scale(_number, :plain), do: {"", 1, 2}

  defp decimals(number, 0), do: number |> round() |> Integer.to_string()
  defp decimals(number, count), do: :erlang.float_to_binary(number / 1, decimals: count)
end
