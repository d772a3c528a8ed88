# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Check.Directory do
  @moduledoc false
  # Whether the working directory of a plan is one wherever the plan is run. Pure.

  alias Linx.Option
  alias Linx.Plan.Problem

  @doc "A working directory that depends on the BEAM's."
  @spec problems([Linx.Plan.Phase.t()]) :: [Problem.t()]
  def problems(phases) do
    for phase <- phases, {:cwd, path} <- phase.keys, not String.starts_with?(path, "/") do
      %Problem{
        phase: phase.name,
        option: :cwd,
        message: "a working directory is an absolute path, got: #{Option.shorten(path)}"
      }
    end
  end
end
