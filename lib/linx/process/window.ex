# SPDX-License-Identifier: MIT

defmodule Linx.Process.Window do
  @moduledoc false
  # The bytes that are being written to one of the workload's inputs, standard input or the terminal. Pure.
  #
  # At most 1 MiB is unacknowledged at any time, because the agent queues that much before it stops reading its
  # commands: so it always reads a signal that is sent behind the data. The rest waits here, in the order of the
  # calls.

  alias Linx.Agent.Wire

  # The most bytes in a frame: the agent reads a command between two pieces after at most that much data.
  @piece 64 * 1024
  @window Wire.data_max()

  # `unsent` holds a writer with the bytes that have not been sent, `unacknowledged` a writer with the
  # count of sent bytes at which its own end.
  defstruct unsent: :queue.new(),
            unsent_bytes: 0,
            sent: 0,
            acknowledged: 0,
            unacknowledged: :queue.new()

  @type writer :: term()
  @type t :: %__MODULE__{
          unsent: :queue.queue({writer(), binary()}),
          unsent_bytes: non_neg_integer(),
          sent: non_neg_integer(),
          acknowledged: non_neg_integer(),
          unacknowledged: :queue.queue({writer(), non_neg_integer()})
        }

  @doc """
  Adds a writer's bytes behind the unsent ones.

      iex> Linx.Process.Window.push(%Linx.Process.Window{}, :writer, "ls\\n").unsent_bytes
      3
  """
  @spec push(t(), writer(), binary()) :: t()
  def push(window, _writer, <<>>), do: window

  def push(window, writer, data) do
    %{
      window
      | unsent: :queue.in({writer, data}, window.unsent),
        unsent_bytes: window.unsent_bytes + byte_size(data)
    }
  end

  @doc """
  Takes what may be sent now, in pieces of up to 64 KiB; no piece has bytes of two writers.

      iex> alias Linx.Process.Window
      iex> {pieces, window} = %Window{} |> Window.push(:writer, "ls\\n") |> Window.take()
      iex> {pieces, window.unsent_bytes, window.sent}
      {["ls\\n"], 0, 3}
  """
  @spec take(t()) :: {[binary()], t()}
  def take(window), do: take(window, [])

  defp take(%{unsent_bytes: 0} = window, taken), do: {Enum.reverse(taken), window}

  defp take(%{sent: sent, acknowledged: acknowledged} = window, taken)
       when sent - acknowledged >= @window,
       do: {Enum.reverse(taken), window}

  defp take(window, taken) do
    {{:value, {writer, data}}, rest} = :queue.out(window.unsent)
    size = Enum.min([byte_size(data), @piece, @window - (window.sent - window.acknowledged)])
    <<piece::binary-size(size), left::binary>> = data
    sent = window.sent + size
    window = %{window | sent: sent, unsent_bytes: window.unsent_bytes - size}

    window =
      if left == <<>>,
        do: %{
          window
          | unsent: rest,
            unacknowledged: :queue.in({writer, sent}, window.unacknowledged)
        },
        else: %{window | unsent: :queue.in_r({writer, left}, rest)}

    take(window, [piece | taken])
  end

  @doc """
  Notes that the kernel has taken `bytes` more. Returns the writers all of whose bytes it has by now;
  `:error` when that is more than was sent.

      iex> alias Linx.Process.Window
      iex> {_pieces, window} = %Window{} |> Window.push(:writer, "ls\\n") |> Window.take()
      iex> {:ok, [:writer], _window} = Window.acknowledge(window, 3)
      iex> Window.acknowledge(window, 4)
      :error
  """
  @spec acknowledge(t(), non_neg_integer()) :: {:ok, [writer()], t()} | :error
  def acknowledge(%{sent: sent, acknowledged: acknowledged}, bytes)
      when acknowledged + bytes > sent,
      do: :error

  def acknowledge(window, bytes),
    do: written(%{window | acknowledged: window.acknowledged + bytes}, [])

  defp written(window, writers) do
    case :queue.peek(window.unacknowledged) do
      {:value, {writer, position}} when position <= window.acknowledged ->
        written(
          %{window | unacknowledged: :queue.drop(window.unacknowledged)},
          [writer | writers]
        )

      _none ->
        {:ok, Enum.reverse(writers), window}
    end
  end

  @doc "Every writer with bytes that the kernel does not have yet, in the order of the calls."
  @spec writers(t()) :: [writer()]
  def writers(window) do
    for {writer, _} <- :queue.to_list(window.unacknowledged) ++ :queue.to_list(window.unsent),
        do: writer
  end

  @doc "Whether there is no such writer."
  @spec idle?(t()) :: boolean()
  def idle?(window), do: :queue.is_empty(window.unacknowledged) and :queue.is_empty(window.unsent)

  @doc "Drops a writer and those of its bytes that have not been sent; `:error` when there is none."
  @spec drop(t(), writer()) :: {:ok, t()} | :error
  def drop(window, writer) do
    unsent = without(window.unsent, writer)
    unacknowledged = without(window.unacknowledged, writer)

    if unsent == window.unsent and unacknowledged == window.unacknowledged,
      do: :error,
      else: {:ok, count(%{window | unsent: unsent, unacknowledged: unacknowledged})}
  end

  defp without(queue, writer) do
    if :queue.any(&match?({^writer, _}, &1), queue),
      do: :queue.filter(&(not match?({^writer, _}, &1)), queue),
      else: queue
  end

  defp count(window) do
    bytes = for {_writer, data} <- :queue.to_list(window.unsent), do: byte_size(data)
    %{window | unsent_bytes: Enum.sum(bytes)}
  end

  @doc "Drops all writers, and what has not been sent; what has been may still be acknowledged."
  @spec clear(t()) :: t()
  def clear(window),
    do: %{window | unsent: :queue.new(), unsent_bytes: 0, unacknowledged: :queue.new()}
end
