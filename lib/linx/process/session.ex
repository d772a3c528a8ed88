defmodule Linx.Process.Session do
  @moduledoc """
  The state machine of a session: pure, and driven by `Linx.Process.Server`.

  `transition/2` takes what happened and answers with the new state and what to do about it.

  ## Stages

      starting ─▶ spawned ─▶ ready ─▶ proceeding ─▶ running ─▶ ended
                               │                                 ▲
                               └────▶ aborting ──────────────────┤
      (any) ─────── terminal frame, end of the agent ────────────┘

  A session without a checkpoint goes from `spawned` to `proceeding` by itself.

  ## Events

    * `{:call, from, request}` - an API call; each gets exactly one `:reply`
    * `{:frame, frame}` - from the agent, as `Linx.Process.Wire.decode/1` has it
    * `:malformed` - the agent sent something that is no frame
    * `{:agent_exit, code}` - the agent ended
    * `{:timeout, from}`, `{:caller_down, from}` - for a call that was `:watch`ed
    * `:stop` - the session process is about to end, and the workload has to go first

  ## Effects

    * `{:send, command}` - to the agent
    * `{:reply, from, answer}`
    * `{:watch, from, timeout}`, `{:unwatch, from}` - report the caller's death and the time-out
    * `{:event, event}` - to the owner
    * `:close` - close the port
    * `{:stop, reason}` - end the session process
  """

  alias Linx.Process.{Error, Info, Input}

  # Of a terminal's output, asked for ahead and topped up at the half. An owner who is sent every byte
  # sets no pace of its own; the bound keeps one busy terminal from flooding the port.
  @demand 1024 * 1024

  # What a session that goes down does to a workload that runs.
  @kill {:signal, 9, :group}

  @enforce_keys [:mode, :owner]
  defstruct [
    :mode,
    :owner,
    :host_pid,
    :child_pid,
    :result,
    :winsize,
    stage: :starting,
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
  @type effect ::
          {:send, Linx.Process.Wire.command()}
          | {:reply, from(), term()}
          | {:watch, from(), timeout()}
          | {:unwatch, from()}
          | {:event, Linx.Process.event()}
          | :close
          | {:stop, term()}

  @type event ::
          {:call, from(), term()}
          | {:frame, Linx.Process.Wire.frame()}
          | :malformed
          | {:agent_exit, non_neg_integer()}
          | {:timeout, from()}
          | {:caller_down, from()}
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
  def transition(%{stage: :ended} = session, _event), do: {session, []}
  def transition(session, {:frame, frame}), do: frame(session, frame)
  def transition(session, :malformed), do: malformed(session)
  def transition(session, {:agent_exit, code}), do: fail(session, Error.new(:agent_died, code))
  def transition(session, :stop), do: stop(%{session | stopping?: true, abort?: true})

  def transition(session, {:timeout, from}) do
    forget(session, from, [{:unwatch, from}, {:reply, from, {:error, :timeout}}])
  end

  def transition(session, {:caller_down, from}), do: forget(session, from, [{:unwatch, from}])

  ## Calls that any stage answers

  defp call(%{result: nil} = session, {:wait, timeout}, from),
    do: {put_in(session.waiters[from], true), [{:watch, from, timeout}]}

  defp call(session, {:wait, _timeout}, from), do: reply(session, from, session.result)

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
        :result
      ])

    reply(session, from, {:ok, struct!(Info, Map.put(fields, :agent_pid, agent_pid))})
  end

  defp call(%{host_pid: pid} = session, :host_pid, from) when pid != nil,
    do: reply(session, from, {:ok, pid})

  ## After the end, and with the end decided

  defp call(%{stage: :ended} = session, _request, from), do: gone(session, from)

  defp call(session, {:set_owner, owner}, from), do: reply(%{session | owner: owner}, from, :ok)

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
    if request == :abort,
      do: reply(%{session | abort?: true}, from, :ok),
      else: reply(session, from, {:error, :not_ready})
  end

  defp call(session, request, from) when is_checkpoint_request(request),
    do: reply(session, from, {:error, :running})

  ## The workload

  defp call(%{stage: :running} = session, {:signal, number}, from),
    do: {session, [{:send, {:signal, number}}, {:reply, from, :ok}]}

  defp call(session, {:signal, number}, from),
    do: reply(%{session | signals: [number | session.signals]}, from, :ok)

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

  defp frame(%{stage: :starting} = session, {:status, :spawned, pid}),
    do: {%{session | stage: :spawned, host_pid: pid}, []}

  defp frame(%{stage: :spawned} = session, {:status, :ready, pid}) do
    event = {:event, {:ready, session.host_pid}}
    session = %{session | child_pid: pid}

    {session, effects} =
      cond do
        session.auto_proceed -> {%{session | stage: :proceeding}, []}
        session.abort? -> {%{session | stage: :aborting}, [{:send, :abort}]}
        true -> flush_winsize(push_winsize(%{session | stage: :ready}))
      end

    {session, [event | effects]}
  end

  defp frame(%{stage: :proceeding} = session, {:status, :running}) do
    session = %{session | stage: :running}
    {session, winsize} = flush_winsize(session)
    signals = for number <- Enum.reverse(session.signals), do: {:send, {:signal, number}}
    {session, stop} = if session.stopping?, do: stop(session), else: {session, []}
    {%{session | signals: []}, [{:event, :running} | winsize] ++ signals ++ stop}
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
    do: finish(session, {:ok, {:exited, code}}, {:exited, code})

  defp frame(session, {:status, :signaled, number}),
    do: finish(session, {:ok, {:signaled, number}}, {:signaled, number})

  defp frame(session, {:status, :aborted, _pid}), do: finish(session, {:ok, :aborted}, :aborted)
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

  ## The end

  defp stop(%{stage: :running} = session), do: {session, [{:send, @kill}]}
  defp stop(%{stage: :ready} = session), do: {%{session | stage: :aborting}, [{:send, :abort}]}
  # On the way there: taken up at :ready or at :running.
  defp stop(session), do: {session, []}

  defp malformed(%{stage: :running} = session) do
    {session, effects} = fail(session, Error.new(:malformed_frame, :eproto))
    {session, [{:send, @kill} | effects]}
  end

  # Closing the port is the end of a workload that does not run yet.
  defp malformed(session), do: fail(session, Error.new(:malformed_frame, :eproto))

  defp fail(session, error),
    do: finish(session, {:error, error}, {:error, error.code, error.stage})

  defp finish(session, result, event) do
    effects =
      [{:event, event}] ++
        verb_replies(session, result) ++
        Enum.map(session.writers, &{:reply, &1, {:error, :no_process}}) ++
        Enum.flat_map(Map.keys(session.waiters), &[{:unwatch, &1}, {:reply, &1, result}]) ++
        [:close] ++
        if(session.linger, do: [], else: [{:stop, stop_reason(result)}])

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

  defp forget(session, from, effects) do
    if is_map_key(session.waiters, from),
      do: {%{session | waiters: Map.delete(session.waiters, from)}, effects},
      else: {session, []}
  end

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
