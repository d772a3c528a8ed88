# SPDX-License-Identifier: MIT

defmodule Linx.Call.Cmd do
  @moduledoc false
  # Runs a program and collects its output into a `Collectable`: what `Linx.cmd/3` does.

  alias Linx.Call.{Job, Lines}
  alias Linx.Result

  @doc "The collected output with the exit status, or `:timeout`."
  @spec run(Linx.Call.t()) ::
          {:ok, {Collectable.t(), 0..255 | :timeout}} | {:error, Job.reason()}
  def run(call) do
    with {:ok, job} <- Job.start(call) do
      try do
        collect(job, call)
      after
        Job.close(job, call.kill_after)
      end
    end
  end

  defp collect(job, call) do
    {initial, fun} = Collectable.into(call.into)

    try do
      loop(job, initial, fun, call.lines && %Lines{})
    catch
      kind, reason ->
        fun.(initial, :halt)
        :erlang.raise(kind, reason, __STACKTRACE__)
    else
      {:error, _reason} = error ->
        fun.(initial, :halt)
        error

      {collected, status} ->
        {:ok, {fun.(collected, :done), status}}
    end
  end

  defp loop(job, collected, fun, lines) do
    case Job.next(job) do
      {:ok, {_stream, data}} ->
        {elements, lines} = elements(lines, data)
        loop(job, add(elements, collected, fun), fun, lines)

      :eof ->
        finish(Job.await(job), add(rest(lines), collected, fun))

      error ->
        finish(error, add(rest(lines), collected, fun))
    end
  end

  defp finish({:ok, outcome, _usage}, collected), do: {collected, Result.status(outcome)}
  defp finish({:error, :timeout}, collected), do: {collected, :timeout}
  defp finish(error, _collected), do: error

  defp elements(nil, data), do: {[data], nil}

  defp elements(lines, data) do
    {:ok, finished, lines} = Lines.push(lines, data)
    {finished, lines}
  end

  defp rest(nil), do: []
  defp rest(lines), do: Lines.rest(lines)

  defp add(elements, collected, fun), do: Enum.reduce(elements, collected, &fun.(&2, {:cont, &1}))
end
