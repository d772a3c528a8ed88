# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.Stdio do
  @moduledoc false
  # Where the standard streams of a daemon's program lead, and which of them are read. Pure.

  alias Linx.Option

  @streams [:stdin, :stdout, :stderr]

  @doc """
  The `:stdio` of the session, and the streams that are read, each with where its lines go: a level, a function, or
  nil for nowhere.

      iex> own = %{stdio: nil, stderr: :warning, log: :info, wait_for: nil}
      iex> Linx.Daemon.Stdio.compose(own)
      {:ok, [stdin: :devnull, stdout: :pipe, stderr: :pipe], [stdout: :info, stderr: :warning]}
      iex> Linx.Daemon.Stdio.compose(%{own | stderr: nil, log: nil})
      {:ok, [stdin: :devnull, stdout: :devnull, stderr: :devnull], []}
      iex> Linx.Daemon.Stdio.compose(%{own | stdio: [stderr: :inherit]})
      {:error, {:bad_stderr, :warning}}
  """
  @spec compose(map()) :: {:ok, term(), keyword()} | {:error, Option.error()}
  def compose(own) do
    case own do
      %{stdio: :pty, stderr: nil} -> {:ok, :pty, [pty: own.log]}
      %{stdio: mode, stderr: nil} when mode in [:inherit, :devnull] -> {:ok, mode, []}
      %{stdio: nil} -> {:ok, streams([], own), sinks(streams([], own), own)}
      %{stdio: given} -> if Keyword.keyword?(given), do: each(given, own), else: bad(own)
    end
  end

  # What else is wrong with the list is found when the session's options are checked.
  defp each(given, own) do
    stdio = streams(given, own)

    cond do
      own.stderr != nil and given[:stderr] != nil -> Option.bad(:stderr, own.stderr)
      given[:stdin] == :pipe or Keyword.keys(given) -- @streams != [] -> bad(own)
      true -> {:ok, stdio, sinks(stdio, own)}
    end
  end

  defp bad(%{stdio: mode, stderr: stderr}) when mode in [:pty, :inherit, :devnull],
    do: Option.bad(:stderr, stderr)

  defp bad(%{stdio: given}), do: Option.bad(:stdio, given)

  defp streams(given, own),
    do: for(stream <- @streams, do: {stream, given[stream] || default(stream, own)})

  defp default(:stdin, _own), do: :devnull
  defp default(:stderr, %{stderr: :merge}), do: :stdout

  # A program whose output is not read writes to /dev/null, and is not slowed down.
  defp default(stream, own),
    do: if(sink(stream, own) != nil or looks?(own), do: :pipe, else: :devnull)

  defp looks?(%{wait_for: wait_for}), do: match?({:output, _regex}, wait_for)

  defp sinks(stdio, own),
    do: for({stream, :pipe} <- stdio, stream != :stdin, do: {stream, sink(stream, own)})

  defp sink(:stderr, %{stderr: level}) when level not in [nil, :log, :merge], do: level
  defp sink(_stream, own), do: own.log
end
