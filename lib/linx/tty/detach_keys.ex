# SPDX-License-Identifier: MIT

defmodule Linx.Tty.DetachKeys do
  @moduledoc false
  # The keys that detach a terminal from its session, and finding them in what is typed. Pure.
  #
  # What is typed arrives in pieces of any size. The beginning of the keys is held back until it is known how it
  # goes on; what turns out to be something else is passed on then, so that no byte is lost or changes its place.

  # `held` is how many of the keys the last bytes were.
  @enforce_keys [:keys]
  defstruct [:keys, held: 0]

  @typedoc "nil finds nothing and holds nothing back."
  @type t :: %__MODULE__{keys: binary(), held: non_neg_integer()} | nil

  @doc """
  Reads the keys as Docker writes them: letters and `ctrl-` with a letter from a to z or one of `@[\\]^_`, with
  commas between them. nil and false are none.

      iex> {:ok, detach} = Linx.Tty.DetachKeys.parse("ctrl-p,ctrl-q")
      iex> detach.keys
      <<16, 17>>
      iex> Linx.Tty.DetachKeys.parse("ctrl-p,")
      :error
      iex> Linx.Tty.DetachKeys.parse(nil)
      {:ok, nil}
  """
  @spec parse(term()) :: {:ok, t()} | :error
  def parse(none) when none in [nil, false], do: {:ok, nil}

  def parse(text) when is_binary(text) do
    bytes = text |> String.split(",") |> Enum.map(&key/1)
    if :error in bytes, do: :error, else: {:ok, %__MODULE__{keys: :binary.list_to_bin(bytes)}}
  end

  def parse(_other), do: :error

  defp key(<<letter>>) when letter in ?a..?z or letter in ?A..?Z, do: letter
  defp key(<<"ctrl-", letter>>) when letter in ?a..?z, do: letter - ?a + 1
  defp key(<<"ctrl-", sign>>) when sign in ~c"@[\\]^_", do: sign - ?@
  defp key(_other), do: :error

  @doc """
  Takes what was typed. Returns what of it is not the keys; with `:detach` they were typed, and the rest came
  after them.

      iex> alias Linx.Tty.DetachKeys
      iex> {:ok, detach} = DetachKeys.parse("ctrl-p,ctrl-q")
      iex> {:pass, "ls", detach} = DetachKeys.take(detach, "ls" <> <<16>>)
      iex> {:pass, <<16, 16>>, detach} = DetachKeys.take(detach, <<16, 16>>)
      iex> DetachKeys.take(detach, <<17, ?x>>)
      {:detach, "", "x"}
  """
  @spec take(t(), binary()) :: {:pass, binary(), t()} | {:detach, binary(), binary()}
  def take(nil, bytes), do: {:pass, bytes, nil}
  def take(detach, bytes), do: take(detach, bytes, [])

  defp take(detach, <<>>, passed), do: {:pass, IO.iodata_to_binary(passed), detach}

  defp take(detach, <<byte, rest::binary>>, passed) do
    seen = binary_part(detach.keys, 0, detach.held) <> <<byte>>
    held = longest_beginning(detach.keys, seen, byte_size(seen))
    passed = [passed, binary_part(seen, 0, byte_size(seen) - held)]

    if held == byte_size(detach.keys),
      do: {:detach, IO.iodata_to_binary(passed), rest},
      else: take(%{detach | held: held}, rest, passed)
  end

  # How many of the last bytes that were seen are the first ones of the keys.
  defp longest_beginning(keys, seen, size) do
    if binary_part(seen, byte_size(seen), -size) == binary_part(keys, 0, size),
      do: size,
      else: longest_beginning(keys, seen, size - 1)
  end
end
