# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Check.Slots do
  @moduledoc false
  # Whether every slot is filled before it is used, used once, and not filled for nothing, as the agent checks it
  # (`c_src/launch/slot_check.c`). Pure.

  alias Linx.Plan.{Commands, Problem, Request}

  @doc "Slots that are used empty, filled twice or never used."
  @spec problems([Linx.Plan.Phase.t()]) :: [Problem.t()]
  def problems(phases) do
    {slots, problems} =
      phases
      |> Request.commands()
      |> Enum.flat_map(&uses/1)
      |> Enum.reduce({%{}, []}, &follow/2)

    needs =
      for phase <- phases,
          {:slot, slot} <- phase.needs,
          not filled_before?(phases, phase, slot),
          do: %Problem{phase: phase.name, message: "the slot #{slot} is not filled before"}

    unused =
      for {slot, {:unused, at}} <- slots,
          do: problem(at, "the slot #{slot} is filled and not used")

    problems ++ needs ++ unused
  end

  @doc """
  The first slot from which on none is used.

      iex> Linx.Plan.Check.Slots.free([])
      0
  """
  @spec free([Linx.Plan.Phase.t()]) :: non_neg_integer()
  def free(phases) do
    for phase <- phases,
        command <- phase.commands,
        {_, slot} <- Commands.slots(command),
        reduce: 0 do
      free -> max(free, slot + 1)
    end
  end

  defp uses({_list, _index, phase, position, command}) do
    case Commands.slots(command) do
      [] ->
        []

      slots ->
        for {letter, slot} <- slots,
            do: {letter, slot, Commands.keeps?(command), {phase, position}}
    end
  end

  defp follow({?K, slot, _keeps?, at}, {slots, problems}) do
    case slots do
      %{^slot => {:empty, _at}} ->
        {Map.put(slots, slot, {:unused, at}), problems}

      %{^slot => _filled} ->
        {slots, [problem(at, "the slot #{slot} is filled already") | problems]}

      _never ->
        {Map.put(slots, slot, {:unused, at}), problems}
    end
  end

  defp follow({letter, slot, keeps?, at}, {slots, problems}) do
    case slots do
      %{^slot => {state, _at}} when state != :empty ->
        {Map.put(slots, slot, {if(letter == ?c or keeps?, do: :used, else: :empty), at}),
         problems}

      _empty ->
        {slots, [problem(at, "the slot #{slot} is empty") | problems]}
    end
  end

  defp filled_before?(phases, phase, slot) do
    phases
    |> Enum.take_while(&(&1.name != phase.name))
    |> Enum.any?(fn other -> Enum.any?(other.commands, &({?K, slot} in Commands.slots(&1))) end)
  end

  defp problem({phase, position}, message),
    do: %Problem{phase: phase, position: position, message: message}
end
