# SPDX-License-Identifier: MIT

defmodule Linx.Call.Environment do
  @moduledoc false
  # The VM's environment as bytes.

  @doc """
  The bytes of a variable that the BEAM returns as characters. It decodes variables as it does file names.

      iex> Linx.Call.Environment.bytes(~c"a")
      "a"
  """
  @spec bytes(charlist()) :: binary()
  def bytes(characters),
    do: :unicode.characters_to_binary(characters, :unicode, :file.native_name_encoding())

  @doc """
  What has changed between two results of `:os.env/0`, as bytes: the variables to set, and the names of those
  to remove.

  A value that is not valid in the encoding of file names has another value's characters, so a variable that
  has not changed is not named.

      iex> Linx.Call.Environment.difference([{~c"A", ~c"1"}, {~c"B", ~c"2"}], [{~c"A", ~c"3"}])
      {["A=3"], ["B"]}
  """
  @spec difference([{charlist(), charlist()}], [{charlist(), charlist()}]) ::
          {set :: [binary()], unset :: [binary()]}
  def difference(before, now) do
    now = Map.new(now)
    before = Map.new(before)

    set = for {name, value} <- now, name != [], before[name] != value, do: {name, value}
    unset = for {name, _value} <- before, name != [], not is_map_key(now, name), do: name
    {for({name, value} <- set, do: bytes(name ++ [?= | value])), Enum.map(unset, &bytes/1)}
  end
end
