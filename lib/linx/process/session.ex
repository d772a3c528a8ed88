defmodule Linx.Process.Session do
  @moduledoc """
  The state machine of a session: pure, and driven by `Linx.Process.Server`.

  `transition/2` takes what happened and answers with the new state and what to do about it.

  ## Stages

      starting ─▶ spawned ─▶ ready ─▶ proceeding ─▶ running ─▶ ended
                               │                                 ▲
                               └────▶ aborting ──────────────────┤
      (any) ─────── terminal frame, end of the agent ────────────┘

  A session without a checkpoint goes from `spawned` to `proceeding` by itself. One that has ended keeps
  its agent while that serves streams that have not ended, or somebody writes.

  ## Events

    * `{:call, from, request}` - an API call; each gets exactly one `:reply`
    * `{:frame, frame}` - from the agent, as `Linx.Agent.Wire.decode/1` has it
    * `:malformed` - the agent sent something that is no frame
    * `{:agent_exit, code}` - the agent ended
    * `{:timeout, from}`, `{:caller_down, from}` - for a call that was `:watch`ed
    * `{:receiver_down, pid}` - for a receiver that was watched
    * `:grace_over` - what was asked for with `:kill_after`
    * `{:rescue, victim}` - what was asked for with `:rescue_after`
    * `:stop` - the session process is about to end, and the workload has to go first

  ## Effects

    * `{:send, command}` - to the agent
    * `{:reply, from, answer}`
    * `{:watch, from, timeout}`, `{:unwatch, from}` - report the caller's death and the time-out
    * `{:event, event}` - to the owner
    * `{:message, pid, event}` - to the receiver of streams in active mode
    * `{:watch_receiver, pid}` - report this one's death, and no other's any more
    * `{:kill_after, ms}` - say when the time is over
    * `{:rescue_after, ms, victim}` - say when the time is over in which the agent should have ended the session
    * `{:kill, victim}` - kill the `:workload`, or the `:agent`, without the agent's help
    * `:close` - close the port
    * `{:stop, reason}` - end the session process
  """

  alias Linx.Process.{Error, Info, Input, Stdin, Streams}

  # The agent's own exit code for a broken channel, for when no code is known.
  @channel_failed 1

  # Of a terminal's output, asked for ahead and topped up at the half. An owner who is sent every byte
  # sets no pace of its own, and what the agent has not been asked for when the workload ends comes
  # after the end, where nobody expects it. So the session never gets near the last of it.
  @demand 1024 * 1024 * 1024

  # What a session that goes down does to a workload that runs.
  @kill {:signal, 9, :group}

  # What stop/2 does to it, as the agent's orphan policy: a stopped process handles nothing before it
  # goes on. Then what is left of the tree.
  @terminate [{:signal, 15, :group}, {:signal, 18, :group}]
  @kill_tree {:signal, 9, :tree}

  # How long an agent has to end what it was told to end, and then to say that it is ended when another
  # agent has ended it, in ms. One that is stopped, or that the workload keeps asleep, does neither.
  @react 1_000

  @enforce_keys [:mode, :owner]
  defstruct [
    :mode,
    :owner,
    :host_pid,
    :child_pid,
    :result,
    :winsize,
    :receiver,
    :stdin,
    :usage,
    stage: :starting,
    streams: %Streams{},
    open?: true,
    left?: false,
    last_readers: [],
    early_ends: [],
    pty?: false,
    linger: true,
    auto_proceed: false,
    events: :plain,
    stopping?: false,
    abort?: false,
    signals: [],
    verbs: :queue.new(),
    applied: 0,
    waiters: %{},
    input: %Input{},
    writers: [],
    demanded: @demand
  ]

  defguardp is_checkpoint_request(request)
            when request in [:proceed, :abort] or
                   (is_tuple(request) and elem(request, 0) == :checkpoint)

  @type from :: GenServer.from()
  @type victim :: :workload | :agent
  @type effect ::
          {:send, Linx.Agent.Wire.command()}
          | {:reply, from(), term()}
          | {:watch, from(), timeout()}
          | {:unwatch, from()}
          | {:event, Linx.Process.event()}
          | {:message, pid(), tuple()}
          | {:watch_receiver, pid()}
          | {:kill_after, non_neg_integer()}
          | {:rescue_after, non_neg_integer(), victim()}
          | {:kill, victim()}
          | :close
          | {:stop, term()}

  @type event ::
          {:call, from(), term()}
          | {:frame, Linx.Agent.Wire.frame()}
          | :malformed
          | {:agent_exit, non_neg_integer()}
          | {:timeout, from()}
          | {:caller_down, from()}
          | {:receiver_down, pid()}
          | :grace_over
          | {:rescue, victim()}
          | :stop

  @type t :: %__MODULE__{}

  @doc """
  A session whose request has been sent.

      iex> Linx.Process.Session.new(mode: :spawn, owner: self()).stage
      :starting
  """
  @spec new(keyword()) :: t()
  def new(fields), do: struct!(__MODULE__, fields)

  @doc "How many bytes of a terminal's output a request asks for."
  @spec demand() :: pos_integer()
  def demand, do: @demand

  @doc """
  What a session does about an event.

      iex> alias Linx.Process.Session
      iex> session = Session.new(mode: :spawn, owner: self())
      iex> {session, []} = Session.transition(session, {:frame, {:status, :spawned, 4711}})
      iex> {session, [event: {:ready, 4711}]} = Session.transition(session, {:frame, {:status, :ready, 1}})
      iex> {session, effects} = Session.transition(session, {:call, {self(), :tag}, :proceed})
      iex> {session.stage, effects}
      {:proceeding, [{:send, :proceed}, {:reply, {self(), :tag}, :ok}]}
  """
  @spec transition(t(), event()) :: {t(), [effect()]}
  def transition(session, {:call, from, request}), do: call(session, request, from)

  def transition(session, {:timeout, from}) do
    forget(session, from, [{:unwatch, from}, {:reply, from, {:error, :timeout}}])
  end

  def transition(session, {:caller_down, from}), do: forget(session, from, [{:unwatch, from}])
  def transition(%{open?: false} = session, _event), do: {session, []}
  def transition(session, :stop), do: stop(%{session | stopping?: true})
  def transition(session, {:frame, frame}), do: frame(session, frame)
  def transition(session, :malformed), do: malformed(session)
  def transition(session, {:agent_exit, code}), do: fail(session, Error.new(:agent_died, code))
  def transition(session, :grace_over), do: kill(session)
  def transition(session, {:rescue, victim}), do: rescue_from_agent(session, victim)

  def transition(session, {:receiver_down, pid}) do
    if pid == receiver(session),
      do: session |> streams(Streams.close_active(session.streams)) |> settle(),
      else: {session, []}
  end

  ## Calls that any stage answers

  defp call(%{result: nil} = session, {:wait, timeout}, from),
    do: {put_in(session.waiters[from], true), [{:watch, from, timeout}]}

  defp call(session, {:wait, _timeout}, from), do: reply(session, from, session.result)

  defp call(%{result: result} = session, {:stop, _grace}, from) when result != nil,
    do: reply(session, from, result)

  defp call(session, {:info, agent_pid}, from) do
    fields =
      Map.take(session, [
        :mode,
        :stage,
        :host_pid,
        :child_pid,
        :pty?,
        :owner,
        :linger,
        :auto_proceed,
        :result,
        :usage
      ])

    reply(session, from, {:ok, struct!(Info, Map.put(fields, :agent_pid, agent_pid))})
  end

  defp call(%{host_pid: pid} = session, :host_pid, from) when pid != nil,
    do: reply(session, from, {:ok, pid})

  ## Its streams, which may outlast it

  defp call(session, {:read, request, max, timeout}, from),
    do: session |> streams(Streams.read(session.streams, from, request, max, timeout)) |> settle()

  defp call(session, {:set_active, request, active}, from) do
    case active_streams(session, request) do
      [] ->
        reply(session, from, {:error, :not_piped})

      names ->
        watch = if active == false, do: [], else: [{:watch_receiver, receiver(session)}]
        {session, effects} = streams(session, Streams.set_active(session.streams, names, active))
        settle({session, [{:reply, from, :ok}] ++ watch ++ effects})
    end
  end

  defp call(%{stdin: nil} = session, {:write, _data, _timeout}, from),
    do: reply(session, from, {:error, :not_piped})

  defp call(session, {:write, data, timeout}, from),
    do: stdin(session, Stdin.write(session.stdin, from, data, timeout))

  defp call(%{stdin: nil} = session, {:close, :stdin}, from),
    do: reply(session, from, {:error, :not_piped})

  defp call(session, {:close, :stdin}, from) do
    {session, effects} = stdin(session, Stdin.close(session.stdin))
    settle({session, effects ++ [{:reply, from, :ok}]})
  end

  defp call(session, {:close, stream}, from) do
    if Streams.has?(session.streams, stream) do
      {session, effects} = streams(session, Streams.close(session.streams, stream))
      settle({session, effects ++ [{:reply, from, :ok}]})
    else
      reply(session, from, {:error, :not_piped})
    end
  end

  ## After the end, and with the end decided

  defp call(%{stage: :ended} = session, _request, from), do: gone(session, from)

  defp call(session, {:set_owner, owner}, from) do
    session = %{session | owner: owner}
    follows? = session.receiver == nil and Streams.active(session.streams) != []
    watch = if follows?, do: [{:watch_receiver, owner}], else: []
    {session, [{:reply, from, :ok} | watch]}
  end

  # Answered as a wait is; on the way to the workload's first instruction it is kept, as a signal is.
  defp call(session, {:stop, grace}, from) do
    {session, effects} = terminate(session, grace)
    {put_in(session.waiters[from], true), [{:watch, from, :infinity} | effects]}
  end

  defp call(%{stage: :aborting} = session, :abort, from), do: reply(session, from, :ok)
  defp call(%{stage: :aborting} = session, _request, from), do: gone(session, from)

  ## Whom the workload is, for another session that is to enter it

  defp call(%{host_pid: nil} = session, request, from) when request in [:host_pid, :target],
    do: reply(session, from, {:error, :not_ready})

  defp call(session, :target, from), do: reply(session, from, {:ok, session.host_pid})

  ## The checkpoint

  defp call(%{stage: :ready} = session, :proceed, from),
    do: {%{session | stage: :proceeding}, [{:send, :proceed}, {:reply, from, :ok}]}

  defp call(%{stage: :ready} = session, :abort, from),
    do: {%{session | stage: :aborting}, [{:send, :abort}, {:reply, from, :ok}]}

  defp call(%{stage: :ready} = session, {:checkpoint, command}, from),
    do: {push_verb(session, from), [{:send, command}]}

  defp call(%{stage: stage, auto_proceed: false} = session, request, from)
       when stage in [:starting, :spawned] and is_checkpoint_request(request) do
    if request == :abort do
      {session, sends} = abort_early(session)
      {session, sends ++ [{:reply, from, :ok}]}
    else
      reply(session, from, {:error, :not_ready})
    end
  end

  defp call(session, request, from) when is_checkpoint_request(request),
    do: reply(session, from, {:error, :running})

  ## The workload

  defp call(%{stage: :running} = session, {:signal, number, scope}, from),
    do: {session, [{:send, signal(number, scope)}, {:reply, from, :ok}]}

  # SIGKILL is not the workload's to handle, so it need not wait for one that may never run.
  defp call(session, {:signal, number, scope}, from) do
    if number == 9 and not parks?(session),
      do: {session, [{:send, signal(number, scope)}, {:reply, from, :ok}]},
      else: reply(keep_signals(session, [signal(number, scope)]), from, :ok)
  end

  ## Its terminal

  defp call(%{pty?: false} = session, _pty_request, from),
    do: reply(session, from, {:error, :no_pty})

  defp call(session, :pty_master, from), do: reply(session, from, :ok)

  defp call(%{stage: :ready} = session, {:pty_winsize, _} = command, from),
    do: {push_verb(session, from), [{:send, command}]}

  defp call(%{stage: :running} = session, {:pty_winsize, _} = command, from),
    do: {session, [{:send, command}, {:reply, from, :ok}]}

  defp call(session, {:pty_winsize, _} = command, from),
    do: reply(%{session | winsize: command}, from, :ok)

  defp call(%{stage: :running} = session, {:pty_write, data}, from) do
    {session, sends} = send_input(%{session | input: Input.push(session.input, data)})

    if Input.full?(session.input),
      do: {%{session | writers: [from | session.writers]}, sends},
      else: {session, sends ++ [{:reply, from, :ok}]}
  end

  defp call(session, {:pty_write, _data}, from), do: reply(session, from, {:error, :not_running})

  ## Frames

  defp frame(session, {name, data}) when name in [:stdout, :stderr],
    do: output(session, name, data)

  defp frame(session, {:written, :stdin, bytes}) when session.stdin != nil do
    case Stdin.written(session.stdin, bytes) do
      {:ok, change} -> session |> stdin(change) |> settle()
      :error -> malformed(session)
    end
  end

  defp frame(session, {:closed, :stdin, errno}) when session.stdin != nil,
    do: session |> stdin(Stdin.break(session.stdin, Error.new(:write, errno))) |> settle()

  # A child that fails to start closes its streams before it is known that it failed.
  defp frame(%{stage: stage} = session, {:eof, name})
       when is_map_key(session.streams.outputs, name) and stage not in [:running, :ended],
       do: {%{session | early_ends: [name | session.early_ends]}, []}

  defp frame(session, {:eof, name}) when is_map_key(session.streams.outputs, name),
    do: session |> streams(Streams.finish(session.streams, name, :eof)) |> settle()

  defp frame(session, {:pty_out, data}) when is_map_key(session.streams.outputs, :pty),
    do: output(session, :pty, data)

  # Nothing else is said of a session that has ended, but that the terminal took some input.
  defp frame(%{stage: :ended} = session, {:written, :pty, _bytes}), do: {session, []}
  defp frame(%{stage: :ended} = session, _frame), do: malformed(session)

  defp frame(session, {:usage, usage}),
    do: {%{session | usage: usage}, [{:event, {:usage, usage}}]}

  defp frame(%{stage: :starting} = session, {:status, :spawned, pid}),
    do: {%{session | stage: :spawned, host_pid: pid}, []}

  defp frame(%{stage: :spawned} = session, {:status, :ready, pid}) do
    event = {:event, {:ready, session.host_pid}}
    session = %{session | child_pid: pid}

    {session, effects} =
      cond do
        session.auto_proceed -> {%{session | stage: :proceeding}, []}
        session.abort? -> {%{session | stage: :aborting}, []}
        true -> flush_winsize(push_winsize(%{session | stage: :ready}))
      end

    {session, [event | effects]}
  end

  defp frame(%{stage: :proceeding} = session, {:status, :running}) do
    session = %{session | stage: :running}
    {session, winsize} = flush_winsize(session)
    signals = for signal <- Enum.reverse(session.signals), do: {:send, signal}
    {session, stop} = if session.stopping?, do: stop(session), else: {session, []}
    {session, ends} = end_early_streams(%{session | signals: []})
    {session, [{:event, :running} | winsize] ++ signals ++ stop ++ ends}
  end

  defp frame(session, {:status, :applied, n}) do
    with true <- n == session.applied + 1,
         {{:value, from}, verbs} <- :queue.out(session.verbs) do
      session = %{session | applied: n, verbs: verbs}
      if from == nil, do: {session, []}, else: reply(session, from, :ok)
    else
      _not_expected -> malformed(session)
    end
  end

  defp frame(session, {:status, :exited, code}),
    do: succeed(session, {:ok, {:exited, code}}, {:exited, code})

  defp frame(session, {:status, :signaled, number}),
    do: succeed(session, {:ok, {:signaled, number}}, {:signaled, number})

  defp frame(session, {:status, :aborted, _pid}),
    do: succeed(session, {:ok, :aborted}, :aborted)

  defp frame(session, {:error, errno, stage}), do: fail(session, Error.new(stage, errno))

  defp frame(session, {:error, errno, stage, index}),
    do: fail(session, Error.new(stage, errno, index))

  defp frame(%{pty?: true} = session, {:pty_out, data}) do
    {session, effects} = top_up(%{session | demanded: max(session.demanded - byte_size(data), 0)})
    {session, [{:event, {:pty_out, data}} | effects]}
  end

  defp frame(%{pty?: true} = session, {:written, :pty, bytes}) do
    case Input.acknowledge(session.input, bytes) do
      {:ok, input} -> %{session | input: input} |> send_input() |> release_writers()
      :error -> malformed(session)
    end
  end

  defp frame(%{pty?: true} = session, {:eof, :pty}), do: {session, []}

  defp frame(session, _unexpected), do: malformed(session)

  ## Streams

  defp output(session, name, data) do
    case Streams.data(session.streams, name, data) do
      {:ok, change} -> streams(session, change)
      :error -> malformed(session)
    end
  end

  defp streams(session, {streams, effects}) do
    {%{session | streams: streams},
     for effect <- effects do
       with {:message, event} <- effect, do: {:message, receiver(session), event}
     end}
  end

  defp end_early_streams(session) do
    Enum.reduce(session.early_ends, {%{session | early_ends: []}, []}, fn name,
                                                                          {session, effects} ->
      {session, more} = streams(session, Streams.finish(session.streams, name, :eof))
      {session, effects ++ more}
    end)
  end

  defp stdin(session, {stdin, effects}), do: {%{session | stdin: stdin}, effects}

  defp receiver(%{receiver: nil, owner: owner}), do: owner
  defp receiver(%{receiver: receiver}), do: receiver

  defp active_streams(session, :all), do: Map.keys(session.streams.outputs)

  defp active_streams(session, name),
    do: if(Streams.has?(session.streams, name), do: [name], else: [])

  # Once the workload has ended and its streams have, the agent may go; the session, unless it is to
  # stay, once everything was taken besides.
  defp settle({%{stage: :ended} = session, effects}) do
    {session, close} = if served?(session), do: close(session), else: {session, []}
    {session, leave} = leave(session)
    {session, effects ++ close ++ leave}
  end

  defp settle({session, effects}), do: {session, effects}

  defp served?(session),
    do:
      Streams.ended?(session.streams) and
        not (session.stdin != nil and Stdin.busy?(session.stdin))

  defp close(%{open?: false} = session), do: {session, []}

  defp close(session) do
    {session, effects} = break_stdin(session)
    {%{session | open?: false}, effects ++ [:close]}
  end

  defp leave(%{linger: false, open?: false, left?: false} = session) do
    cond do
      not Streams.finished?(session.streams) -> {session, []}
      Streams.untold(session.streams) == [] -> leave_now(session)
      true -> await_readers(session)
    end
  end

  defp leave(session), do: {session, []}

  defp leave_now(session) do
    unwatch = for from <- session.last_readers, do: {:unwatch, from}

    {%{session | left?: true, last_readers: []},
     unwatch ++ [{:stop, stop_reason(session.result)}]}
  end

  # Whoever has asked for a stream comes back to read its end, or dies.
  defp await_readers(session) do
    missing = for reader <- Streams.untold(session.streams), do: {reader, :last_read}
    missing = Enum.uniq(missing) -- session.last_readers

    {%{session | last_readers: missing ++ session.last_readers},
     for(from <- missing, do: {:watch, from, :infinity})}
  end

  # The agent serves nothing any more.
  defp break_streams(session, error) do
    {session, answers} = streams(session, Streams.finish_all(session.streams, {:error, error}))
    {session, refusals} = break_stdin(session)
    {session, answers ++ refusals}
  end

  defp break_stdin(%{stdin: nil} = session), do: {session, []}

  defp break_stdin(session),
    do: stdin(session, Stdin.break(session.stdin, Error.new(:write, :epipe)))

  ## The end

  # Those that wait are told what they would be by the session's end.
  defp stop(%{stage: :ended} = session), do: session |> break_streams(:no_process) |> settle()
  defp stop(%{stage: :ready} = session), do: {%{session | stage: :aborting}, [{:send, :abort}]}
  defp stop(%{stage: :aborting} = session), do: {session, []}

  # Also before the workload runs: it may never get there.
  defp stop(session) do
    if parks?(session), do: abort_early(session), else: {session, [{:send, @kill}]}
  end

  # The agent acts on it before the checkpoint, too: a child that never gets there is ended all the same.
  defp abort_early(%{abort?: true} = session), do: {session, []}
  defp abort_early(session), do: {%{session | abort?: true}, [{:send, :abort}]}

  # Asks the workload to end, and says when it has had its time.
  defp terminate(session, grace) do
    cond do
      parks?(session) ->
        {session, sends} = stop(session)
        {session, sends ++ [{:rescue_after, max(grace, @react), :workload}]}

      session.stage == :running ->
        {session, Enum.map(@terminate, &{:send, &1}) ++ [{:kill_after, grace}]}

      true ->
        {keep_signals(session, @terminate), [{:kill_after, grace}]}
    end
  end

  defp kill(%{stage: :ended} = session), do: {session, []}

  defp kill(session) do
    {session, sends} = if parks?(session), do: stop(session), else: {session, [send: @kill_tree]}
    {session, sends ++ [{:rescue_after, @react, :workload}]}
  end

  # Whether the child is, or is going to be, at the checkpoint, where there is no other end than an abort.
  defp parks?(%{stage: stage, auto_proceed: auto?}),
    do: stage in [:ready, :aborting] or (stage in [:starting, :spawned] and not auto?)

  defp rescue_from_agent(%{stage: :ended} = session, _victim), do: {session, []}

  defp rescue_from_agent(session, :workload),
    do: {session, [{:kill, :workload}, {:rescue_after, @react, :agent}]}

  defp rescue_from_agent(session, :agent) do
    {session, effects} = fail(session, Error.new(:agent_died, @channel_failed))
    {session, [{:kill, :agent} | effects]}
  end

  defp malformed(%{stage: :running} = session) do
    {session, effects} = fail(session, Error.new(:malformed_frame, :eproto))
    {session, [{:send, @kill} | effects]}
  end

  # Closing the port is the end of a workload that does not run yet.
  defp malformed(session), do: fail(session, Error.new(:malformed_frame, :eproto))

  defp succeed(session, result, event) do
    {session, effects} = finish(session, result, event)
    {session, ends} = end_early_streams(session)
    settle({session, effects ++ ends})
  end

  # Its end has been told, and what is left to fail are its streams.
  defp fail(%{stage: :ended} = session, error),
    do: session |> break_streams(error) |> settle()

  # A workload that failed to start wrote nothing; of one whose agent failed nobody can say what it
  # wrote. To call that the end of its output would be wrong for both.
  defp fail(session, error) do
    {session, effects} = finish(session, {:error, error}, {:error, error.code, error.stage})
    {session, answers} = break_streams(session, error)
    settle({session, effects ++ answers})
  end

  defp finish(session, result, event) do
    effects =
      [{:event, event}] ++
        verb_replies(session, result) ++
        Enum.map(session.writers, &{:reply, &1, {:error, :no_process}}) ++
        Enum.flat_map(Map.keys(session.waiters), &[{:unwatch, &1}, {:reply, &1, result}])

    {%{
       session
       | stage: :ended,
         result: result,
         verbs: :queue.new(),
         waiters: %{},
         writers: [],
         signals: [],
         input: %Input{}
     }, effects}
  end

  # The agent applies one command at a time: an error is that of the oldest, and those behind it were
  # never looked at.
  defp verb_replies(session, result) do
    answers = Stream.concat([refusal(result)], Stream.cycle([{:error, :no_process}]))

    for {from, answer} <- Enum.zip(:queue.to_list(session.verbs), answers),
        from != nil,
        do: {:reply, from, answer}
  end

  defp refusal({:error, error}), do: {:error, error}
  defp refusal({:ok, _outcome}), do: {:error, :no_process}

  defp stop_reason({:ok, {:exited, 0}}), do: :normal
  defp stop_reason({:ok, :aborted}), do: {:shutdown, :aborted}
  defp stop_reason({:ok, outcome}), do: outcome
  defp stop_reason({:error, error}), do: {:error, error}

  ## Helpers

  defp reply(session, from, answer), do: {session, [{:reply, from, answer}]}
  defp gone(session, from), do: reply(session, from, {:error, :no_process})

  # A call that waited waits no more.
  defp forget(session, {pid, :last_read} = from, effects) do
    if from in session.last_readers do
      session = %{session | last_readers: List.delete(session.last_readers, from)}
      settle({%{session | streams: Streams.give_up(session.streams, pid)}, effects})
    else
      {session, []}
    end
  end

  defp forget(session, from, effects) do
    with false <- is_map_key(session.waiters, from),
         :error <- Streams.forget(session.streams, from),
         :error <- forget_writer(session, from) do
      {session, []}
    else
      true ->
        {%{session | waiters: Map.delete(session.waiters, from)}, effects}

      {:ok, %Streams{} = streams} ->
        {%{session | streams: streams}, effects}

      {:ok, {%Stdin{} = stdin, sends}} ->
        settle({%{session | stdin: stdin}, effects ++ sends})
    end
  end

  defp forget_writer(%{stdin: nil}, _from), do: :error
  defp forget_writer(%{stdin: stdin}, from), do: Stdin.forget(stdin, from)

  defp signal(number, :workload), do: {:signal, number}
  defp signal(number, scope), do: {:signal, number, scope}

  defp keep_signals(session, signals),
    do: %{session | signals: Enum.reverse(signals, session.signals)}

  defp push_verb(session, from), do: %{session | verbs: :queue.in(from, session.verbs)}

  # A size that was set before the checkpoint is applied there, for nobody who waits.
  defp push_winsize(%{winsize: nil} = session), do: session
  defp push_winsize(session), do: push_verb(session, nil)

  defp flush_winsize(%{winsize: nil} = session), do: {session, []}

  defp flush_winsize(%{winsize: command} = session),
    do: {%{session | winsize: nil}, [{:send, command}]}

  defp top_up(%{demanded: demanded} = session) when demanded > div(@demand, 2), do: {session, []}

  defp top_up(%{demanded: demanded} = session),
    do: {%{session | demanded: @demand}, [{:send, {:demand, :pty, @demand - demanded}}]}

  defp send_input(session) do
    {pieces, input} = Input.take(session.input)
    {%{session | input: input}, Enum.map(pieces, &{:send, {:pty_in, &1}})}
  end

  defp release_writers({session, effects}) do
    if session.writers == [] or Input.full?(session.input),
      do: {session, effects},
      else:
        {%{session | writers: []},
         effects ++ Enum.map(Enum.reverse(session.writers), &{:reply, &1, :ok})}
  end
end
