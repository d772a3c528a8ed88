# SPDX-License-Identifier: MIT

defmodule Linx.Call.Run do
  @moduledoc false
  # Runs a program and captures what it writes, up to a bound: what `Linx.run/2` does.

  alias Linx.Call.{Failure, Job, Sink}
  alias Linx.Process.Error
  alias Linx.Result

  @doc "The program's result."
  @spec run(Linx.Call.t()) :: {:ok, Result.t()} | {:error, Job.reason()}
  def run(%{collect: nil} = call) do
    with {:ok, job} <- Job.start(call) do
      sinks = open(job, call)
      {poured, ending} = safely(job, sinks, fn -> pour(job, sinks, call.max_output) end)
      Job.close(job, Job.grace(ending, call))
      finish(job, poured, ending)
    end
  end

  def run(call) do
    with {:ok, job, chunks, ending} <- Job.run(call) do
      sinks = Enum.reduce(chunks, Sink.open(intos(call)), &put/2)
      finish(job, sinks, ending)
    end
  end

  # What is shown on a terminal is the program's stdout to the caller.
  defp intos(%{outputs: [:pty]} = call), do: [stdout: call.into]

  defp intos(call) do
    all = [stdout: call.into, stderr: call.stderr_into]
    for {name, into} <- all, name in call.outputs, do: {name, into}
  end

  defp open(job, call), do: safely(job, %{}, fn -> Sink.open(intos(call)) end)

  # What a function or a `Collectable` raises ends the program.
  defp safely(job, sinks, fun) do
    fun.()
  catch
    kind, reason ->
      Job.close(job, Job.grace(job.call))
      Sink.halt(sinks)
      :erlang.raise(kind, reason, __STACKTRACE__)
  end

  defp put({:pty, data}, sinks), do: put({:stdout, data}, sinks)
  defp put({stream, data}, sinks), do: Map.update!(sinks, stream, &Sink.put(&1, data))

  # `left` is how many bytes may still come.
  defp pour(job, sinks, left) do
    case Job.next(job) do
      {:ok, {stream, data} = chunk} ->
        size = if counts?(job.call, stream), do: byte_size(data), else: 0

        if size > left do
          sinks = if left > 0, do: put({stream, binary_part(data, 0, left)}, sinks), else: sinks
          {sinks, {:error, Error.new(:max_output, :enobufs)}}
        else
          pour(job, put(chunk, sinks), if(left == :infinity, do: left, else: left - size))
        end

      :eof ->
        {sinks, Job.await(job)}

      error ->
        {sinks, error}
    end
  end

  # By default the bound is that of the memory, and not of what a `Collectable` takes.
  defp counts?(%{max_output_given?: true}, _stream), do: true
  defp counts?(call, :stderr), do: Sink.captures?(call.stderr_into)
  defp counts?(call, _stdout_or_terminal), do: Sink.captures?(call.into)

  defp finish(job, sinks, {:ok, outcome, usage}) do
    written = Map.new(sinks, fn {name, sink} -> {name, Sink.finish(sink)} end)

    {:ok,
     %Result{
       stdout: Map.get(written, :stdout, ""),
       stderr: Map.get(written, :stderr, ""),
       status: Result.status(outcome),
       outcome: outcome,
       usage: usage,
       duration: Job.duration(job)
     }}
  end

  defp finish(job, sinks, {:error, reason}) do
    with true <- Failure.of_program?(reason),
         {:error, %Error{} = error} <- Failure.error(reason, job.call),
         true <- ran?(error, sinks) do
      {:error, struct!(error, for({name, sink} <- sinks, do: {name, Sink.finish(sink)}))}
    else
      _no_output ->
        Sink.halt(sinks)
        {:error, reason}
    end
  end

  # Of a program that was not run there is no output.
  defp ran?(%{stage: stage}, _sinks) when stage in [:timeout, :max_output, :agent_died], do: true
  defp ran?(_error, sinks), do: Enum.any?(sinks, fn {_name, sink} -> sink.written? end)
end
