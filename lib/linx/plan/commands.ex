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

  @namespaces %{"NEEDS_NET" => :net, "NEEDS_MOUNT" => :mount, "NEEDS_UTS" => :uts}

  # The letters of arguments that are slots, and the one of flags among which :keep may be.
  @slots [?K, ?k, ?c]
  @flags ?f

  # Of each command the letters of its arguments, the namespaces that it needs, its slots with their places in the tuple,
  # and the place of its flags.
  @rows for [_row, name, letters, flags] <- Regex.scan(@row, File.read!(@file_of_table)),
            letters = String.to_charlist(letters),
            placed = Enum.with_index(letters, 1),
            into: %{},
            do:
              {String.to_atom(name),
               {letters,
                for(flag <- String.split(flags, ~r/[\s|]+/), kind = @namespaces[flag], do: kind),
                for({letter, at} <- placed, letter in @slots, do: {letter, at}),
                Enum.find_value(placed, fn {letter, at} -> letter == @flags && at end)}}

  @doc """
  The names of the commands, with the letters of their arguments.

      iex> Linx.Plan.Commands.all()[:umask]
      ~c"o"
  """
  @spec all() :: %{atom() => charlist()}
  def all, do: Map.new(@rows, fn {name, row} -> {name, elem(row, 0)} end)

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
  def namespaces(command) do
    case @rows do
      %{^command => {_letters, namespaces, _slots, _flags}} -> namespaces
      _no_atom -> of(command, 1, [])
    end
  end

  defp of(command, field, default) when is_tuple(command) and command != {} do
    name = elem(command, 0)

    case @rows do
      %{^name => row} -> elem(row, field)
      _unknown -> default
    end
  end

  defp of(_other, _field, default), do: default

  @doc """
  The slots of a command, with the letters that say what it does with them.

      iex> Linx.Plan.Commands.slots({:root, 7, :private})
      [{?k, 7}]
  """
  @spec slots(Phase.command()) :: [{char(), non_neg_integer()}]
  def slots(command),
    do: for({letter, at} <- of(command, 2, []), do: {letter, elem(command, at)})

  @doc """
  Whether a slot that a command uses stays filled.

      iex> Linx.Plan.Commands.keeps?({:attach, 7, "/data", [], [:keep]})
      true
  """
  @spec keeps?(Phase.command()) :: boolean()
  def keeps?(command) do
    case of(command, 3, nil) do
      nil -> false
      at -> :keep in elem(command, at)
    end
  end

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
    case @rows do
      %{^command => {letters, _namespaces, _slots, _flags}} -> check(command, letters, {command})
      _no_atom -> check(command, of(command, 0, nil), command)
    end
  end

  # On the wire a command without arguments is an atom, and no tuple.
  defp check(command, letters, arguments)
       when letters == nil or (letters == [] and command == arguments),
       do: {:error, "there is no command #{Option.shorten(command)}"}

  defp check(_command, letters, arguments) when length(letters) != tuple_size(arguments) - 1 do
    count = length(letters)
    plural = if count == 1, do: "argument", else: "arguments"

    {:error,
     "#{elem(arguments, 0)} has #{count} #{plural}, and #{tuple_size(arguments) - 1} are given"}
  end

  defp check(_command, letters, arguments), do: fit(letters, arguments, 1)

  defp fit([], _arguments, _at), do: :ok

  defp fit([letter | rest], arguments, at) do
    if Arguments.fits?(letter, elem(arguments, at)) do
      fit(rest, arguments, at + 1)
    else
      {:error,
       "argument #{at} of #{elem(arguments, 0)} is #{Arguments.words(letter)}, got: " <>
         Option.shorten(elem(arguments, at))}
    end
  end
end
