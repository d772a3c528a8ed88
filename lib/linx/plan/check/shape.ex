# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Check.Shape do
  @moduledoc false
  # Whether the phases of a plan are such that a request can be made of them. Pure.

  alias Linx.Option
  alias Linx.Plan.{Commands, Names, Phase, Phases, Problem, ProcessOptions}
  alias Linx.Process.{Checks, IdMaps, Namespaces}

  # The keys of a request that a phase may have.
  @keys %{
    namespaces: &Checks.namespaces/1,
    uid_map: &IdMaps.rows/1,
    gid_map: &IdMaps.rows/1,
    setgroups: &__MODULE__.setgroups/1,
    oom_score_adj: &ProcessOptions.score/1,
    time_offsets: &__MODULE__.time_offsets/1,
    cwd: &__MODULE__.text/1,
    env: &Checks.variables/1,
    env_set: &Checks.variables/1,
    env_unset: &__MODULE__.names/1,
    no_new_privs: &__MODULE__.boolean/1,
    keyring: &__MODULE__.keyring/1,
    search_path: &__MODULE__.boolean/1,
    arg0: &__MODULE__.text/1
  }

  @doc "Phases that are none, and names that are there twice."
  @spec phases([term()]) :: [Problem.t()]
  def phases(phases) do
    malformed =
      for phase <- phases, not phase?(phase) do
        %Problem{
          phase: if(is_struct(phase, Phase) and Names.name?(phase.name), do: phase.name),
          message:
            "a phase has a name, a :where, commands and keys, got: #{Option.shorten(phase)}"
        }
      end

    names = for %Phase{name: name} <- phases, do: name

    for name <- Enum.uniq(names -- Enum.uniq(names)), reduce: malformed do
      problems -> [%Problem{phase: name, message: "there are two phases of that name"} | problems]
    end
  end

  defp phase?(%Phase{} = phase) do
    Names.name?(phase.name) and phase.where in Phases.wheres() and list?(phase.commands) and
      list?(phase.needs) and is_map(phase.keys)
  end

  defp phase?(_other), do: false

  defp list?(value), do: is_list(value) and not List.improper?(value)

  @doc "Commands that the agent does not take, or not there."
  @spec commands([term()]) :: [Problem.t()]
  def commands(phases) do
    for %Phase{} = phase <- phases,
        phase?(phase),
        {command, position} <- Enum.with_index(phase.commands, 1),
        {:error, message} <- [place(phase, command)],
        do: %Problem{phase: phase.name, position: position, message: message}
  end

  defp place(%{where: where}, command) when where in [:setup, :seal], do: Commands.check(command)

  defp place(%{where: where}, _command),
    do: {:error, "commands are for phases at :setup and :seal, and this one is at :#{where}"}

  @doc "Keys that are none, and that two phases have."
  @spec keys([term()]) :: [Problem.t()]
  def keys(phases) do
    all = for %Phase{keys: keys} = phase <- phases, is_map(keys), pair <- keys, do: {phase, pair}

    unfit =
      for {phase, {key, value}} <- all,
          message <- [unfit(key, value)],
          message != nil,
          do: %Problem{phase: phase.name, message: message}

    {_seen, twice} =
      Enum.reduce(all, {%{}, []}, fn {phase, {key, _value}}, {seen, twice} ->
        case seen do
          %{^key => first} ->
            message = "the phase #{Names.text(first)} has the key :#{key} as well"
            {seen, [%Problem{phase: phase.name, message: message} | twice]}

          _new ->
            {Map.put(seen, key, phase.name), twice}
        end
      end)

    unfit ++ twice
  end

  defp unfit(key, value) do
    case @keys do
      %{^key => check} ->
        if check.(value) != {:ok, value},
          do: "the key :#{key} cannot be #{Option.shorten(value)}"

      _unknown ->
        "a phase has no key #{Option.shorten(key)}; a plan's :process has options of sessions"
    end
  end

  # What is inherited is no part of a plan, and a list of bytes is none of its keys.
  @doc false
  def text(value), do: if(is_binary(value), do: Checks.string(value), else: :error)

  @doc false
  def boolean(value), do: if(is_boolean(value), do: {:ok, value}, else: :error)

  @doc false
  def keyring(value), do: if(value in [:inherit, :new], do: {:ok, value}, else: :error)

  @doc false
  def setgroups(value), do: if(value in [:allow, :deny], do: {:ok, value}, else: :error)

  @doc false
  def names(names) do
    with {:ok, names} <- Checks.strings(names),
         true <- Enum.all?(names, &(&1 != "" and not String.contains?(&1, "="))),
         do: {:ok, names},
         else: (_bad -> :error)
  end

  @doc false
  def time_offsets(offsets) do
    with true <- list?(offsets),
         options =
           for({clock, seconds, nanoseconds} <- offsets, do: {clock, {seconds, nanoseconds}}),
         {:ok, checked} <- Namespaces.time_offsets(options),
         do: {:ok, checked},
         else: (_bad -> :error)
  end
end
