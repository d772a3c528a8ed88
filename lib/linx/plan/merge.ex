# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Merge do
  @moduledoc false
  # The phases of more options, put into a plan that exists. Pure.

  alias Linx.Plan.{Commands, Edit, Phase}

  # Phases whose commands are one more each, and none is said anew.
  @lists [:open, :mounts, :dev, :files, :masked_paths, :readonly_paths]

  # Keys that say one thing together: one of them takes the place of all.
  @together [:env, :env_set, :env_unset]

  @doc """
  The phases with those of more options. A phase that is there keeps its place: its commands of the same names are
  replaced, and mounts, files and namespaces are added.

      iex> alias Linx.Plan.{Merge, Phases}
      iex> [phase] = Merge.phases([Phases.make(:umask, commands: [{:umask, 0}])], [Phases.make(:umask, commands: [{:umask, 7}])])
      iex> phase.commands
      [umask: 7]
  """
  @spec phases([Phase.t()], [Phase.t()]) :: [Phase.t()]
  def phases(phases, more) do
    Enum.reduce(more, phases, fn %{name: name} = phase, phases ->
      if Enum.any?(phases, &(&1.name == name)),
        do: Edit.update(phases, name, &both(&1, phase)),
        else: Edit.put(phases, phase)
    end)
  end

  defp both(phase, more) do
    %{
      phase
      | commands: commands(phase.name, phase.commands, more.commands),
        keys: keys(phase.keys, more.keys),
        needs: Enum.uniq(phase.needs ++ more.needs)
    }
  end

  defp commands(name, commands, more) when name in @lists, do: commands ++ more

  # Each resource has a limit of its own.
  defp commands(:rlimits, limits, more) do
    resources = for {:rlimit, resource, _soft, _hard} <- more, do: resource
    Enum.reject(limits, &(is_tuple(&1) and elem(&1, 1) in resources)) ++ more
  end

  defp commands(_name, commands, more) do
    names = Enum.map(more, &Commands.name/1)
    Enum.reject(commands, &(Commands.name(&1) in names)) ++ more
  end

  defp keys(keys, more) do
    keys =
      if Enum.any?(@together, &is_map_key(more, &1)), do: Map.drop(keys, @together), else: keys

    Map.merge(keys, more, fn
      :namespaces, kinds, others -> Enum.uniq(kinds ++ others)
      _key, _value, other -> other
    end)
  end
end
