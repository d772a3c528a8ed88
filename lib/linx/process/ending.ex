# SPDX-License-Identifier: MIT

defmodule Linx.Process.Ending do
  @moduledoc false
  # How a session ends its workload: by an abort at the checkpoint, otherwise by signals. Pure, and part of
  # `Linx.Process.Session`, whose struct the functions take, and return together with effects.

  # The command that kills a workload whose agent has sent what is no frame.
  @kill {:signal, 9, :group}

  # Sent when the grace is over. The agent sends it to the process group as well.
  @kill_tree {:signal, 9, :tree}

  # The same for what is left of the group of a workload that has ended.
  @kill_left {:signal, 9, :group}

  # Looks at a PID 1 without children, of which the next leads to its end. The server makes one every 50 milliseconds.
  @looks 3

  @sighup 1
  @sigkill 9
  @sigcont 18

  # Milliseconds that an agent has to end the workload after the command, and that it has to report the end of
  # a workload that another agent has killed. An agent that is stopped, or blocked by the workload, does
  # neither.
  @react 1_000

  @type session :: Linx.Process.Session.t()
  @type change :: {session(), [Linx.Process.Session.effect()]}

  @doc "Whether the child is, or is going to be, at the checkpoint, where only an abort ends it."
  @spec parks?(session()) :: boolean()
  def parks?(%{state: state, auto_proceed: auto?}),
    do: state in [:ready, :aborting] or (state in [:starting, :spawned] and not auto?)

  @doc """
  Aborts before the checkpoint. The agent accepts the command there too, so that a child which never reaches
  the checkpoint is ended as well.
  """
  @spec abort_early(session()) :: change()
  def abort_early(%{abort?: true} = session), do: {session, []}
  def abort_early(session), do: {%{session | abort?: true}, [{:send, :abort}]}

  defp abort(%{state: :ready} = session), do: {%{session | state: :aborting}, [{:send, :abort}]}
  defp abort(%{state: :aborting} = session), do: {session, []}
  defp abort(session), do: abort_early(session)

  @doc "The commands that kill a workload which runs."
  @spec kill_now() :: [Linx.Process.Session.effect()]
  def kill_now, do: [{:send, @kill}]

  @doc "Ends the workload as the option `:stop` says: without a grace it is killed at once, otherwise as `terminate/2` does."
  @spec stop(session(), Linx.Process.Options.stop()) :: change()
  def stop(session, {signal, 0}) do
    if parks?(session), do: terminate(session, {signal, 0}), else: kill(session)
  end

  def stop(session, stop), do: terminate(session, stop)

  @doc """
  Asks the workload to end, and has it killed when the grace, in milliseconds, is over. When the
  signal is SIGKILL, it is killed at once. A child that parks is aborted. A workload that does not run yet is asked
  when it does.

      iex> alias Linx.Process.{Ending, Session}
      iex> session = %{Session.new(mode: :spawn, owner: self(), stop: {15, 5_000}) | state: :running}
      iex> {_session, effects} = Ending.terminate(session, {2, 100})
      iex> effects
      [{:send, {:signal, 2, :group}}, {:send, {:signal, 18, :group}}, {:kill_after, 100}]
  """
  @spec terminate(session(), Linx.Process.Options.stop()) :: change()
  def terminate(session, {signal, grace}) do
    cond do
      parks?(session) ->
        {session, sends} = abort(session)
        {session, sends ++ [{:rescue_after, max(grace, @react), :workload}]}

      signal == @sigkill ->
        kill(session)

      session.state in [:running, :waiting] ->
        session = %{session | asked: signals(session, signal)}
        {session, sends(commands(session)) ++ [{:kill_after, grace} | look(session)]}

      true ->
        session = %{session | asked: signals(session, signal)}
        {keep_signals(session, commands(session)), [{:kill_after, grace}]}
    end
  end

  @doc """
  Asks what is left of the group of a workload that has ended to end, and has it killed when the grace is over, while the
  agent is there to do so: as long as a stream is open.
  """
  @spec stop_left(session(), Linx.Process.Options.stop()) :: change()
  def stop_left(%{open?: false} = session, _stop), do: {session, []}

  def stop_left(session, {signal, grace}) when grace == 0 or signal == @sigkill,
    do: {session, [send: @kill_left]}

  def stop_left(session, {signal, grace}) do
    session = %{session | asked: signals(session, signal), asked_left?: true}
    {session, sends(commands(session)) ++ [{:kill_after, grace}]}
  end

  # A shell on a terminal ends at SIGHUP, and not at SIGTERM.
  defp signals(%{terminal: nil}, signal), do: [signal]
  defp signals(_session, signal), do: Enum.uniq([signal, @sighup])

  # SIGCONT follows, because a stopped process handles no signal before it is continued (the agent's orphan policy does
  # the same).
  defp commands(%{asked: signals}),
    do: for(signal <- signals ++ [@sigcont], do: {:signal, signal, :group})

  @doc """
  Has the workload looked at once the signals are sent that ask it to end, if it is PID 1 of its pid namespace: the
  kernel drops a signal for such a process that has no handler (pid_namespaces(7)).
  """
  @spec look(session()) :: [Linx.Process.Session.effect()]
  def look(%{asked: [_ | _] = signals, child_pid: 1, host_pid: pid}),
    do: [{:look_at, pid, signals}]

  def look(_session), do: []

  @doc """
  What was seen then. A PID 1 that no signal reaches is killed before the grace is over, when it has had no children for
  some time: at the end of its last one it may end by itself.
  """
  @spec looked(session(), :alone | :waits | :reacts) :: change()
  def looked(%{state: state} = session, _seen) when state not in [:running, :waiting],
    do: {session, []}

  def looked(%{alone: @looks} = session, :alone), do: kill(session)

  def looked(%{alone: alone} = session, :alone),
    do: {%{session | alone: alone + 1}, look(session)}

  def looked(session, :waits), do: {%{session | alone: 0}, look(session)}
  def looked(session, _seen), do: {session, []}

  @doc "Kills the workload with all its descendants; through another agent when its own does not react."
  @spec kill(session()) :: change()
  def kill(%{state: :ended, asked_left?: true} = session), do: {session, [send: @kill_left]}
  def kill(%{state: :ended} = session), do: {session, []}

  def kill(session) do
    {session, sends} = if parks?(session), do: abort(session), else: {session, [send: @kill_tree]}
    {session, sends ++ [{:rescue_after, @react, :workload}]}
  end

  @doc "Kills the workload through another agent, and then its own agent when that still does not react."
  @spec rescue_workload(session()) :: change()
  def rescue_workload(session),
    do: {session, [{:kill, :workload}, {:rescue_after, @react, :agent}]}

  @doc """
  Sends a signal, or keeps it until the workload runs. SIGKILL is sent at once, because the workload cannot
  handle it, and may never run.
  """
  @spec signal(session(), 1..64, :workload | :group | :tree) :: change()
  def signal(session, number, scope) do
    command = if scope == :workload, do: {:signal, number}, else: {:signal, number, scope}

    if session.state in [:running, :waiting] or (number == 9 and not parks?(session)),
      do: {session, [{:send, command}]},
      else: {keep_signals(session, [command]), []}
  end

  @doc "Sends the signals that were kept, and keeps none."
  @spec send_signals(session()) :: change()
  def send_signals(session),
    do: {%{session | signals: []}, sends(Enum.reverse(session.signals)) ++ look(session)}

  defp sends(commands), do: for(command <- commands, do: {:send, command})

  defp keep_signals(session, commands),
    do: %{session | signals: Enum.reverse(commands, session.signals)}
end
