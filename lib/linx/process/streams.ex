defmodule Linx.Process.Streams do
  @moduledoc false
  # A workload's output streams and those who read them: pure, and part of `Linx.Process.Session`.
  #
  # Nothing is asked of the agent but what a reader waits for, or what fits the window of a stream in
  # active mode. So no more is ever held than was asked for. What comes for a reader who no longer
  # waits is kept for the next one, who asks for that much less.
  #
  # The functions answer `{streams, effects}`, with effects as `Linx.Process.Session` has them, and
  # `{:message, event}`: for whoever receives the streams in active mode.

  alias Linx.Agent.Wire
  alias Linx.Process.{Error, Output}

  # A read that allows for more asks for whole frames, up to so many: the rest would be a frame of a few
  # bytes, and what is beyond them would only be read ahead.
  @frame Wire.output_max()
  @frames_max 16

  # What is asked for ahead in active mode, and topped up at the half.
  @window 256 * 1024

  # Readers wait in the order they came. `last` is the stream that read_any was served from last.
  defstruct outputs: %{}, readers: [], last: nil

  @type stream :: :stdout | :stderr | :pty
  @type active :: boolean() | :once | pos_integer()
  @type t :: %__MODULE__{outputs: %{optional(stream()) => Output.t()}}
  @type effects :: [Linx.Process.Session.effect()]
  @type request :: stream() | :any

  @doc """
  Streams that nothing has come of. In active mode the request to the agent asks for the first window;
  `demand/1` says for what.

      iex> Linx.Process.Streams.new([:stdout], false) |> Linx.Process.Streams.demand()
      []
  """
  @spec new([stream()], active()) :: t()
  def new(names, active) do
    demanded = if active == false, do: 0, else: @window

    %__MODULE__{
      outputs: Map.new(names, &{&1, %Output{active: active, demanded: demanded}})
    }
  end

  @doc "What has been asked for and has not come, of each stream."
  @spec demand(t()) :: [{stream(), pos_integer()}]
  def demand(streams),
    do: for({name, %{demanded: bytes}} <- streams.outputs, bytes > 0, do: {name, bytes})

  @doc "Whether there is such a stream."
  @spec has?(t(), stream()) :: boolean()
  def has?(streams, name), do: is_map_key(streams.outputs, name)

  @doc "The streams in active mode."
  @spec active(t()) :: [stream()]
  def active(streams),
    do: for({name, %{active: active}} <- streams.outputs, active != false, do: name)

  @doc "Whether the agent has nothing more to say of any stream."
  @spec ended?(t()) :: boolean()
  def ended?(streams), do: Enum.all?(streams.outputs, fn {_, output} -> output.ending != nil end)

  @doc "Whether besides everything that came was taken."
  @spec finished?(t()) :: boolean()
  def finished?(streams),
    do: Enum.all?(streams.outputs, fn {_, output} -> Output.finished?(output) end)

  @doc "Who has asked for a stream and does not know yet that it has ended."
  @spec untold(t()) :: [pid()]
  def untold(streams) do
    for {_, %{reader: reader, told?: false, ending: ending}} <- streams.outputs,
        reader != nil and ending != :closed,
        uniq: true,
        do: reader
  end

  @doc "A reader is gone, and need not be told of anything."
  @spec give_up(t(), pid()) :: t()
  def give_up(streams, reader) do
    names = for {name, %{reader: ^reader}} <- streams.outputs, do: name
    told(streams, names)
  end

  @doc """
  Reads up to `max` bytes of a stream, or of whichever of stdout and stderr has some: answers from
  what is there, or waits for it.

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
         :none <- answer(streams, reader) do
      {streams, demands} = ask(%{streams | readers: streams.readers ++ [reader]}, reader.names)
      {streams, [{:watch, from, timeout} | demands]}
    else
      {:error, reason} -> {streams, [{:reply, from, {:error, reason}}]}
      {answer, streams} -> {streams, [{:reply, from, answer}]}
    end
  end

  @doc "Takes what has come of a stream; `:error` when nobody asked for that much."
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

  @doc "Closes a stream from this side: what it wrote and writes is not wanted."
  @spec close(t(), stream()) :: {t(), effects()}
  def close(streams, name) do
    output = Map.fetch!(streams.outputs, name)
    sends = if output.ending == nil, do: [{:send, {:close, name}}], else: []
    {streams, effects} = serve(put(streams, name, Output.finish(output, :closed)), name)
    {streams, sends ++ effects}
  end

  @doc "Closes the streams in active mode, whose receiver is gone."
  @spec close_active(t()) :: {t(), effects()}
  def close_active(streams) do
    each(streams, active(streams), &close/2)
  end

  @doc """
  Sets the mode of the named streams. A count is added to the one that is left, as in `:inet.setopts/2`.
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

  @doc "Takes a reader back, who is to have no answer; `:error` when there is none."
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
    if Enum.any?(names, &(streams.outputs[&1].active != false)),
      do: {:error, :active},
      else: :ok
  end

  defp note_reader(streams, reader) do
    Enum.reduce(reader.names, streams, fn name, streams ->
      put(streams, name, %{streams.outputs[name] | reader: elem(reader.from, 0)})
    end)
  end

  # What has changed of a stream may be news to those who wait, then to the receiver.
  defp serve(streams, name) do
    {streams, answers} = serve_readers(streams, name)
    {streams, messages} = serve_receiver(streams, name)
    {streams, demands} = ask(streams, [name])
    {streams, answers ++ messages ++ demands}
  end

  defp serve_readers(%{readers: []} = streams, _name), do: {streams, []}

  defp serve_readers(streams, name) do
    {left, {streams, effects}} =
      Enum.flat_map_reduce(streams.readers, {streams, []}, fn reader, {streams, effects} ->
        case if(name in reader.names, do: answer(streams, reader), else: :none) do
          :none -> {[reader], {streams, effects}}
          {answer, streams} -> {[], {streams, effects ++ reply(reader, answer)}}
        end
      end)

    {%{streams | readers: left}, effects}
  end

  defp reply(reader, answer), do: [{:unwatch, reader.from}, {:reply, reader.from, answer}]

  # The answer to a reader, if there is one by now.
  defp answer(streams, reader) do
    case Enum.find(turns(streams, reader.names), &(streams.outputs[&1].buffered > 0)) do
      nil ->
        endings = for name <- reader.names, do: streams.outputs[name].ending
        if nil in endings, do: :none, else: {ending(endings), told(streams, reader.names)}

      name ->
        {data, output} = Output.take(streams.outputs[name], reader.max)
        {{:ok, labelled(reader, name, data)}, put(%{streams | last: name}, name, output)}
    end
  end

  # With both streams busy neither is starved.
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

  defp last_words(name, :eof), do: {:eof, name}
  defp last_words(name, {:error, error}), do: {:failed, name, error}

  defp count_down(true, _name), do: {true, []}
  defp count_down(:once, _name), do: {false, []}
  defp count_down(1, name), do: {false, [{:message, {:passive, name}}]}
  defp count_down(count, _name), do: {count - 1, []}

  # Asks the agent for what is wanted and not on its way.
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
