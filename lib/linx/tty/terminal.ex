# SPDX-License-Identifier: MIT

defmodule Linx.Tty.Terminal do
  @moduledoc false
  # The BEAM's own terminal, in raw mode from `lend/0` to `give_back/1`.
  #
  # An agent changes and restores it, because a port program inherits the BEAM's standard input, and outlives a
  # BEAM that is killed for the time that it takes to restore the terminal. The process that calls `lend/0` owns
  # the agent's port and receives its messages.

  alias Linx.Agent
  alias Linx.Agent.{Request, Wire}
  alias Linx.Process.Error

  # ioctl_tty(2): not a terminal.
  @enotty 25

  # Milliseconds that restoring may take, which waits for output that the terminal has not shown yet.
  @patience 5_000

  @enforce_keys [:port, :settings]
  defstruct [:port, :settings]

  @typedoc "`settings` are those of the terminal before, as the struct termios of the agent's libc."
  @type t :: %__MODULE__{port: port(), settings: binary()}

  @typedoc "Rows and columns of characters, width and height in pixels."
  @type size :: {0..65535, 0..65535, 0..65535, 0..65535}

  @doc """
  Makes the terminal raw; returns its size as well.

  `{:error, :not_a_terminal}` when standard input is no terminal; nothing has been changed then.
  """
  @spec lend() ::
          {:ok, t(), size()}
          | {:error, :not_a_terminal | {:missing_agent, Path.t()} | Error.t()}
  def lend do
    with {:ok, port} <- Agent.open() do
      command(port, Request.terminal())

      with {:ok, settings} <- await_frame(port, :settings),
           {:ok, size} <- await_frame(port, :winsize),
           do: {:ok, %__MODULE__{port: port, settings: settings}, size}
    end
  end

  @doc """
  Restores the terminal, and returns when it is restored.

  A second agent does it when the first was killed. `:error` when the terminal can no longer be set, because it
  was closed, or its output is stopped.
  """
  @spec give_back(t()) :: :ok | :error
  def give_back(%__MODULE__{} = terminal) do
    with :error <- restore(terminal), do: restore_again(terminal)
  end

  defp restore_again(%{settings: settings}) do
    case lend() do
      {:ok, terminal, _size} -> restore(%{terminal | settings: settings})
      {:error, _reason} -> :error
    end
  end

  @doc "What a message says of the terminal; `nil` for a message that is not from its agent."
  @spec event(t(), term()) :: {:winsize, size()} | {:lost, Error.t()} | nil
  def event(%__MODULE__{port: port}, {port, {:data, bytes}}) do
    case Wire.decode(bytes) do
      {:ok, {:winsize, _size} = frame} -> frame
      {:ok, {:error, errno, stage}} -> {:lost, Error.new(stage, errno)}
      _unexpected -> {:lost, malformed()}
    end
  end

  def event(%__MODULE__{port: port}, {port, {:exit_status, status}}), do: {:lost, died(status)}
  def event(%__MODULE__{port: port}, {:EXIT, port, _reason}), do: {:lost, died(1)}
  def event(_terminal, _message), do: nil

  defp restore(%{port: port, settings: settings}) do
    command(port, Wire.encode({:restore, settings}))
    await_exit(port)
  end

  defp await_exit(port) do
    receive do
      {^port, {:exit_status, 0}} -> :ok
      {^port, {:exit_status, _status}} -> :error
      {:EXIT, ^port, _reason} -> :error
      {^port, {:data, _frame}} -> await_exit(port)
    after
      if(Port.info(port), do: @patience, else: 0) -> :error
    end
  end

  defp await_frame(port, name) do
    receive do
      {^port, {:data, bytes}} -> bytes |> Wire.decode() |> check_frame(name)
      {^port, {:exit_status, status}} -> {:error, died(status)}
      {:EXIT, ^port, _reason} -> {:error, died(1)}
    end
  end

  defp check_frame({:ok, {:error, @enotty, :tcgetattr}}, _name), do: {:error, :not_a_terminal}
  defp check_frame({:ok, {:error, errno, stage}}, _name), do: {:error, Error.new(stage, errno)}
  defp check_frame({:ok, {name, value}}, name), do: {:ok, value}
  defp check_frame(_unexpected, _name), do: {:error, malformed()}

  defp malformed, do: Error.new(:malformed_frame, :eproto)
  defp died(status), do: Error.new(:agent_died, status)

  # Port.command/2 raises when the port has closed; a message says so too.
  defp command(port, frame) do
    Port.command(port, frame)
  rescue
    ArgumentError -> false
  end
end
