# SPDX-License-Identifier: MIT

defmodule Linx.Agent.Channel do
  @moduledoc false
  # A session's port to its agent, on which writing never blocks.
  #
  # A process that writes to a busy port is suspended until the agent reads (erlang:port_command/3), and
  # could then neither reply to a call nor be stopped. The VM has no message that says that a port is no longer
  # busy. So when the port is busy, a process is started that is suspended instead of the session; frames that
  # are written meanwhile wait in `waiting`, in order.

  alias Linx.Agent

  @enforce_keys [:port]
  defstruct [:port, :writer, waiting: []]

  # The newest frame is the first of `waiting`.
  @type t :: %__MODULE__{port: port(), writer: pid() | nil, waiting: [binary()]}

  @doc "Starts an agent and sends it its request. The errors are those of `Linx.Agent.open/0`."
  @spec open(binary()) :: {:ok, t()} | {:error, term()}
  def open(request) do
    with {:ok, port} <- Agent.open(), do: {:ok, write(%__MODULE__{port: port}, request)}
  end

  @doc """
  Writes a frame, now or when the port is no longer busy.

  In the second case `{:written, port}` is sent to the calling process, for `written/1`.
  """
  @spec write(t(), binary()) :: t()
  def write(%__MODULE__{writer: nil} = channel, frame) do
    if command(channel.port, frame, [:nosuspend]),
      do: channel,
      else: %{channel | writer: start_writer(channel.port, [frame])}
  end

  def write(%__MODULE__{} = channel, frame), do: %{channel | waiting: [frame | channel.waiting]}

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
