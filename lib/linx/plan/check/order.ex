# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Check.Order do
  @moduledoc false
  # Whether every phase of a plan stands where it can. Pure.

  alias Linx.Option
  alias Linx.Plan.{Names, Phases, Problem}

  @ranks Phases.wheres() |> Enum.with_index() |> Map.new()

  @doc "Phases that stand behind one that is done later."
  @spec wheres([Linx.Plan.Phase.t()]) :: [Problem.t()]
  def wheres(phases) do
    {problems, _latest} =
      Enum.flat_map_reduce(phases, hd(Phases.wheres()), fn phase, latest ->
        if @ranks[phase.where] < @ranks[latest],
          do: {[early(phase, latest)], latest},
          else: {[], phase.where}
      end)

    problems
  end

  defp early(phase, latest) do
    %Problem{
      phase: phase.name,
      message:
        "what is at :#{phase.where} is done before what is at :#{latest}, and stands behind it"
    }
  end

  @doc "Phases whose `{:after, name}` is not so."
  @spec needs([Linx.Plan.Phase.t()]) :: [Problem.t()]
  def needs(phases) do
    places = phases |> Enum.map(& &1.name) |> Enum.with_index() |> Map.new()

    for {phase, at} <- Enum.with_index(phases),
        need <- phase.needs,
        message <- [unmet(need, at, places)],
        message != nil,
        do: %Problem{phase: phase.name, message: message}
  end

  defp unmet({:after, name}, at, places) do
    case places do
      %{^name => before} when before < at -> nil
      %{^name => _behind} -> "it has to come after the phase #{Names.text(name)}"
      _absent -> unless Phases.known?(name), do: absent(name, places)
    end
  end

  defp unmet({kind, value}, _at, _places)
       when kind in [:namespace, :capability] and is_atom(value),
       do: nil

  defp unmet({:slot, number}, _at, _places) when is_integer(number), do: nil
  defp unmet(other, _at, _places), do: "a phase cannot need #{Option.shorten(other)}"

  defp absent(name, places) do
    "it needs to come after a phase that is not there: " <>
      Names.missing(name, Names.nearest(name, Map.keys(places)))
  end
end
