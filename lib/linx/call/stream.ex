# SPDX-License-Identifier: MIT

defmodule Linx.Call.Stream do
  @moduledoc false
  # A program's output as a lazy enumerable: what `Linx.stream!/2` returns.

  alias Linx.Call.{Failure, Job, Lines}
  alias Linx.{ExitError, Result}
  alias Linx.Process.Error

  @doc "The output of a program that is started each time it is enumerated."
  @spec new(Linx.Call.t()) :: Enumerable.t()
  def new(call) do
    Stream.resource(
      fn -> start(call) end,
      fn state -> next(state, call) end,
      fn {job, _lines} -> Job.close(job, Job.grace(call)) end
    )
  end

  defp start(call) do
    case Job.start(call) do
      {:ok, job} -> {job, lines(call)}
      {:error, reason} -> Failure.raise!(reason, call)
    end
  end

  defp lines(%{lines: nil}), do: %{}
  defp lines(%{lines: max, outputs: outputs}), do: Map.new(outputs, &{&1, %Lines{max: max}})

  defp next({job, lines}, call) do
    case Job.next(job) do
      {:ok, {stream, data}} ->
        {elements, lines} = split(lines, stream, data, call)
        {Enum.map(elements, &label(&1, stream, call)), {job, lines}}

      :eof ->
        # The lines without a newline are returned first. The next read returns :eof again.
        case for({stream, left} <- lines, line <- rest(left, call), do: {stream, line}) do
          [] ->
            finish(Job.await(job), {job, lines}, call)

          rest ->
            {Enum.map(rest, fn {stream, line} -> label(line, stream, call) end), {job, %{}}}
        end

      {:error, reason} ->
        Failure.raise!(reason, call)
    end
  end

  defp split(lines, _stream, data, _call) when lines == %{}, do: {[data], lines}

  defp split(lines, stream, data, call) do
    case Lines.push(Map.fetch!(lines, stream), data) do
      {:ok, finished, left} -> {finished, Map.put(lines, stream, left)}
      :too_long -> too_long!(call)
    end
  end

  defp rest(lines, call), do: with(:too_long <- Lines.rest(lines), do: too_long!(call))

  @spec too_long!(Linx.Call.t()) :: no_return()
  defp too_long!(call), do: Failure.raise!(Error.new(:lines, :emsgsize), call)

  defp label(element, stream, %{outputs: [_, _]}), do: {stream, element}
  defp label(element, _stream, _call), do: element

  defp finish({:ok, {:exited, 0}, _usage}, state, _call), do: {:halt, state}
  defp finish({:ok, _outcome, _usage}, state, %{ignore_exit: true}), do: {:halt, state}

  defp finish({:ok, outcome, _usage}, _state, call),
    do: raise(ExitError, argv: call.argv, status: Result.status(outcome), outcome: outcome)

  defp finish({:error, reason}, _state, call), do: Failure.raise!(reason, call)
end
