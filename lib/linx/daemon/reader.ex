# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.Reader do
  @moduledoc false
  # The process that reads the output of a daemon's program, and logs it. It is one of its own so that a log that is
  # slow delays the program, by its full pipe, and not the daemon.
  #
  # It asks for a stream's next message when it has logged the one before. So it has, besides the session's read-ahead,
  # one chunk of each stream and an unfinished line. Messages to the daemon: `{:reader, pid, :match}` when the output
  # that it waits for is there, `{:reader, pid, :done}` at the end of all streams.

  alias Linx.Daemon.{Lines, Log, Match, Options, Tally}

  # Milliseconds without output, after the program's end, for which the reader waits for the end of a stream that
  # another process has open.
  @quiet 1_000

  @enforce_keys [:daemon, :options, :log, :tally]
  defstruct [
    :daemon,
    :options,
    :log,
    :tally,
    :match,
    lines: %{},
    quiet: :infinity,
    failed?: false
  ]

  @doc "Starts the reader, linked to the daemon, which is the caller; nil when nothing is to be read."
  @spec start_link(Options.t(), Log.t(), Tally.t()) :: pid() | nil
  def start_link(%{sinks: []}, _log, _tally), do: nil

  def start_link(options, log, tally) do
    state = %__MODULE__{
      daemon: self(),
      options: options,
      log: log,
      tally: tally,
      match: with({:output, regex} <- options.wait_for, do: Match.new(regex), else: (_ -> nil)),
      lines: Map.new(options.sinks, fn {name, _} -> {name, %Lines{max: options.max_line}} end)
    }

    :proc_lib.spawn_link(fn -> loop(state) end)
  end

  @doc "Says that the program has ended: what comes within a while is logged, and the reader ends then."
  @spec ended(pid()) :: :ok
  def ended(reader) do
    send(reader, :ended)
    :ok
  end

  defp loop(%{lines: lines} = state) when lines == %{},
    do: send(state.daemon, {:reader, self(), :done})

  defp loop(state) do
    receive do
      {:linx_process, _session, {:eof, stream}} ->
        state |> finish(stream) |> loop()

      {:linx_process, _session, {:failed, stream, _error}} ->
        state |> finish(stream) |> loop()

      {:linx_process, session, {stream, data}} ->
        state = state |> look(stream, data) |> log(stream, data)
        next(Linx.Process.set_active(session, stream, :once), stream, state)

      :ended ->
        loop(%{state | quiet: @quiet})
    after
      state.quiet -> state.lines |> Map.keys() |> Enum.reduce(state, &finish(&2, &1)) |> loop()
    end
  end

  defp next(:ok, _stream, state), do: loop(state)
  defp next({:error, _session_is_gone}, stream, state), do: state |> finish(stream) |> loop()

  defp finish(state, stream) do
    case Map.pop(state.lines, stream) do
      {nil, _lines} ->
        state

      {lines, others} ->
        Enum.reduce(Lines.rest(lines), %{state | lines: others}, &part(&2, stream, &1))
    end
  end

  defp look(%{match: nil} = state, _stream, _data), do: state

  defp look(state, stream, data) do
    case Match.push(state.match, stream, data) do
      {:none, match} ->
        %{state | match: match}

      :match ->
        send(state.daemon, {:reader, self(), :match})
        %{state | match: nil}
    end
  end

  defp log(state, stream, data) do
    Tally.add(state.tally, :bytes, byte_size(data))
    fun = fn part, state -> part(state, stream, part) end
    {lines, state} = Lines.reduce(state.lines[stream], data, state, fun)
    put_in(state.lines[stream], lines)
  end

  defp part(state, stream, part) do
    Tally.add(state.tally, :lines, 1)

    case Log.part(state.log, state.options.sinks[stream], stream, part) do
      :ok ->
        state

      {:failed, banner} ->
        Tally.add(state.tally, :lost, 1)
        if not state.failed?, do: complain(state, banner)
        %{state | failed?: true}
    end
  end

  # Once, because a function that fails for each line would fill the log.
  defp complain(state, banner) do
    text = ["the function given as :log failed, its line is lost: ", first_line(banner)]
    Log.say(state.log, :error, text)
  end

  defp first_line(banner), do: banner |> String.split("\n", parts: 2) |> hd()
end
