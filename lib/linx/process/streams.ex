# SPDX-License-Identifier: MIT

defmodule Linx.Process.Streams do
  @moduledoc false
  # A workload's output streams and their readers. Pure, and part of `Linx.Process.Pipes`.
  #
  # The agent is asked for what a reader waits for, and for what fits the window of a stream in active mode.
  # So the session never holds more bytes than that. Bytes that arrive for a reader that no longer waits are
  # kept for the next read, for which the agent is asked for that much less.
  #
  # The functions return `{streams, effects}`, with effects as `Linx.Process.Session` has them, and with
  # `{:message, event}` for the process that receives the streams in active mode.

  alias Linx.Agent.Wire
  alias Linx.Process.{Error, Output}

  # Bytes of a whole frame, and the most frames that one read asks for. A read of more than a frame asks for
  # whole frames, because the remainder would be a frame of a few bytes.
  @frame Wire.output_max()
  @frames_max 16

  # Bytes that the agent is asked for ahead in active mode. It is asked for more when half of them have arrived.
  @window 256 * 1024

  # Bytes that are kept of a stream which no process has read, the newest ones: as much as a pipe holds (pipe(7)).
  @unread 64 * 1024

  # Readers wait in the order of their reads. `last` is the stream from which a read was served last.
  # `unattended?` says that a stream without a reader is `:unread`.
  defstruct outputs: %{}, readers: [], last: nil, unattended?: false

  @type stream :: :stdout | :stderr | :pty
  @type active :: boolean() | :once | pos_integer()

  @typedoc "`:unread` is a stream that has no reader yet, whose output must not block the workload."
  @type mode :: active() | :unread
  @type t :: %__MODULE__{outputs: %{optional(stream()) => Output.t()}}
  @type effects :: [Linx.Process.Session.effect()]
  @type request :: stream() | :any

  @doc """
  Streams of which nothing has arrived. In active mode the request to the agent asks for the first window,
  which `demand/1` returns.

      iex> Linx.Process.Streams.new([:stdout], false) |> Linx.Process.Streams.demand()
      []
  """
  @spec new([stream()], mode()) :: t()
  def new(names, active) do
    demanded = if active == false, do: 0, else: @window

    %__MODULE__{
      outputs: Map.new(names, &{&1, %Output{active: active, demanded: demanded}}),
      unattended?: active == :unread
    }
  end

  @doc "The bytes of each stream that were asked for and have not arrived."
  @spec demand(t()) :: [{stream(), pos_integer()}]
  def demand(streams),
    do: for({name, %{demanded: bytes}} <- streams.outputs, bytes > 0, do: {name, bytes})

  @doc "Whether there is such a stream."
  @spec has?(t(), stream()) :: boolean()
  def has?(streams, name), do: is_map_key(streams.outputs, name)

  @doc "The streams in active mode."
  @spec active(t()) :: [stream()]
  def active(streams),
    do:
      for({name, %{active: active}} <- streams.outputs, active not in [false, :unread], do: name)

  @doc "The processes whose end leaves a stream without a reader, in a session that is unattended."
  @spec watched(t()) :: [pid()]
  def watched(%{unattended?: false}), do: []

  def watched(streams),
    do: for({_, %{reader: reader}} <- streams.outputs, reader != nil, uniq: true, do: reader)

  @doc "Notes the end of such a process."
  @spec abandon(t(), pid()) :: {t(), effects()}
  def abandon(streams, reader) do
    names = for {name, %{reader: ^reader, active: false}} <- streams.outputs, do: name

    each(streams, names, fn streams, name ->
      output = %{streams.outputs[name] | active: :unread, reader: nil}
      serve(put(streams, name, output), name)
    end)
  end

  @doc "Closes the streams that no process has read."
  @spec close_unread(t()) :: {t(), effects()}
  def close_unread(streams) do
    each(streams, for({name, %{active: :unread}} <- streams.outputs, do: name), &close/2)
  end

  @doc "Whether every stream has ended, so that the agent sends nothing more of any."
  @spec ended?(t()) :: boolean()
  def ended?(streams), do: Enum.all?(streams.outputs, fn {_, output} -> output.ending != nil end)

  @doc "Whether every stream has ended and all that arrived was read."
  @spec finished?(t()) :: boolean()
  def finished?(streams),
    do: Enum.all?(streams.outputs, fn {_, output} -> Output.finished?(output) end)

  @doc "The processes that have read a stream and do not know yet that it has ended."
  @spec untold(t()) :: [pid()]
  def untold(streams) do
    for {_, %{reader: reader, told?: false, ending: ending}} <- streams.outputs,
        reader != nil and ending != :closed,
        uniq: true,
        do: reader
  end

  @doc "Notes that a reader has ended, so that it need not know how its streams ended."
  @spec give_up(t(), pid()) :: t()
  def give_up(streams, reader) do
    names = for {name, %{reader: ^reader}} <- streams.outputs, do: name
    told(streams, names)
  end

  @doc """
  Reads up to `max` bytes of a stream, or with `:any` of stdout or stderr: replies from the bytes that have
  arrived, or makes the reader wait.

      iex> alias Linx.Process.Streams
      iex> streams = Streams.new([:stdout], false)
      iex> {streams, effects} = Streams.read(streams, {self(), :tag}, :stdout, 10, :infinity)
      iex> effects
      [{:watch, {self(), :tag}, :infinity}, {:send, {:demand, :stdout, 10}}]
      iex> {:ok, {_streams, effects}} = Streams.data(streams, :stdout, "text")
      iex> effects
      [{:unwatch, {self(), :tag}}, {:reply, {self(), :tag}, {:ok, "text"}}]
  """
  @spec read(t(), GenServer.from(), request(), pos_integer(), timeout()) :: {t(), effects()}
  def read(streams, from, request, max, timeout) do
    reader = %{
      from: from,
      request: request,
      names: names(streams, request),
      max: fit(max)
    }

    with :ok <- check_readable(streams, reader.names),
         streams = note_reader(streams, reader),
         :none <- take(streams, reader) do
      {streams, demands} = ask(%{streams | readers: streams.readers ++ [reader]}, reader.names)
      {streams, [{:watch, from, timeout} | demands]}
    else
      {:error, reason} -> {streams, [{:reply, from, {:error, reason}}]}
      {result, streams} -> {streams, [{:reply, from, result}]}
    end
  end

  @doc "Takes bytes of a stream that have arrived; `:error` when they were not asked for."
  @spec data(t(), stream(), binary()) :: {:ok, {t(), effects()}} | :error
  def data(streams, name, data) do
    with {:ok, output} <- Map.fetch(streams.outputs, name),
         {:ok, output} <- Output.push(output, data),
         do: {:ok, serve(put(streams, name, output), name)}
  end

  @doc "Ends a stream."
  @spec finish(t(), stream(), :eof | {:error, Error.t() | :no_process}) :: {t(), effects()}
  def finish(streams, name, ending) do
    output = Map.fetch!(streams.outputs, name)
    serve(put(streams, name, Output.finish(output, ending)), name)
  end

  @doc "Ends every stream that has not ended."
  @spec finish_all(t(), :eof | {:error, Error.t() | :no_process}) :: {t(), effects()}
  def finish_all(streams, ending),
    do: each(streams, Map.keys(streams.outputs), &finish(&1, &2, ending))

  @doc "Closes a stream from this side: the workload's output is dropped."
  @spec close(t(), stream()) :: {t(), effects()}
  def close(streams, name) do
    output = Map.fetch!(streams.outputs, name)
    sends = if output.ending == nil, do: [{:send, {:close, name}}], else: []
    {streams, effects} = serve(put(streams, name, Output.finish(output, :closed)), name)
    {streams, sends ++ effects}
  end

  @doc "Closes the streams in active mode, whose receiver has ended."
  @spec close_active(t()) :: {t(), effects()}
  def close_active(streams) do
    each(streams, active(streams), &close/2)
  end

  @doc """
  Sets the mode of the named streams. A count is added to what is left of the count before, as in
  `:inet.setopts/2`.
  """
  @spec set_active(t(), [stream()], active()) :: {t(), effects()}
  def set_active(streams, names, active) do
    each(streams, names, fn streams, name ->
      output = Map.fetch!(streams.outputs, name)
      serve(put(streams, name, %{output | active: add(output.active, active)}), name)
    end)
  end

  defp add(left, more) when is_integer(left) and is_integer(more), do: left + more
  defp add(_before, active), do: active

  @doc "Drops a reader, which then gets no reply; `:error` when there is none."
  @spec forget(t(), GenServer.from()) :: {:ok, t()} | :error
  def forget(streams, from) do
    case Enum.split_with(streams.readers, &(&1.from == from)) do
      {[_reader], others} -> {:ok, %{streams | readers: others}}
      {[], _others} -> :error
    end
  end

  defp fit(max) when max < @frame, do: max
  defp fit(max), do: min(div(max, @frame), @frames_max) * @frame

  defp names(streams, :any), do: for(name <- [:stdout, :stderr], has?(streams, name), do: name)
  defp names(streams, name), do: if(has?(streams, name), do: [name], else: [])

  defp check_readable(_streams, []), do: {:error, :not_piped}

  defp check_readable(streams, names) do
    if Enum.any?(names, &(streams.outputs[&1].active not in [false, :unread])),
      do: {:error, :active},
      else: :ok
  end

  defp note_reader(streams, reader) do
    Enum.reduce(reader.names, streams, fn name, streams ->
      put(streams, name, %{streams.outputs[name] | reader: elem(reader.from, 0), active: false})
    end)
  end

  # Serves a stream that has changed: first the readers that wait, then the receiver, then asks for more.
  defp serve(streams, name) do
    {streams, replies} = serve_readers(streams, name)
    {streams, messages} = serve_receiver(streams, name)
    {streams, demands} = ask(streams, [name])
    {streams, replies ++ messages ++ demands}
  end

  defp serve_readers(%{readers: []} = streams, _name), do: {streams, []}

  defp serve_readers(streams, name) do
    {left, {streams, effects}} =
      Enum.flat_map_reduce(streams.readers, {streams, []}, fn reader, {streams, effects} ->
        case if(name in reader.names, do: take(streams, reader), else: :none) do
          :none -> {[reader], {streams, effects}}
          {result, streams} -> {[], {streams, effects ++ reply(reader, result)}}
        end
      end)

    {%{streams | readers: left}, effects}
  end

  defp reply(reader, result), do: [{:unwatch, reader.from}, {:reply, reader.from, result}]

  # The reply to a reader, or :none while it has to wait.
  defp take(streams, reader) do
    case Enum.find(turns(streams, reader.names), &(streams.outputs[&1].buffered > 0)) do
      nil ->
        endings = for name <- reader.names, do: streams.outputs[name].ending
        if nil in endings, do: :none, else: {ending(endings), told(streams, reader.names)}

      name ->
        {data, output} = Output.take(streams.outputs[name], reader.max)
        {{:ok, labelled(reader, name, data)}, put(%{streams | last: name}, name, output)}
    end
  end

  # The stream that was served last comes last, so that neither of two busy streams is starved.
  defp turns(%{last: last}, [last | others]), do: others ++ [last]
  defp turns(_streams, names), do: names

  defp labelled(%{request: :any}, name, data), do: {name, data}
  defp labelled(_reader, _name, data), do: data

  defp ending(endings) do
    failed = Enum.find(endings, &match?({:error, _}, &1))

    cond do
      failed != nil -> failed
      :eof in endings -> :eof
      true -> {:error, :closed}
    end
  end

  defp told(streams, names),
    do: Enum.reduce(names, streams, &put(&2, &1, %{&2.outputs[&1] | told?: true}))

  defp serve_receiver(streams, name, messages \\ []) do
    case streams.outputs[name] do
      %{active: false} ->
        {streams, Enum.reverse(messages)}

      %{active: :unread} = output ->
        {put(streams, name, drop_oldest(output)), Enum.reverse(messages)}

      %{buffered: 0, ending: ending, told?: false} = output when ending != nil ->
        streams = put(streams, name, %{output | told?: true})
        {streams, Enum.reverse([{:message, last_words(name, ending)} | messages])}

      %{buffered: 0} ->
        {streams, Enum.reverse(messages)}

      output ->
        {data, output} = Output.take(output, @window)
        {active, notice} = count_down(output.active, name)
        streams = put(streams, name, %{output | active: active})
        serve_receiver(streams, name, notice ++ [{:message, {name, data}} | messages])
    end
  end

  defp drop_oldest(%{buffered: buffered} = output) when buffered <= @unread, do: output

  defp drop_oldest(%{buffered: buffered} = output) do
    {_dropped, output} = Output.take(output, buffered - @unread)
    drop_oldest(output)
  end

  defp last_words(name, :eof), do: {:eof, name}
  defp last_words(name, {:error, error}), do: {:failed, name, error}

  defp count_down(true, _name), do: {true, []}
  defp count_down(:once, _name), do: {false, []}
  defp count_down(1, name), do: {false, [{:message, {:passive, name}}]}
  defp count_down(count, _name), do: {count - 1, []}

  # Asks the agent for the bytes that are wanted and were not asked for yet.
  defp ask(streams, names) do
    each(streams, names, fn streams, name ->
      output = streams.outputs[name]
      missing = if output.ending == nil, do: missing(output, wanted(streams, name)), else: 0

      if missing > 0,
        do:
          {put(streams, name, %{output | demanded: output.demanded + missing}),
           [{:send, {:demand, name, missing}}]},
        else: {streams, []}
    end)
  end

  defp missing(%{active: false} = output, wanted), do: wanted - output.demanded
  defp missing(output, _wanted) when output.demanded > div(@window, 2), do: 0
  defp missing(output, wanted), do: max(@window, wanted) - output.demanded

  defp wanted(streams, name) do
    Enum.reduce(streams.readers, 0, fn reader, sum ->
      if name in reader.names, do: sum + reader.max, else: sum
    end)
  end

  defp put(streams, name, output), do: %{streams | outputs: %{streams.outputs | name => output}}

  defp each(streams, names, fun) do
    Enum.reduce(names, {streams, []}, fn name, {streams, effects} ->
      {streams, more} = fun.(streams, name)
      {streams, effects ++ more}
    end)
  end
end
