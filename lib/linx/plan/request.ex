# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Request do
  @moduledoc false
  # A plan as keys of a request. Pure.

  alias Linx.Plan.Phase

  # The lists of commands of a request, and where the phases of each stand. On the wire the second has another name.
  @lists [setup: :setup, seal: :final]

  @doc """
  The keys of a list of phases, as the wire has them.

      iex> alias Linx.Plan.Phase
      iex> Linx.Plan.Request.keys([
      ...>   %Phase{name: :net, where: :agent, keys: %{namespaces: [:net]}},
      ...>   %Phase{name: :up, where: :setup, commands: [:loopback]},
      ...>   %Phase{name: :umask, where: :seal, commands: [{:umask, 0}]}
      ...> ])
      %{namespaces: [:net], setup: [:loopback], final: [umask: 0]}
  """
  @spec keys([Phase.t()]) :: map()
  def keys(phases) do
    keys = Enum.reduce(phases, %{}, &Map.merge(&2, &1.keys))

    Enum.reduce(@lists, keys, fn {where, key}, keys ->
      case for(phase <- phases, phase.where == where, command <- phase.commands, do: command) do
        [] -> keys
        commands -> Map.put(keys, key, commands)
      end
    end)
  end

  @doc """
  The keys as checked options of a session have them (`Linx.Process.Options`).

      iex> Linx.Plan.Request.options([%Linx.Plan.Phase{keys: %{env: ["A=1"]}}])
      %{env: {:whole, ["A=1"]}}
  """
  @spec options([Phase.t()]) :: map()
  def options(phases) do
    case keys(phases) do
      %{env: variables} = keys -> %{keys | env: {:whole, variables}}
      keys -> keys
    end
  end

  @doc """
  The commands of a request's lists, with the phase of each, its position there, from 1, and its index in the list.

      iex> phase = %Linx.Plan.Phase{name: :umask, where: :seal, commands: [{:umask, 0}]}
      iex> Linx.Plan.Request.commands([phase])
      [{:final, 0, :umask, 1, {:umask, 0}}]
  """
  @spec commands([Phase.t()]) :: [
          {:setup | :final, non_neg_integer(), Phase.name(), pos_integer(), Phase.command()}
        ]
  def commands(phases) do
    for {where, key} <- @lists,
        {{phase, position, command}, index} <- phases |> placed(where) |> Enum.with_index(),
        do: {key, index, phase, position, command}
  end

  defp placed(phases, where) do
    for phase <- phases,
        phase.where == where,
        {command, position} <- Enum.with_index(phase.commands, 1),
        do: {phase.name, position, command}
  end
end
