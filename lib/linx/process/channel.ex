defmodule Linx.Process.Channel do
  @moduledoc """
  A session's port to its agent, on which writing never blocks.

  A process that writes to a busy port is suspended, and could neither answer a call nor be stopped
  before the agent reads again. So what a busy port refuses waits here, in order, and is tried again
  when the agent has sent something, or after a moment.
  """

  alias Linx.Agent

  # A busy port does not say when it is free again.
  @retry_ms 5

  @enforce_keys [:port]
  defstruct [:port, :timer, waiting: :queue.new()]

  @type t :: %__MODULE__{port: port(), timer: reference() | nil, waiting: :queue.queue(binary())}

  @doc "Starts an agent and sends it its request. The errors are those of `Linx.Agent.open/0`."
  @spec open(binary()) :: {:ok, t()} | {:error, term()}
  def open(request) do
    with {:ok, port} <- Agent.open(), do: {:ok, write(%__MODULE__{port: port}, request)}
  end

  @doc """
  Writes a frame, now or as soon as the port takes it.

  While something waits, `{:retry, port}` is sent to the calling process, for `flush/1`.
  """
  @spec write(t(), binary()) :: t()
  def write(%__MODULE__{} = channel, frame),
    do: flush(%{channel | waiting: :queue.in(frame, channel.waiting)})

  @doc "Writes what waits, as far as the port takes it."
  @spec flush(t()) :: t()
  def flush(%__MODULE__{} = channel) do
    case :queue.peek(channel.waiting) do
      :empty -> channel
      {:value, frame} -> flush(channel, command(channel.port, frame))
    end
  end

  defp flush(channel, true), do: flush(%{channel | waiting: :queue.drop(channel.waiting)})

  defp flush(%{timer: nil} = channel, false),
    do: %{channel | timer: Process.send_after(self(), {:retry, channel.port}, @retry_ms)}

  defp flush(channel, false), do: channel

  @doc "The same when `{:retry, port}` has arrived."
  @spec retry(t()) :: t()
  def retry(%__MODULE__{} = channel), do: flush(%{channel | timer: nil})

  @doc "Closes the port, which ends the agent if it has not ended."
  @spec close(t()) :: true
  def close(%__MODULE__{port: port}) do
    Port.close(port)
  rescue
    # It has closed itself, with the agent.
    ArgumentError -> true
  end

  @doc "The agent's process id, `nil` once it is gone."
  @spec agent_pid(t()) :: pos_integer() | nil
  def agent_pid(%__MODULE__{port: port}) do
    case Port.info(port, :os_pid) do
      {:os_pid, pid} -> pid
      nil -> nil
    end
  end

  # A port that has closed raises. A message on its way says that it has, and nobody is left to write to.
  defp command(port, frame) do
    Port.command(port, frame, [:nosuspend])
  rescue
    ArgumentError -> true
  end
end
