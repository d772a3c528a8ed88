# SPDX-License-Identifier: MIT

defmodule Linx.Agent.Keeper do
  @moduledoc false
  # Holds one sealed copy of the agent's program for all sessions of the VM.
  #
  # The agent of a session that other namespaces can see runs from a sealed copy of its program in memory. Without this
  # process each such agent makes its own copy and executes it. This process starts an agent, at the first
  # need, that makes a copy and holds it (the request `keep`); agents that are started from that one's
  # `/proc/<pid>/fd/<n>` execute once and copy nothing.
  #
  # The copy is an offer. A session takes it where it is there, and starts the agent's own file where it is not: while
  # the copy is being made, without the application, without /proc, or where the VM may not open another
  # process's descriptors. `failed/1` is for a session whose agent did not start from it.
  #
  # The agent that holds it ends with its port, and so with this process and with the VM.
  #
  # The table belongs to this process, so a copy that is in it has a keeper that lives. One row, under `:row`:
  # the path of the agent, the identity of the file there, the copy's path, or nil when there is none yet or
  # none can be used, and the time until which no process looks at the file again.

  use GenServer

  alias Linx.Agent.{Identity, Request, Wire}

  @table __MODULE__

  # Milliseconds without another attempt after one that cannot succeed before something else has changed, such
  # as the VM's privileges or the options of /proc.
  @pause 60_000

  # Milliseconds for which the file is taken for the same. A look at it takes 20 to 60 microseconds of a session,
  # because the VM makes it on another thread, and the rest of copy/1 takes 1.
  @fresh 100

  # `port` is the agent that holds a copy or makes one, of `path`, when the file there was `identity`.
  defstruct [:port, :path, :identity, :copy, :timer]

  @doc "Starts the keeper, which starts no agent yet."
  @spec start_link(term()) :: GenServer.on_start()
  def start_link(_argument), do: GenServer.start_link(__MODULE__, [], name: __MODULE__)

  @doc """
  The path from which an agent can be started that is the program at `path`, sealed, and what the file there is known
  by; nil when there is none now.

  It sends no message to the keeper, unless a copy is to be made or the file was looked at: that is done in the calling
  process, every #{@fresh} ms, so a file that replaces another one is noticed by then. The path may lead nowhere any
  more when it is used.
  """
  @spec copy(Path.t()) :: {Path.t(), Identity.t()} | nil
  def copy("/" <> _ = path) do
    case :ets.lookup(@table, :row) do
      [{:row, ^path, identity, copy, until}] ->
        if now() < until or same_file?(path, identity),
          do: if(copy, do: {copy, identity}),
          else: need(path)

      _none_or_of_another ->
        need(path)
    end
  rescue
    # There is no table, because the application is not started or the keeper has just died.
    ArgumentError -> nil
  end

  # It is no agent's path, see `Linx.Agent.path/0`.
  def copy(_relative), do: nil

  defp same_file?(path, identity) do
    same? = identity(path) == identity
    if same?, do: GenServer.cast(__MODULE__, {:seen, path, identity})
    same?
  end

  defp now, do: System.monotonic_time(:millisecond)

  defp need(path) do
    GenServer.cast(__MODULE__, {:need, path})
    nil
  end

  @doc "Says that no agent could be started from a path that `copy/1` has returned."
  @spec failed(Path.t()) :: :ok
  def failed(copy), do: GenServer.cast(__MODULE__, {:failed, copy})

  @doc "Says that an agent which runs from a copy of the file at `path` cannot read it."
  @spec check(Path.t()) :: :ok
  def check(path), do: GenServer.cast(__MODULE__, {:check, path})

  @impl true
  def init([]) do
    # A port that breaks is a message, and no end of this process.
    Process.flag(:trap_exit, true)
    :ets.new(@table, [:named_table, :protected, read_concurrency: true])
    {:ok, %__MODULE__{}}
  end

  @impl true
  def handle_cast({:need, path}, state) do
    identity = identity(path)

    if match?({:error, _}, identity) or {path, identity} == {state.path, state.identity},
      do: {:noreply, state},
      else: {:noreply, state |> forget() |> make(path, identity)}
  end

  def handle_cast({:seen, path, identity}, %{path: path, identity: identity} = state),
    do: {:noreply, offer(state)}

  def handle_cast({:seen, _path, _earlier_identity}, state), do: {:noreply, state}

  def handle_cast({:failed, copy}, %{copy: copy} = state) when copy != nil do
    # An agent that was killed makes room for another one at the next need. A copy that can be read and not
    # executed is refused by something that would refuse the next one as well.
    if same?(copy, state.path), do: {:noreply, refuse(state)}, else: {:noreply, forget(state)}
  end

  def handle_cast({:failed, _earlier_copy}, state), do: {:noreply, state}

  # It may have been an earlier copy.
  def handle_cast({:check, path}, %{path: path, copy: copy} = state) when copy != nil,
    do: {:noreply, if(same?(copy, path), do: state, else: forget(state))}

  def handle_cast({:check, _path}, state), do: {:noreply, state}

  @impl true
  def handle_info({port, {:data, bytes}}, %{port: port, copy: nil} = state) when port != nil do
    with {:ok, {:status, :kept, fd}} <- Wire.decode(bytes),
         {:os_pid, pid} <- Port.info(port, :os_pid),
         copy = "/proc/#{pid}/fd/#{fd}",
         true <- same?(copy, state.path),
         true <- identity(state.path) == state.identity do
      {:noreply, offer(%{state | copy: copy})}
    else
      _no_copy -> {:noreply, refuse(state)}
    end
  end

  # An agent that ended before it had a copy would do so again.
  def handle_info({port, {:exit_status, _code}}, %{port: port, copy: nil} = state),
    do: {:noreply, refuse(state)}

  def handle_info({:EXIT, port, _reason}, %{port: port, copy: nil} = state),
    do: {:noreply, refuse(state)}

  def handle_info({port, {:exit_status, _code}}, %{port: port} = state),
    do: {:noreply, forget(state)}

  def handle_info({:EXIT, port, _reason}, %{port: port} = state), do: {:noreply, forget(state)}

  def handle_info({:EXIT, pid, reason}, state) when is_pid(pid), do: {:stop, reason, state}

  def handle_info({:timeout, timer, :forget}, %{timer: timer} = state),
    do: {:noreply, forget(state)}

  def handle_info(_message, state), do: {:noreply, state}

  # A script or another program that is not the agent itself, but starts it, is left to do so each time: what it adds
  # would be missing in agents that are started from the copy.
  defp make(state, path, identity) do
    state = offer(%{state | path: path, identity: identity})
    if elf?(path), do: start(state), else: refuse(state)
  end

  defp start(state) do
    port = Port.open({:spawn_executable, state.path}, Wire.port_options())
    Port.command(port, Request.keep())
    %{state | port: port}
  rescue
    # There is no such file any more, no room for another process, or the agent ended before its request.
    _error -> refuse(state)
  end

  defp refuse(state) do
    close(state.port)
    if state.timer, do: :erlang.cancel_timer(state.timer)
    offer(%{state | port: nil, copy: nil, timer: :erlang.start_timer(@pause, self(), :forget)})
  end

  defp offer(state) do
    :ets.insert(@table, {:row, state.path, state.identity, state.copy, now() + @fresh})
    state
  end

  defp forget(state) do
    :ets.delete(@table, :row)
    close(state.port)
    if state.timer, do: :erlang.cancel_timer(state.timer)
    %__MODULE__{}
  end

  defp close(nil), do: true

  defp close(port) do
    Port.close(port)
  rescue
    # The port closed when the agent ended.
    ArgumentError -> true
  end

  defp identity(path) do
    with {:ok, identity} <- Identity.of(path), do: identity
  end

  # Whether a copy is that of the file, byte for byte: then the file is the agent itself, and the process of that
  # number in this /proc is the agent that was started.
  defp same?(copy, path) do
    case {read(copy), read(path)} do
      {{:ok, bytes}, {:ok, bytes}} -> true
      _other -> false
    end
  end

  defp elf?(path), do: match?({:ok, <<0x7F, "ELF", _rest::binary>>}, read(path, 4))

  defp read(path, size \\ :all) do
    with {:ok, file} <- :file.open(path, [:read, :raw, :binary]) do
      result = if size == :all, do: read_all(file, []), else: :file.read(file, size)
      :file.close(file)
      result
    end
  end

  defp read_all(file, read) do
    case :file.read(file, 1_048_576) do
      {:ok, bytes} -> read_all(file, [read | bytes])
      :eof -> {:ok, IO.iodata_to_binary(read)}
      error -> error
    end
  end
end
