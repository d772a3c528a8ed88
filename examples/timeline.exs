# SPDX-License-Identifier: MIT

defmodule Timeline do
  @moduledoc """
  Prints what happens, when, and to whom: a line an event, a lane a process, and at the end a chart
  of where the time went.
  """

  @lanes %{first: {"", :cyan}, second: {"│ ", :yellow}}
  @symbols %{ready: "◆", running: "▶", exited: "■"}
  @ascii %{"│" => "|", "●" => "*", "◆" => "o", "▶" => ">", "■" => "#", "█" => "="}
  @chart_width 44
  @deadline 30_000

  defstruct [:origin, :unicode?, spans: []]

  @doc "The time runs from here on."
  def start do
    %__MODULE__{origin: now(), unicode?: unicode?()}
  end

  @doc "A line for something that was done on a lane."
  def mark(timeline, lane, what, text, symbol \\ "●") do
    {indent, color} = @lanes[lane]
    label = [color, symbol, :reset, "  ", :bright, String.pad_trailing(what, 8), :reset]
    print(timeline, [indent, IO.ANSI.format(label), "  ", text])
  end

  @doc """
  Prints what a session does until `done?` says so, of an event or of `{:output, text}`, all that
  it has written by then. `line` is what stands on its terminal's last line already.
  """
  def follow(timeline, lane, session, done?, line \\ "", output \\ "") do
    receive do
      {:linx_process, ^session, {:pty_out, bytes}} ->
        line = print_lines(timeline, lane, line <> bytes)
        output = output <> bytes

        if done?.({:output, output}),
          do: output,
          else: follow(timeline, lane, session, done?, line, output)

      {:linx_process, ^session, event} ->
        print_event(timeline, lane, event)

        cond do
          done?.(event) -> output
          terminal?(event) -> raise unexpected(event)
          true -> follow(timeline, lane, session, done?, line, output)
        end
    after
      @deadline -> raise "nothing has happened for #{div(@deadline, 1000)} seconds"
    end
  end

  @doc "A stretch of time for the chart, from a moment until now."
  def span(timeline, lane, name, from),
    do: %{timeline | spans: timeline.spans ++ [{lane, name, from, now()}]}

  @doc "A bar for each span, where it lies in time."
  def chart(%{spans: spans, origin: origin} = timeline) do
    scale = @chart_width / Enum.max(for {_lane, _name, _from, to} <- spans, do: to - origin)
    IO.puts("")

    for {lane, name, from, to} <- spans do
      {_indent, color} = @lanes[lane]
      start = round((from - origin) * scale)
      width = max(round((to - from) * scale), 1)
      bar = IO.ANSI.format([color, String.duplicate("█", width)])
      rest = max(@chart_width - start - width, 0)

      cells = [
        String.pad_trailing(name, 14),
        spaces(start),
        bar,
        spaces(rest),
        milliseconds(to - from)
      ]

      put(timeline, ["  " | cells])
    end
  end

  @doc "A moment, for `span/4`."
  def now, do: System.monotonic_time(:microsecond)

  # The first of these that is set decides (locale(7)).
  defp unicode? do
    ["LC_ALL", "LC_CTYPE", "LANG"]
    |> Enum.find_value("", fn name -> with "" <- System.get_env(name, ""), do: nil end)
    |> String.match?(~r/utf-?8/i)
  end

  # Prints the whole lines, and returns what is behind them.
  defp print_lines(timeline, lane, text) do
    {indent, color} = @lanes[lane]
    {lines, [rest]} = text |> String.split("\n") |> Enum.split(-1)

    for line <- lines do
      bar = IO.ANSI.format([color, "│"])
      print(timeline, [indent, bar, "    ", String.trim_trailing(line, "\r")])
    end

    rest
  end

  defp print_event(timeline, lane, {:ready, pid}),
    do: mark(timeline, lane, "ready", "at the checkpoint, as pid #{pid} outside", @symbols.ready)

  defp print_event(timeline, lane, :running),
    do: mark(timeline, lane, "running", "", @symbols.running)

  defp print_event(timeline, lane, {:exited, code}),
    do: mark(timeline, lane, "exited", "#{code}", @symbols.exited)

  defp print_event(timeline, lane, event),
    do: mark(timeline, lane, "ended", inspect(event), @symbols.exited)

  defp unexpected({:error, errno, stage}), do: Linx.Process.Error.new(stage, errno)
  defp unexpected(event), do: "that was not to be the end: #{inspect(event)}"

  defp terminal?({name, _code}), do: name in [:exited, :signaled]
  defp terminal?({:error, _errno, _stage}), do: true
  defp terminal?(event), do: event == :aborted

  defp print(timeline, text) do
    put(timeline, [
      IO.ANSI.format([:faint, milliseconds(now() - timeline.origin), :reset]),
      "  ",
      text
    ])
  end

  defp milliseconds(microseconds) do
    text = :erlang.float_to_binary(microseconds / 1000, decimals: 1)
    String.pad_leading(text <> " ms", 11)
  end

  defp spaces(count), do: String.duplicate(" ", count)

  # A terminal that does not take Unicode gets the same picture in ASCII.
  defp put(%{unicode?: true}, text), do: IO.puts(text)

  defp put(_timeline, text) do
    text |> IO.chardata_to_string() |> String.replace(Map.keys(@ascii), &@ascii[&1]) |> IO.puts()
  end
end
