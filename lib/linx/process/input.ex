defmodule Linx.Process.Input do
  @moduledoc """
  Bytes on their way to the workload: what the agent has not been sent yet, and how much it has not
  acknowledged.

  No more than 1 MiB is ever unacknowledged. The agent queues that much without blocking, so that a
  signal sent behind it is never stuck.
  """

  alias Linx.Agent.Wire

  # Pieces are small enough for a command sent in between to be soon read.
  @piece 64 * 1024
  @window Wire.data_max()

  # Writers are held up while more than this waits to be sent.
  @high_water 4 * 1024 * 1024

  defstruct pieces: :queue.new(), waiting: 0, unacknowledged: 0

  @type t :: %__MODULE__{
          pieces: :queue.queue(binary()),
          waiting: non_neg_integer(),
          unacknowledged: non_neg_integer()
        }

  @doc """
  Adds bytes behind those that wait.

      iex> Linx.Process.Input.push(%Linx.Process.Input{}, "ls\\n").waiting
      3
  """
  @spec push(t(), binary()) :: t()
  def push(%__MODULE__{} = input, <<>>), do: input

  def push(%__MODULE__{} = input, data),
    do: %{input | pieces: :queue.in(data, input.pieces), waiting: input.waiting + byte_size(data)}

  @doc """
  Takes what may be sent now, in pieces of up to 64 KiB.

      iex> alias Linx.Process.Input
      iex> {pieces, input} = %Input{} |> Input.push("ls\\n") |> Input.take()
      iex> {pieces, input.waiting, input.unacknowledged}
      {["ls\\n"], 0, 3}
  """
  @spec take(t()) :: {[binary()], t()}
  def take(%__MODULE__{} = input), do: take(input, [])

  defp take(%{waiting: 0} = input, taken), do: {Enum.reverse(taken), input}

  defp take(%{unacknowledged: unacknowledged} = input, taken) when unacknowledged >= @window,
    do: {Enum.reverse(taken), input}

  defp take(input, taken) do
    {{:value, head}, rest} = :queue.out(input.pieces)
    size = Enum.min([byte_size(head), @piece, @window - input.unacknowledged])
    <<piece::binary-size(size), left::binary>> = head

    take(
      %{
        input
        | pieces: if(left == <<>>, do: rest, else: :queue.in_r(left, rest)),
          waiting: input.waiting - size,
          unacknowledged: input.unacknowledged + size
      },
      [piece | taken]
    )
  end

  @doc """
  Notes that the kernel has taken `bytes` more; `:error` when that is more than was sent.

      iex> Linx.Process.Input.acknowledge(%Linx.Process.Input{}, 1)
      :error
  """
  @spec acknowledge(t(), non_neg_integer()) :: {:ok, t()} | :error
  def acknowledge(%__MODULE__{unacknowledged: sent} = input, bytes) when bytes <= sent,
    do: {:ok, %{input | unacknowledged: sent - bytes}}

  def acknowledge(%__MODULE__{}, _bytes), do: :error

  @doc """
  Whether a writer has to wait.

      iex> Linx.Process.Input.full?(%Linx.Process.Input{})
      false
  """
  @spec full?(t()) :: boolean()
  def full?(%__MODULE__{waiting: waiting}), do: waiting > @high_water
end
