# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Check.Namespaces do
  @moduledoc false
  # Whether a plan has the namespaces that its phases need. Pure.

  alias Linx.Plan.{Commands, Options, Problem}

  @keys %{time_offsets: :time, uid_map: :user, gid_map: :user}

  @doc "Phases that need a namespace which the plan has not."
  @spec problems([Linx.Plan.Phase.t()]) :: [Problem.t()]
  def problems(phases) do
    own = for phase <- phases, {:namespaces, kinds} <- phase.keys, kind <- kinds, do: kind

    for phase <- phases,
        {namespace, position} <- phase |> needed() |> Enum.uniq_by(&elem(&1, 0)),
        namespace not in own do
      %Problem{
        phase: phase.name,
        position: position,
        option: Options.of_phase(phase.name),
        message: "it needs a #{namespace} namespace of its own, and the plan has none"
      }
    end
  end

  defp needed(phase) do
    commands =
      for {command, position} <- Enum.with_index(phase.commands, 1),
          namespace <- Commands.namespaces(command),
          do: {namespace, position}

    keys = for {key, _value} <- phase.keys, namespace = @keys[key], do: {namespace, nil}
    commands ++ keys ++ for {:namespace, namespace} <- phase.needs, do: {namespace, nil}
  end
end
