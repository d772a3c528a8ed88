# SPDX-License-Identifier: MIT

defmodule Linx.Pool.Client do
  @moduledoc false
  # Takes an agent from a pool, in the process that is to drive it.

  alias Linx.{Agent, Telemetry}
  alias Linx.Agent.{Keeper, Request}
  alias Linx.Call.Environment

  @typedoc "A pool; `false` for none, nil for the application's own, from its environment."
  @type pool :: GenServer.server() | false | nil

  # Milliseconds. A pool replies at once; another process, which was given by mistake, does not. After the first a
  # pool hands no agent over any more, because this process would own its port and not know it.
  @take_timeout 4_000
  @reply_timeout 5_000

  # Whether agents are sent the path of the VM's working directory.
  @by_path {__MODULE__, :by_path}

  @estale Linx.Errno.code(:estale)
  @enoent Linx.Errno.code(:enoent)

  @doc "Takes notice that an agent cannot read its program: then neither can the others of the pool."
  @spec unreadable(pool(), Request.changes()) :: term()
  def unreadable(pool, %{file: {path, _, _, _, _}} = changes) do
    Keeper.check(path)
    refused(pool, changes, @estale)
  end

  @doc """
  Takes notice of why an agent cannot be used: its file is another one now, or it cannot follow the link to the
  VM's working directory.
  """
  @spec refused(pool(), Request.changes(), errno :: non_neg_integer()) :: term()
  def refused(pool, %{file: {path, device, inode, size, mtime}}, @estale) do
    pool = pool || Application.get_env(:linx, :pool)
    GenServer.cast(pool, {:stale, path, {device, inode, size, mtime}})
  end

  # ENOENT is a directory that is gone.
  def refused(_pool, _changes, errno) when errno != @enoent,
    do: :persistent_term.put(@by_path, true)

  def refused(_pool, _changes, _enoent), do: :ok

  @doc """
  An agent that has waited, with what has changed since it was started, of the environment only if `env?`.
  The calling process is the owner of its port then. `:cold` when one is to be started instead.

  A pool that does not exist is an error if it was given, and not if it is the application's, so that the order
  in which applications start does not matter.
  """
  @spec take(pool(), boolean()) ::
          {:ok, port(), Request.changes()} | :cold | {:error, {:no_pool | :bad_pool, term()}}
  def take(false, _env?), do: :cold

  def take(nil, env?) do
    case Application.get_env(:linx, :pool) do
      none when none in [nil, false] ->
        :cold

      pool ->
        with {:error, {:no_pool, _pool}} <- take(pool, env?), do: miss(pool, 0, :no_pool)
    end
  end

  def take(pool, env?) do
    started = System.monotonic_time()

    case whereis(pool) do
      pid when is_pid(pid) and node(pid) == node() -> take(pool, pid, env?, started)
      :bad_pool -> {:error, {:bad_pool, pool}}
      _nowhere_here -> {:error, {:no_pool, pool}}
    end
  end

  defp whereis(pool) do
    GenServer.whereis(pool)
  rescue
    _not_a_name in [FunctionClauseError, ArgumentError, UndefinedFunctionError] -> :bad_pool
  end

  # A directory that cannot be named leads to the error of an agent that is started there.
  defp take(pool, pid, env?, started) do
    until = System.monotonic_time(:millisecond) + @take_timeout

    case GenServer.call(pid, {:take, Agent.path(), env?, until}, @reply_timeout) do
      {:ok, port, changes} -> use_agent(pool, port, changes, started)
      :none -> miss(pool, started, :empty)
    end
  catch
    :exit, {:noproc, _call} -> {:error, {:no_pool, pool}}
    :exit, {:timeout, _call} -> miss(pool, started, :no_reply)
    :exit, _ended -> miss(pool, started, :no_pool)
  end

  defp use_agent(pool, port, changes, started) do
    case working_directory() do
      {:ok, dir} ->
        Telemetry.pool(:hit, pool, %{duration: System.monotonic_time() - started}, %{})
        {:ok, port, Map.put(changes, :dir, dir)}

      {:error, _reason} ->
        Agent.close(port)
        miss(pool, started, :no_directory)
    end
  end

  defp miss(pool, started, reason) do
    duration = if started == 0, do: 0, else: System.monotonic_time() - started
    Telemetry.pool(:miss, pool, %{duration: duration}, %{reason: reason})
    :cold
  end

  # Reading the path takes a thread of the VM's own for file operations, whose waking costs as much as a tenth
  # of a session. So the agent goes there by a link, if it may follow it (proc_pid_cwd(5), ptrace(2)).
  defp working_directory do
    if :persistent_term.get(@by_path, false),
      do: path(),
      else: {:ok, "/proc/#{:os.getpid()}/cwd"}
  end

  defp path do
    case :file.get_cwd() do
      {:ok, directory} -> {:ok, Environment.bytes(directory)}
      error -> error
    end
  end
end
