# SPDX-License-Identifier: MIT

defmodule Linx.Call.Run do
  @moduledoc false
  # Runs a program and captures what it writes, up to a bound: what `Linx.run/2` does.

  alias Linx.Call.Job
  alias Linx.Process.Error
  alias Linx.Result

  @doc "The program's result."
  @spec run(Linx.Call.t()) :: {:ok, Result.t()} | {:error, Job.reason()}
  def run(call) do
    with {:ok, job} <- Job.start(call) do
      try do
        capture(job, %{stdout: [], stderr: []}, call.max_output)
      catch
        kind, reason ->
          Job.close(job, 0)
          :erlang.raise(kind, reason, __STACKTRACE__)
      else
        result ->
          Job.close(job, grace(result, call))
          result
      end
    end
  end

  # A program that has written more than :max_output is killed at once: its output at a SIGTERM would be
  # dropped.
  defp grace({:error, %Error{stage: :max_output}}, _call), do: 0
  defp grace(_result, call), do: call.kill_after

  defp capture(job, captured, left) do
    case Job.next(job) do
      {:ok, {_stream, data}} when byte_size(data) > left ->
        {:error, Error.new(:max_output, :enobufs)}

      {:ok, {stream, data}} ->
        left = if left == :infinity, do: :infinity, else: left - byte_size(data)
        capture(job, Map.update!(captured, stream, &[&1, data]), left)

      :eof ->
        with {:ok, outcome, usage} <- Job.await(job),
             do: {:ok, result(job, captured, outcome, usage)}

      error ->
        error
    end
  end

  defp result(job, captured, outcome, usage) do
    %Result{
      stdout: IO.iodata_to_binary(captured.stdout),
      stderr: IO.iodata_to_binary(captured.stderr),
      status: Result.status(outcome),
      outcome: outcome,
      usage: usage,
      duration: Job.duration(job)
    }
  end
end
