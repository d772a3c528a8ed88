# SPDX-License-Identifier: MIT

defmodule Linx.Process.Stdin do
  @moduledoc false
  # The writes to a workload's standard input. Pure, and part of `Linx.Process.Pipes`.
  #
  # Bytes are sent in the order of the writes, and each writer gets its reply once the kernel has taken all of
  # its bytes; `Linx.Process.Window` bounds the unacknowledged bytes.
  #
  # The functions return `{stdin, effects}`, with effects as `Linx.Process.Session` has them.

  alias Linx.Process.{Error, Window}

  # `state` is :open, :closing (closed once all has been sent), :closed, or {:broken, error}.
  defstruct state: :open, window: %Window{}

  @type t :: %__MODULE__{
          state: :open | :closing | :closed | {:broken, Error.t()},
          window: Window.t()
        }
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
    {stdin, effects} = send_more(%{stdin | window: Window.push(stdin.window, from, data)})
    {stdin, [{:watch, from, timeout} | effects]}
  end

  def write(%{state: {:broken, error}} = stdin, from, _data, _timeout),
    do: {stdin, [{:reply, from, {:error, error}}]}

  def write(stdin, from, _data, _timeout), do: {stdin, [{:reply, from, {:error, :closed}}]}

  @doc "Notes that the kernel has taken `bytes` more; `:error` when that is more than was sent."
  @spec written(t(), non_neg_integer()) :: {:ok, {t(), effects()}} | :error
  def written(stdin, bytes) do
    with {:ok, writers, window} <- Window.acknowledge(stdin.window, bytes) do
      {stdin, sends} = send_more(%{stdin | window: window})
      {:ok, {stdin, reply(writers, :ok) ++ sends}}
    end
  end

  @doc "Closes standard input behind all bytes that were accepted for writing."
  @spec close(t()) :: {t(), effects()}
  def close(%{state: :open} = stdin), do: send_more(%{stdin | state: :closing})
  def close(stdin), do: {stdin, []}

  @doc "No process has it open for reading any more: replies to every writer with the error."
  @spec break(t(), Error.t()) :: {t(), effects()}
  def break(stdin, error) do
    writers = Window.writers(stdin.window)
    state = if stdin.state == :closed and writers == [], do: :closed, else: {:broken, error}
    {%{stdin | state: state, window: Window.clear(stdin.window)}, reply(writers, {:error, error})}
  end

  @doc """
  Drops a writer, which then gets no reply, and those of its bytes that have not been sent. `:error`
  when there is none.
  """
  @spec forget(t(), GenServer.from()) :: {:ok, {t(), effects()}} | :error
  def forget(stdin, from) do
    with {:ok, window} <- Window.drop(stdin.window, from),
         do: {:ok, send_more(%{stdin | window: window})}
  end

  @doc "Whether a writer waits for its reply."
  @spec busy?(t()) :: boolean()
  def busy?(stdin), do: not Window.idle?(stdin.window)

  defp send_more(stdin) do
    {pieces, window} = Window.take(stdin.window)
    sends = for piece <- pieces, do: {:send, {:stdin, piece}}

    if stdin.state == :closing and window.unsent_bytes == 0,
      do: {%{stdin | state: :closed, window: window}, sends ++ [{:send, {:close, :stdin}}]},
      else: {%{stdin | window: window}, sends}
  end

  defp reply(froms, result), do: Enum.flat_map(froms, &[{:unwatch, &1}, {:reply, &1, result}])
end
