# SPDX-License-Identifier: MIT

defmodule Linx.Option do
  @moduledoc false
  # Tables of options. `Linx.Process.Options` has the one of sessions, `Linx.Call.Options` the one of calls. All
  # that the library knows of an option is its row there.
  #
  # A row is `{name, takers, check, expected}`:
  #
  #   * `takers` - who takes the option, in the table's own words
  #   * `check` - a list of the values that are taken as they are, or a function of the value that returns
  #     `{:ok, checked}` or `:error`
  #   * `expected` - what the value has to be, in words; nil when `check` is a list, which says it

  @type check :: [term()] | (term() -> {:ok, term()} | :error)
  @type row :: {atom(), takers :: [atom()], check(), expected :: String.t() | nil}

  @type error :: {bad_option :: atom(), term()}

  @doc """
  The options in their order, each once: when one is given twice the first counts, as in `Keyword`.

      iex> Linx.Option.list(cwd: "/a", env: [], cwd: "/b")
      {:ok, [cwd: "/a", env: []]}
      iex> Linx.Option.list([:cwd])
      {:error, {:bad_options, [:cwd]}}
  """
  @spec list(term()) :: {:ok, keyword()} | {:error, error()}
  def list(options) do
    if Keyword.keyword?(options),
      do: {:ok, Enum.uniq_by(options, &elem(&1, 0))},
      else: {:error, {:bad_options, options}}
  end

  @doc """
  Checks the value of an option.

      iex> Linx.Option.check({:link, [], [true, false], nil}, true)
      {:ok, true}
      iex> Linx.Option.check({:link, [], [true, false], nil}, 1)
      {:error, {:bad_link, 1}}
  """
  @spec check(row(), term()) :: {:ok, term()} | {:error, error()}
  def check({name, _takers, values, _expected}, value) when is_list(values),
    do: if(value in values, do: {:ok, value}, else: bad(name, value))

  def check({name, _takers, check, _expected}, value) do
    with :error <- check.(value), do: bad(name, value)
  end

  @doc """
  The error of an option whose value does not fit.

      iex> Linx.Option.bad(:cwd, 7)
      {:error, {:bad_cwd, 7}}
  """
  @spec bad(atom(), term()) :: {:error, error()}
  def bad(name, value), do: {:error, {:"bad_#{name}", value}}

  @doc """
  What is wrong with the value of an option of the table, in words; nil when the error is of none.

      iex> table = [{:link, [], [true, false, :once], nil}]
      iex> Linx.Option.message(table, {:bad_link, 1})
      "bad option :link: true, false or :once, got: 1"
      iex> Linx.Option.message(table, {:bad_cwd, 1})
      nil
  """
  @spec message([row()], term()) :: String.t() | nil
  def message(table, {error, value}) do
    Enum.find_value(table, fn {name, _takers, check, expected} ->
      if :"bad_#{name}" == error,
        do: "bad option #{inspect(name)}: #{expected || any_of(check)}, got: #{shorten(value)}"
    end)
  end

  def message(_table, _reason), do: nil

  @doc """
  Whether the value of an error fits the option of the table by itself, so that something else is the reason, such
  as its size or another option; nil when the error is of none. A value that cannot be looked at without effects
  (a function, a struct) does not fit.

      iex> table = [{:link, [], [true, false], nil}]
      iex> Enum.map([bad_link: 1, bad_link: true, bad_cwd: 1], &Linx.Option.fits(table, &1))
      [false, true, nil]
  """
  @spec fits([row()], error()) :: boolean() | nil
  def fits(table, {error, value}) do
    rows = Enum.filter(table, fn {name, _, _, _} -> :"bad_#{name}" == error end)
    if rows != [], do: plain?(value) and Enum.any?(rows, &match?({:ok, _}, check(&1, value)))
  end

  defp plain?(value), do: not is_function(value) and not is_struct(value)

  defp any_of(values) do
    {others, [last]} = values |> Enum.map(&inspect/1) |> Enum.split(-1)
    Enum.join(others, ", ") <> " or " <> last
  end

  @doc """
  A value as text of a bounded size.

      iex> Linx.Option.shorten(Enum.to_list(1..100))
      "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...]"
  """
  @spec shorten(term()) :: String.t()
  def shorten(value), do: inspect(value, limit: 10, printable_limit: 100)
end
