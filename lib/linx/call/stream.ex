defmodule Linx.Command.Stream do
  @moduledoc """
  A program's output as a lazy enumerable: what `Linx.stream!/2` answers with.
  """

  alias Linx.Command.{Failure, Job, Lines}
  alias Linx.{ExitError, Result}
  alias Linx.Process.Error

  @doc "The output of a program that is started each time it is enumerated."
  @spec new(Linx.Command.t()) :: Enumerable.t()
  def new(command) do
    Stream.resource(
      fn -> start(command) end,
      fn state -> next(state, command) end,
      fn {job, _lines} -> Job.close(job, command.kill_after) end
    )
  end

  defp start(command) do
    case Job.start(command) do
      {:ok, job} -> {job, lines(command)}
      {:error, reason} -> Failure.raise!(reason)
    end
  end

  defp lines(%{lines: nil}), do: %{}
  defp lines(%{lines: max, outputs: outputs}), do: Map.new(outputs, &{&1, %Lines{max: max}})

  defp next({job, lines}, command) do
    case Job.next(job) do
      {:ok, {stream, data}} ->
        {elements, lines} = split(lines, stream, data)
        {Enum.map(elements, &label(&1, stream, command)), {job, lines}}

      :eof ->
        # The lines that no newline has ended come first; then the end is met once more.
        case for({stream, left} <- lines, line <- Lines.rest(left), do: {stream, line}) do
          [] ->
            finish(Job.await(job), {job, lines}, command)

          rest ->
            {Enum.map(rest, fn {stream, line} -> label(line, stream, command) end), {job, %{}}}
        end

      {:error, reason} ->
        Failure.raise!(reason)
    end
  end

  defp split(lines, _stream, data) when lines == %{}, do: {[data], lines}

  defp split(lines, stream, data) do
    case Lines.push(Map.fetch!(lines, stream), data) do
      {:ok, finished, left} -> {finished, Map.put(lines, stream, left)}
      :too_long -> raise Error.new(:lines, :emsgsize)
    end
  end

  defp label(element, stream, %{outputs: [_, _]}), do: {stream, element}
  defp label(element, _stream, _command), do: element

  defp finish({:ok, {:exited, 0}}, state, _command), do: {:halt, state}
  defp finish({:ok, _outcome}, state, %{ignore_exit: true}), do: {:halt, state}

  defp finish({:ok, outcome}, _state, command),
    do: raise(ExitError, argv: command.argv, status: Result.status(outcome), outcome: outcome)

  defp finish({:error, reason}, _state, _command), do: Failure.raise!(reason)
end
