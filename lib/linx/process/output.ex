# SPDX-License-Identifier: MIT

defmodule Linx.Process.Output do
  @moduledoc false
  # One stream of a workload's output: the bytes that were asked for and have not arrived, those that have
  # arrived and were not read, and how the stream ended. Pure; `Linx.Process.Streams` decides which reader gets
  # them.

  # A piece that is cut off a binary is copied when the binary is this many times larger, because the piece
  # would keep all of the binary in memory.
  @waste 4

  # `ending` is nil, :eof, :closed (by `Linx.Process.close/2`) or {:error, error}; `active` is the option's
  # value or `:unread`; `reader` is the process that read last; `told?` is whether a reader or the receiver knows of the
  # ending.
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
          active: boolean() | :once | pos_integer() | :unread,
          reader: pid() | nil,
          told?: boolean()
        }

  @doc """
  Adds bytes that have arrived. `:error` when they were not asked for, or arrive after the end. Bytes that
  arrive after the stream was closed by `finish/2` with `:closed` are dropped.

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

  @doc "Ends the stream, if it has not ended. `:closed` drops the bytes that were not read."
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

  @doc "Whether the stream has ended and all of it was read."
  @spec finished?(t()) :: boolean()
  def finished?(%__MODULE__{ending: ending, buffered: buffered}),
    do: ending != nil and buffered == 0

  defp compact(data) do
    if byte_size(data) * @waste < :binary.referenced_byte_size(data),
      do: :binary.copy(data),
      else: data
  end
end
