# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.Lines do
  @moduledoc false
  # Cuts a stream of bytes into lines of a bounded size, and never has more bytes than that. Pure.
  #
  # A line ends at `"\n"` or `"\r\n"`, which is not part of it. One of more than `max` bytes comes in pieces of
  # at most `max` bytes: every piece but the last is `{:piece, bytes}`, and the last one `{:line, bytes}`.

  alias Linx.Daemon.UTF8

  # A line's beginning is copied when the binary that it is a part of is this many times larger.
  @waste 4

  @enforce_keys [:max]
  defstruct [:max, rest: ""]

  @type part :: {:line | :piece, binary()}
  @type t :: %__MODULE__{max: pos_integer(), rest: binary()}

  @doc """
  Adds bytes, and calls `fun` with each line and piece that they complete, so that their number takes no memory.

      iex> alias Linx.Daemon.Lines
      iex> {lines, parts} = Lines.reduce(%Lines{max: 4}, "one\\r\\ntwo\\nthirteen", [], &[&1 | &2])
      iex> Enum.reverse(parts)
      [line: "one", line: "two", piece: "thir"]
      iex> {lines, parts} = Lines.reduce(lines, "\\nfo", [], &[&1 | &2])
      iex> {parts, Lines.rest(lines)}
      {[line: "teen"], [line: "fo"]}
  """
  @spec reduce(t(), binary(), acc, (part(), acc -> acc)) :: {t(), acc} when acc: term()
  def reduce(lines, data, acc, fun) do
    case :binary.split(data, "\n") do
      [line, more] ->
        {lines, acc} = add(lines, line, acc, fun)
        acc = fun.({:line, without_return(lines.rest)}, acc)
        reduce(%{lines | rest: ""}, more, acc, fun)

      [part] ->
        {lines, acc} = add(lines, part, acc, fun)
        {%{lines | rest: compact(lines.rest)}, acc}
    end
  end

  @doc """
  The line that no newline has ended, as a list of at most one.

      iex> Linx.Daemon.Lines.rest(%Linx.Daemon.Lines{max: 4})
      []
  """
  @spec rest(t()) :: [part()]
  def rest(%__MODULE__{rest: ""}), do: []
  def rest(%__MODULE__{rest: rest}), do: [line: rest]

  defp add(lines, part, acc, fun), do: shorten(%{lines | rest: join(lines.rest, part)}, acc, fun)

  defp shorten(%{max: max, rest: rest} = lines, acc, fun) do
    if byte_size(rest) <= max or (byte_size(rest) == max + 1 and :binary.last(rest) == ?\r) do
      # A "\r" behind the most bytes that a line may have can be the beginning of the line's end.
      {lines, acc}
    else
      size = UTF8.cut(rest, max)
      <<piece::binary-size(size), more::binary>> = rest
      shorten(%{lines | rest: more}, fun.({:piece, piece}, acc), fun)
    end
  end

  # What is left of a large chunk would keep all of it in memory.
  defp compact(rest) do
    if byte_size(rest) * @waste < :binary.referenced_byte_size(rest),
      do: :binary.copy(rest),
      else: rest
  end

  defp join("", part), do: part
  defp join(rest, part), do: rest <> part

  defp without_return(line) do
    size = byte_size(line) - 1

    case line do
      <<kept::binary-size(size), ?\r>> when size >= 0 -> kept
      _no_return -> line
    end
  end
end
