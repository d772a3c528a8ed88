# SPDX-License-Identifier: MIT

defmodule Linx.Process.Server do
  @moduledoc false
  # The process of a session: owns the agent's port, passes what happens to `Linx.Process.Session`, and carries
  # out the effects that it returns. It decides nothing itself.

  use GenServer

  alias Linx.Agent.{Channel, Request, Wire}
  alias Linx.Process.{Caller, Collector, Environment, Error, Events, Options, Pipes, Session}
  alias Linx.Process.{Departure, Init, Terminal}
  alias Linx.Telemetry

  # Milliseconds that a session which stops waits for its workload's end when the grace of its option :stop is over.
  # After them it kills the workload and then the agent from outside.
  @end_timeout 5_000

  # The messages that it handles meanwhile, beside those of the port and calls.
  @served_to_the_end [:look_at, :wait_timeout, :receiver_down]

  # Milliseconds between two looks at a workload that is PID 1 of its pid namespace.
  @look_pause 50

  # Milliseconds that it waits after each of these two. Then it closes the port.
  @victim_timeout 1_000

  # Milliseconds that a session waits for an agent of a pool before it is known to its caller. An agent that
  # takes longer has been stopped by a signal, which the caller can do something about then.
  @accept_timeout 5_000

  # The agent's own exit code for a broken channel, used when the port broke and no exit code is known.
  @channel_failed 1

  defstruct [
    :session,
    :channel,
    :port,
    :caller,
    :remote,
    :telemetry,
    :collector,
    :label,
    watches: %{},
    receiver: nil,
    stop: nil
  ]

  @doc """
  Starts a session on this node, which ends with `caller`.

  The new process links to the caller, or monitors it, once its agent is started. So a failure to start is a
  return value and never an exit signal.
  """
  @spec start(:spawn | :enter, Options.t(), pid()) :: {:ok, pid()} | {:error, term()}
  def start(mode, options, caller) do
    registration = if options.name, do: [name: options.name], else: []

    case GenServer.start(__MODULE__, {mode, options, caller}, registration) do
      {:error, {:shutdown, {:refused, reason}}} -> {:error, reason}
      # By its name another process can kill it before it is started.
      {:error, :killed} -> {:error, :no_process}
      result -> result
    end
  end

  @doc """
  Starts a session on this node as `start/3` does, and does not wait until its agent is started.

  A session that cannot be started replies to its first call, of `{:collect, timeout}`, with `{:refused, reason}`.
  It cannot have a name.
  """
  @spec start_unawaited(:spawn | :enter, Options.t(), pid()) :: pid()
  def start_unawaited(mode, %{name: nil} = options, caller),
    do: :proc_lib.spawn(__MODULE__, :run, [mode, options, caller])

  @doc false
  def run(mode, options, caller) do
    # The caller waits for the output, for as long as its own time limit says, and changes no directory meanwhile.
    case init({mode, options, caller}, 0) do
      {:ok, state} ->
        :gen_server.enter_loop(__MODULE__, [], state)

      {:ok, state, {:continue, {:message, _message}} = continue} ->
        :gen_server.enter_loop(__MODULE__, [], state, continue)

      {:stop, {:shutdown, {:refused, reason}}} ->
        refuse(caller, reason)
    end
  end

  defp refuse(caller, reason) do
    monitor = Process.monitor(caller)

    receive do
      # The call's input may be written before that, by another process.
      {:"$gen_call", from, {:collect, _timeout}} -> GenServer.reply(from, {:refused, reason})
      {:DOWN, ^monitor, :process, _caller, _reason} -> :ok
    end
  end

  @doc """
  Has a session of this node that was started with `link: true` end with `caller`, as if that had started it, instead
  of with the process that has.
  """
  @spec adopt(pid(), pid()) :: :ok | {:error, :no_process}
  def adopt(session, caller) do
    GenServer.call(session, {:adopt, caller}, :infinity)
  catch
    :exit, _reason -> {:error, :no_process}
  end

  @impl true
  def init(argument), do: init(argument, @accept_timeout)

  defp init({mode, options, caller}, accept_timeout) do
    # So that terminate/2 is called when an exit signal ends this process, and a broken port is a message.
    Process.flag(:trap_exit, true)

    origin = [
      pool: options.pool,
      env?: Environment.inherits?(options.request),
      seen?: Request.seen_from_elsewhere?(mode, options.request)
    ]

    with {:ok, channel} <- Channel.open(options.encoded, origin),
         {:ok, channel, message} <- Channel.await_accepted(channel, accept_timeout) do
      Caller.tie(caller, options.link)
      Enum.each(options.links, &Process.link/1)

      session =
        Session.new(
          mode: mode,
          owner: options.owner,
          linger: options.linger,
          auto_proceed: options.auto_proceed,
          events: options.events,
          subject: Error.subject(options.request, options.plan && options.plan.phases),
          stop: options.stop,
          terminal: if(Options.terminal?(options.request), do: %Terminal{}),
          pipes: options.pipes,
          receiver: options.stream_to
        )

      state = %__MODULE__{
        session: session,
        channel: channel,
        port: channel.port,
        caller: caller,
        remote: options.remote,
        telemetry: Telemetry.start(mode, options.request.argv),
        label: if(not options.linger, do: Departure.label(options.request.argv, options.name)),
        collector: if(options.collect, do: Collector.new(options.pipes, options.collect))
      }

      state = watch_active(state)
      if message, do: {:ok, state, {:continue, {:message, message}}}, else: {:ok, state}
    else
      # No option is the reason that there is no agent.
      {:error, %Error{} = error} ->
        {:stop, {:shutdown, {:refused, %{error | program: hd(options.request.argv)}}}}

      {:error, reason} ->
        {:stop, {:shutdown, {:refused, reason}}}
    end
  end

  defp watch_active(%{session: session} = state) do
    if state.collector == nil and Pipes.active(session.pipes) != [],
      do: carry_out({:watch_receiver, session.receiver || session.owner}, state),
      else: state
  end

  @impl true
  def handle_continue({:message, message}, state), do: handle_info(message, state)

  @impl true
  def handle_call(:info, from, state), do: step({:call, from, {:info, agent_pid(state)}}, state)

  def handle_call({:adopt, caller}, _from, state) do
    Process.unlink(state.caller)
    Caller.tie(caller, true)
    {:reply, :ok, %{state | caller: caller}}
  end

  def handle_call({:collect, timeout}, from, %{collector: %Collector{} = collector} = state) do
    if timeout != :infinity, do: Process.send_after(self(), {:collect_timeout, from}, timeout)
    proceed(collected(%{state | collector: %{collector | from: from}}))
  end

  # By another process, that knows the session's name. It can take no output from the call, and what it closes has no
  # end that the call would wait for.
  def handle_call({:set_active, _, _}, _from, %{collector: %Collector{}} = state),
    do: {:reply, {:error, :not_piped}, state}

  def handle_call({:close, name} = request, from, %{collector: %Collector{ending: nil}} = state) do
    collector = Collector.message(state.collector, {:eof, name})
    proceed(collected(advance({:call, from, request}, %{state | collector: collector})))
  end

  def handle_call(request, from, state), do: step({:call, from, request}, state)

  @impl true
  def handle_info({:written, port}, %{port: port} = state), do: {:noreply, written(state)}

  def handle_info({:collect_timeout, from}, state) do
    if state.collector.from == from,
      do: proceed(reply_collected({:error, :timeout}, advance({:caller_down, from}, state))),
      else: {:noreply, state}
  end

  # Until the agent has sent its first message, it may have to be started another time.
  def handle_info(message, %{channel: %Channel{origin: origin} = channel} = state)
      when origin != nil do
    case Channel.heard(channel, message) do
      {:ok, channel} -> handle(message, %{state | channel: channel})
      {:handled, channel} -> {:noreply, %{state | channel: channel, port: channel.port}}
      {:error, reason} -> step({:agent_exit, @channel_failed}, not_started(reason, state))
    end
  end

  def handle_info(message, state), do: handle(message, state)

  defp handle(message, state) do
    case event(message, state) do
      nil -> {:noreply, state}
      {:stop, reason} -> leave(reason, state)
      event -> step(event, state)
    end
  end

  # Keeps what a workload reads and writes out of the log. OTP calls this from 25 on, and Elixir knows it as a
  # callback from 1.17 on.
  @doc false
  if {:format_status, 1} in GenServer.behaviour_info(:callbacks), do: @impl(true)

  def format_status(status) do
    Map.new(status, fn
      {:state, %__MODULE__{session: session} = state} ->
        session = %{session | pipes: :hidden, terminal: :hidden}
        {:state, %{state | session: session, channel: :hidden, collector: :hidden}}

      {:message, {port, {:data, _bytes}}} ->
        {:message, {port, {:data, :hidden}}}

      {:message, message} when is_tuple(message) and elem(message, 0) in [:write, :pty_write] ->
        {:message, {elem(message, 0), :hidden}}

      other ->
        other
    end)
  end

  @impl true
  def terminate(_reason, %{session: %{stop: {_signal, grace}}} = state) do
    :stop
    |> advance(forget_collector(state))
    |> await_end(deadline(grace + @end_timeout), [:workload, :agent])

    Departure.forget_messages()
  end

  # A session that is ended before its program has no result for the call that collects.
  defp forget_collector(%{collector: %Collector{from: from} = collector} = state)
       when from != nil,
       do: advance({:caller_down, from}, %{state | collector: %{collector | from: nil}})

  defp forget_collector(state), do: state

  defp deadline(timeout), do: System.monotonic_time(:millisecond) + timeout

  defp await_end(%{session: %{state: :ended}} = state, _deadline, _victims),
    do: advance(:stop, state)

  # When an agent does not react, because it is stopped or blocked by the workload, another agent kills the
  # workload, and then the agent.
  defp await_end(%{port: port} = state, deadline, victims) do
    receive do
      {:written, ^port} ->
        state |> written() |> await_end(deadline, victims)

      {^port, _data} = message ->
        message |> event(state) |> advance(state) |> await_end(deadline, victims)

      {:EXIT, ^port, _} = message ->
        message |> event(state) |> advance(state) |> await_end(deadline, victims)

      {:"$gen_call", from, request} ->
        request |> serve(from, state) |> await_end(deadline, victims)

      message when message == :grace_over or elem(message, 0) in @served_to_the_end ->
        message |> event(state) |> advance(state) |> await_end(deadline, victims)

      {{:caller_down, _from}, _ref, :process, _pid, _reason} = message ->
        message |> event(state) |> advance(state) |> await_end(deadline, victims)
    after
      max(deadline - System.monotonic_time(:millisecond), 0) ->
        case victims do
          [] ->
            advance({:agent_exit, @channel_failed}, state)

          [victim | rest] ->
            kill(victim, state)
            await_end(state, deadline(@victim_timeout), rest)
        end
    end
  end

  # So that what the workload writes at its end can be read.
  defp serve(request, from, state) do
    case handle_call(request, from, state) do
      {:reply, reply, state} ->
        GenServer.reply(from, reply)
        state

      {:noreply, state} ->
        state

      {:stop, _reason, state} ->
        state
    end
  end

  # Neither pid can have been given to another process: the agent has not reaped its child, and the port,
  # whose child the agent is, is still open.
  defp kill(victim, %{session: %{host_pid: workload}, port: port}) do
    case {victim, Port.info(port, :os_pid)} do
      {:workload, {:os_pid, agent}} when workload != nil ->
        Linx.Agent.kill_workload(workload, agent)

      # SIGKILL ends the guard of a blocked agent at once, which is the thread that would kill the workload,
      # but the blocked thread only after the workload. So the workload is killed first. When that fails the agent
      # is killed all the same, because it would stay for ever; the workload has its parent-death signal.
      {:agent, {:os_pid, agent}} ->
        Linx.Agent.kill_workload(workload || agent, agent)
        Linx.Agent.kill(agent)

      _nothing_known ->
        :ok
    end
  end

  # The event of the state machine that a message stands for; nil for a message that is none.
  defp event({port, {:data, bytes}}, %{port: port}) do
    case Wire.decode(bytes) do
      {:ok, frame} -> {:frame, frame}
      :error -> :malformed
    end
  end

  defp event({port, {:exit_status, code}}, %{port: port}), do: {:agent_exit, code}
  defp event({:EXIT, port, _reason}, %{port: port}), do: {:agent_exit, @channel_failed}

  defp event({:EXIT, pid, reason}, %{caller: caller})
       when is_pid(pid) and pid != caller and reason != :normal,
       do: {:stop, reason}

  defp event({:wait_timeout, from}, _state), do: {:timeout, from}

  defp event({{:caller_down, from}, _ref, :process, _pid, _reason}, _state),
    do: {:caller_down, from}

  defp event({:receiver_down, _ref, :process, pid, _reason}, _state), do: {:receiver_down, pid}
  defp event(:grace_over, _state), do: :grace_over
  defp event({:look_at, pid, signals}, _state), do: {:looked, Init.look(pid, signals)}
  defp event({:rescue, _victim} = event, _state), do: event
  defp event(message, state), do: Caller.ended(message, state.caller)

  defp step(event, state), do: proceed(advance(event, state))

  defp proceed(%{stop: nil} = state), do: {:noreply, state}
  defp proceed(%{stop: {:reason, :normal}} = state), do: {:stop, :normal, state}

  defp proceed(%{stop: {:reason, reason}} = state) do
    Departure.log(state.label, reason)
    leave(reason, state)
  end

  @spec leave(term(), %__MODULE__{}) :: no_return()
  defp leave(reason, state) do
    terminate(reason, state)
    Departure.leave(reason)
  end

  defp advance(event, state) do
    {session, effects} = Session.transition(state.session, event)

    if state.remote && session.owner != state.session.owner,
      do: send(state.remote, {:owner, session.owner})

    Enum.reduce(effects, %{state | session: session}, &carry_out/2)
  end

  defp written(state), do: %{state | channel: Channel.written(state.channel)}

  defp carry_out({:send, command}, state),
    do: %{state | channel: Channel.write(state.channel, Wire.encode(command), urgent?(command))}

  defp carry_out({:reply, from, result}, %{collector: %{from: from}} = state) when from != nil,
    do: reply_collected(result, state)

  defp carry_out({:reply, from, result}, state) do
    GenServer.reply(from, result)
    state
  end

  defp carry_out({:event, event}, state) do
    notify(state, event)
    %{state | telemetry: Telemetry.event(state.telemetry, event, state.session.result)}
  end

  defp carry_out({:message, _receiver, event}, %{collector: %Collector{} = collector} = state),
    do: collected(%{state | collector: Collector.message(collector, event)})

  defp carry_out({:message, receiver, event}, %{remote: nil} = state) do
    send(receiver, {:linx_process, self(), event})
    state
  end

  defp carry_out({:message, _receiver, event}, state) do
    send(state.remote, {:message, event})
    state
  end

  # What is collected is for the call, which is watched, and for no owner.
  defp carry_out({:watch_receiver, _pid}, %{collector: %Collector{}} = state), do: state

  defp carry_out({:watch_receiver, pid}, state) do
    if state.receiver, do: Process.demonitor(state.receiver, [:flush])
    %{state | receiver: :erlang.monitor(:process, pid, tag: :receiver_down)}
  end

  defp carry_out({:kill_after, grace}, state) do
    Process.send_after(self(), :grace_over, grace)
    state
  end

  # Later, because the agent has to send the signals first.
  defp carry_out({:look_at, pid, signals}, state) do
    Process.send_after(self(), {:look_at, pid, signals}, @look_pause)
    state
  end

  defp carry_out({:rescue_after, timeout, victim}, state) do
    Process.send_after(self(), {:rescue, victim}, timeout)
    state
  end

  defp carry_out({:kill, victim}, state) do
    kill(victim, state)
    state
  end

  defp carry_out({:watch, {pid, _tag} = from, timeout}, state) do
    monitor = :erlang.monitor(:process, pid, tag: {:caller_down, from})

    timer =
      if timeout != :infinity, do: Process.send_after(self(), {:wait_timeout, from}, timeout)

    put_in(state.watches[from], {monitor, timer})
  end

  defp carry_out({:unwatch, from}, state) do
    {{monitor, timer}, watches} = Map.pop!(state.watches, from)
    Process.demonitor(monitor, [:flush])
    if timer, do: Process.cancel_timer(timer)
    %{state | watches: watches}
  end

  defp carry_out(:close, state) do
    Channel.close(state.channel)
    %{state | channel: nil, port: nil}
  end

  defp carry_out({:stop, reason}, state), do: %{state | stop: {:reason, reason}}

  # When all output is there, the call that waits for it waits for the end.
  defp collected(%{collector: %{from: nil}} = state), do: state
  defp collected(%{collector: %{ending: nil}} = state), do: state

  defp collected(%{collector: %{ending: :eof, from: from}} = state),
    do: advance({:call, from, {:finish, :infinity}}, state)

  defp collected(%{collector: %{ending: {:error, _reason} = error}} = state),
    do: reply_collected(error, state)

  defp collected(%{collector: %{ending: {:refused, _reason} = refusal} = collector} = state) do
    GenServer.reply(collector.from, refusal)
    %{state | collector: %{collector | from: nil}}
  end

  # A call that did not wait for the start gets its error.
  defp not_started(reason, %{collector: %Collector{from: from} = collector} = state) do
    state = if from == nil, do: state, else: advance({:caller_down, from}, state)
    collected(%{state | collector: %{collector | ending: {:refused, reason}}})
  end

  defp not_started(_reason, state), do: state

  # The one reply to the call that collects.
  defp reply_collected(result, %{collector: collector} = state) do
    GenServer.reply(collector.from, {Collector.chunks(collector), result})
    %{state | collector: %{collector | from: nil, chunks: []}}
  end

  defp notify(%{remote: nil, session: session}, event),
    do: Events.send(session.events, session.owner, self(), event)

  defp notify(%{remote: remote}, event), do: send(remote, {:event, event})

  # What ends a workload that may never run.
  defp urgent?(:abort), do: true
  defp urgent?(command), do: is_tuple(command) and elem(command, 0) == :signal

  defp agent_pid(%{channel: nil}), do: nil
  defp agent_pid(%{channel: channel}), do: Channel.agent_pid(channel)
end
