# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.UTF8 do
  @moduledoc false
  # Makes valid UTF-8 of what a program wrote, because handlers of `:logger` take nothing else. Pure.

  # U+FFFD, the replacement character, which has three bytes.
  @replacement "\uFFFD"

  @doc """
  The text, with U+FFFD in the place of each byte that is part of no character. It is a binary of its own, and not a
  part of a larger one that would stay in memory with it.

      iex> Linx.Daemon.UTF8.repair("caf\\xC3\\xA9")
      "café"
      iex> Linx.Daemon.UTF8.repair("caf\\xE9 au lait\\xC3")
      "caf\uFFFD au lait\uFFFD"
  """
  @spec repair(binary()) :: String.t()
  def repair(text) do
    if String.valid?(text),
      do: :binary.copy(text),
      else: text |> pieces(0, 0, []) |> Enum.reverse() |> IO.iodata_to_binary()
  end

  # `text` has `size` bytes of characters from `start` on that are in no piece yet.
  defp pieces(text, start, size, pieces) do
    case text do
      <<_::binary-size(start), _::binary-size(size), _::utf8, rest::binary>> ->
        pieces(text, start, byte_size(text) - byte_size(rest) - start, pieces)

      <<_::binary-size(start), valid::binary-size(size)>> ->
        [valid | pieces]

      <<_::binary-size(start), valid::binary-size(size), _byte, _::binary>> ->
        pieces(text, start + size + 1, 0, [[valid, @replacement] | pieces])
    end
  end

  @doc """
  How many of the first `max` bytes of a longer text can be cut off without cutting a character in two.

      iex> Linx.Daemon.UTF8.cut("aé", 2)
      1
      iex> Linx.Daemon.UTF8.cut("abc", 2)
      2
  """
  @spec cut(binary(), pos_integer()) :: pos_integer()
  def cut(text, max), do: cut(text, max, max, 3)

  # Bytes whose two highest bits are 10 continue a character, and a character has at most three of them.
  defp cut(text, at, max, back) do
    case :binary.at(text, at) do
      byte when byte in 0x80..0xBF and at > 1 and back > 0 -> cut(text, at - 1, max, back - 1)
      byte when byte in 0x80..0xBF -> max
      _first_byte -> at
    end
  end
end
