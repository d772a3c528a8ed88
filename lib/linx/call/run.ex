# SPDX-License-Identifier: MIT

defmodule Linx.Call.Run do
  @moduledoc false
  # Runs a program and captures what it writes, up to a bound: what `Linx.run/2` does.

  alias Linx.Call.Job
  alias Linx.Result

  @doc "The program's result."
  @spec run(Linx.Call.t()) :: {:ok, Result.t()} | {:error, Job.reason()}
  def run(call) do
    with {:ok, job, chunks, ending} <- Job.run(call),
         {:ok, outcome, usage} <- ending,
         do: {:ok, result(job, chunks, outcome, usage)}
  end

  defp result(job, chunks, outcome, usage) do
    %Result{
      stdout: written(chunks, :stdout),
      stderr: written(chunks, :stderr),
      status: Result.status(outcome),
      outcome: outcome,
      usage: usage,
      duration: Job.duration(job)
    }
  end

  defp written(chunks, stream),
    do: IO.iodata_to_binary(for {^stream, data} <- chunks, do: data)
end
