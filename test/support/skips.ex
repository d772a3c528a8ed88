defmodule Linx.Test.Skips do
  @moduledoc """
  An ExUnit formatter that lists the tests which could not run on this machine, with the reason,
  and fails the run when one of them had to.
  """

  use GenServer

  alias Linx.Test.Machine

  @impl GenServer
  def init(_opts), do: {:ok, %{lacks: Machine.lacks(), skipped: []}}

  @impl GenServer
  def handle_cast({:test_finished, %ExUnit.Test{state: {:excluded, _}} = test}, state) do
    case Enum.find(state.lacks, fn {tag, _} -> Map.get(test.tags, tag) end) do
      nil -> {:noreply, state}
      {tag, _} -> {:noreply, update_in(state.skipped, &[{tag, test} | &1])}
    end
  end

  def handle_cast({:suite_finished, _}, state) do
    by_tag = state.skipped |> Enum.reverse() |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
    for {tag, reason} <- state.lacks, tests = by_tag[tag], do: report(tag, reason, tests)

    case Enum.filter(Machine.required(), &Map.has_key?(by_tag, &1)) do
      [] ->
        :ok

      tags ->
        IO.puts(
          "\nThe run fails: skipped in CI, as root: #{Enum.map_join(tags, ", ", &inspect/1)}"
        )

        System.at_exit(fn _ -> exit({:shutdown, 1}) end)
    end

    {:noreply, state}
  end

  def handle_cast(_event, state), do: {:noreply, state}

  defp report(tag, reason, tests) do
    IO.puts("\nSkipped, #{inspect(tag)} #{reason}: #{length(tests)}")
    for test <- tests, do: IO.puts("  #{inspect(test.module)} #{test.name}")
  end
end
