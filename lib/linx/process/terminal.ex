# SPDX-License-Identifier: MIT

defmodule Linx.Process.Terminal do
  @moduledoc false
  # The workload's terminal, whose master the agent has open: its size, its input, and how much of its output
  # has been asked for. Pure, and part of `Linx.Process.Session`.
  #
  # The functions return `{terminal, effects}`, with effects as `Linx.Process.Session` has them.

  alias Linx.Process.Window

  # Bytes of output that are asked for ahead; more are asked for when half of them have arrived. The owner
  # receives all output as events without asking for it, and output that the agent has not been asked for when
  # the workload ends would arrive after the final event. So the demand is too large to be used up.
  @demand 1024 * 1024 * 1024

  # Bytes of unsent input above which a writer waits for its reply.
  @high_water 4 * 1024 * 1024

  # `size` is the command of a size that was set before there was a process to apply it to; `writers` wait for
  # fewer unsent bytes, the newest first; `demanded` bytes of output were asked for and have not arrived.
  defstruct size: nil, input: %Window{}, writers: [], demanded: @demand

  @type size :: {:pty_winsize, {0..65535, 0..65535, 0..65535, 0..65535}}
  @type t :: %__MODULE__{
          size: size() | nil,
          input: Window.t(),
          writers: [GenServer.from()],
          demanded: non_neg_integer()
        }
  @type request :: :pty_master | size() | {:pty_write, binary()}
  @type effects :: [Linx.Process.Session.effect()]

  @doc "How many bytes of output a request asks for."
  @spec demand() :: pos_integer()
  def demand, do: @demand

  @doc """
  Carries out a caller's request to the terminal; `nil` is the terminal of a session without one.

  A size is sent to a workload that runs, and kept for one that does not run yet. A write is replied to
  at once, or when no more than 4 MiB are unsent.

      iex> alias Linx.Process.Terminal
      iex> from = {self(), :tag}
      iex> {_terminal, effects} = Terminal.call(%Terminal{}, :running, from, {:pty_write, "ls\\n"})
      iex> effects
      [{:send, {:pty_in, "ls\\n"}}, {:reply, from, :ok}]
      iex> {nil, effects} = Terminal.call(nil, :running, from, {:pty_write, "ls\\n"})
      iex> effects
      [{:reply, from, {:error, :no_pty}}]
  """
  @spec call(t() | nil, Linx.Process.Info.state(), GenServer.from(), request()) ::
          {t() | nil, effects()}
  def call(nil, _state, from, _request), do: {nil, [{:reply, from, {:error, :no_pty}}]}
  def call(terminal, _state, from, :pty_master), do: {terminal, [{:reply, from, :ok}]}

  def call(terminal, :running, from, {:pty_winsize, _} = command),
    do: {terminal, [{:send, command}, {:reply, from, :ok}]}

  def call(terminal, _state, from, {:pty_winsize, _} = command),
    do: {%{terminal | size: command}, [{:reply, from, :ok}]}

  def call(terminal, :running, from, {:pty_write, data}) do
    {terminal, sends} = send_more(%{terminal | input: Window.push(terminal.input, from, data)})

    if full?(terminal),
      do: {%{terminal | writers: [from | terminal.writers]}, sends},
      else: {terminal, sends ++ [{:reply, from, :ok}]}
  end

  def call(terminal, _state, from, {:pty_write, _data}),
    do: {terminal, [{:reply, from, {:error, :not_running}}]}

  @doc """
  Sends the size that was kept, and keeps none.

      iex> alias Linx.Process.Terminal
      iex> command = {:pty_winsize, {24, 80, 0, 0}}
      iex> {terminal, [send: ^command]} = Terminal.send_size(%Terminal{size: command})
      iex> Terminal.send_size(terminal)
      {%Terminal{}, []}
  """
  @spec send_size(t() | nil) :: {t() | nil, effects()}
  def send_size(nil), do: {nil, []}
  def send_size(%{size: nil} = terminal), do: {terminal, []}
  def send_size(%{size: command} = terminal), do: {%{terminal | size: nil}, [{:send, command}]}

  @doc "Notes that the kernel has taken `bytes` more of the input; `:error` when that is more than was sent."
  @spec written(t(), non_neg_integer()) :: {:ok, {t(), effects()}} | :error
  def written(terminal, bytes) do
    with {:ok, _writers, input} <- Window.acknowledge(terminal.input, bytes) do
      {terminal, sends} = send_more(%{terminal | input: input})
      {terminal, replies} = if full?(terminal), do: {terminal, []}, else: release(terminal, :ok)
      {:ok, {terminal, sends ++ replies}}
    end
  end

  @doc "Notes `bytes` of output, and asks for more when half of what is asked for ahead has arrived."
  @spec shown(t(), non_neg_integer()) :: {t(), effects()}
  def shown(%{demanded: demanded} = terminal, bytes) do
    left = max(demanded - bytes, 0)

    if left > div(@demand, 2),
      do: {%{terminal | demanded: left}, []},
      else: {%{terminal | demanded: @demand}, [{:send, {:demand, :pty, @demand - left}}]}
  end

  @doc "Drops the input that was not sent, because the workload has ended."
  @spec finish(t() | nil) :: {t() | nil, effects()}
  def finish(nil), do: {nil, []}

  def finish(terminal),
    do: release(%{terminal | input: %Window{}}, {:error, :no_process})

  defp release(terminal, result) do
    replies = for from <- Enum.reverse(terminal.writers), do: {:reply, from, result}
    {%{terminal | writers: []}, replies}
  end

  defp full?(terminal), do: terminal.input.unsent_bytes > @high_water

  defp send_more(terminal) do
    {pieces, input} = Window.take(terminal.input)
    {%{terminal | input: input}, Enum.map(pieces, &{:send, {:pty_in, &1}})}
  end
end
