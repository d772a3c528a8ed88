# SPDX-License-Identifier: MIT

defmodule Linx.Test.Formatter do
  @moduledoc """
  ExUnit's own formatter, which also lists the tests that cannot run on this machine, with the reason, and
  fails the run when one of them has to run.
  """

  use GenServer

  alias ExUnit.CLIFormatter
  alias Linx.Test.Machine

  @impl GenServer
  def init(opts) do
    {:ok, cli} = CLIFormatter.init(opts)
    {:ok, %{cli: cli, lacks: Machine.lacks(), skipped: []}}
  end

  @impl GenServer
  def handle_cast(event, state) do
    state = note(event, state)
    {:noreply, cli} = CLIFormatter.handle_cast(event, state.cli)
    {:noreply, %{state | cli: cli}}
  end

  defp note({:test_finished, %ExUnit.Test{state: {:excluded, _}} = test}, state) do
    case Enum.find(state.lacks, fn {tag, _} -> Map.get(test.tags, tag) end) do
      nil -> state
      {tag, _} -> update_in(state.skipped, &[{tag, test} | &1])
    end
  end

  defp note({:suite_finished, _}, state) do
    by_tag = state.skipped |> Enum.reverse() |> Enum.group_by(&elem(&1, 0), &elem(&1, 1))
    for {tag, reason} <- state.lacks, tests = by_tag[tag], do: report(tag, reason, tests)
    refuse(Enum.filter(Machine.required(), &Map.has_key?(by_tag, &1)))
    state
  end

  defp note(_event, state), do: state

  defp report(tag, reason, tests) do
    IO.puts("\n\nSkipped, #{inspect(tag)} #{reason}: #{length(tests)}")
    for test <- tests, do: IO.puts("  #{inspect(test.module)} #{test.name}")
  end

  defp refuse([]), do: :ok

  defp refuse(tags) do
    IO.puts("\nThe run fails: skipped in CI, as root: #{Enum.map_join(tags, ", ", &inspect/1)}")
    System.at_exit(fn _ -> exit({:shutdown, 1}) end)
  end
end
