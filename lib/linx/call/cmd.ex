# SPDX-License-Identifier: MIT

defmodule Linx.Call.Cmd do
  @moduledoc false
  # Runs a program and collects its output into a `Collectable`: what `Linx.cmd/3` does.

  alias Linx.Call.{Job, Lines}
  alias Linx.Result

  @doc "The collected output with the exit status, or `:timeout`."
  @spec run(Linx.Call.t()) ::
          {:ok, {Collectable.t(), 0..255 | :timeout}} | {:error, Job.reason()}
  def run(%{collect: nil} = call) do
    with {:ok, job} <- Job.start(call) do
      try do
        collect(call, &read(job, &1, &2, &3))
      after
        Job.close(job, Job.grace(call))
      end
    end
  end

  def run(call) do
    with {:ok, _job, chunks, ending} <- Job.run(call),
         do: collect(call, &pour(chunks, ending, &1, &2, &3))
  end

  # `source` gives the output to the function of the `Collectable`, and returns how the program ended.
  defp collect(call, source) do
    {initial, fun} = Collectable.into(call.into)

    try do
      source.(initial, fun, call.lines && %Lines{})
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

  defp read(job, collected, fun, lines) do
    case Job.next(job) do
      {:ok, {_stream, data}} ->
        {elements, lines} = elements(lines, data)
        read(job, add(elements, collected, fun), fun, lines)

      :eof ->
        finish(Job.await(job), add(rest(lines), collected, fun))

      error ->
        finish(error, add(rest(lines), collected, fun))
    end
  end

  defp pour([{_stream, data} | chunks], ending, collected, fun, lines) do
    {elements, lines} = elements(lines, data)
    pour(chunks, ending, add(elements, collected, fun), fun, lines)
  end

  defp pour([], ending, collected, fun, lines),
    do: finish(ending, add(rest(lines), collected, fun))

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
