# SPDX-License-Identifier: MIT

defmodule Linx.Process.Environment do
  @moduledoc false
  # The options `:env` and `:clear_env`, of sessions and of calls. Pure.
  #
  # Changes are applied by the agent, to the environment that it was started with: the bytes of a variable that is
  # not changed do not pass through the VM, which cannot return those that are no characters as they are.

  alias Linx.Process.Checks

  @typedoc ~S(A whole environment, of `"KEY=VALUE"`, or changes by name, where nil removes a variable.)
  @type t :: {:whole, [binary()]} | {:changes, changes()}
  @type changes :: %{binary() => binary() | nil}

  @doc """
  Checks the `:env` of a session: a list of `"KEY=VALUE"`, or an enumerable of `{name, value}`.

      iex> Linx.Process.Environment.check(["A=1"])
      {:ok, {:whole, ["A=1"]}}
      iex> Linx.Process.Environment.check(A: ~c"1", B: nil)
      {:ok, {:changes, %{"A" => "1", "B" => nil}}}
      iex> Linx.Process.Environment.check(["A=1", {"B", "2"}])
      :error
  """
  @spec check(term()) :: {:ok, t()} | :error
  def check(value) do
    case Checks.variables(value) do
      {:ok, variables} ->
        {:ok, {:whole, variables}}

      :error ->
        with {:ok, changes} <- check_changes(value), do: {:ok, {:changes, changes}}
    end
  end

  @doc """
  Checks the `:env` of a call: an enumerable of `{name, value}`. The last change of a name counts.

      iex> Linx.Process.Environment.check_changes([{"LANG", "C"}, {"A", "1"}, {"A", nil}])
      {:ok, %{"A" => nil, "LANG" => "C"}}
      iex> Linx.Process.Environment.check_changes([{"A=B", "C"}])
      :error
  """
  @spec check_changes(term()) :: {:ok, changes()} | :error
  def check_changes(enumerable) do
    enumerable
    |> Enum.to_list()
    |> Enum.reduce_while({:ok, %{}}, fn change, {:ok, changes} ->
      case change(change) do
        {:ok, name, value} -> {:cont, {:ok, Map.put(changes, name, value)}}
        :error -> {:halt, :error}
      end
    end)
  rescue
    # `enumerable` is none, or an improper list.
    _error in [Protocol.UndefinedError, FunctionClauseError] -> :error
  end

  defp change({name, value}) do
    with {:ok, name} when name != "" <- name(name),
         :nomatch <- :binary.match(name, "="),
         {:ok, value} <- if(value == nil, do: {:ok, nil}, else: Checks.string(value)) do
      {:ok, name, value}
    else
      _bad -> :error
    end
  end

  defp change(_other), do: :error

  defp name(name) when is_atom(name) and name not in [nil, true, false],
    do: name |> Atom.to_string() |> Checks.string()

  defp name(name), do: Checks.string(name)

  @doc """
  The keys of a request, in the place of the options.

      iex> Linx.Process.Environment.to_keys(%{argv: ["/bin/true"], env: {:changes, %{"A" => "1", "B" => nil}}})
      %{argv: ["/bin/true"], env_set: ["A=1"], env_unset: ["B"]}
      iex> Linx.Process.Environment.to_keys(%{env: {:changes, %{"A" => "1", "B" => nil}}, clear_env: true})
      %{env: ["A=1"]}
      iex> Linx.Process.Environment.to_keys(%{clear_env: true})
      %{env: []}
  """
  @spec to_keys(map()) :: map()
  def to_keys(request) do
    {options, request} = Map.split(request, [:env, :clear_env])
    Map.merge(request, keys(options[:env], options[:clear_env] == true))
  end

  defp keys({:whole, variables}, _clear?), do: %{env: variables}
  defp keys(nil, true), do: %{env: []}
  defp keys(nil, false), do: %{}
  defp keys({:changes, changes}, true), do: %{env: set(changes)}

  defp keys({:changes, changes}, false) do
    unset = for {name, nil} <- changes, do: name

    for {key, [_ | _] = value} <- [env_set: set(changes), env_unset: unset],
        into: %{},
        do: {key, value}
  end

  defp set(changes), do: for({name, <<value::binary>>} <- changes, do: name <> "=" <> value)

  @doc """
  Whether a workload with these options has anything of the VM's environment.

      iex> Linx.Process.Environment.inherits?(%{env: {:changes, %{"A" => "1"}}})
      true
      iex> Linx.Process.Environment.inherits?(%{clear_env: true})
      false
  """
  @spec inherits?(map()) :: boolean()
  def inherits?(%{clear_env: true}), do: false
  def inherits?(%{env: {:whole, _variables}}), do: false
  def inherits?(_request), do: true
end
