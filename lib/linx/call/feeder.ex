# SPDX-License-Identifier: MIT

defmodule Linx.Call.Feeder do
  @moduledoc false
  # A process that writes a call's input to its program, at the pace at which the program reads, or in which the input,
  # a function, does so.
  #
  # It is a process of its own because the caller reads the output meanwhile: a program whose output is not
  # read may stop reading its input. The process is linked to the session, and so ends with it.

  alias Linx.Process.{Error, Writer}

  @type t :: {pid(), reference()}

  @doc "Starts writing; stdin is closed at the end of the input."
  @spec start(binary() | Enumerable.t() | (Linx.Stdin.t() -> term()), pid()) :: t()
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

  @doc "An exception of the input that has ended the feeding; `:ok` when there was none so far."
  @spec raised(t()) :: :ok | {:error, {:input, :error | :exit | :throw, term(), list()}}
  def raised({_pid, monitor}) do
    receive do
      {:DOWN, ^monitor, :process, _pid, {:shutdown, {__MODULE__, kind, reason, stacktrace}}} ->
        {:error, {:input, kind, reason, stacktrace}}
    after
      0 -> :ok
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

  defp feed(input, session) when is_binary(input) do
    with :ok <- Linx.Process.write(session, input), do: Linx.Process.close_stdin(session)
  end

  defp feed(input, session) when is_function(input, 1) do
    input.(%Linx.Stdin{session: session, close: false})
    Linx.Process.close_stdin(session)
  catch
    kind, reason -> if not unread?(reason, session), do: fail(kind, reason, __STACKTRACE__)
  end

  defp feed(input, session) do
    writer = Enum.reduce(input, Writer.start(session), &write/2)
    with :ok <- Writer.finish(writer), do: Linx.Process.close_stdin(session)
  catch
    :throw, {__MODULE__, :unread} -> :ok
    kind, reason -> fail(kind, reason, __STACKTRACE__)
  end

  # The session is linked to this process and ends with it.
  @spec fail(:error | :exit | :throw, term(), Exception.stacktrace()) :: no_return()
  defp fail(kind, reason, stacktrace),
    do: exit({:shutdown, {__MODULE__, kind, reason, stacktrace}})

  # Whether an exception in the function is that of its sink, because the program or the session has ended, or the
  # program has closed its standard input. An empty write returns what every other write would.
  defp unread?(%Error{stage: :write}, session),
    do: match?({:error, %Error{}}, Linx.Process.write(session, ""))

  defp unread?(%ArgumentError{}, session),
    do: Linx.Process.write(session, "") in [{:error, :no_process}, {:error, :nodedown}]

  defp unread?(_reason, _session), do: false

  # The program may have closed its standard input, which is no error.
  defp write(element, writer) do
    case Writer.write(writer, to_binary(element)) do
      {:ok, writer} -> writer
      {:error, _unread} -> throw({__MODULE__, :unread})
    end
  end

  defp to_binary(element) when is_binary(element), do: element

  defp to_binary(element) do
    IO.iodata_to_binary(element)
  rescue
    ArgumentError -> raise ArgumentError, "input is iodata, got an element: #{inspect(element)}"
  end
end
