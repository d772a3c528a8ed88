defmodule Linx.Process.Stdin do
  @moduledoc """
  What is being written to a workload's standard input: pure, and part of `Linx.Process.Session`.

  No more than 1 MiB is ever unacknowledged: so much the agent queues without blocking, and a signal
  sent behind it is never stuck. The rest waits with its writers, first come first served. Each
  is answered once the kernel has taken all of its bytes.

  The functions answer `{stdin, effects}`, with effects as `Linx.Process.Session` has them.
  """

  alias Linx.Agent.Wire
  alias Linx.Process.Error

  # Pieces are small enough for a command sent in between to be soon read.
  @piece 64 * 1024
  @window Wire.data_max()

  # Writers whose bytes are with the agent, by the count of bytes at which theirs end, and writers with
  # what is left of theirs. `state` is :open, :closing (closed once all has been sent), :closed, or
  # {:broken, error}.
  defstruct state: :open, sent: 0, written: 0, sending: :queue.new(), waiting: :queue.new()

  @type t :: %__MODULE__{}
  @type effects :: [Linx.Process.Session.effect()]

  @doc """
  Takes bytes to write.

      iex> alias Linx.Process.Stdin
      iex> {stdin, effects} = Stdin.write(%Stdin{}, {self(), :tag}, "ls\\n", :infinity)
      iex> effects
      [{:watch, {self(), :tag}, :infinity}, {:send, {:stdin, "ls\\n"}}]
      iex> {:ok, {_stdin, effects}} = Stdin.written(stdin, 3)
      iex> effects
      [{:unwatch, {self(), :tag}}, {:reply, {self(), :tag}, :ok}]
  """
  @spec write(t(), GenServer.from(), binary(), timeout()) :: {t(), effects()}
  def write(%{state: :open} = stdin, from, <<>>, _timeout), do: {stdin, [{:reply, from, :ok}]}

  def write(%{state: :open} = stdin, from, data, timeout) do
    {stdin, effects} = send_more(%{stdin | waiting: :queue.in({from, data}, stdin.waiting)})
    {stdin, [{:watch, from, timeout} | effects]}
  end

  def write(%{state: {:broken, error}} = stdin, from, _data, _timeout),
    do: {stdin, [{:reply, from, {:error, error}}]}

  def write(stdin, from, _data, _timeout), do: {stdin, [{:reply, from, {:error, :closed}}]}

  @doc "Notes that the kernel has taken `bytes` more; `:error` when that is more than was sent."
  @spec written(t(), non_neg_integer()) :: {:ok, {t(), effects()}} | :error
  def written(%{sent: sent, written: written}, bytes) when written + bytes > sent, do: :error

  def written(stdin, bytes) do
    {stdin, answers} = answer(%{stdin | written: stdin.written + bytes}, [])
    {stdin, sends} = send_more(stdin)
    {:ok, {stdin, answers ++ sends}}
  end

  defp answer(stdin, answers) do
    case :queue.peek(stdin.sending) do
      {:value, {from, position}} when position <= stdin.written ->
        answer(%{stdin | sending: :queue.drop(stdin.sending)}, [from | answers])

      _none ->
        {stdin, answers |> Enum.reverse() |> reply(:ok)}
    end
  end

  @doc "Closes it behind all that has been taken."
  @spec close(t()) :: {t(), effects()}
  def close(%{state: :open} = stdin), do: send_more(%{stdin | state: :closing})
  def close(stdin), do: {stdin, []}

  @doc "Nobody reads it any more: answers those that write with the reason."
  @spec break(t(), Error.t()) :: {t(), effects()}
  def break(stdin, error) do
    froms =
      for {from, _} <- :queue.to_list(stdin.sending) ++ :queue.to_list(stdin.waiting), do: from

    state = if stdin.state == :closed and froms == [], do: :closed, else: {:broken, error}

    {%{stdin | state: state, sending: :queue.new(), waiting: :queue.new()},
     reply(froms, {:error, error})}
  end

  @doc """
  Takes a writer back, who is to have no answer. What has not been sent of its bytes is dropped.
  `:error` when there is none.
  """
  @spec forget(t(), GenServer.from()) :: {:ok, {t(), effects()}} | :error
  def forget(stdin, from) do
    sending = without(stdin.sending, from)
    waiting = without(stdin.waiting, from)

    if sending == stdin.sending and waiting == stdin.waiting,
      do: :error,
      else: {:ok, send_more(%{stdin | sending: sending, waiting: waiting})}
  end

  @doc "Whether anybody waits for an answer."
  @spec busy?(t()) :: boolean()
  def busy?(stdin), do: not (:queue.is_empty(stdin.sending) and :queue.is_empty(stdin.waiting))

  defp without(queue, from) do
    if :queue.any(&match?({^from, _}, &1), queue),
      do: :queue.filter(&(not match?({^from, _}, &1)), queue),
      else: queue
  end

  defp send_more(stdin, sends \\ []) do
    room = min(@piece, @window - (stdin.sent - stdin.written))

    case :queue.peek(stdin.waiting) do
      {:value, {from, data}} when room > 0 ->
        {stdin, piece} = send_piece(stdin, from, data, min(room, byte_size(data)))
        send_more(stdin, [{:send, {:stdin, piece}} | sends])

      :empty when stdin.state == :closing ->
        {%{stdin | state: :closed}, Enum.reverse([{:send, {:close, :stdin}} | sends])}

      _full_or_empty ->
        {stdin, Enum.reverse(sends)}
    end
  end

  defp send_piece(stdin, from, data, size) do
    <<piece::binary-size(size), rest::binary>> = data
    stdin = %{stdin | sent: stdin.sent + size, waiting: :queue.drop(stdin.waiting)}

    stdin =
      if rest == <<>>,
        do: %{stdin | sending: :queue.in({from, stdin.sent}, stdin.sending)},
        else: %{stdin | waiting: :queue.in_r({from, rest}, stdin.waiting)}

    {stdin, piece}
  end

  defp reply(froms, answer), do: Enum.flat_map(froms, &[{:unwatch, &1}, {:reply, &1, answer}])
end
