# SPDX-License-Identifier: MIT

defmodule Linx.Call.Lines do
  @moduledoc false
  # Cuts a stream of bytes into lines. Pure.
  #
  # A line ends at `"\n"` or `"\r\n"`, which is not part of it, as in a port with the option `:line`; any other
  # `"\r"` is. Each byte is scanned once, however many pieces a line arrives in.

  defstruct pieces: [], size: 0, max: :infinity

  @type t :: %__MODULE__{
          pieces: iodata(),
          size: non_neg_integer(),
          max: pos_integer() | :infinity
        }

  @doc """
  Adds bytes, and returns the lines that they complete. `:too_long` when a line, finished or not, has
  more than `max` bytes, its end not counted.

      iex> alias Linx.Call.Lines
      iex> {:ok, ["one", "two"], lines} = Lines.push(%Lines{}, "one\\ntwo\\nthr")
      iex> {:ok, ["three"], lines} = Lines.push(lines, "ee\\n")
      iex> Lines.rest(lines)
      []
      iex> {:ok, [], lines} = Lines.push(lines, "four\\r")
      iex> {:ok, ["four"], _lines} = Lines.push(lines, "\\n")
      iex> Lines.push(%Lines{max: 3}, "four")
      :too_long
  """
  @spec push(t(), binary()) :: {:ok, [binary()], t()} | :too_long
  def push(%__MODULE__{} = lines, ""), do: {:ok, [], lines}

  def push(%__MODULE__{} = lines, data) do
    [first | others] = :binary.split(data, "\n", [:global])

    if others == [] do
      unfinished(lines, [lines.pieces, first], lines.size + byte_size(first), first)
    else
      first = without_return(join(lines.pieces, first))
      # One search of all the bytes is cheaper than a look at the end of every line.
      returns? = :binary.match(data, "\r") != :nomatch
      finish(lines, [], [first | if(returns?, do: without_returns(others), else: others)])
    end
  end

  @doc """
  The line that no newline has ended, as a list of at most one; `:too_long` as `push/2` returns it.

      iex> {:ok, [], lines} = Linx.Call.Lines.push(%Linx.Call.Lines{}, "half")
      iex> Linx.Call.Lines.rest(lines)
      ["half"]
  """
  @spec rest(t()) :: [binary()] | :too_long
  def rest(%__MODULE__{size: 0}), do: []
  def rest(%__MODULE__{size: size, max: max}) when size > max, do: :too_long
  def rest(%__MODULE__{pieces: pieces}), do: [IO.iodata_to_binary(pieces)]

  # A "\r" behind the most bytes that a line may have can be the beginning of the line's end.
  defp unfinished(%{max: max} = lines, pieces, size, last) do
    if size <= max or (size == max + 1 and returned?(last)),
      do: {:ok, [], %{lines | pieces: pieces, size: size}},
      else: :too_long
  end

  defp finish(%{max: max}, _finished, [line, _ | _]) when byte_size(line) > max, do: :too_long

  defp finish(lines, finished, [last]) do
    with {:ok, [], lines} <- unfinished(lines, last, byte_size(last), last),
         do: {:ok, Enum.reverse(finished), lines}
  end

  defp finish(lines, finished, [line | others]), do: finish(lines, [line | finished], others)

  # The last one is a line whose end has not arrived.
  defp without_returns([last]), do: [last]
  defp without_returns([line | others]), do: [without_return(line) | without_returns(others)]

  defp without_return(""), do: ""

  defp without_return(line) do
    size = byte_size(line) - 1

    case line do
      <<kept::binary-size(size), ?\r>> -> kept
      _no_return -> line
    end
  end

  defp returned?(bytes), do: bytes != "" and :binary.last(bytes) == ?\r

  defp join([], line), do: line
  defp join(pieces, line), do: IO.iodata_to_binary([pieces, line])
end
