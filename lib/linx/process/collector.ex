# SPDX-License-Identifier: MIT

defmodule Linx.Process.Collector do
  @moduledoc false
  # Collects the output of a session for the one call that runs it, in the session's process, so that the
  # call needs one message for all of it. Pure; `Linx.Process.Server` gives it the messages of the streams in
  # active mode.

  alias Linx.Process.{Error, Pipes}

  # `from` is the call that waits, nil before it does; `left` the bytes that may still come; `pending` the streams
  # that have not ended; `ending` nil, :eof, {:error, reason}, or {:refused, reason} when no agent was started;
  # `chunks` has the newest one first.
  @enforce_keys [:left, :pending, :ending]
  defstruct [:from, :left, :pending, :ending, chunks: []]

  @type ending :: nil | :eof | {:refused, term()} | {:error, Error.t() | :no_process}
  @type t :: %__MODULE__{
          from: GenServer.from() | nil,
          left: non_neg_integer() | :infinity,
          pending: [Linx.Process.Streams.stream()],
          ending: ending(),
          chunks: [{Linx.Process.Streams.stream(), binary()}]
        }

  @doc "A collector of at most `max` bytes of a session's streams, which are all in active mode."
  @spec new(Pipes.t(), non_neg_integer() | :infinity) :: t()
  def new(pipes, max) do
    pending = Pipes.active(pipes)
    %__MODULE__{left: max, pending: pending, ending: if(pending == [], do: :eof)}
  end

  @doc """
  Takes a message of a stream. One that comes after the collector's end is dropped.

      iex> alias Linx.Process.Collector
      iex> collector = %Collector{left: 4, pending: [:stdout], ending: nil}
      iex> collector = Collector.message(collector, {:stdout, "abc"})
      iex> {collector.left, collector.ending, Collector.message(collector, {:eof, :stdout}).ending}
      {1, nil, :eof}
      iex> collector = Collector.message(collector, {:stdout, "de"})
      iex> {:error, error} = collector.ending
      iex> {error.stage, Collector.chunks(collector)}
      {:max_output, [stdout: "abc", stdout: "d"]}
  """
  @spec message(t(), tuple()) :: t()
  def message(%__MODULE__{ending: ending} = collector, _message) when ending != nil, do: collector

  def message(collector, {:eof, name}) do
    pending = List.delete(collector.pending, name)
    %{collector | pending: pending, ending: if(pending == [], do: :eof)}
  end

  def message(collector, {:failed, _name, error}), do: %{collector | ending: {:error, error}}

  def message(%{left: :infinity} = collector, chunk),
    do: %{collector | chunks: [chunk | collector.chunks]}

  def message(%{left: left} = collector, {name, data}) when byte_size(data) > left,
    do: %{
      add(collector, {name, binary_part(data, 0, left)})
      | ending: {:error, Error.new(:max_output, :enobufs)}
    }

  def message(collector, chunk), do: add(collector, chunk)

  defp add(%{left: left} = collector, {_name, data} = chunk),
    do: %{collector | left: left - byte_size(data), chunks: [chunk | collector.chunks]}

  @doc "What was collected, in the order in which it came."
  @spec chunks(t()) :: [{Linx.Process.Streams.stream(), binary()}]
  def chunks(collector), do: Enum.reverse(collector.chunks)
end
