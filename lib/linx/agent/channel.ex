# SPDX-License-Identifier: MIT

defmodule Linx.Agent.Channel do
  @moduledoc false
  # A session's port to its agent, on which writing never blocks.
  #
  # A process that writes to a busy port is suspended until the agent reads (erlang:port_command/3), and
  # could then neither reply to a call nor be stopped. The VM has no message that says that a port is no longer
  # busy. So when the port is busy, a process is started that is suspended instead of the session; frames that
  # are written meanwhile wait in `waiting`, in order.
  #
  # An agent may end before it has read its request: one that is to be started from the VM's sealed copy
  # (`Linx.Agent.Keeper`), when the copy has gone, and one of a pool, when it is killed. Until the agent's first message
  # its frames are kept in `unheard`, so that `heard/2` can send them to another agent. A port that breaks loses
  # the reason, and then only an agent that was sent nothing but its request is known not to have run the workload. So
  # frames that are not urgent are written after the first message, which comes 2 ms after the child exists at the
  # latest; they wait in `held`.

  alias Linx.{Agent, Telemetry}
  alias Linx.Agent.{Keeper, Request, Wire}
  alias Linx.Pool.Client

  @enforce_keys [:port]
  defstruct [:port, :writer, :origin, waiting: [], unheard: [], held: []]

  # The newest frame is the first of each list. `origin` is where an agent comes from that may not have read its
  # request, and nil once it is known to have.
  @type t :: %__MODULE__{
          port: port(),
          writer: pid() | nil,
          waiting: [iodata()],
          origin: nil | {:copy, Path.t()} | {:pool, Client.pool(), Request.changes()},
          unheard: [iodata()],
          held: [iodata()]
        }

  @typedoc """
    * `:pool` - the pool that the agent is taken from, see `Linx.Pool.Client.take/2`; `false` by default
    * `:env?` - whether the workload's environment is the VM's, which those of a pool have to be sent
    * `:seen?` - whether other namespaces can see the agent, which is then started from the VM's sealed copy if there
      is one
  """
  @type option :: {:pool, Client.pool()} | {:env?, boolean()} | {:seen?, boolean()}

  # A child that parks does not run the workload before a command that is sent after its first message. So an agent
  # that was asked to abort has not run it either.
  @abort Wire.encode(:abort)

  # A longer request is sent to an agent that is started for it, because the agent's bound of a request holds
  # for what has changed together with it.
  @pooled_max div(Wire.request_max(), 2)

  @doc """
  Takes an agent from a pool or starts one, and sends it its request. The errors are those of `Linx.Agent.open/0`
  and `Linx.Pool.Client.take/2`.
  """
  @spec open(binary(), [option()]) :: {:ok, t()} | {:error, term()}
  def open(request, options \\ []) do
    pool =
      if byte_size(request) > @pooled_max, do: false, else: Keyword.get(options, :pool, false)

    case Client.take(pool, Keyword.get(options, :env?, true)) do
      {:ok, port, changes} ->
        channel = put(%__MODULE__{port: port}, Request.pooled(changes, request))
        {:ok, %{channel | origin: {:pool, pool, changes}, unheard: [request]}}

      :cold ->
        start(request, Keyword.get(options, :seen?, false))

      {:error, _reason} = error ->
        error
    end
  end

  defp start(request, true) do
    case Agent.open_copy() do
      {:ok, port, copy} ->
        {:ok, write(%__MODULE__{port: port, origin: {:copy, copy}}, request, true)}

      :none ->
        start(request, false)
    end
  end

  defp start(request, false) do
    with {:ok, port} <- Agent.open(), do: {:ok, write(%__MODULE__{port: port}, request)}
  end

  @doc """
  Waits until an agent of a pool has read its request, or `timeout` milliseconds, because until then a change
  of the VM's working directory would take effect on it.

  Returns the message of the port that came instead, if there is one, for the caller to handle. The errors are
  those of `Linx.Agent.open/0`, for an agent that is started in the place of one that has ended.
  """
  @spec await_accepted(t(), timeout()) :: {:ok, t(), message :: term() | nil} | {:error, term()}
  def await_accepted(%__MODULE__{origin: {:pool, _, _}, port: port} = channel, timeout) do
    receive do
      {^port, {_kind, _value}} = message -> accepted(heard(channel, message), message)
      {:EXIT, ^port, _reason} = message -> accepted(heard(channel, message), message)
    after
      timeout -> {:ok, channel, nil}
    end
  end

  def await_accepted(channel, _timeout), do: {:ok, channel, nil}

  defp accepted({:ok, channel}, message), do: {:ok, channel, message}
  defp accepted({:handled, channel}, _message), do: {:ok, channel, nil}
  defp accepted(error, _message), do: error

  @doc """
  Looks at a message of a port whose channel has an `origin`.

    * `{:ok, channel}` - the message is the session's
    * `{:handled, channel}` - it is not: the agent of a pool has read its request, or an agent could not be used and
      another one is started, with another port, which is sent all frames again
    * `{:error, reason}` - there is no other one, with the errors of `Linx.Agent.open/0`

  Nothing has been started twice, because an agent that is replaced has not read its request, or has refused it.
  """
  @spec heard(t(), term()) :: {:ok, t()} | {:handled, t()} | {:error, term()}
  def heard(%__MODULE__{origin: origin} = channel, message) when origin != nil do
    case fate(message, channel) do
      {:unused, reason} -> start_again(channel, reason)
      :accepted -> {:handled, known(channel)}
      :known -> {:ok, known(channel)}
      :other -> {:ok, channel}
    end
  end

  defp fate({port, {:data, bytes}}, %{port: port, origin: origin}) do
    case {Wire.decode(bytes), elem(origin, 0)} do
      {{:ok, {:status, :accepted}}, :pool} -> :accepted
      {{:ok, {:error, errno, :stale}}, :pool} -> {:unused, {:stale, errno}}
      # The copy can be executed and not read.
      {{:ok, {:error, _errno, :memfd}}, _origin} -> {:unused, :memfd}
      _heard -> :known
    end
  end

  defp fate({port, {:exit_status, code}}, %{port: port, origin: origin}) do
    if elem(origin, 0) == :pool or Agent.not_executed?(code), do: {:unused, :ended}, else: :known
  end

  # The port broke when the request was written, so the agent has not read all of it, or was to abort. With another
  # reason it was closed, and the agent may have read the request.
  defp fate({:EXIT, port, :epipe}, %{port: port, unheard: unheard}) do
    if unheard |> Enum.drop(-1) |> Enum.all?(&(&1 == @abort)), do: {:unused, :ended}, else: :known
  end

  defp fate({:EXIT, port, _reason}, %{port: port}), do: :known
  defp fate(_message, _channel), do: :other

  defp known(%{held: held} = channel),
    do: put_all(%{channel | origin: nil, unheard: [], held: []}, held)

  defp put_all(channel, frames),
    do: frames |> Enum.reverse() |> Enum.reduce(channel, &put(&2, &1))

  defp start_again(%{port: port} = channel, reason) do
    unused(channel.origin, reason)
    close(channel)
    flush(port)

    with {:ok, other} <- Agent.open(),
         do: {:handled, put_all(%__MODULE__{port: other}, channel.held ++ channel.unheard)}
  end

  defp unused({:copy, copy}, _reason), do: Keeper.failed(copy)

  defp unused({:pool, pool, _changes}, :ended),
    do: Telemetry.pool(:lost, pool, %{}, %{reason: :ended})

  defp unused({:pool, pool, changes}, :memfd) do
    Client.unreadable(pool, changes)
    Telemetry.pool(:lost, pool, %{}, %{reason: :ended})
  end

  defp unused({:pool, pool, changes}, {:stale, errno}) do
    Client.refused(pool, changes, errno)
    Telemetry.pool(:lost, pool, %{}, %{reason: :stale})
  end

  defp flush(port) do
    receive do
      {^port, _message} -> flush(port)
      {:EXIT, ^port, _reason} -> flush(port)
    after
      0 -> :ok
    end
  end

  @doc """
  Writes a frame, now or when the port is no longer busy.

  In the second case `{:written, port}` is sent to the calling process, for `written/1`. An urgent frame does not wait
  for the agent's first message.
  """
  @spec write(t(), iodata(), boolean()) :: t()
  def write(channel, frame, urgent? \\ false)
  def write(%__MODULE__{origin: nil} = channel, frame, _urgent?), do: put(channel, frame)

  def write(channel, frame, true),
    do: put(%{channel | unheard: [frame | channel.unheard]}, frame)

  def write(channel, frame, false), do: %{channel | held: [frame | channel.held]}

  defp put(%__MODULE__{writer: nil} = channel, frame) do
    if command(channel.port, frame, [:nosuspend]),
      do: channel,
      else: %{channel | writer: start_writer(channel.port, [frame])}
  end

  defp put(%__MODULE__{} = channel, frame), do: %{channel | waiting: [frame | channel.waiting]}

  @doc "Writes the frames that wait, when `{:written, port}` has arrived."
  @spec written(t()) :: t()
  def written(%__MODULE__{waiting: []} = channel), do: %{channel | writer: nil}

  def written(%__MODULE__{waiting: waiting} = channel) do
    writer = start_writer(channel.port, Enum.reverse(waiting))
    %{channel | writer: writer, waiting: []}
  end

  @doc "Closes the port, which ends the agent if it has not ended."
  @spec close(t()) :: true
  def close(%__MODULE__{port: port}) do
    Port.close(port)
  rescue
    # The port closed when the agent ended.
    ArgumentError -> true
  end

  @doc "The agent's process id, `nil` once it has ended."
  @spec agent_pid(t()) :: pos_integer() | nil
  def agent_pid(%__MODULE__{port: port}) do
    case Port.info(port, :os_pid) do
      {:os_pid, pid} -> pid
      nil -> nil
    end
  end

  # The process ends at the latest when the port closes, and so when the session ends, because a command to a
  # closed port does not block.
  defp start_writer(port, frames) do
    session = self()

    spawn(fn ->
      Enum.each(frames, &command(port, &1, []))
      send(session, {:written, port})
    end)
  end

  # Port.command/3 raises when the port has closed. The frame is dropped then, because the agent has ended,
  # which a message to the session says.
  defp command(port, frame, options) do
    Port.command(port, frame, options)
  rescue
    ArgumentError -> true
  end
end
