# SPDX-License-Identifier: MIT

defmodule Linx.Pool.Filler do
  @moduledoc false
  # Starts the agents of a pool, because starting one takes longer than handing one over, and a process that
  # asks for one is not to wait for it.
  #
  # Agents are sent to the pool as `{:filled, agents, count}` once the pool is the owner of their ports; when
  # they are fewer than `count`, some could not be started. `{:env, env}` is sent before them when their
  # environment is another one than that of the agents before. An agent is started in "/", so that it keeps no
  # other directory in use while it waits.

  use GenServer

  alias Linx.Agent
  alias Linx.Agent.{Identity, Keeper}

  @typedoc """
  An agent that waits, with the path that it was started from, the identity of that file, the VM's copy of it if it
  was started from that, and the VM's environment when it was started.
  """
  @type agent :: %{
          port: port(),
          path: Path.t(),
          file: Identity.t(),
          copy: Path.t() | nil,
          env: [{charlist(), charlist()}]
        }

  # How many agents are started between two looks at the environment.
  @batch 8

  # In words: more than the result of :os.env/0 takes, which is garbage as soon as it is compared.
  @min_heap 10_000

  # `env` is the environment that the pool was sent last, `files` the identities by path, and `copy` what the last
  # agents were started from, if not from the file.
  defstruct [:pool, :env, :copy, files: %{}]

  @doc "Starts the process, linked to the calling one, which is the pool."
  @spec start_link() :: GenServer.on_start()
  def start_link,
    do: GenServer.start_link(__MODULE__, self(), spawn_opt: [min_heap_size: @min_heap])

  @doc "Has so many agents started."
  @spec fill(pid(), pos_integer()) :: :ok
  def fill(filler, count), do: GenServer.cast(filler, {:fill, count})

  @doc "Says that the file at a path is another one than it was."
  @spec forget(pid(), Path.t()) :: :ok
  def forget(filler, path), do: GenServer.cast(filler, {:forget, path})

  @impl true
  def init(pool) do
    # So that the end of an agent is no exit signal.
    Process.flag(:trap_exit, true)
    {:ok, %__MODULE__{pool: pool}}
  end

  @impl true
  def handle_cast({:fill, count}, state) when count > @batch do
    {:noreply, state} = handle_cast({:fill, @batch}, state)
    handle_cast({:fill, count - @batch}, state)
  end

  def handle_cast({:fill, count}, state) do
    path = Agent.path()

    case source(path, state) do
      {:ok, source} ->
        state = put_in(%{state | copy: source.copy}.files[path], source.file)
        {:noreply, fill(source, count, state)}

      {:error, _reason} ->
        # The next attempt, after the pool's pause, is made with what is found now.
        Agent.look_again()
        send(state.pool, {:filled, [], count})
        {:noreply, state}
    end
  end

  def handle_cast({:forget, path}, state),
    do: {:noreply, %{state | files: Map.delete(state.files, path)}}

  # From a port, before the pool became its owner.
  @impl true
  def handle_info({port, {:exit_status, code}}, %{copy: copy} = state)
      when is_port(port) and copy != nil do
    if Agent.not_executed?(code), do: Keeper.failed(copy)
    {:noreply, state}
  end

  def handle_info(_message, state), do: {:noreply, state}

  # Keeps the environment out of the log, because it may have secrets.
  @doc false
  if {:format_status, 1} in GenServer.behaviour_info(:callbacks), do: @impl(true)

  def format_status(status) do
    Map.new(status, fn
      {:state, %__MODULE__{} = state} -> {:state, %{state | env: :hidden}}
      other -> other
    end)
  end

  # A relative path is none of an agent. Agents that run from the VM's sealed copy need not make one
  # when their request asks for it.
  defp source("/" <> _ = path, %{files: files}) do
    with {:ok, file} <- identity(path, files) do
      case Keeper.copy(path) do
        {copy, ^file} -> {:ok, %{path: path, file: file, copy: copy}}
        _none_of_this_file -> {:ok, %{path: path, file: file, copy: nil}}
      end
    end
  end

  defp source(_relative, _state), do: {:error, :enoent}

  # The file is looked at once, because that takes a third of the time that starting the agent takes. An agent
  # compares it with the file that is there when the agent is used: if it was started from a later one, it is
  # taken for another agent, which costs time only.
  defp identity(path, files) do
    case files do
      %{^path => file} -> {:ok, file}
      _not_known -> Identity.of(path)
    end
  end

  # A variable that has changed meanwhile may be in an agent's environment or not.
  defp fill(source, count, state) do
    env = :os.env()
    ports = open(source, count, [])

    if :os.env() == env do
      give(source, Enum.filter(ports, &connect(&1, state.pool)), env, count, state)
    else
      Enum.each(ports, &Agent.close/1)
      fill(source, count, state)
    end
  end

  # Until one cannot be opened: neither could the others.
  defp open(_source, 0, ports), do: Enum.reverse(ports)

  defp open(source, count, ports) do
    case open(source) do
      {:ok, port} -> open(source, count - 1, [port | ports])
      {:error, _reason} -> Enum.reverse(ports)
    end
  end

  defp open(%{copy: nil, path: path}), do: Agent.open(path, cd: "/")

  defp open(%{copy: copy, path: path}) do
    with :none <- Agent.open_copy(copy, path, cd: "/"), do: Agent.open(path, cd: "/")
  end

  # The environment is sent when it is another one than before.
  defp give(source, ports, env, count, state) do
    if env != state.env, do: send(state.pool, {:env, env})
    agents = for port <- ports, do: Map.put(source, :port, port)
    send(state.pool, {:filled, agents, count})
    # A file that cannot be started is looked at again before the next try.
    files = if length(ports) < count, do: Map.delete(state.files, source.path), else: state.files
    %{state | env: env, files: files}
  end

  defp connect(port, pool) do
    Port.connect(port, pool)
    Process.unlink(port)
  rescue
    # The agent has ended.
    ArgumentError -> false
  end
end
