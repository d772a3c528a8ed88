# SPDX-License-Identifier: MIT

defmodule Linx.Call.Feeder do
  @moduledoc false
  # A process that writes a call's input to its program, at the pace at which the program reads.
  #
  # It is a process of its own because the caller reads the output meanwhile: a program whose output is not
  # read may stop reading its input. The process is linked to the session, and so ends with it.

  # The bytes and the writes that may be unacknowledged. Elements are written without waiting for the previous
  # ones to be read, so that a stream of small elements does not cost a round trip each.
  @window 256 * 1024
  @writes 128

  @type t :: {pid(), reference()}

  @doc "Starts writing; stdin is closed at the end of the input."
  @spec start(binary() | Enumerable.t(), pid()) :: t()
  def start(input, session) do
    callers = [self() | Process.get(:"$callers", [])]

    spawn_monitor(fn ->
      # As Task does: the process on whose behalf the input's code runs.
      Process.put(:"$callers", callers)
      if link(session), do: feed(input, session)
    end)
  end

  # A session that could not be started may have ended already.
  defp link(session) do
    Process.link(session)
  rescue
    _noproc in ErlangError -> false
  end

  @doc """
  What stopped the feeding of a session that has ended: `:ok` unless it was an exception of the input.
  """
  @spec failure(t()) :: :ok | {:error, {:input, :error | :exit | :throw, term(), list()}}
  def failure({pid, monitor}) do
    Process.exit(pid, :kill)

    receive do
      {:DOWN, ^monitor, :process, _pid, {:shutdown, {__MODULE__, kind, reason, stacktrace}}} ->
        {:error, {:input, kind, reason, stacktrace}}

      {:DOWN, ^monitor, :process, _pid, _other} ->
        :ok
    end
  end

  @doc "Ends the feeding of a session that has ended."
  @spec stop(t()) :: :ok
  def stop({pid, monitor}) do
    Process.demonitor(monitor, [:flush])
    Process.exit(pid, :kill)
    gone = Process.monitor(pid)

    receive do
      {:DOWN, ^gone, :process, _pid, _reason} -> :ok
    end
  end

  defp feed(input, session) do
    elements = if is_binary(input), do: [input], else: input
    on_the_way = Enum.reduce(elements, {:queue.new(), 0}, &write(&1, &2, session))
    await_all(on_the_way)
    Linx.Process.close_stdin(session)
  catch
    :throw, {__MODULE__, :unread} -> :ok
    # The session is linked to this process and ends with it.
    kind, reason -> exit({:shutdown, {__MODULE__, kind, reason, __STACKTRACE__}})
  end

  defp write(element, {writes, bytes}, session) do
    data = to_binary(element)
    write = :gen_server.send_request(session, {:write, data, :infinity})
    await({:queue.in({write, byte_size(data)}, writes), bytes + byte_size(data)})
  end

  defp to_binary(element) do
    IO.iodata_to_binary(element)
  rescue
    ArgumentError -> raise ArgumentError, "input is iodata, got an element: #{inspect(element)}"
  end

  # Takes the replies that have arrived, and waits for one while more than the bounds allow is unacknowledged.
  defp await({writes, bytes} = on_the_way) do
    full? = bytes > @window or :queue.len(writes) > @writes

    case await_oldest(on_the_way, if(full?, do: :infinity, else: 0)) do
      ^on_the_way -> on_the_way
      fewer -> await(fewer)
    end
  end

  defp await_all({writes, _bytes} = on_the_way) do
    if not :queue.is_empty(writes), do: on_the_way |> await_oldest(:infinity) |> await_all()
  end

  defp await_oldest({writes, bytes} = on_the_way, timeout) do
    with {:value, {write, size}} <- :queue.peek(writes),
         {:reply, result} <- :gen_server.wait_response(write, timeout) do
      # The program has closed its standard input, which is no error.
      if result != :ok, do: throw({__MODULE__, :unread})
      {:queue.drop(writes), bytes - size}
    else
      {:error, _session_is_gone} -> throw({__MODULE__, :unread})
      _nothing_yet -> on_the_way
    end
  end
end
