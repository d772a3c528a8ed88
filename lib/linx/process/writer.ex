# SPDX-License-Identifier: MIT

defmodule Linx.Process.Writer do
  @moduledoc false
  # Writes many small elements to a session's standard input in few large writes.
  #
  # A write costs the session and its agent a round trip, whatever its size. So elements are gathered while a write
  # is on its way. That takes a process of its own, the writer: the owner, which has the elements, may wait for its
  # next element while the program waits for those gathered. The writer sends what it has when nothing is on its way,
  # or when it has a whole batch, so no element waits for the next one.
  #
  # The owner has a bound to what it gives the writer before the kernel has taken it. An element weighs its bytes and
  # a constant, so that the bound holds for their number as well.

  # Bytes that are written without waiting for the end of the writes before.
  @batch 64 * 1024

  # What an element weighs besides its bytes, and the weight that the owner is ahead of the kernel at most when it
  # goes on: 256 KiB, or 4096 elements.
  @element 64
  @ahead 256 * 1024

  # `monitor` is the owner's of the writer, and marks the messages to the owner; `ahead` is a weight.
  @enforce_keys [:pid, :monitor]
  defstruct [:pid, :monitor, ahead: 0]

  @type t :: %__MODULE__{pid: pid(), monitor: reference(), ahead: non_neg_integer()}
  @type error ::
          Linx.Process.Error.t()
          | :closed
          | :not_piped
          | :no_process
          | :nodedown
          | {:killed, term()}

  @doc "Starts a writer, which ends with the calling process, its owner."
  @spec start(Linx.Process.session()) :: t()
  def start(session) do
    owner = self()
    {pid, monitor} = spawn_monitor(fn -> run(session, owner) end)
    send(pid, {:monitor, monitor})
    %__MODULE__{pid: pid, monitor: monitor}
  end

  @doc """
  Gives the writer an element, and waits while too much of what it was given is not in the kernel yet.

  An error is that of a write before this one; the writer has ended then.
  """
  @spec write(t(), binary()) :: {:ok, t()} | {:error, error()}
  def write(writer, data) do
    send(writer.pid, data)
    settle(%{writer | ahead: writer.ahead + byte_size(data) + @element})
  end

  defp settle(%{monitor: monitor, ahead: ahead} = writer) do
    receive do
      {^monitor, :taken, weight} -> settle(%{writer | ahead: ahead - weight})
      {:DOWN, ^monitor, :process, _pid, reason} -> {:error, error(reason)}
    after
      if(ahead > @ahead, do: :infinity, else: 0) -> {:ok, writer}
    end
  end

  @doc "Waits until the kernel has taken everything; the writer has ended then."
  @spec finish(t()) :: :ok | {:error, error()}
  def finish(%{pid: pid, monitor: monitor}) do
    send(pid, :finish)

    receive do
      {:DOWN, ^monitor, :process, _pid, reason} ->
        drop_taken(monitor)
        if reason == :normal, do: :ok, else: {:error, error(reason)}
    end
  end

  @doc "As `finish/1`, also for a writer that has ended before with an error, which is not returned again."
  @spec halt(t()) :: :ok
  def halt(%{pid: pid, monitor: monitor}) do
    Process.demonitor(monitor, [:flush])
    again = Process.monitor(pid)
    send(pid, :finish)

    receive do
      {:DOWN, ^again, :process, _pid, _reason} -> drop_taken(monitor)
    end
  end

  defp drop_taken(monitor) do
    receive do
      {^monitor, :taken, _weight} -> drop_taken(monitor)
    after
      0 -> :ok
    end
  end

  defp error({:shutdown, {__MODULE__, error}}), do: error
  defp error(reason), do: {:killed, reason}

  ## The writer's process

  # `writes` are those of which the kernel has not taken all: their requests with the weight of their elements, of which
  # the first is the oldest. `gathered` are the bytes of `count` elements that were not written yet. They are no part of
  # `state`, because they change with each element.
  defp run(session, owner) do
    Process.monitor(owner)

    receive do
      {:monitor, monitor} ->
        state = %{session: session, owner: owner, monitor: monitor, finish?: false}
        loop("", 0, :queue.new(), state)

      {:DOWN, _monitor, :process, ^owner, _reason} ->
        :ok
    end
  end

  defp loop(gathered, count, writes, state) do
    receive do
      data when is_binary(data) and count == 0 ->
        flush(data, 1, writes, state)

      # Appending to the binary that was made last needs no copy of it.
      data when is_binary(data) ->
        flush(<<gathered::binary, data::binary>>, count + 1, writes, state)

      :finish ->
        flush(gathered, count, writes, %{state | finish?: true})

      {:DOWN, _monitor, :process, owner, _reason} when owner == state.owner ->
        :ok

      message ->
        flush(gathered, count, reply(message, writes, state), state)
    end
  end

  defp flush(gathered, count, writes, state) do
    idle? = :queue.is_empty(writes)

    cond do
      count > 0 and (idle? or byte_size(gathered) >= @batch) ->
        write = :gen_server.send_request(state.session, {:write, gathered, :infinity})
        weight = byte_size(gathered) + count * @element
        loop("", 0, :queue.in({write, weight}, writes), state)

      idle? and state.finish? ->
        :ok

      true ->
        loop(gathered, count, writes, state)
    end
  end

  # Writes are replied to in their order.
  defp reply(message, writes, state) do
    with {:value, {write, weight}} <- :queue.peek(writes),
         {:reply, result} <- :gen_server.check_response(message, write) do
      if result != :ok, do: fail(elem(result, 1))
      send(state.owner, {state.monitor, :taken, weight})
      :queue.drop(writes)
    else
      {:error, {:noconnection, _session}} -> fail(:nodedown)
      {:error, _reason} -> fail(:no_process)
      _no_reply -> writes
    end
  end

  @spec fail(error()) :: no_return()
  defp fail(error), do: exit({:shutdown, {__MODULE__, error}})
end
