# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Commands do
  @moduledoc false
  # What the agent's set-up commands are, of their table in C: their arguments, and the namespaces that they need
  # (`c_src/setup/setup.h`). Pure.

  alias Linx.Option
  alias Linx.Plan.{Arguments, Phase}

  @file_of_table Path.expand("../../../c_src/setup/commands.def", __DIR__)
  @external_resource @file_of_table

  @row ~r/^SETUP\((\w+),\s*"(\w*)",\s*\w+,\s*([\w\s|]+),\s*\w+\)/m

  @rows for [_row, name, letters, flags] <- Regex.scan(@row, File.read!(@file_of_table)),
            into: %{},
            do:
              {String.to_atom(name),
               {String.to_charlist(letters), String.split(flags, ~r/[\s|]+/)}}

  @namespaces %{"NEEDS_NET" => :net, "NEEDS_MOUNT" => :mount, "NEEDS_UTS" => :uts}

  @doc """
  The names of the commands, with the letters of their arguments.

      iex> Linx.Plan.Commands.all()[:umask]
      ~c"o"
  """
  @spec all() :: %{atom() => charlist()}
  def all, do: Map.new(@rows, fn {name, {letters, _flags}} -> {name, letters} end)

  @doc """
  The name of a command.

      iex> Enum.map([:loopback, {:umask, 0}], &Linx.Plan.Commands.name/1)
      [:loopback, :umask]
  """
  @spec name(Phase.command()) :: term()
  def name(command) when is_tuple(command) and command != {}, do: elem(command, 0)
  def name(command), do: command

  @doc """
  The namespaces without which the agent refuses a command.

      iex> Linx.Plan.Commands.namespaces(:loopback)
      [:net]
  """
  @spec namespaces(Phase.command()) :: [atom()]
  def namespaces(command),
    do: @rows |> Map.get(name(command), {[], []}) |> elem(1) |> needed()

  defp needed(flags), do: for(flag <- flags, namespace = @namespaces[flag], do: namespace)

  @doc """
  The slots of a command, with the letters that say what it does with them.

      iex> Linx.Plan.Commands.slots({:root, 7, :private})
      [{?k, 7}]
  """
  @spec slots(Phase.command()) :: [{char(), non_neg_integer()}]
  def slots(command) do
    for {letter, argument} <- lettered(command), letter in [?K, ?k, ?c], do: {letter, argument}
  end

  @doc """
  Whether a slot that a command uses stays filled.

      iex> Linx.Plan.Commands.keeps?({:attach, 7, "/data", [], [:keep]})
      true
  """
  @spec keeps?(Phase.command()) :: boolean()
  def keeps?(command),
    do:
      Enum.any?(lettered(command), fn {letter, argument} -> letter == ?f and :keep in argument end)

  defp lettered(command) when is_tuple(command) do
    {letters, _flags} = Map.get(@rows, name(command), {[], []})
    Enum.zip(letters, command |> Tuple.to_list() |> tl())
  end

  defp lettered(_atom), do: []

  @doc """
  Whether the agent takes a command; else why it does not, in words.

      iex> alias Linx.Plan.Commands
      iex> Commands.check({:umask, 0o022})
      :ok
      iex> Commands.check({:umask, 0o1000})
      {:error, "argument 1 of umask is permission bits, 0 to 0o777, got: 512"}
      iex> Commands.check(:umask)
      {:error, "umask has 1 argument, and 0 are given"}
      iex> Commands.check({:veil, 0})
      {:error, "there is no command {:veil, 0}"}
  """
  @spec check(term()) :: :ok | {:error, String.t()}
  def check(command) do
    with name when is_map_key(@rows, name) <- name(command),
         {:ok, arguments} <- arguments(command) do
      {letters, _flags} = @rows[name]
      check(name, letters, arguments)
    else
      _unknown -> {:error, "there is no command #{Option.shorten(command)}"}
    end
  end

  # On the wire a command without arguments is an atom, and no tuple.
  defp arguments(name) when is_atom(name), do: {:ok, []}
  defp arguments({_name}), do: :error
  defp arguments(command), do: {:ok, command |> Tuple.to_list() |> tl()}

  defp check(name, letters, arguments) when length(letters) != length(arguments) do
    count = length(letters)
    plural = if count == 1, do: "argument", else: "arguments"
    {:error, "#{name} has #{count} #{plural}, and #{length(arguments)} are given"}
  end

  defp check(name, letters, arguments) do
    letters
    |> Enum.zip(arguments)
    |> Enum.with_index(1)
    |> Enum.find(fn {{letter, value}, _at} -> not Arguments.fits?(letter, value) end)
    |> case do
      nil ->
        :ok

      {{letter, value}, at} ->
        {:error,
         "argument #{at} of #{name} is #{Arguments.words(letter)}, got: #{Option.shorten(value)}"}
    end
  end
end
