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

  @doc "Says what is being measured now, for whoever waits."
  def progress(what, run) do
    IO.write(:stderr, "#{what} ... ")
    {microseconds, answer} = :timer.tc(run)
    IO.puts(:stderr, "#{Float.round(microseconds / 1_000_000, 1)} s")
    answer
  end

  @doc "Prints a table, with a line above the columns."
  def table(title, rows) do
    IO.puts("\n#{title}\n")
    cells = Enum.map(rows, &cells/1)

    widths =
      Enum.zip_with(cells, fn column -> column |> Enum.map(&String.length/1) |> Enum.max() end)

    for row <- cells, do: row |> Enum.zip(widths) |> line() |> IO.puts()
  end

  @doc "What a bar means."
  def legend do
    IO.puts(
      "\nEach bar ends at the ratio (or the figure); the | is its target, without one its equal."
    )
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
      "  " <> row.what,
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

  # Numbers to the right, words to the left.
  @right [1, 4, 6]

  defp line(cells) do
    cells
    |> Enum.with_index()
    |> Enum.map_join("  ", fn {{text, width}, column} ->
      if column in @right,
        do: String.pad_leading(text, width),
        else: String.pad_trailing(text, width)
    end)
    |> String.trim_trailing()
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
