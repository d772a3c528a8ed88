# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Edit do
  @moduledoc false
  # Edits of a list of phases. Each raises `ArgumentError` for a name that is not there, or is taken. Pure.

  alias Linx.Option
  alias Linx.Plan.{Names, Phase, Phases}

  @type phases :: [Phase.t()]
  @type place :: :before | :after

  @doc """
  The phase of a name, or the name that is most like it.

      iex> alias Linx.Plan.{Edit, Phase}
      iex> Edit.fetch([%Phase{name: :umask}], :mask)
      {:error, {:no_phase, :mask, :umask}}
  """
  @spec fetch(phases(), term()) ::
          {:ok, Phase.t()} | {:error, {:no_phase, term(), Phase.name() | nil}}
  def fetch(phases, name) do
    case Enum.find(phases, &(&1.name == name)) do
      %Phase{} = phase -> {:ok, phase}
      nil -> {:error, {:no_phase, name, Names.nearest(name, Enum.map(phases, & &1.name))}}
    end
  end

  @doc "Puts a phase before or after the one of that name."
  @spec insert(phases(), place(), term(), Phase.t()) :: phases()
  def insert(phases, place, name, phase) do
    at = find!(phases, name)
    phase = phase |> complete!(Enum.at(phases, at)) |> free!(phases)
    List.insert_at(phases, if(place == :before, do: at, else: at + 1), phase)
  end

  @doc "Puts a phase in the place of the one of that name."
  @spec replace(phases(), term(), Phase.t()) :: phases()
  def replace(phases, name, phase) do
    at = find!(phases, name)
    phase = phase |> complete!(Enum.at(phases, at)) |> free!(List.delete_at(phases, at))
    List.replace_at(phases, at, phase)
  end

  @doc "Puts what `fun` returns for the phase of that name in its place."
  @spec update(phases(), term(), (Phase.t() -> Phase.t())) :: phases()
  def update(phases, name, fun) do
    at = find!(phases, name)
    replace(phases, name, fun.(Enum.at(phases, at)))
  end

  @doc "Takes the phase of that name away."
  @spec delete(phases(), term()) :: phases()
  def delete(phases, name), do: List.delete_at(phases, find!(phases, name))

  @doc """
  Puts a phase of the table where the table has it: before the first one that comes after it there, or is done later. So a
  phase that is not of the table stays behind the one that it was put behind.

      iex> alias Linx.Plan.{Edit, Phases}
      iex> phases = Edit.put([Phases.make(:namespaces, []), Phases.make(:exec, [])], Phases.make(:umask, []))
      iex> Enum.map(phases, & &1.name)
      [:namespaces, :umask, :exec]
  """
  @spec put(phases(), Phase.t()) :: phases()
  def put(phases, %Phase{} = phase) do
    at = Enum.find_index(phases, &later?(&1, phase)) || length(phases)
    List.insert_at(phases, at, phase)
  end

  defp later?(%{name: name, where: where}, phase) do
    rank = Phases.rank(name)
    (rank != nil and rank > Phases.rank(phase.name)) or time(where) > time(phase.where)
  end

  defp time(where), do: Enum.find_index(Phases.wheres(), &(&1 == where)) || -1

  defp find!(phases, name) do
    with nil <- Enum.find_index(phases, &(&1.name == name)) do
      {:error, {:no_phase, name, nearest}} = fetch(phases, name)
      raise ArgumentError, Names.missing(name, nearest)
    end
  end

  defp complete!(%Phase{name: name, where: where} = phase, neighbour) do
    cond do
      not Names.name?(name) ->
        raise ArgumentError,
              "the name of a phase is an atom or {atom, term}, got: #{Option.shorten(name)}"

      where == nil ->
        %{phase | where: neighbour.where}

      where in [:agent, :setup, :seal, :exec] ->
        phase

      true ->
        raise ArgumentError,
              "the :where of a phase is :agent, :setup, :seal or :exec, got: #{Option.shorten(where)}"
    end
  end

  defp complete!(other, _neighbour),
    do: raise(ArgumentError, "a phase is a %Linx.Plan.Phase{}, got: #{Option.shorten(other)}")

  defp free!(%{name: name} = phase, phases) do
    if Enum.any?(phases, &(&1.name == name)),
      do: raise(ArgumentError, "the plan has a phase #{Option.shorten(name)} already"),
      else: phase
  end
end
