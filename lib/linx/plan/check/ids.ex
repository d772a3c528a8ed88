# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Check.Ids do
  @moduledoc false
  # Whether the id maps of a plan are complete, and have the ids that its commands set. Pure.

  alias Linx.Plan.{Problem, Request}
  alias Linx.Process.IdMaps

  @doc "Problems of maps, and of ids that they do not have."
  @spec problems([Linx.Plan.Phase.t()]) :: [Problem.t()]
  def problems(phases) do
    keys =
      for phase <- phases, {key, value} <- phase.keys, into: %{}, do: {key, {phase.name, value}}

    alone(keys) ++ unmapped(phases, keys) ++ denied(phases, keys)
  end

  defp alone(keys) do
    for {one, other} <- [uid_map: :gid_map, gid_map: :uid_map, setgroups: :gid_map],
        is_map_key(keys, one) and not is_map_key(keys, other) do
      {phase, _value} = keys[one]
      %Problem{phase: phase, option: one, message: "there is a #{one}, and no #{other}"}
    end
  end

  defp unmapped(phases, keys) do
    for {_list, _index, phase, position, command} <- Request.commands(phases),
        {key, id} <- ids(command),
        {_phase, rows} <- List.wrap(keys[key]),
        not IdMaps.maps?(rows, id) do
      %Problem{
        phase: phase,
        position: position,
        option: :user,
        message: "the #{key} has no #{id}"
      }
    end
  end

  # A name is looked up in the workload's root, and not known here.
  defp ids({:set_user, text, groups}) do
    {user, group} =
      case String.split(text, ":") do
        [user, group] -> {user, group}
        [user] -> {user, ""}
        _more -> {"", ""}
      end

    for {key, text} <- [{:uid_map, user}, {:gid_map, group} | Enum.map(groups, &{:gid_map, &1})],
        {id, ""} <- [Integer.parse(text)],
        do: {key, id}
  end

  defp ids({:set_credentials, uid, gid, groups}) do
    groups = if groups == :keep, do: [], else: groups

    for {key, id} <- [{:uid_map, uid}, {:gid_map, gid} | Enum.map(groups, &{:gid_map, &1})],
        id != :keep,
        do: {key, id}
  end

  defp ids(_other), do: []

  defp denied(phases, %{setgroups: {_phase, :deny}}) do
    for {_list, _index, phase, position, command} <- Request.commands(phases), groups?(command) do
      %Problem{
        phase: phase,
        position: position,
        option: :user,
        message: "setgroups: :deny leaves no groups to be set"
      }
    end
  end

  defp denied(_phases, _keys), do: []

  defp groups?({:set_user, _user, [_ | _]}), do: true
  defp groups?({:set_credentials, _uid, _gid, [_ | _]}), do: true
  defp groups?(_other), do: false
end
