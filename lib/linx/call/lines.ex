# SPDX-License-Identifier: MIT

defmodule Linx.Call.Lines do
  @moduledoc false
  # Cuts a stream of bytes into lines. Pure.
  #
  # A line ends at `"\n"`, which is not part of it; the bytes before are left as they are. Each byte is
  # scanned once, however many pieces a line arrives in.

  defstruct pieces: [], size: 0, max: :infinity

  @type t :: %__MODULE__{
          pieces: iodata(),
          size: non_neg_integer(),
          max: pos_integer() | :infinity
        }

  @doc """
  Adds bytes, and returns the lines that they complete. `:too_long` when a line, finished or not, has
  more than `max` bytes.

      iex> alias Linx.Call.Lines
      iex> {:ok, ["one", "two"], lines} = Lines.push(%Lines{}, "one\\ntwo\\nthr")
      iex> {:ok, ["three"], lines} = Lines.push(lines, "ee\\n")
      iex> Lines.rest(lines)
      []
      iex> Lines.push(%Lines{max: 3}, "four")
      :too_long
  """
  @spec push(t(), binary()) :: {:ok, [binary()], t()} | :too_long
  def push(%__MODULE__{} = lines, data) do
    [first | others] = :binary.split(data, "\n", [:global])
    size = lines.size + byte_size(first)

    cond do
      size > lines.max -> :too_long
      others == [] -> {:ok, [], %{lines | pieces: [lines.pieces, first], size: size}}
      true -> finish(lines, [join(lines.pieces, first)], others)
    end
  end

  @doc """
  The line that no newline has ended, as a list of at most one.

      iex> {:ok, [], lines} = Linx.Call.Lines.push(%Linx.Call.Lines{}, "half")
      iex> Linx.Call.Lines.rest(lines)
      ["half"]
  """
  @spec rest(t()) :: [binary()]
  def rest(%__MODULE__{size: 0}), do: []
  def rest(%__MODULE__{pieces: pieces}), do: [IO.iodata_to_binary(pieces)]

  defp finish(%{max: max}, _finished, [line | _]) when byte_size(line) > max, do: :too_long

  defp finish(lines, finished, [last]),
    do: {:ok, Enum.reverse(finished), %{lines | pieces: last, size: byte_size(last)}}

  defp finish(lines, finished, [line | others]), do: finish(lines, [line | finished], others)

  defp join([], line), do: line
  defp join(pieces, line), do: IO.iodata_to_binary([pieces, line])
end
