# SPDX-License-Identifier: MIT

defmodule Linx.Process.Session do
  @moduledoc false
  # The state machine of a session: pure, and driven by `Linx.Process.Server`. `transition/2` takes an
  # event and returns the new state with the effects that the server has to carry out.
  #
  # States:
  #
  #     starting ─▶ spawned ─▶ ready ─▶ proceeding ─▶ running ─▶ ended
  #                    │         │                                 ▲
  #                    └─────────┴──▶ aborting ────────────────────┤
  #     (any) ───────── final frame, end of the agent ─────────────┘
  #
  # Between `proceeding` and `running` a session is `waiting` while a FIFO of its stdio has no other side.
  # When its child is ready, a session without a checkpoint goes from `spawned` to `proceeding`, and one whose
  # abort was asked for before to `aborting`. A session that has ended keeps its agent while a stream has not
  # ended or a writer waits for its reply.

  alias Linx.Process.{Ending, Error, Info, Pipes, Terminal, Verbs}

  # The agent's own exit code for a broken channel, for when no code is known.
  @channel_failed 1

  @enforce_keys [:mode, :owner]
  defstruct [
    :mode,
    :owner,
    :host_pid,
    :child_pid,
    :result,
    :receiver,
    :terminal,
    :usage,
    subject: {nil, %{}},
    state: :starting,
    pipes: %Pipes{},
    verbs: %Verbs{},
    open?: true,
    left?: false,
    linger: true,
    auto_proceed: false,
    events: :plain,
    stop: {15, 5_000},
    asked: [],
    asked_left?: false,
    alone: 0,
    abort?: false,
    signals: [],
    waiters: %{}
  ]

  # The requests that a session knows: 0 for an atom, or the size of the tuple.
  @requests %{
              wait: 2,
              finish: 2,
              stop: 2,
              info: 2,
              host_pid: 0,
              target: 0,
              set_owner: 2,
              signal: 3
            }
            |> Map.merge(%{proceed: 0, abort: 0, checkpoint: 2})
            |> Map.merge(%{read: 4, set_active: 3, write: 3, close: 2})
            |> Map.merge(%{pty_master: 0, pty_winsize: 2, pty_write: 2})

  defguardp is_checkpoint_request(request)
            when request in [:proceed, :abort] or
                   (is_tuple(request) and elem(request, 0) == :checkpoint)

  defguardp is_pipe_request(request)
            when is_tuple(request) and elem(request, 0) in [:read, :set_active, :write, :close]

  @type from :: GenServer.from()
  @type victim :: :workload | :agent

  @typedoc """
  What the server has to do. A `:watch` reports the caller's end and the time-out, a
  `:watch_receiver` the end of that process and of no earlier receiver; `:kill_after` and
  `:rescue_after` report that their milliseconds are over. A `:look_at` reports what `Linx.Process.Init` has seen.
  `:kill` is done through another agent.
  """
  @type effect ::
          {:send, Linx.Agent.Wire.command()}
          | {:reply, from(), term()}
          | {:watch, from(), timeout()}
          | {:unwatch, from()}
          | {:event, Linx.Process.event()}
          | {:message, receiver :: pid(), tuple()}
          | {:watch_receiver, pid()}
          | {:kill_after, non_neg_integer()}
          | {:rescue_after, non_neg_integer(), victim()}
          | {:look_at, pos_integer(), [1..64]}
          | {:kill, victim()}
          | :close
          | {:stop, term()}

  @typedoc """
  What happened. Each call gets exactly one reply. `:malformed` is a message from the agent that is no
  frame; at `:stop` the session's process is about to end, and the workload has to end before it.
  """
  @type event ::
          {:call, from(), term()}
          | {:frame, Linx.Agent.Wire.frame()}
          | :malformed
          | {:agent_exit, non_neg_integer()}
          | {:timeout | :caller_down, from()}
          | {:receiver_down, pid()}
          | :grace_over
          | {:looked, :alone | :waits | :reacts}
          | {:rescue, victim()}
          | :stop

  @type t :: %__MODULE__{}

  @doc """
  A session whose request has been sent.

      iex> Linx.Process.Session.new(mode: :spawn, owner: self()).state
      :starting
  """
  @spec new(keyword()) :: t()
  def new(fields), do: struct!(__MODULE__, fields)

  @doc """
  The session after an event, and the effects that the server has to carry out.

      iex> alias Linx.Process.Session
      iex> session = Session.new(mode: :spawn, owner: self())
      iex> {session, []} = Session.transition(session, {:frame, {:status, :spawned, 4711}})
      iex> {session, [event: {:ready, 4711}]} = Session.transition(session, {:frame, {:status, :ready, 1}})
      iex> {session, effects} = Session.transition(session, {:call, {self(), :tag}, :proceed})
      iex> {session.state, effects}
      {:proceeding, [{:send, :proceed}, {:reply, {self(), :tag}, :ok}]}
  """
  @spec transition(t(), event()) :: {t(), [effect()]}
  def transition(session, {:call, from, request}) do
    if known?(request),
      do: call(session, request, from),
      else: reply(session, from, {:error, {:bad_request, request}})
  end

  def transition(session, {:timeout, from}),
    do: forget(session, from, [{:unwatch, from}, {:reply, from, {:error, :timeout}}])

  def transition(session, {:caller_down, from}), do: forget(session, from, [{:unwatch, from}])
  def transition(%{open?: false} = session, _event), do: {session, []}
  def transition(session, :stop), do: stop(session)
  def transition(session, {:frame, frame}), do: frame(session, frame)
  def transition(session, :malformed), do: malformed(session)
  def transition(session, {:agent_exit, code}), do: fail(session, Error.new(:agent_died, code))
  def transition(session, :grace_over), do: Ending.kill(session)
  def transition(session, {:looked, seen}), do: Ending.looked(session, seen)
  def transition(session, {:rescue, victim}), do: rescue_from_agent(session, victim)

  def transition(session, {:receiver_down, pid}) do
    if pid == receiver(session),
      do: session |> pipes(Pipes.receiver_down(session.pipes)) |> settle(),
      else: {session, []}
  end

  defp known?(name) when is_atom(name), do: @requests[name] == 0

  defp known?(request),
    do: is_tuple(request) and request != {} and @requests[elem(request, 0)] == tuple_size(request)

  ## Requests that are served in every state

  defp call(session, request, from) when is_pipe_request(request),
    do: session |> pipes(Pipes.call(session.pipes, from, request)) |> settle()

  defp call(%{result: nil} = session, {:wait, timeout}, from),
    do: {put_in(session.waiters[from], :wait), [{:watch, from, timeout}]}

  defp call(session, {:wait, _timeout}, from), do: reply(session, from, session.result)

  defp call(%{result: nil} = session, {:finish, timeout}, from),
    do: {put_in(session.waiters[from], :finish), [{:watch, from, timeout}]}

  defp call(session, {:finish, _timeout}, from) do
    {session, stop} = stop_finished(session)
    {session, [{:reply, from, {session.result, session.usage}} | stop]}
  end

  defp call(%{result: result} = session, {:stop, grace}, from) when result != nil do
    {session, effects} = Ending.stop_left(session, grace(session, grace))
    {session, [{:reply, from, result} | effects]}
  end

  defp call(session, {:info, agent_pid}, from),
    do: reply(session, from, {:ok, info(session, agent_pid)})

  defp call(%{host_pid: pid} = session, :host_pid, from) when pid != nil,
    do: reply(session, from, {:ok, pid})

  defp call(session, {:set_owner, owner}, from) do
    session = %{session | owner: owner}
    follows? = session.receiver == nil and Pipes.active(session.pipes) != []
    watch = if follows?, do: [{:watch_receiver, owner}], else: []
    {session, [{:reply, from, :ok} | watch]}
  end

  ## After the end, and while the workload is aborted

  defp call(%{state: :ended} = session, _request, from), do: gone(session, from)

  # The caller gets the reply of a wait.
  defp call(session, {:stop, grace}, from) do
    {session, effects} =
      if grace == :default,
        do: Ending.stop(session, session.stop),
        else: Ending.terminate(session, grace(session, grace))

    {put_in(session.waiters[from], :wait), [{:watch, from, :infinity} | effects]}
  end

  defp call(%{state: :aborting} = session, :abort, from), do: reply(session, from, :ok)
  defp call(%{state: :aborting} = session, _request, from), do: gone(session, from)

  ## The workload's pid, for another session that is to enter its namespaces

  defp call(%{host_pid: nil} = session, request, from) when request in [:host_pid, :target],
    do: reply(session, from, {:error, :not_ready})

  defp call(session, :target, from), do: reply(session, from, {:ok, session.host_pid})

  ## The checkpoint

  defp call(%{state: :ready} = session, :proceed, from),
    do: {%{session | state: :proceeding}, [{:send, :proceed}, {:reply, from, :ok}]}

  defp call(%{state: :ready} = session, :abort, from),
    do: {%{session | state: :aborting}, [{:send, :abort}, {:reply, from, :ok}]}

  defp call(%{state: :ready} = session, {:checkpoint, command}, from),
    do: {push_verb(session, from), [{:send, command}]}

  defp call(%{state: state, auto_proceed: false} = session, request, from)
       when state in [:starting, :spawned] and is_checkpoint_request(request) do
    if request == :abort do
      {session, sends} = Ending.abort_early(session)
      {session, sends ++ [{:reply, from, :ok}]}
    else
      reply(session, from, {:error, :not_ready})
    end
  end

  defp call(session, request, from) when is_checkpoint_request(request),
    do: reply(session, from, {:error, :running})

  ## The workload

  defp call(session, {:signal, number, scope}, from) do
    {session, effects} = Ending.signal(session, number, scope)
    {session, effects ++ [{:reply, from, :ok}]}
  end

  ## Its terminal

  defp call(%{state: :ready, terminal: %Terminal{}} = session, {:pty_winsize, _} = command, from),
    do: {push_verb(session, from), [{:send, command}]}

  defp call(session, request, from),
    do: terminal(session, Terminal.call(session.terminal, session.state, from, request))

  defp info(session, agent_pid) do
    known = ~w(mode state host_pid child_pid owner linger auto_proceed result usage)a
    more = %{stage: session.state, pty?: session.terminal != nil, agent_pid: agent_pid}
    struct!(Info, session |> Map.take(known) |> Map.merge(more))
  end

  ## Frames

  defp frame(session, frame) do
    case Pipes.frame(session.pipes, frame, session.state in [:running, :ended]) do
      {:ok, change} -> session |> pipes(change) |> settle()
      :error -> malformed(session)
      :other -> status(session, frame)
    end
  end

  # After the final frame the agent sends no other frame than that the terminal took some input.
  defp status(%{state: :ended} = session, {:written, :pty, _bytes}), do: {session, []}
  defp status(%{state: :ended} = session, _frame), do: malformed(session)

  defp status(session, {:usage, usage}),
    do: {%{session | usage: usage}, [{:event, {:usage, usage}}]}

  # From an agent of a pool, once it has read its request.
  defp status(%{state: :starting} = session, {:status, :accepted}), do: {session, []}

  defp status(%{state: :starting} = session, {:status, :spawned, pid}),
    do: {%{session | state: :spawned, host_pid: pid}, []}

  defp status(%{state: :spawned} = session, {:status, :ready, pid}) do
    session = %{session | child_pid: pid}

    {session, effects} =
      cond do
        session.auto_proceed -> {%{session | state: :proceeding}, []}
        session.abort? -> {%{session | state: :aborting}, []}
        true -> apply_size(%{session | state: :ready})
      end

    {session, [{:event, {:ready, session.host_pid}} | effects]}
  end

  # A child that waits can be sent signals, which end it; it may never run.
  defp status(%{state: :proceeding} = session, {:status, :waiting}),
    do: Ending.send_signals(%{session | state: :waiting})

  defp status(%{state: state} = session, {:status, :running})
       when state in [:proceeding, :waiting] do
    {session, size} = send_size(%{session | state: :running})
    {session, signals} = Ending.send_signals(session)
    {session, ends} = pipes(session, Pipes.started(session.pipes))
    {session, [{:event, :running} | size] ++ signals ++ ends}
  end

  defp status(session, {:status, :applied, n}) do
    case Verbs.applied(session.verbs, n) do
      {:ok, {verbs, effects}} -> {%{session | verbs: verbs}, effects}
      :error -> malformed(session)
    end
  end

  defp status(session, {:status, :exited, code}),
    do: succeed(session, {:ok, {:exited, code}}, {:exited, code})

  defp status(session, {:status, :signaled, number}),
    do: succeed(session, {:ok, {:signaled, number}}, {:signaled, number})

  defp status(session, {:status, :aborted, _pid}),
    do: succeed(session, {:ok, :aborted}, :aborted)

  defp status(session, {:error, errno, stage}), do: fail(session, Error.new(stage, errno))

  defp status(session, {:error, errno, stage, index}),
    do: fail(session, Error.new(stage, errno, index))

  defp status(%{terminal: %Terminal{}} = session, {:pty_out, data}) do
    {session, effects} = terminal(session, Terminal.shown(session.terminal, byte_size(data)))
    {session, [{:event, {:pty_out, data}} | effects]}
  end

  defp status(%{terminal: %Terminal{}} = session, {:written, :pty, bytes}) do
    case Terminal.written(session.terminal, bytes) do
      {:ok, change} -> terminal(session, change)
      :error -> malformed(session)
    end
  end

  defp status(%{terminal: %Terminal{}} = session, {:eof, :pty}), do: {session, []}

  defp status(session, _not_due), do: malformed(session)

  ## The parts

  defp pipes(session, {pipes, effects}) do
    effects =
      for effect <- effects do
        case effect do
          {:message, event} -> {:message, receiver(session), event}
          :watch_receiver -> {:watch_receiver, receiver(session)}
          effect -> effect
        end
      end

    {%{session | pipes: pipes}, effects}
  end

  defp receiver(%{receiver: nil, owner: owner}), do: owner
  defp receiver(%{receiver: receiver}), do: receiver

  defp terminal(session, {terminal, effects}), do: {%{session | terminal: terminal}, effects}

  defp send_size(session), do: terminal(session, Terminal.send_size(session.terminal))

  # A size that was kept is applied at the checkpoint as a command without a caller.
  defp apply_size(session) do
    {session, sends} = send_size(session)
    {Enum.reduce(sends, session, fn _send, session -> push_verb(session, nil) end), sends}
  end

  defp push_verb(session, from), do: %{session | verbs: Verbs.push(session.verbs, from)}

  ## The end

  # Once the workload and its streams have ended, the port is closed, so that the agent ends. A session that
  # does not linger then stops, once all output was read.
  defp settle({%{state: :ended} = session, effects}) do
    {session, unread} = pipes(session, Pipes.close_unread(session.pipes))
    {session, close} = if Pipes.served?(session.pipes), do: close(session), else: {session, []}
    {session, leave} = leave(session)
    {session, effects ++ unread ++ close ++ leave}
  end

  defp settle({session, effects}), do: {session, effects}

  defp close(%{open?: false} = session), do: {session, []}

  defp close(session) do
    {session, effects} = pipes(session, Pipes.break_stdin(session.pipes))
    {%{session | open?: false}, effects ++ [:close]}
  end

  defp leave(%{linger: false, open?: false, left?: false} = session) do
    {decision, change} = Pipes.leave(session.pipes)
    {session, effects} = pipes(session, change)

    if decision == :stop,
      do: {%{session | left?: true}, effects ++ [{:stop, stop_reason(session.result)}]},
      else: {session, effects}
  end

  defp leave(session), do: {session, []}

  # Requests that wait for a stream get the reply that they would get after the session's end.
  defp stop(%{state: :ended} = session), do: break_pipes(session, :no_process)
  defp stop(session), do: Ending.stop(session, session.stop)

  defp rescue_from_agent(%{state: :ended} = session, _victim), do: {session, []}

  defp rescue_from_agent(session, :workload), do: Ending.rescue_workload(session)

  defp rescue_from_agent(session, :agent) do
    {session, effects} = fail(session, Error.new(:agent_died, @channel_failed))
    {session, [{:kill, :agent} | effects]}
  end

  # A workload that does not run yet need not be killed, because the agent ends it when the port is closed.
  defp malformed(session) do
    kill = if session.state == :running, do: Ending.kill_now(), else: []
    {session, effects} = fail(session, Error.new(:malformed_frame, :eproto))
    {session, kill ++ effects}
  end

  defp succeed(session, result, event) do
    {session, effects} = finish(session, result, event)
    {session, ends} = pipes(session, Pipes.started(session.pipes))
    settle({session, effects ++ ends})
  end

  defp fail(session, error),
    do: failed(session, Error.about(error, session.subject, list(session.state)))

  # The list of commands that is applied in a state; nil at the checkpoint, where they come one at a time.
  defp list(state) when state in [:starting, :spawned], do: :setup
  defp list(:ready), do: nil
  defp list(_after_the_checkpoint), do: :final

  # After the final event only the streams can fail.
  defp failed(%{state: :ended} = session, error), do: break_pipes(session, error)

  # A workload that failed to start wrote nothing, and what a workload wrote whose agent failed is not
  # known. To call that the end of its output would be wrong for both.
  defp failed(session, error) do
    {session, effects} = finish(session, {:error, error}, {:error, error.code, error.stage})
    {session, more} = break_pipes(session, error)
    {session, effects ++ more}
  end

  defp break_pipes(session, error),
    do: session |> pipes(Pipes.break(session.pipes, error)) |> settle()

  defp finish(session, result, event) do
    {verbs, verb_replies} = Verbs.finish(session.verbs, result)
    {session, writer_replies} = terminal(session, Terminal.finish(session.terminal))
    waiters = session.waiters

    replies =
      Enum.flat_map(waiters, fn
        {from, :wait} -> [{:unwatch, from}, {:reply, from, result}]
        {from, :finish} -> [{:unwatch, from}, {:reply, from, {result, session.usage}}]
      end)

    session = %{
      session
      | state: :ended,
        result: result,
        verbs: verbs,
        waiters: %{},
        signals: []
    }

    {session, stop} =
      if :finish in Map.values(waiters), do: stop_finished(session), else: {session, []}

    {session, [{:event, event}] ++ verb_replies ++ writer_replies ++ replies ++ stop}
  end

  # The caller of a :finish needs the session no more.
  defp stop_finished(%{left?: true} = session), do: {session, []}

  defp stop_finished(session) do
    reason = if session.linger, do: :normal, else: stop_reason(session.result)
    {%{session | left?: true}, [{:stop, reason}]}
  end

  defp stop_reason({:ok, {:exited, 0}}), do: :normal
  defp stop_reason({:ok, :aborted}), do: {:shutdown, :aborted}
  defp stop_reason({:ok, outcome}), do: outcome
  defp stop_reason({:error, error}), do: {:error, error}

  ## Helpers

  defp grace(%{stop: stop}, :default), do: stop
  defp grace(%{stop: {signal, _grace}}, grace), do: {signal, grace}

  defp reply(session, from, result), do: {session, [{:reply, from, result}]}
  defp gone(session, from), do: reply(session, from, {:error, :no_process})

  # Drops the request of a caller that waits no more.
  defp forget(session, from, effects) do
    if is_map_key(session.waiters, from) do
      {%{session | waiters: Map.delete(session.waiters, from)}, effects}
    else
      case Pipes.forget(session.pipes, from) do
        {:ok, {pipes, sends}} -> settle({%{session | pipes: pipes}, effects ++ sends})
        :error -> {session, []}
      end
    end
  end
end
