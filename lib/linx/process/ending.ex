defmodule Linx.Process.Ending do
  @moduledoc false
  # How a session has its workload ended: by an abort at the checkpoint, by signals else. Pure, and part
  # of `Linx.Process.Session`, whose state the functions take and return with effects.

  # What a session that goes down does to a workload that runs.
  @kill {:signal, 9, :group}

  # What stop/2 sends: SIGTERM, then SIGCONT, because a stopped process handles no signal before it goes
  # on (the agent's orphan policy does the same). When the grace is over, SIGKILL to what is left of the tree.
  @terminate [{:signal, 15, :group}, {:signal, 18, :group}]
  @kill_tree {:signal, 9, :tree}

  # Milliseconds that an agent has to end what it was told to end, and then to report its own end when
  # another agent has ended it. An agent that is stopped, or that the workload keeps asleep, does neither.
  @react 1_000

  @type session :: Linx.Process.Session.t()
  @type change :: {session(), [Linx.Process.Session.effect()]}

  @doc "Whether the child is, or is going to be, at the checkpoint, where only an abort ends it."
  @spec parks?(session()) :: boolean()
  def parks?(%{state: state, auto_proceed: auto?}),
    do: state in [:ready, :aborting] or (state in [:starting, :spawned] and not auto?)

  @doc """
  Aborts before the checkpoint. The agent obeys it there, too: a child that never gets to the checkpoint
  is ended all the same.
  """
  @spec abort_early(session()) :: change()
  def abort_early(%{abort?: true} = session), do: {session, []}
  def abort_early(session), do: {%{session | abort?: true}, [{:send, :abort}]}

  @doc "Ends the workload at once. Also before it runs, because it may never get there."
  @spec stop(session()) :: change()
  def stop(%{state: :ready} = session), do: {%{session | state: :aborting}, [{:send, :abort}]}
  def stop(%{state: :aborting} = session), do: {session, []}

  def stop(session) do
    if parks?(session), do: abort_early(session), else: {session, kill_now()}
  end

  @doc "The commands that kill a workload which runs."
  @spec kill_now() :: [Linx.Process.Session.effect()]
  def kill_now, do: [{:send, @kill}]

  @doc "Asks the workload to end, and has it killed when the grace, in milliseconds, is over."
  @spec terminate(session(), non_neg_integer()) :: change()
  def terminate(session, grace) do
    cond do
      parks?(session) ->
        {session, sends} = stop(session)
        {session, sends ++ [{:rescue_after, max(grace, @react), :workload}]}

      session.state == :running ->
        {session, Enum.map(@terminate, &{:send, &1}) ++ [{:kill_after, grace}]}

      true ->
        {keep_signals(session, @terminate), [{:kill_after, grace}]}
    end
  end

  @doc "Kills the workload with all its descendants, and from outside when the agent does not."
  @spec kill(session()) :: change()
  def kill(%{state: :ended} = session), do: {session, []}

  def kill(session) do
    {session, sends} = if parks?(session), do: stop(session), else: {session, [send: @kill_tree]}
    {session, sends ++ [{:rescue_after, @react, :workload}]}
  end

  @doc "Kills the workload without the agent's help, and the agent when it still does not react."
  @spec rescue_workload(session()) :: change()
  def rescue_workload(session),
    do: {session, [{:kill, :workload}, {:rescue_after, @react, :agent}]}

  @doc """
  Sends a signal, or keeps it until the workload runs. SIGKILL is not the workload's to handle, so it
  does not wait for a workload that may never run.
  """
  @spec signal(session(), 1..64, :workload | :group | :tree) :: change()
  def signal(session, number, scope) do
    command = if scope == :workload, do: {:signal, number}, else: {:signal, number, scope}

    if session.state == :running or (number == 9 and not parks?(session)),
      do: {session, [{:send, command}]},
      else: {keep_signals(session, [command]), []}
  end

  @doc "The signals that were kept, once."
  @spec send_signals(session()) :: change()
  def send_signals(session) do
    sends = for command <- Enum.reverse(session.signals), do: {:send, command}
    {%{session | signals: []}, sends}
  end

  defp keep_signals(session, commands),
    do: %{session | signals: Enum.reverse(commands, session.signals)}
end
