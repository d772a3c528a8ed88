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
  # An agent that is to be started from the VM's sealed copy (`Linx.Agent.Keeper`) may not start, because the copy has
  # gone. Until its first message its frames are kept in `unheard`, so that `restart/2` can send them to another
  # agent. A port that breaks loses the reason, and then only an agent that was sent nothing but its request is
  # known not to have run the workload. So frames that are not urgent are written after the first message, which
  # comes 2 ms after the child exists at the latest; they wait in `held`.

  alias Linx.Agent
  alias Linx.Agent.{Keeper, Wire}

  @enforce_keys [:port]
  defstruct [:port, :writer, :copy, waiting: [], unheard: [], held: []]

  # The newest frame is the first of each list. `copy` is what the agent was started from, until its
  # first message.
  @type t :: %__MODULE__{
          port: port(),
          writer: pid() | nil,
          waiting: [iodata()],
          copy: Path.t() | nil,
          unheard: [iodata()],
          held: [iodata()]
        }

  # A child that parks does not run the workload before a command that is sent after its first message. So an agent
  # that was asked to abort has not run it either.
  @abort Wire.encode(:abort)

  # ENOENT, ESRCH, ENOEXEC, EACCES and ETXTBSY (errno(3)), with which a program ends that the VM could not execute. An
  # agent does not end with one of these numbers without a frame before.
  @exec_errnos [2, 3, 8, 13, 26]

  @doc """
  Starts an agent and sends it its request. The errors are those of `Linx.Agent.open/0`.

  With `seen?` the agent is one that other namespaces can see, and is started from the VM's sealed copy if there is
  one.
  """
  @spec open(binary(), boolean()) :: {:ok, t()} | {:error, term()}
  def open(request, seen? \\ false)

  def open(request, true) do
    case Agent.open_copy() do
      {:ok, port, copy} -> {:ok, write(%__MODULE__{port: port, copy: copy}, request, true)}
      :none -> open(request, false)
    end
  end

  def open(request, false) do
    with {:ok, port} <- Agent.open(), do: {:ok, write(%__MODULE__{port: port}, request)}
  end

  @doc """
  Looks at a message of the port: `{:restarted, channel}` with another port when it says that the agent could not run
  from the sealed copy, and otherwise `{:ok, channel}`, and the message is the session's.

  The other agent is started from the agent's file, and is sent all frames again. Nothing has been started
  twice: what is recognised here is an exec that failed, and failures that come before the child exists.
  """
  @spec restart(t(), term()) :: {:ok, t()} | {:restarted, t()}
  def restart(%__MODULE__{copy: nil} = channel, _message), do: {:ok, channel}

  def restart(%__MODULE__{port: port} = channel, message) do
    cond do
      unexecuted?(message, channel) -> start_again(channel)
      match?({^port, {:data, _}}, message) -> {:ok, heard(channel)}
      match?({^port, {:exit_status, _}}, message) -> {:ok, heard(channel)}
      match?({:EXIT, ^port, _}, message) -> {:ok, heard(channel)}
      true -> {:ok, channel}
    end
  end

  defp heard(%{held: held} = channel),
    do: write_all(%{channel | copy: nil, unheard: [], held: []}, held)

  defp write_all(channel, frames),
    do: frames |> Enum.reverse() |> Enum.reduce(channel, &put(&2, &1))

  defp unexecuted?({port, {:exit_status, code}}, %{port: port}), do: code in @exec_errnos

  # The copy can be executed and not read.
  defp unexecuted?({port, {:data, bytes}}, %{port: port}),
    do: match?({:ok, {:error, _errno, :memfd}}, Wire.decode(bytes))

  # The port broke when the request was written, so the agent has not read all of it, or was to abort.
  defp unexecuted?({:EXIT, port, _reason}, %{port: port, unheard: unheard}),
    do: unheard |> Enum.drop(-1) |> Enum.all?(&(&1 == @abort))

  defp unexecuted?(_message, _channel), do: false

  defp start_again(%{port: port} = channel) do
    Keeper.failed(channel.copy)

    case Agent.open() do
      {:ok, other} ->
        close(channel)
        flush(port)
        {:restarted, write_all(%__MODULE__{port: other}, channel.held ++ channel.unheard)}

      {:error, _reason} ->
        {:ok, heard(channel)}
    end
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
  def write(%__MODULE__{copy: nil} = channel, frame, _urgent?), do: put(channel, frame)

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
