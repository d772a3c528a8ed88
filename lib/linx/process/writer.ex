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

  # The owner learns what the kernel has taken from `:atomics`, because a message for each write would have it search
  # its mailbox, which may hold any number of other messages. The first is the weight that was taken, the second one of
  # these: whether the owner waits for a message, and whether the writer has failed.
  @taken 1
  @state 2
  @free 0
  @waits 1
  @failed 2

  # `monitor` is the owner's of the writer, and marks the message to the owner; `given` is a weight.
  @enforce_keys [:pid, :monitor, :shared]
  defstruct [:pid, :monitor, :shared, given: 0]

  @type t :: %__MODULE__{
          pid: pid(),
          monitor: reference(),
          shared: :atomics.atomics_ref(),
          given: non_neg_integer()
        }
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
    shared = :atomics.new(2, signed: false)
    {pid, monitor} = spawn_monitor(fn -> run(session, owner, shared) end)
    send(pid, {:monitor, monitor})
    %__MODULE__{pid: pid, monitor: monitor, shared: shared}
  end

  @doc """
  Gives the writer an element, and waits while too much of what it was given is not in the kernel yet.

  An error is that of a write before this one; the writer has ended then.
  """
  @spec write(t(), binary()) :: {:ok, t()} | {:error, error()}
  def write(writer, data) do
    send(writer.pid, data)
    settle(%{writer | given: writer.given + byte_size(data) + @element})
  end

  defp settle(%{shared: shared} = writer) do
    cond do
      :atomics.get(shared, @state) == @failed -> await(writer)
      ahead?(writer) -> wait(writer)
      true -> {:ok, writer}
    end
  end

  defp ahead?(%{shared: shared, given: given}), do: given - :atomics.get(shared, @taken) > @ahead

  # The kernel may have taken it before the writer knew that the owner waits; a message that is on its way then is
  # taken out of the mailbox as well.
  defp wait(%{shared: shared} = writer) do
    with :ok <- :atomics.compare_exchange(shared, @state, @free, @waits),
         false <- ahead?(writer),
         :ok <- :atomics.compare_exchange(shared, @state, @waits, @free) do
      {:ok, writer}
    else
      _ahead_told_or_failed -> await(writer)
    end
  end

  defp await(%{monitor: monitor} = writer) do
    receive do
      {^monitor, :taken} -> settle(writer)
      {:DOWN, ^monitor, :process, _pid, reason} -> {:error, error(reason)}
    end
  end

  @doc "Waits until the kernel has taken everything; the writer has ended then."
  @spec finish(t()) :: :ok | {:error, error()}
  def finish(%{pid: pid, monitor: monitor}) do
    send(pid, :finish)

    receive do
      {:DOWN, ^monitor, :process, _pid, :normal} -> :ok
      {:DOWN, ^monitor, :process, _pid, reason} -> {:error, error(reason)}
    end
  end

  @doc "As `finish/1`, also for a writer that has ended before with an error, which is not returned again."
  @spec halt(t()) :: :ok
  def halt(%{pid: pid, monitor: monitor}) do
    Process.demonitor(monitor, [:flush])
    again = Process.monitor(pid)
    send(pid, :finish)

    receive do
      {:DOWN, ^again, :process, _pid, _reason} -> :ok
    end
  end

  defp error({:shutdown, {__MODULE__, error}}), do: error
  defp error(reason), do: {:killed, reason}

  ## The writer's process

  # `writes` are those of which the kernel has not taken all: their requests with the weight of their elements, of which
  # the first is the oldest. `gathered` are the bytes of `count` elements that were not written yet. They are no part of
  # `state`, because they change with each element.
  defp run(session, owner, shared) do
    Process.monitor(owner)

    receive do
      {:monitor, monitor} ->
        state = %{
          session: session,
          owner: owner,
          shared: shared,
          monitor: monitor,
          finish?: false
        }

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
      if result != :ok, do: fail(elem(result, 1), state)
      taken(weight, state)
      :queue.drop(writes)
    else
      {:error, {:noconnection, _session}} -> fail(:nodedown, state)
      {:error, _reason} -> fail(:no_process, state)
      _no_reply -> writes
    end
  end

  defp taken(weight, %{shared: shared} = state) do
    :atomics.add(shared, @taken, weight)

    if :atomics.compare_exchange(shared, @state, @waits, @free) == :ok,
      do: send(state.owner, {state.monitor, :taken})
  end

  @spec fail(error(), map()) :: no_return()
  defp fail(error, state) do
    :atomics.put(state.shared, @state, @failed)
    exit({:shutdown, {__MODULE__, error}})
  end
end
