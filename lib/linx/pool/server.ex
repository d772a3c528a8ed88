# SPDX-License-Identifier: MIT

defmodule Linx.Pool.Server do
  @moduledoc false
  # The process of a pool: owns the ports of the agents that wait, and hands them over. It starts none itself,
  # see `Linx.Pool.Filler`.

  use GenServer

  alias Linx.Agent
  alias Linx.Agent.Keeper
  alias Linx.Call.Environment
  alias Linx.Pool.Filler

  # The longest time without another try to start an agent, in milliseconds, when none can be started or all
  # of them end while they wait. It is twice as long after each try, from 1 ms on.
  @pause_max 10_000

  # Agents are ordered when this part of the pool is missing, one in four, or after so many milliseconds.
  @share 4
  @top_up_after 20

  # `ordered` is how many agents the filler has still to start, `env` the environment of the newest one and
  # `source` its path and file, `failures` how many have failed in a row, `timer` that of the pause before the
  # next try and `top_up` that of the last agents.
  defstruct [
    :size,
    :filler,
    :env,
    :source,
    :timer,
    :top_up,
    idle: :queue.new(),
    ordered: 0,
    failures: 0,
    hits: 0,
    misses: 0,
    waiters: []
  ]

  @impl true
  def init(size) do
    # So that the end of an agent is no exit signal.
    Process.flag(:trap_exit, true)
    {:ok, filler} = Filler.start_link()
    {:ok, order(%__MODULE__{size: size, filler: filler})}
  end

  # Replies before it has anything else done, which the next request does not wait for either.
  @impl true
  def handle_call({:take, path, env?, until}, {pid, _tag}, state) do
    in_time? = System.monotonic_time(:millisecond) < until

    case if(in_time?, do: take(path, pid, state), else: {:none, state}) do
      {:ok, agent, state} ->
        state = %{state | hits: state.hits + 1, failures: 0}
        {:reply, {:ok, agent.port, changes(agent, env?)}, state, {:continue, :refill}}

      {:none, state} ->
        {:reply, :none, %{state | misses: state.misses + 1}, {:continue, :refill}}
    end
  end

  def handle_call(:info, _from, state) do
    info = Map.take(state, [:size, :hits, :misses])
    {:reply, Map.put(info, :idle, :queue.len(state.idle)), state}
  end

  def handle_call(:await, from, state),
    do: {:noreply, release(refill(%{state | waiters: [from | state.waiters]}))}

  @impl true
  def handle_continue(:refill, state), do: {:noreply, refill(state)}

  # An agent says that its file is not the one that it was started from any more.
  @impl true
  def handle_cast({:stale, path, file}, state) do
    Filler.forget(state.filler, path)
    {:noreply, state |> close(&(&1.path == path and &1.file == file)) |> refill()}
  end

  @impl true
  def handle_info({:env, env}, state), do: {:noreply, %{state | env: env}}

  def handle_info({:filled, agents, count}, state) do
    # The end of an agent can be in the mailbox before the agent itself, and then drop/2 has not found it.
    living = Enum.filter(agents, &(Port.info(&1.port, :id) != nil))
    state = Enum.reduce(living, %{state | ordered: state.ordered - count}, &put/2)
    state = if length(living) < count, do: pause(state), else: refill(state)
    {:noreply, release(state)}
  end

  def handle_info(:pause_over, state), do: {:noreply, refill(%{state | timer: nil})}
  def handle_info(:top_up, state), do: {:noreply, order(%{state | top_up: nil})}
  def handle_info({:EXIT, filler, reason}, %{filler: filler} = state), do: {:stop, reason, state}

  # An agent has ended, or has sent something without a request, which only a failure of its start makes it
  # do. The port may also be one that has been handed over.
  def handle_info({:EXIT, port, _reason}, state) when is_port(port),
    do: {:noreply, drop(port, state)}

  def handle_info({port, {kind, value}}, state) when is_port(port) do
    if kind == :exit_status and Agent.not_executed?(value), do: copy_failed(port, state)
    {:noreply, drop(port, state)}
  end

  def handle_info(_message, state), do: {:noreply, state}

  # Those of another file are closed: LINX_AGENT has changed, or the file has been replaced.
  defp put(agent, %{source: source} = state) do
    state =
      if source == {agent.path, agent.file},
        do: state,
        else: %{close(state, fn _idle -> true end) | source: {agent.path, agent.file}}

    %{state | idle: :queue.in(Map.put(agent, :env, state.env), state.idle)}
  end

  defp close(state, which) do
    {closed, idle} = state.idle |> :queue.to_list() |> Enum.split_with(which)
    Enum.each(closed, &Agent.close(&1.port))
    if closed == [], do: state, else: %{state | idle: :queue.from_list(idle)}
  end

  # Keeps the environment out of the log, because it may have secrets.
  @doc false
  if {:format_status, 1} in GenServer.behaviour_info(:callbacks), do: @impl(true)

  def format_status(status) do
    Map.new(status, fn
      {:state, %__MODULE__{} = state} -> {:state, %{state | env: :hidden, idle: :hidden}}
      {:message, {:env, _env}} -> {:message, {:env, :hidden}}
      other -> other
    end)
  end

  # The oldest agent, which is the one most likely to be ready. One that was started from another path is
  # closed, and so are those behind it, until one is of this path.
  defp take(path, pid, state) do
    case :queue.out(state.idle) do
      {:empty, _idle} ->
        {:none, state}

      {{:value, %{path: ^path} = agent}, idle} ->
        case hand_over(agent.port, pid) do
          :ok -> {:ok, agent, %{state | idle: idle}}
          :ended -> take(path, pid, %{state | idle: idle})
          :nobody -> {:none, state}
        end

      {{:value, agent}, idle} ->
        Agent.close(agent.port)
        take(path, pid, %{state | idle: idle})
    end
  end

  # The new owner is linked to the port by port_connect/2, which is why the port closes with it from then on,
  # also when it ends before it knows of the port.
  defp hand_over(port, pid) do
    Port.connect(port, pid)
    Process.unlink(port)
    :ok
  rescue
    ArgumentError -> if Port.info(port) == nil, do: :ended, else: :nobody
  end

  # Compared when an agent is handed over, because the environment may change at any time.
  defp changes(agent, env?) do
    {device, inode, size, mtime} = agent.file
    changes = %{file: {agent.path, device, inode, size, mtime}}
    now = if env?, do: :os.env(), else: agent.env

    if now == agent.env do
      changes
    else
      {set, unset} = Environment.difference(agent.env, now)
      Map.merge(changes, %{set: set, unset: unset})
    end
  end

  defp drop(port, state) do
    left = close(state, &(&1.port == port))
    if left == state, do: state, else: pause(left)
  end

  # Otherwise the next agents would be started from it as well.
  defp copy_failed(port, state) do
    for %{port: ^port, copy: copy} <- :queue.to_list(state.idle),
        copy != nil,
        do: Keeper.failed(copy)
  end

  defp pause(%{timer: nil} = state) do
    pause = min(Integer.pow(2, min(state.failures, 14)), @pause_max)
    timer = Process.send_after(self(), :pause_over, pause)
    %{state | timer: timer, failures: state.failures + 1}
  end

  defp pause(state), do: state

  # A few missing agents are ordered together, and those of a pool that is not used any more after a while,
  # because starting them takes time from the programs that run.
  defp refill(%{size: size} = state) do
    missing = missing(state)

    cond do
      state.waiters != [] or missing * @share >= size ->
        order(state)

      missing > 0 and state.top_up == nil ->
        %{state | top_up: Process.send_after(self(), :top_up, @top_up_after)}

      true ->
        state
    end
  end

  defp order(%{timer: nil} = state) do
    missing = missing(state)
    if missing > 0, do: Filler.fill(state.filler, missing)
    %{state | ordered: state.ordered + max(missing, 0)}
  end

  defp order(state), do: state

  defp missing(state), do: state.size - :queue.len(state.idle) - state.ordered

  defp release(state) do
    if :queue.len(state.idle) >= state.size do
      Enum.each(state.waiters, &GenServer.reply(&1, :ok))
      %{state | waiters: []}
    else
      state
    end
  end
end
