# SPDX-License-Identifier: MIT

defmodule Linx.Call.Stream do
  @moduledoc false
  # A program's output as a lazy enumerable: what `Linx.stream!/2` and `Linx.stream/2` return.

  alias Linx.Call.{Failure, Job, Lines}
  alias Linx.{ExitError, Result}
  alias Linx.Process.Error

  # The state is the job with the lines of each output that are not finished, `{:last, element}` before the last
  # element of `Linx.stream/2`, or :ended after it. The job is nil when it could not be started.

  @doc "The output of a program that is started each time it is enumerated."
  @spec new(Linx.Call.t()) :: Enumerable.t()
  def new(call) do
    Stream.resource(
      fn -> start(call) end,
      fn state -> next(state, call) end,
      fn {job, _lines} -> if job, do: Job.close(job, Job.grace(call)) end
    )
  end

  defp start(call) do
    case Job.start(call) do
      {:ok, job} -> {job, lines(call)}
      {:error, reason} -> {nil, {:last, failed(reason, call)}}
    end
  end

  defp lines(%{lines: nil}), do: %{}
  defp lines(%{lines: max, outputs: outputs}), do: Map.new(outputs, &{&1, %Lines{max: max}})

  defp next({job, {:last, element}}, _call), do: {[element], {job, :ended}}
  defp next({_job, :ended} = state, _call), do: {:halt, state}

  defp next({job, lines}, call) do
    with {:ok, {stream, data}} <- Job.next(job),
         {:ok, elements, lines} <- split(lines, stream, data) do
      {Enum.map(elements, &label(&1, stream, call)), {job, lines}}
    else
      :eof -> rest(job, lines, call)
      {:error, reason} -> fail(job, reason, call)
    end
  end

  defp split(lines, _stream, data) when lines == %{}, do: {:ok, [data], lines}

  defp split(lines, stream, data) do
    case Lines.push(Map.fetch!(lines, stream), data) do
      {:ok, finished, left} -> {:ok, finished, Map.put(lines, stream, left)}
      :too_long -> too_long()
    end
  end

  defp too_long, do: {:error, Error.new(:lines, :emsgsize)}

  # The lines without a newline are returned first. The next read returns :eof again.
  defp rest(job, lines, call) do
    rests = for {stream, left} <- lines, do: {stream, Lines.rest(left)}

    cond do
      Enum.any?(rests, &match?({_stream, :too_long}, &1)) ->
        fail(job, elem(too_long(), 1), call)

      Enum.all?(rests, &match?({_stream, []}, &1)) ->
        finish(Job.await(job), job, call)

      true ->
        {for({stream, lines} <- rests, line <- lines, do: label(line, stream, call)), {job, %{}}}
    end
  end

  defp label(element, stream, %{outputs: [_, _]}), do: {stream, element}
  defp label(element, _stream, _call), do: element

  defp finish({:ok, outcome, _usage}, job, %{kind: :stream}),
    do: {[{:exit, Result.status(outcome)}], {job, :ended}}

  defp finish({:ok, {:exited, 0}, _usage}, job, _call), do: {:halt, {job, :ended}}
  defp finish({:ok, _outcome, _usage}, job, %{ignore_exit: true}), do: {:halt, {job, :ended}}

  defp finish({:ok, outcome, _usage}, _job, call),
    do: raise(ExitError, argv: call.argv, status: Result.status(outcome), outcome: outcome)

  defp finish({:error, reason}, job, call), do: fail(job, reason, call)

  # The last element says that the program has ended.
  defp fail(job, reason, call) do
    last = failed(reason, call)
    Job.close(job, Job.grace(call))
    {[last], {nil, :ended}}
  end

  # The last element; raises in `Linx.stream!/2`.
  defp failed(reason, call) do
    if call.kind == :stream and Failure.of_program?(reason),
      do: {:exit, Failure.error(reason, call)},
      else: Failure.raise!(reason, call)
  end
end
