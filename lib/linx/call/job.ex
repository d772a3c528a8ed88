# SPDX-License-Identifier: MIT

defmodule Linx.Call.Job do
  @moduledoc false
  # A call's program while it runs: a session, and if there is input a process that writes it.
  #
  # A call whose output goes nowhere before the program's end has the session collect it (`run/1`): the caller
  # is then woken once. Otherwise the call reads it (`next/1`) and waits for the end (`await/1`).
  #
  # Both end in `close/2`, a session that has collected all output before that, or with the process that started them when that one is killed.

  alias Linx.Call.{Executable, Feeder}
  alias Linx.Process.{Error, Options}

  # The most bytes that one read returns, unless the call says otherwise: enough to make reads few, and little memory.
  @chunk 256 * 1024

  @enforce_keys [:call, :session, :started, :deadline]
  defstruct [:call, :session, :started, :deadline, :feeder]

  @type t :: %__MODULE__{
          call: Linx.Call.t(),
          session: pid() | nil,
          started: integer(),
          deadline: integer() | :infinity,
          feeder: Feeder.t() | nil
        }

  @typedoc """
  Why a call failed. `{:unfit, reason}` is an option that is too long, and nothing was started; `{:checkpoint, reason}` is what the function given as `:checkpoint` returned, and
  `{:input, kind, reason, stacktrace}` what enumerating the input raised.
  """
  @type reason ::
          :timeout
          | :aborted
          | Error.t()
          | {:unfit, Linx.Option.error()}
          | {:checkpoint, term()}
          | {:input, :error | :exit | :throw, term(), Exception.stacktrace()}
          | term()

  @doc "Starts the program, through its checkpoint."
  @spec start(Linx.Call.t()) :: {:ok, t()} | {:error, reason()}
  def start(call) do
    started = System.monotonic_time()
    deadline = deadline(call.timeout)

    with {:ok, mode} <- mode(call),
         {:ok, options} <- options(call, mode, node_of(call)),
         {:ok, session} <- start_session(call, if(call.enter, do: :enter, else: :spawn), options) do
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

  # The pid of the process to enter is that of the moment of the start.
  defp mode(%{enter: nil}), do: {:ok, :spawn}

  defp mode(%{enter: target}) do
    with {:ok, host_pid} <- Linx.Process.resolve_target(target), do: {:ok, {:enter, host_pid}}
  end

  # The functions of a call's checkpoint and input are called only when the agent has been started.
  defp start_session(%{checkpoint: nil, input: input, collect: max}, how, options)
       when max != nil and (input == nil or is_binary(input)),
       do: Linx.Process.start_collecting(how, options)

  defp start_session(_call, how, options), do: Linx.Process.start(how, options)

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
  def await(job), do: ended(job, Linx.Process.finish(job.session, remaining(job)))

  defp ended(job, ending) do
    case ending do
      {{:ok, :aborted}, _usage} -> {:error, :aborted}
      {{:ok, outcome}, usage} -> with(:ok <- raised(job), do: {:ok, outcome, usage})
      {{:error, reason} = result, _usage} -> failure(job, result, reason)
      {:error, :timeout} = error -> error
      {:error, reason} -> failure(job, reason)
    end
  end

  # An exception of the input ends the program, which may then end as if nothing were wrong.
  defp raised(%{feeder: nil}), do: :ok
  defp raised(%{feeder: feeder}), do: Feeder.raised(feeder)

  @doc """
  Runs a call whose output is collected, from its start to its end: the output up to the call's bound, and how
  the program ended, as `await/1` returns it.
  """
  @spec run(Linx.Call.t()) ::
          {:ok, t(), [{:stdout | :stderr, binary()}],
           {:ok, {:exited, 0..255} | {:signaled, 1..64}, Linx.Process.Info.usage() | nil}
           | {:error, reason()}}
          | {:error, reason()}
  def run(call) do
    with {:ok, job} <- start(call) do
      {chunks, ending, left} = collect(job)
      close(left, grace(ending, call))
      {:ok, job, chunks, ending}
    end
  end

  @doc """
  The milliseconds that a program has after such an end of its call. One that has written more than `:max_output` is
  killed at once, because its output at a SIGTERM would be dropped.
  """
  @spec grace(term(), Linx.Call.t()) :: non_neg_integer()
  def grace({:error, %Error{stage: :max_output}}, _call), do: 0
  def grace(_ending, call), do: grace(call)

  @doc "The milliseconds that the program of a call has when it is ended early."
  @spec grace(Linx.Call.t()) :: non_neg_integer()
  def grace(%{session: %{stop: {_signal, grace}}}), do: grace

  defp collect(job) do
    case Linx.Process.collect(job.session, remaining(job)) do
      {:refused, reason} ->
        {[], {:error, reason}, job}

      {:error, reason} ->
        {[], failure(job, reason), job}

      {chunks, {:error, %Error{stage: :max_output}} = error} ->
        {chunks, error, job}

      # The session ends by itself, and there is nothing to wait for, neither its name nor its events.
      {chunks, {{:ok, _outcome}, _usage} = ending}
      when job.call.session.name == nil and job.call.checkpoint == nil ->
        {chunks, ended(job, ending), %{job | session: nil}}

      {chunks, ending} ->
        {chunks, ended(job, ending), job}
    end
  end

  @doc "Microseconds since the start."
  @spec duration(t()) :: non_neg_integer()
  def duration(job),
    do: System.convert_time_unit(System.monotonic_time() - job.started, :native, :microsecond)

  @doc """
  Ends what still runs: the signal of `:stop` to the program, and `grace_ms` milliseconds later SIGKILL to all that it has
  started.
  """
  @spec close(t(), non_neg_integer()) :: :ok
  def close(job, grace_ms) do
    stop(job, grace_ms)
    if job.feeder, do: Feeder.stop(job.feeder)
    :ok
  end

  defp options(call, mode, node) do
    with {:ok, program} <- program(call, node) do
      encode(%{call.session | collect: call.collect}, mode, program)
    else
      {:error, :enoent} -> {:error, Error.new(:execve, :enoent)}
      error -> error
    end
  end

  # A plan may have the program looked for where it runs.
  defp program(%{session: %{request: %{search_path: true}}} = call, _node),
    do: {:ok, [argv: call.argv]}

  defp program(call, node), do: Executable.options(call.argv, node)

  defp encode(session, mode, more) do
    with {:ok, options} <- Options.put(session, more),
         {:ok, options} <- Options.encode(options, mode, self()) do
      {:ok, options}
    else
      {:error, reason} -> {:error, {:unfit, reason}}
    end
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
    with {:ok, data} <- Linx.Process.read(job.session, stream, max_chunk(job), remaining(job)),
         do: {:ok, {stream, data}}
  end

  defp read(job), do: Linx.Process.read_any(job.session, max_chunk(job), remaining(job))

  defp max_chunk(job), do: job.call.max_chunk || @chunk

  # The session's own error says more than that of the read or the wait, and an exception of the input more
  # than the session's. The session is stopped first, because it is linked to the feeder, which is then
  # killed.
  defp failure(job, reason), do: failure(job, Linx.Process.wait(job.session, 0), reason)

  defp failure(job, result, reason) do
    stop(job, 0)

    with :ok <- if(job.feeder, do: Feeder.failure(job.feeder), else: :ok) do
      case result do
        {:error, %Error{stage: :execve} = error} -> {:error, refusal(job.call, error)}
        {:error, %Error{}} -> result
        _other -> {:error, reason}
      end
    end
  end

  # Where the program runs that enters a process the files are others than those of the BEAM.
  defp refusal(%{enter: target}, error) when target != nil, do: refused(error, error.errno)
  defp refusal(%{session: %{request: %{search_path: true}}}, error), do: error

  defp refusal(%{argv: [program | _]} = call, error),
    do: refused(error, Executable.refusal(program, error.errno, node_of(call)))

  defp refused(error, errno), do: %{Error.new(:execve, errno) | phase: error.phase}

  defp node_of(call), do: call.session.node || node()

  defp stop(%{session: nil}, _grace_ms), do: :ok

  defp stop(%{session: session} = job, grace_ms) do
    # What a program with descendants: :leave has left is left.
    if Linx.Process.wait(session, 0) == {:error, :timeout},
      do: Linx.Process.stop(session, grace_ms)

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
