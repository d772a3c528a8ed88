defmodule Linx.Process.Output do
  @moduledoc false
  # One stream of a workload's output: what was asked for and has not come, what has come and was not
  # taken, and how it ended. Pure; `Linx.Process.Streams` decides who gets it.

  # A piece that is cut off a binary this much larger would keep all of it alive.
  @waste 4

  # `ending` is nil, :eof, :closed (from this side) or {:error, error}; `active` as `:active` has it;
  # `reader` is who asked for some of it last, and `told?` when somebody has been told of the ending.
  defstruct buffer: :queue.new(),
            buffered: 0,
            demanded: 0,
            ending: nil,
            active: false,
            reader: nil,
            told?: false

  @type ending :: nil | :eof | :closed | {:error, Linx.Process.Error.t() | :no_process}
  @type t :: %__MODULE__{
          buffer: :queue.queue(binary()),
          buffered: non_neg_integer(),
          demanded: non_neg_integer(),
          ending: ending(),
          active: boolean() | :once | pos_integer(),
          reader: pid() | nil,
          told?: boolean()
        }

  @doc """
  Adds what has come. `:error` when it was not asked for, or comes after the end; what was on its way
  when the stream was closed from this side is dropped.

      iex> alias Linx.Process.Output
      iex> {:ok, output} = Output.push(%Output{demanded: 5}, "abc")
      iex> {output.demanded, output.buffered}
      {2, 3}
      iex> Output.push(output, "abc")
      :error
  """
  @spec push(t(), binary()) :: {:ok, t()} | :error
  def push(%__MODULE__{ending: :closed} = output, _data), do: {:ok, output}

  def push(%__MODULE__{ending: nil, demanded: demanded} = output, data)
      when byte_size(data) <= demanded and data != <<>> do
    {:ok,
     %{
       output
       | buffer: :queue.in(data, output.buffer),
         buffered: output.buffered + byte_size(data),
         demanded: demanded - byte_size(data)
     }}
  end

  def push(%__MODULE__{}, _data), do: :error

  @doc """
  Takes up to `max` bytes of a buffer that is not empty.

      iex> alias Linx.Process.Output
      iex> {:ok, output} = Output.push(%Output{demanded: 5}, "abc")
      iex> {data, output} = Output.take(output, 2)
      iex> {data, output.buffered}
      {"ab", 1}
  """
  @spec take(t(), pos_integer()) :: {binary(), t()}
  def take(%__MODULE__{buffered: buffered} = output, max) when buffered > 0 do
    {{:value, head}, rest} = :queue.out(output.buffer)

    if byte_size(head) <= max do
      {head, %{output | buffer: rest, buffered: buffered - byte_size(head)}}
    else
      <<data::binary-size(max), left::binary>> = head
      buffer = :queue.in_r(compact(left), rest)
      {compact(data), %{output | buffer: buffer, buffered: buffered - max}}
    end
  end

  @doc "Ends the stream, if it has not ended. Closing it drops what was not taken."
  @spec finish(t(), ending()) :: t()
  def finish(%__MODULE__{} = output, :closed),
    do: %{
      output
      | ending: :closed,
        buffer: :queue.new(),
        buffered: 0,
        active: false,
        told?: true
    }

  def finish(%__MODULE__{ending: nil} = output, ending), do: %{output | ending: ending}
  def finish(%__MODULE__{} = output, _ending), do: output

  @doc "Whether it has ended and everything was taken."
  @spec finished?(t()) :: boolean()
  def finished?(%__MODULE__{ending: ending, buffered: buffered}),
    do: ending != nil and buffered == 0

  defp compact(data) do
    if byte_size(data) * @waste < :binary.referenced_byte_size(data),
      do: :binary.copy(data),
      else: data
  end
end
