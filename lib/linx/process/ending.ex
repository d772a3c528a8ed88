# SPDX-License-Identifier: MIT

defmodule Linx.Process.Ending do
  @moduledoc false
  # How a session ends its workload: by an abort at the checkpoint, otherwise by signals. Pure, and part of
  # `Linx.Process.Session`, whose struct the functions take, and return together with effects.

  # The command with which a session that stops kills a workload that runs.
  @kill {:signal, 9, :group}

  # What Linx.Process.stop/2 sends: SIGTERM, then SIGCONT, because a stopped process handles no signal before
  # it is continued (the agent's orphan policy does the same). When the grace is over, SIGKILL to what is left
  # of the tree.
  @terminate [{:signal, 15, :group}, {:signal, 18, :group}]
  @kill_tree {:signal, 9, :tree}

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

  @doc "Ends the workload at once, also before it runs, because it may never run."
  @spec stop(session()) :: change()
  def stop(%{state: :ready} = session), do: {%{session | state: :aborting}, [{:send, :abort}]}
  def stop(%{state: :aborting} = session), do: {session, []}

  def stop(session) do
    if parks?(session), do: abort_early(session), else: {session, kill_now()}
  end

  @doc "The commands that kill a workload which runs."
  @spec kill_now() :: [Linx.Process.Session.effect()]
  def kill_now, do: [{:send, @kill}]

  @doc "Sends the workload SIGTERM, and has it killed when the grace, in milliseconds, is over."
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

  @doc "Kills the workload with all its descendants; through another agent when its own does not react."
  @spec kill(session()) :: change()
  def kill(%{state: :ended} = session), do: {session, []}

  def kill(session) do
    {session, sends} = if parks?(session), do: stop(session), else: {session, [send: @kill_tree]}
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

    if session.state == :running or (number == 9 and not parks?(session)),
      do: {session, [{:send, command}]},
      else: {keep_signals(session, [command]), []}
  end

  @doc "Sends the signals that were kept, and keeps none."
  @spec send_signals(session()) :: change()
  def send_signals(session) do
    sends = for command <- Enum.reverse(session.signals), do: {:send, command}
    {%{session | signals: []}, sends}
  end

  defp keep_signals(session, commands),
    do: %{session | signals: Enum.reverse(commands, session.signals)}
end
