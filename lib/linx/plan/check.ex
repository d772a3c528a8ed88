# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Check do
  @moduledoc false
  # Finds the contradictions of a plan. Each check is a function of the phases that returns problems, in a module of its
  # subject. Pure.

  alias Linx.Plan.{Check, Problem, Phase}

  # The second ones can rely on the shape, which the first ones have found well-formed.
  @shape [&Check.Shape.phases/1, &Check.Shape.commands/1, &Check.Shape.keys/1]
  @meaning [
    &Check.Order.wheres/1,
    &Check.Order.needs/1,
    &Check.Namespaces.problems/1,
    &Check.Ids.problems/1,
    &Check.Slots.problems/1,
    &Check.Trees.problems/1,
    &Check.Rights.problems/1,
    &Check.Directory.problems/1
  ]

  @doc "The problems of the phases, in their order."
  @spec problems([Phase.t()]) :: [Problem.t()]
  def problems(phases) do
    case run(@shape, phases) do
      [] -> run(@meaning, phases)
      problems -> problems
    end
  end

  defp run(checks, phases) do
    case Enum.flat_map(checks, & &1.(phases)) do
      [] -> []
      problems -> sort(problems, phases)
    end
  end

  @doc "Problems in the order of the phases, those of the plan as a whole first."
  @spec sort([Problem.t()], [Phase.t()]) :: [Problem.t()]
  def sort(problems, phases) do
    ranks = for {%Phase{name: name}, at} <- Enum.with_index(phases), into: %{}, do: {name, at}
    Enum.sort_by(problems, &{Map.get(ranks, &1.phase, -1), &1.position || 0})
  end
end
