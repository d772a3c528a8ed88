# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.Match do
  @moduledoc false
  # Looks for the first match of a regular expression in the output of a program, also for one that begins in one
  # chunk of bytes and ends in another. Pure.

  alias Linx.Daemon.UTF8

  # Bytes of each stream that are kept for the next chunk: no longer match is found.
  @kept 16 * 1024

  @enforce_keys [:regex, :unicode?]
  defstruct [:regex, :unicode?, tails: %{}]

  @type t :: %__MODULE__{regex: Regex.t(), unicode?: boolean(), tails: map()}

  @spec new(Regex.t()) :: t()
  def new(regex), do: %__MODULE__{regex: regex, unicode?: unicode?(Regex.opts(regex))}

  # A string before Elixir 1.19.
  defp unicode?(opts) when is_binary(opts), do: String.contains?(opts, "u")
  defp unicode?(opts), do: :unicode in opts

  @doc """
  Adds bytes of a stream. `:match` when the stream matches now.

      iex> alias Linx.Daemon.Match
      iex> {:none, match} = ~r/listening on \\d+\\n/ |> Match.new() |> Match.push(:stdout, "listening o")
      iex> {:none, match} = Match.push(match, :stderr, "n 80\\n")
      iex> Match.push(match, :stdout, "n 80\\n")
      :match
  """
  @spec push(t(), atom(), binary()) :: :match | {:none, t()}
  def push(match, stream, data) do
    seen = Map.get(match.tails, stream, "") <> data

    if Regex.match?(match.regex, text(match, seen)),
      do: :match,
      else: {:none, put_in(match.tails[stream], tail(seen))}
  end

  # A regular expression with the option `u` takes no bytes that are not UTF-8.
  defp text(%{unicode?: true}, seen), do: UTF8.repair(seen)
  defp text(_bytes, seen), do: seen

  defp tail(seen) when byte_size(seen) <= @kept, do: seen
  defp tail(seen), do: :binary.copy(binary_part(seen, byte_size(seen), -@kept))
end
