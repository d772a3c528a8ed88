# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.Server do
  @moduledoc false
  # The process of a daemon: owns the session of its program, and ends with it. `Linx.Daemon.Reader` reads the output.
  #
  # Phases:
  #
  #     starting ─▶ waiting ─▶ running ─▶ ending
  #        └───────────┴──────────────────▶ (refused)
  #
  # From `starting` to `waiting` the program is executed, and from there to `running` it becomes ready (`:wait_for`).
  # `await/1` returns then. In `ending` the program has ended, and its last output is being logged.

  use GenServer

  alias Linx.Call.{Executable, OnNode}
  alias Linx.Daemon.{Log, Options, Reader, Tally, Usage}
  alias Linx.Option
  alias Linx.Process, as: P
  alias Linx.Process.Error
  alias Linx.Telemetry

  # Milliseconds between two calls of a :wait_for that has returned false.
  @poll 50

  # Milliseconds that a daemon which is stopped waits for the log to take the program's last output.
  @drain 5_000

  # The agent's own exit code, for a session that has been killed with its agent.
  @agent_failed 1

  @sigkill 9

  @enforce_keys [:options, :log, :parent, :tally, :restarts, :started]
  defstruct [
    :options,
    :log,
    :parent,
    :tally,
    :restarts,
    :started,
    :starter,
    :session,
    :os_pid,
    :reader,
    :helper,
    :result,
    :refused,
    awaited?: false,
    phase: :starting,
    executed?: false,
    matched?: false
  ]

  @doc "Starts a daemon linked to the caller, and returns when its program is ready."
  @spec start_link(Options.t(), Tally.t() | nil) :: {:ok, pid()} | {:error, term()}
  def start_link(options, starts) do
    registration = if options.name, do: [name: options.name], else: []

    with {:ok, daemon} <-
           GenServer.start_link(__MODULE__, {options, starts, self()}, registration),
         :ok <- await(daemon),
         do: {:ok, daemon}
  end

  defp await(daemon) do
    GenServer.call(daemon, :await, :infinity)
  catch
    :exit, {{:shutdown, {:refused, reason}}, _call} -> {:error, reason}
    :exit, {reason, _call} -> {:error, reason}
  end

  @impl true
  def init({options, starts, parent}) do
    # So that terminate/2 is called when the supervisor stops this process.
    Process.flag(:trap_exit, true)

    state = %__MODULE__{
      options: options,
      log: Log.new(options),
      parent: parent,
      tally: Tally.new(),
      restarts: Tally.started(starts),
      started: System.monotonic_time()
    }

    {:ok, state, {:continue, :start}}
  end

  @impl true
  def handle_continue(:start, %{options: options} = state) do
    if options.wait_timeout != :infinity,
      do: Process.send_after(self(), :wait_timeout, options.wait_timeout)

    state = %{state | reader: Reader.start_link(options, state.log, state.tally)}

    with {:ok, session_options} <- Options.encode(options, state.reader),
         {:ok, session} <- P.start(:spawn, session_options) do
      {:noreply, %{state | session: session}}
    else
      {:error, reason} -> refuse(reason, state)
    end
  end

  @impl true
  def handle_call(:await, from, state), do: awaited(%{state | starter: from, awaited?: true})

  def handle_call(:stats, _from, state) do
    stats = Map.merge(Tally.read(state.tally), %{restarts: state.restarts, usage: usage(state)})
    {:reply, stats, state}
  end

  def handle_call(:os_pid, _from, %{result: nil, os_pid: pid} = state) when pid != nil,
    do: {:reply, {:ok, pid}, state}

  def handle_call(:os_pid, _from, state),
    do: {:reply, {:error, if(state.result, do: :no_process, else: :not_ready)}, state}

  def handle_call({:signal, _number, _opts}, _from, %{session: nil} = state),
    do: {:reply, {:error, :no_process}, state}

  def handle_call({:signal, number, opts}, _from, state),
    do: {:reply, P.signal(state.session, number, opts), state}

  def handle_call(request, _from, state), do: {:reply, {:error, {:bad_request, request}}, state}

  defp usage(%{result: nil, os_pid: pid} = state) when pid != nil do
    case OnNode.call(node(state.session), Usage, :read, [pid]) do
      {:ok, usage} -> usage
      {:error, _no_node} -> nil
    end
  end

  defp usage(_state), do: nil

  # However soon the program is ready, has ended or is refused: the one who starts it is told before the daemon ends.
  defp awaited(%{refused: {:reason, reason}} = state), do: stop_refused(reason, state)
  defp awaited(%{phase: :running} = state), do: state |> reply() |> settle()
  defp awaited(state), do: {:noreply, state}

  defp reply(%{starter: nil} = state), do: state

  defp reply(%{starter: starter} = state) do
    GenServer.reply(starter, :ok)
    %{state | starter: nil}
  end

  ## The program's life

  @impl true
  def handle_info({:linx_process, session, event}, %{session: session, result: nil} = state),
    do: event(event, state)

  def handle_info({:reader, reader, :match}, %{reader: reader} = state),
    do: ready(%{state | matched?: true})

  def handle_info({:reader, reader, :done}, %{reader: reader} = state),
    do: settle(%{state | reader: nil})

  def handle_info({:helper, helper, result}, %{helper: helper, result: nil} = state),
    do: helped(result, %{state | helper: nil})

  def handle_info(:wait_timeout, %{phase: phase, refused: nil} = state) when phase != :running,
    do: refuse(if(state.result, do: refusal(state), else: :timeout), state)

  def handle_info({:EXIT, session, _reason}, %{session: session, result: nil} = state)
      when session != nil,
      do: ended({:error, Error.new(:agent_died, @agent_failed)}, %{state | session: nil})

  def handle_info({:EXIT, session, _reason}, %{session: session} = state) when session != nil,
    do: {:noreply, %{state | session: nil}}

  def handle_info({:EXIT, reader, reason}, %{reader: reader} = state) when reader != nil,
    do: {:stop, reason, %{state | reader: nil}}

  def handle_info({:EXIT, helper, reason}, %{helper: helper} = state) when helper != nil,
    do: refuse({step(state), reason}, %{state | helper: nil})

  def handle_info({:EXIT, _other, reason}, state) when reason != :normal,
    do: {:stop, reason, state}

  def handle_info(_message, state), do: {:noreply, state}

  defp event({:ready, os_pid}, %{options: %{checkpoint: nil}} = state),
    do: {:noreply, %{state | os_pid: os_pid}}

  defp event({:ready, os_pid}, %{options: %{checkpoint: checkpoint}, session: session} = state) do
    helper = help(fn -> {:checkpoint, configure(checkpoint, session, os_pid)} end)
    {:noreply, %{state | os_pid: os_pid, helper: helper}}
  end

  defp event(:running, %{options: %{wait_for: fun}} = state) when is_function(fun) do
    daemon = self()
    helper = help(fn -> {:wait_for, poll(fun, daemon)} end)
    {:noreply, %{state | phase: :waiting, executed?: true, helper: helper}}
  end

  defp event(:running, state), do: ready(%{state | phase: :waiting, executed?: true})

  defp event({name, _} = event, state) when name in [:exited, :signaled],
    do: ended({:ok, event}, state)

  defp event(:aborted, state), do: ended({:ok, :aborted}, state)

  # The session knows more of the error than the event says.
  defp event({:error, errno, stage}, state) do
    case P.wait(state.session, 0) do
      {:error, %Error{}} = result -> ended(result, state)
      _gone -> ended({:error, Error.new(stage, errno)}, state)
    end
  end

  defp event(_other, state), do: {:noreply, state}

  defp ready(%{phase: :waiting, options: options} = state) do
    if state.matched? or not match?({:output, _regex}, options.wait_for),
      do: {:noreply, run(state)},
      else: {:noreply, state}
  end

  # The output may be there before the event of the session that the program runs.
  defp ready(state), do: {:noreply, state}

  defp run(state) do
    tell(:ready, %{}, %{}, state)
    reply(%{state | phase: :running})
  end

  # What a user's function does takes time, in which the daemon is stopped, asked or ends with its program.
  defp help(fun) do
    daemon = self()

    spawn_link(fn ->
      result =
        try do
          fun.()
        catch
          kind, reason -> {:raised, Exception.format_banner(kind, reason, __STACKTRACE__)}
        end

      send(daemon, {:helper, self(), result})
    end)
  end

  defp configure(checkpoint, session, os_pid) do
    case checkpoint.(session, os_pid) do
      :ok ->
        :ok

      {:error, reason} ->
        {:error, reason}

      other ->
        raise ArgumentError, ":checkpoint returns :ok or {:error, reason}, not: #{inspect(other)}"
    end
  end

  defp poll(fun, daemon) do
    case fun.(daemon) do
      true ->
        true

      no when no in [false, nil] ->
        Process.sleep(@poll)
        poll(fun, daemon)

      other ->
        raise ArgumentError, ":wait_for returns true or false, not: #{inspect(other)}"
    end
  end

  # A session that has ended meanwhile has sent how.
  defp helped({:checkpoint, :ok}, state) do
    P.proceed(state.session)
    {:noreply, state}
  end

  defp helped({:checkpoint, {:error, reason}}, state), do: refuse({:checkpoint, reason}, state)
  defp helped({:wait_for, true}, state), do: {:noreply, run(state)}

  defp helped({:raised, banner}, state), do: refuse({step(state), banner}, state)

  defp step(%{executed?: executed?}), do: if(executed?, do: :wait_for, else: :checkpoint)

  ## The end

  defp ended(result, state) do
    state = forget_helper(%{state | result: result})
    if state.reader, do: Reader.ended(state.reader)
    settle(state)
  end

  # The daemon ends when the program has ended and its output has been logged.
  defp settle(%{result: nil} = state), do: {:noreply, state}
  defp settle(%{reader: reader} = state) when reader != nil, do: {:noreply, state}
  defp settle(%{phase: phase} = state) when phase != :running, do: refuse(refusal(state), state)
  defp settle(%{awaited?: false} = state), do: {:noreply, state}

  defp settle(state) do
    {outcome, reason} = reason(state)
    end_session(state)
    level = if orderly?(reason), do: :info, else: :error
    Log.say(state.log, level, Log.ending(state.options.argv, outcome))
    leave(reason, %{state | session: nil})
  end

  # An exit of this kind is none that a transient child is restarted after.
  defp orderly?(reason),
    do: reason in [:normal, :shutdown] or match?({:shutdown, _}, reason)

  defp reason(%{result: {:ok, {kind, number}}} = state) do
    status = if kind == :exited, do: number, else: 128 + number
    {state.result, exit_reason(state.options.exit, status, {kind, number}, state.log)}
  end

  defp reason(%{result: {:ok, :aborted}} = state), do: {state.result, {:shutdown, :aborted}}
  defp reason(%{result: {:error, error}} = state), do: {state.result, {:error, error}}

  defp exit_reason(nil, 0, _outcome, _log), do: :normal
  defp exit_reason(nil, _status, outcome, _log), do: outcome

  defp exit_reason(fun, status, outcome, log) do
    fun.(status)
  catch
    kind, reason ->
      banner = Exception.format_banner(kind, reason, __STACKTRACE__)
      Log.say(log, :error, ["the function given as :exit failed: ", banner])
      exit_reason(nil, status, outcome, log)
  end

  # Ends this process. A reason that is not orderly would be reported by gen_server and by proc_lib, with the state of
  # the daemon; the log has its line, and the supervisor reports the end of its child.
  defp leave(reason, state) do
    stopped(reason, state)

    if orderly?(reason) do
      {:stop, reason, state}
    else
      Process.flag(:trap_exit, false)
      Process.exit(self(), reason)
      Process.sleep(:infinity)
    end
  end

  # The program is not ready, and the start an error.
  defp refuse(reason, state) do
    state = shut_down(state)
    stopped(reason, state)

    if state.awaited?,
      do: stop_refused(reason, state),
      else: {:noreply, %{state | refused: {:reason, reason}}}
  end

  # The exit signal would end a starter that does not trap it.
  defp stop_refused(reason, state) do
    Process.unlink(state.parent)
    {:stop, {:shutdown, {:refused, reason}}, state}
  end

  defp refusal(%{result: {:error, %Error{stage: :execve, errno: errno}}, options: options}) do
    node = options.session.node || node()
    Options.refusal(options.argv, Executable.refusal(hd(options.argv), errno, node))
  end

  defp refusal(%{result: {_ok_or_error, outcome}}), do: outcome

  @impl true
  def terminate(_reason, %{session: nil, reader: nil, helper: nil}), do: :ok

  def terminate(reason, state) do
    state = shut_down(state)
    stopped(reason, state)
  end

  # Ends the program as :stop says, and waits until its last output has been logged.
  defp shut_down(state) do
    state = forget_helper(state)
    result = stop(state)
    if state.result == nil and result == {:ok, {:signaled, @sigkill}}, do: warn(state)
    drain(state)
    end_session(state)
    %{state | session: nil, reader: nil, result: state.result || result}
  end

  defp stop(%{session: nil, result: result}), do: result
  defp stop(%{result: result}) when result != nil, do: result

  defp stop(%{session: session}), do: P.stop(session)

  defp warn(%{options: %{argv: argv, session: %{stop: {signal, grace}}}} = state) do
    asked = Linx.Signal.name(signal)
    text = "#{Option.shorten(argv)} has not ended #{grace} ms after #{asked}, and was killed"
    if signal != @sigkill, do: Log.say(state.log, :warning, text)
  end

  defp drain(%{reader: nil}), do: :ok

  defp drain(%{reader: reader} = state) do
    Reader.ended(reader)

    receive do
      {:reader, ^reader, :done} -> :ok
      {:EXIT, ^reader, _reason} -> :ok
    after
      @drain ->
        Process.exit(reader, :kill)
        Log.say(state.log, :warning, "the last output was not logged in time")
    end
  end

  defp end_session(%{session: nil}), do: :ok

  defp end_session(%{session: session}) do
    Process.unlink(session)
    GenServer.stop(session, :normal, :infinity)
  catch
    :exit, _gone -> :ok
  end

  defp forget_helper(%{helper: nil} = state), do: state

  defp forget_helper(%{helper: helper} = state) do
    Process.unlink(helper)
    Process.exit(helper, :kill)
    %{state | helper: nil}
  end

  defp stopped(reason, state),
    do: tell(:stop, Tally.read(state.tally), %{reason: reason, result: state.result}, state)

  defp tell(name, measurements, metadata, state) do
    metadata = Map.merge(metadata, %{argv: state.options.argv, restarts: state.restarts})
    duration = System.monotonic_time() - state.started
    Telemetry.daemon(name, Map.put(measurements, :duration, duration), metadata)
  end

  # Keeps the program's environment out of the log. OTP calls this from 25 on, and Elixir knows it as a callback from
  # 1.17 on.
  @doc false
  if {:format_status, 1} in GenServer.behaviour_info(:callbacks), do: @impl(true)

  def format_status(status) do
    Map.new(status, fn
      {:state, %__MODULE__{options: options} = state} ->
        {:state, %{state | options: %{argv: options.argv}}}

      other ->
        other
    end)
  end
end
