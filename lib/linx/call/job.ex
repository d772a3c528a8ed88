# SPDX-License-Identifier: MIT

defmodule Linx.Call.Job do
  @moduledoc false
  # A call's program while it runs: a session, and if there is input a process that writes it.
  #
  # Both end in `close/2`, or with the process that started them when that one is killed.

  alias Linx.Call.{Environment, Executable, Feeder}
  alias Linx.Process.{Error, Options}

  # The most bytes that one read returns: enough to make reads few, and little memory.
  @chunk 256 * 1024

  @enforce_keys [:call, :session, :started, :deadline]
  defstruct [:call, :session, :started, :deadline, :feeder]

  @type t :: %__MODULE__{
          call: Linx.Call.t(),
          session: pid(),
          started: integer(),
          deadline: integer() | :infinity,
          feeder: Feeder.t() | nil
        }

  @typedoc """
  Why a call failed. `{:checkpoint, reason}` is what the function given as `:checkpoint` returned, and
  `{:input, kind, reason, stacktrace}` what enumerating the input raised.
  """
  @type reason ::
          :timeout
          | :aborted
          | Error.t()
          | {:checkpoint, term()}
          | {:input, :error | :exit | :throw, term(), Exception.stacktrace()}
          | term()

  @doc "Starts the program, through its checkpoint."
  @spec start(Linx.Call.t()) :: {:ok, t()} | {:error, reason()}
  def start(call) do
    started = System.monotonic_time()
    deadline = deadline(call.timeout)

    with {:ok, options} <- options(call, node_of(call)),
         {:ok, session} <- Linx.Process.start(:spawn, options) do
      job = %__MODULE__{
        session: session,
        call: call,
        started: started,
        deadline: deadline
      }

      if call.checkpoint == nil,
        do: {:ok, feed(job, call.input)},
        else: configure(job, call)
    end
  end

  @doc "The next output of the program; `:eof` when all its streams have ended."
  @spec next(t()) :: {:ok, {:stdout | :stderr, binary()}} | :eof | {:error, reason()}
  def next(job) do
    case read(job) do
      {:error, :timeout} = error -> error
      {:error, reason} -> failure(job, reason)
      read -> read
    end
  end

  @doc "Waits for the program's end, and returns how it ended, and what it used, if that was asked for."
  @spec await(t()) ::
          {:ok, {:exited, 0..255} | {:signaled, 1..64}, Linx.Process.Info.usage() | nil}
          | {:error, reason()}
  def await(job) do
    case Linx.Process.finish(job.session, remaining(job)) do
      {{:ok, :aborted}, _usage} -> {:error, :aborted}
      {{:ok, outcome}, usage} -> {:ok, outcome, usage}
      {{:error, reason} = result, _usage} -> failure(job, result, reason)
      {:error, :timeout} = error -> error
      {:error, reason} -> failure(job, reason)
    end
  end

  @doc "Microseconds since the start."
  @spec duration(t()) :: non_neg_integer()
  def duration(job),
    do: System.convert_time_unit(System.monotonic_time() - job.started, :native, :microsecond)

  @doc """
  Ends what still runs: SIGTERM to the program, and `grace_ms` milliseconds later SIGKILL to all that it has
  started.
  """
  @spec close(t(), non_neg_integer()) :: :ok
  def close(job, grace_ms) do
    stop(job, grace_ms)
    if job.feeder, do: Feeder.stop(job.feeder)
    :ok
  end

  defp options(call, node) do
    with {:ok, program} <- Executable.options(call.argv, node),
         {:ok, env} <- environment(call.env, node) do
      encode(call.session, program ++ env)
    else
      {:error, :enoent} -> {:error, Error.new(:execve, :enoent)}
      error -> error
    end
  end

  defp encode(session, more) do
    with {:ok, options} <- Options.put(session, more), do: Options.encode(options, :spawn, self())
  end

  defp environment(nil, _node), do: {:ok, []}

  defp environment(changes, node) do
    with {:ok, env} <- Environment.merge(changes, node), do: {:ok, [env: env]}
  end

  defp configure(job, call) do
    case checkpoint(job, call.checkpoint) do
      :ok ->
        {:ok, feed(job, call.input)}

      error ->
        close(job, 0)
        error
    end
  catch
    kind, reason ->
      close(job, 0)
      :erlang.raise(kind, reason, __STACKTRACE__)
  end

  defp checkpoint(%{session: session} = job, fun) do
    with {:ok, host_pid} <- await_ready(job) do
      case fun.(session, host_pid) do
        :ok ->
          proceed(session)

        {:error, reason} ->
          {:error, {:checkpoint, reason}}

        other ->
          raise ArgumentError,
                ":checkpoint returns :ok or {:error, reason}, not: #{inspect(other)}"
      end
    end
  end

  # When proceed/1 does not return :ok the session has ended, and the next read or wait returns how.
  defp proceed(session) do
    Linx.Process.proceed(session)
    :ok
  end

  defp await_ready(%{session: session} = job) do
    monitor = Process.monitor(session)

    result =
      receive do
        {:linx_process, ^session, {:ready, host_pid}} -> {:ok, host_pid}
        {:linx_process, ^session, _end} -> :ok
        {:DOWN, ^monitor, :process, _pid, _reason} -> :ok
      after
        remaining(job) -> {:error, :timeout}
      end

    Process.demonitor(monitor, [:flush])
    result
  end

  defp feed(job, nil), do: job
  defp feed(job, input), do: %{job | feeder: Feeder.start(input, job.session)}

  defp read(%{call: %{outputs: []}}), do: :eof

  defp read(%{call: %{outputs: [stream]}} = job) do
    with {:ok, data} <- Linx.Process.read(job.session, stream, @chunk, remaining(job)),
         do: {:ok, {stream, data}}
  end

  defp read(job), do: Linx.Process.read_any(job.session, @chunk, remaining(job))

  # The session's own error says more than that of the read or the wait, and an exception of the input more
  # than the session's. The session is stopped first, because it is linked to the feeder, which is then
  # killed.
  defp failure(job, reason), do: failure(job, Linx.Process.wait(job.session, 0), reason)

  defp failure(job, result, reason) do
    stop(job, 0)

    with :ok <- if(job.feeder, do: Feeder.failure(job.feeder), else: :ok) do
      case result do
        {:error, %Error{stage: :execve, errno: :eacces}} -> {:error, refusal(job.call)}
        {:error, %Error{}} -> result
        _other -> {:error, reason}
      end
    end
  end

  defp refusal(%{argv: [program | _]} = call),
    do: Error.new(:execve, Executable.refusal(program, node_of(call)))

  defp node_of(call), do: call.session.node || node()

  defp stop(%{session: session} = job, grace_ms) do
    Linx.Process.stop(session, grace_ms)

    try do
      GenServer.stop(session)
    catch
      :exit, _gone -> :ok
    end

    # The events were asked for only because of the one that says that the child is parked.
    if job.call.checkpoint, do: drop_events(session)
    :ok
  end

  defp drop_events(session) do
    receive do
      {:linx_process, ^session, _event} -> drop_events(session)
    after
      0 -> :ok
    end
  end

  defp deadline(:infinity), do: :infinity
  defp deadline(timeout), do: System.monotonic_time(:millisecond) + timeout

  defp remaining(%{deadline: :infinity}), do: :infinity

  defp remaining(%{deadline: deadline}),
    do: max(deadline - System.monotonic_time(:millisecond), 0)
end
