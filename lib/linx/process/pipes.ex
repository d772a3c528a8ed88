# SPDX-License-Identifier: MIT

defmodule Linx.Process.Pipes do
  @moduledoc false
  # A session's pipes, in both directions, which may outlast its workload. Pure, and part of
  # `Linx.Process.Session`.
  #
  # The functions return `{pipes, effects}`, with effects as `Linx.Process.Session` has them, and with
  # `{:message, event}` and `:watch_receiver` for the process that receives the streams in active mode.

  alias Linx.Process.{Error, Stdin, Streams}

  # `ended_early` are streams that ended before the workload was known to run; `last_readers` are processes
  # that the session waits for before it stops: they have read a stream and do not know of its end. In an unattended
  # session they are all that have read one.
  defstruct streams: %Streams{}, stdin: nil, ended_early: [], last_readers: []

  @type t :: %__MODULE__{
          streams: Streams.t(),
          stdin: Stdin.t() | nil,
          ended_early: [Streams.stream()],
          last_readers: [{pid(), :last_read}]
        }
  @type effects :: [Linx.Process.Session.effect() | {:message, tuple()} | :watch_receiver]
  @type request ::
          {:read, Streams.request(), pos_integer(), timeout()}
          | {:write, binary(), timeout()}
          | {:set_active, :all | Streams.stream(), Streams.active()}
          | {:close, :stdin | Streams.stream()}

  @doc "The streams of a workload; `stdin?` says whether its standard input is a pipe."
  @spec new(Streams.t(), boolean()) :: t()
  def new(streams, stdin?),
    do: %__MODULE__{streams: streams, stdin: if(stdin?, do: %Stdin{})}

  @doc """
  Carries out a caller's request to a stream.

      iex> alias Linx.Process.Pipes
      iex> {_pipes, effects} = Pipes.call(%Pipes{}, {self(), :tag}, {:close, :stdin})
      iex> effects
      [{:reply, {self(), :tag}, {:error, :not_piped}}]
  """
  @spec call(t(), GenServer.from(), request()) :: {t(), effects()}
  def call(pipes, from, {:read, request, max, timeout}) do
    {pipes, effects} =
      put_streams(pipes, Streams.read(pipes.streams, from, request, max, timeout))

    {pipes, watches} = watch_readers(pipes, Streams.watched(pipes.streams))
    {pipes, effects ++ watches}
  end

  def call(pipes, from, {:set_active, request, active}) do
    case active_streams(pipes, request) do
      [] ->
        reply(pipes, from, {:error, :not_piped})

      names ->
        watch = if active == false, do: [], else: [:watch_receiver]
        {pipes, effects} = put_streams(pipes, Streams.set_active(pipes.streams, names, active))
        {pipes, [{:reply, from, :ok}] ++ watch ++ effects}
    end
  end

  def call(%{stdin: nil} = pipes, from, {:write, _data, _timeout}),
    do: reply(pipes, from, {:error, :not_piped})

  def call(pipes, from, {:write, data, timeout}),
    do: put_stdin(pipes, Stdin.write(pipes.stdin, from, data, timeout))

  def call(%{stdin: nil} = pipes, from, {:close, :stdin}),
    do: reply(pipes, from, {:error, :not_piped})

  def call(pipes, from, {:close, :stdin}) do
    {pipes, effects} = put_stdin(pipes, Stdin.close(pipes.stdin))
    {pipes, effects ++ [{:reply, from, :ok}]}
  end

  def call(pipes, from, {:close, stream}) do
    if Streams.has?(pipes.streams, stream) do
      {pipes, effects} = put_streams(pipes, Streams.close(pipes.streams, stream))
      {pipes, effects ++ [{:reply, from, :ok}]}
    else
      reply(pipes, from, {:error, :not_piped})
    end
  end

  defp active_streams(pipes, :all), do: Map.keys(pipes.streams.outputs)

  defp active_streams(pipes, name),
    do: if(Streams.has?(pipes.streams, name), do: [name], else: [])

  @doc """
  A frame from the agent: `:error` when it is not due, `:other` when it concerns no stream. `started?`
  says whether the workload is known to have run.
  """
  @spec frame(t(), Linx.Agent.Wire.frame(), boolean()) ::
          {:ok, {t(), effects()}} | :error | :other
  def frame(pipes, {name, data}, _started?) when name in [:stdout, :stderr],
    do: output(pipes, name, data)

  def frame(pipes, {:pty_out, data}, _started?) when is_map_key(pipes.streams.outputs, :pty),
    do: output(pipes, :pty, data)

  def frame(%{stdin: %Stdin{}} = pipes, {:written, :stdin, bytes}, _started?) do
    with {:ok, change} <- Stdin.written(pipes.stdin, bytes), do: {:ok, put_stdin(pipes, change)}
  end

  def frame(%{stdin: %Stdin{}} = pipes, {:closed, :stdin, errno}, _started?),
    do: {:ok, put_stdin(pipes, Stdin.break(pipes.stdin, Error.new(:write, errno)))}

  # A child that fails to execute the program closes its streams, and the agent reports that first.
  def frame(pipes, {:eof, name}, false) when is_map_key(pipes.streams.outputs, name),
    do: {:ok, {%{pipes | ended_early: [name | pipes.ended_early]}, []}}

  def frame(pipes, {:eof, name}, true) when is_map_key(pipes.streams.outputs, name),
    do: {:ok, put_streams(pipes, Streams.finish(pipes.streams, name, :eof))}

  def frame(_pipes, _frame, _started?), do: :other

  defp output(pipes, name, data) do
    with {:ok, change} <- Streams.data(pipes.streams, name, data),
         do: {:ok, put_streams(pipes, change)}
  end

  @doc "Ends the streams that ended early, once the workload is known to run."
  @spec started(t()) :: {t(), effects()}
  def started(pipes) do
    Enum.reduce(pipes.ended_early, {%{pipes | ended_early: []}, []}, fn name, {pipes, effects} ->
      {pipes, more} = put_streams(pipes, Streams.finish(pipes.streams, name, :eof))
      {pipes, effects ++ more}
    end)
  end

  @doc "Closes the streams in active mode, whose receiver has ended."
  @spec receiver_down(t()) :: {t(), effects()}
  def receiver_down(pipes), do: put_streams(pipes, Streams.close_active(pipes.streams))

  @doc "Closes the streams that no process has read."
  @spec close_unread(t()) :: {t(), effects()}
  def close_unread(pipes), do: put_streams(pipes, Streams.close_unread(pipes.streams))

  @doc "The streams in active mode."
  @spec active(t()) :: [Streams.stream()]
  def active(pipes), do: Streams.active(pipes.streams)

  @doc "Whether the agent has nothing more to do for a stream."
  @spec served?(t()) :: boolean()
  def served?(pipes),
    do: Streams.ended?(pipes.streams) and not (pipes.stdin != nil and Stdin.busy?(pipes.stdin))

  @doc "Ends every stream with an error, because the agent serves none any more."
  @spec break(t(), Error.t() | :no_process) :: {t(), effects()}
  def break(pipes, error) do
    {pipes, replies} = put_streams(pipes, Streams.finish_all(pipes.streams, {:error, error}))
    {pipes, refusals} = break_stdin(pipes)
    {pipes, replies ++ refusals}
  end

  @doc "Ends standard input alone."
  @spec break_stdin(t()) :: {t(), effects()}
  def break_stdin(%{stdin: nil} = pipes), do: {pipes, []}

  def break_stdin(pipes),
    do: put_stdin(pipes, Stdin.break(pipes.stdin, Error.new(:write, :epipe)))

  @doc """
  Whether a session that has ended may stop: `:stop`, or `:wait` while there is output that was not read, or
  a process has read a stream and does not know of its end. Such a process reads again, or ends.
  """
  @spec leave(t()) :: {:stop | :wait, {t(), effects()}}
  def leave(pipes) do
    cond do
      not Streams.finished?(pipes.streams) -> {:wait, {pipes, []}}
      Streams.untold(pipes.streams) == [] -> {:stop, unwatch_readers(pipes)}
      true -> {:wait, watch_readers(pipes, Streams.untold(pipes.streams))}
    end
  end

  defp unwatch_readers(pipes) do
    unwatch = for from <- pipes.last_readers, do: {:unwatch, from}
    {%{pipes | last_readers: []}, unwatch}
  end

  defp watch_readers(pipes, readers) do
    new = Enum.uniq(for reader <- readers, do: {reader, :last_read}) -- pipes.last_readers

    {%{pipes | last_readers: new ++ pipes.last_readers},
     for(from <- new, do: {:watch, from, :infinity})}
  end

  @doc "Drops a request that waits; `:error` when there is none."
  @spec forget(t(), GenServer.from() | {pid(), :last_read}) :: {:ok, {t(), effects()}} | :error
  def forget(pipes, {pid, :last_read} = from) do
    if from in pipes.last_readers do
      pipes = %{pipes | last_readers: List.delete(pipes.last_readers, from)}

      if pipes.streams.unattended?,
        do: {:ok, put_streams(pipes, Streams.abandon(pipes.streams, pid))},
        else: {:ok, {%{pipes | streams: Streams.give_up(pipes.streams, pid)}, []}}
    else
      :error
    end
  end

  def forget(pipes, from) do
    with :error <- Streams.forget(pipes.streams, from),
         {:ok, change} <- forget_writer(pipes, from) do
      {:ok, put_stdin(pipes, change)}
    else
      {:ok, streams} -> {:ok, {%{pipes | streams: streams}, []}}
      :error -> :error
    end
  end

  defp forget_writer(%{stdin: nil}, _from), do: :error
  defp forget_writer(%{stdin: stdin}, from), do: Stdin.forget(stdin, from)

  defp put_streams(pipes, {streams, effects}), do: {%{pipes | streams: streams}, effects}
  defp put_stdin(pipes, {stdin, effects}), do: {%{pipes | stdin: stdin}, effects}
  defp reply(pipes, from, result), do: {pipes, [{:reply, from, result}]}
end
