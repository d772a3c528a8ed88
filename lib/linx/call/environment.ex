# SPDX-License-Identifier: MIT

defmodule Linx.Call.Environment do
  @moduledoc false
  # An environment as changes to the BEAM's own, which is how `System.cmd/3` has it.

  alias Linx.Call.OnNode

  @type change :: {String.t(), String.t() | nil}

  @doc """
  Checks a list, a map or any other enumerable of changes: `{name, value}` sets a variable,
  `{name, nil}` removes it.

      iex> Linx.Call.Environment.check(%{"LANG" => "C", "LC_ALL" => nil})
      {:ok, [{"LANG", "C"}, {"LC_ALL", nil}]}
      iex> Linx.Call.Environment.check([{"A=B", "C"}])
      :error
  """
  @spec check(term()) :: {:ok, [change()]} | :error
  def check(changes) do
    changes = Enum.to_list(changes)
    if Enum.all?(changes, &change?/1), do: {:ok, changes}, else: :error
  rescue
    # `changes` is no enumerable, or an improper list.
    _error in [Protocol.UndefinedError, FunctionClauseError] -> :error
  end

  @doc """
  The whole environment of a program on a node after the changes, as `Linx.Process.spawn/1` takes it.

      iex> {:ok, env} = Linx.Call.Environment.merge([{"LINX_DOC", "1"}], node())
      iex> "LINX_DOC=1" in env
      true
  """
  @spec merge([change()], node()) :: {:ok, [binary()]} | {:error, OnNode.error()}
  def merge(changes, node) do
    with {:ok, current} <- current(node) do
      merged = Enum.reduce(changes, Map.new(current), &apply_change/2)
      {:ok, for({name, value} <- merged, do: name <> "=" <> value)}
    end
  end

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

  @doc false
  def variables, do: for({name, value} <- :os.env(), name != [], do: {bytes(name), bytes(value)})

  defp current(node), do: OnNode.call(node, __MODULE__, :variables, [])

  defp apply_change({name, nil}, variables), do: Map.delete(variables, name)
  defp apply_change({name, value}, variables), do: Map.put(variables, name, value)

  defp change?({name, value}), do: name?(name) and (value == nil or text?(value))
  defp change?(_other), do: false

  defp name?(name), do: text?(name) and name != "" and :binary.match(name, "=") == :nomatch
  defp text?(value), do: is_binary(value) and :binary.match(value, <<0>>) == :nomatch
end
