# SPDX-License-Identifier: MIT

defmodule Linx.Agent do
  @moduledoc false
  # Finds and starts the agent, the C program that makes the system calls of a session.
  #
  # The agent is `priv/linx_process` of this application, unless the environment variable `LINX_AGENT` has
  # the path of another one, such as one built with sanitizers.

  alias Linx.Agent.{Keeper, Request, Wire}
  alias Linx.Process.Error

  @variable "LINX_AGENT"

  # Standard input, output and error stay the workload's; frames go over fds 3 and 4.
  @port_options [:nouse_stdio, {:packet, 4}, :binary, :exit_status]

  # ENOENT, ESRCH, ENOEXEC, EACCES and ETXTBSY (errno(3)), with which a program ends that the VM could not execute.
  @exec_errnos [2, 3, 8, 13, 26]

  # Milliseconds to wait for the agent that kills. It waits for nothing itself, so that only a machine under
  # load makes it slow.
  @kill_timeout 10_000

  @doc """
  The path of the agent that the next session starts.

      iex> Linx.Agent.path() |> String.valid?()
      true
  """
  @spec path() :: Path.t()
  def path do
    case System.get_env(@variable, "") do
      "" -> built_in()
      path -> path
    end
  end

  @doc """
  Starts an agent; the calling process becomes its port's owner.

  `{:error, {:missing_agent, path}}` when there is no executable file at `path`,
  `{:error, %Linx.Process.Error{stage: :chdir}}` when the VM's working directory is gone, otherwise
  `{:error, %Linx.Process.Error{stage: :open_port}}`.
  """
  @spec open(Path.t(), cd: Path.t()) ::
          {:ok, port()} | {:error, {:missing_agent, Path.t()} | Error.t()}
  def open(path \\ path(), options \\ []) do
    # open_port/2 does not fail for a directory.
    if path != built_in() and File.dir?(path, [:raw]),
      do: {:error, {:missing_agent, path}},
      else: open_port(path, options)
  end

  defp open_port(path, options) do
    {:ok, Port.open({:spawn_executable, path}, options ++ @port_options)}
  rescue
    error -> {:error, refusal(error, path)}
  end

  @doc """
  Starts an agent that runs from the VM's sealed copy of it (`Linx.Agent.Keeper`), as `open/0` does, and returns the
  copy as well; `:none` when there is no copy that can be executed.

  The copy may disappear while the agent is started. `Linx.Agent.Channel.heard/2` recognises that.
  """
  @spec open_copy() :: {:ok, port(), Path.t()} | :none
  def open_copy do
    path = path()

    with {copy, _identity} <- Keeper.copy(path) || :none,
         {:ok, port} <- open_copy(copy, path, []),
         do: {:ok, port, copy}
  end

  @doc "Starts an agent from a copy of the file at `path`, which `Linx.Agent.Keeper.copy/1` has returned."
  @spec open_copy(Path.t(), Path.t(), cd: Path.t()) :: {:ok, port()} | :none
  def open_copy(copy, path, options) do
    # ps(1) shows argv[0].
    {:ok, Port.open({:spawn_executable, copy}, [{:arg0, path} | options ++ @port_options])}
  rescue
    # Whatever else is wrong is the error of open/0 as well.
    error ->
      with {:missing_agent, _copy} <- refusal(error, copy), do: Keeper.failed(copy)
      :none
  end

  @doc """
  Whether an exit status without a frame before says that the VM could not execute the agent. An agent does not end
  with one of these numbers without a frame before.

      iex> Linx.Agent.not_executed?(13)
      true
  """
  @spec not_executed?(non_neg_integer()) :: boolean()
  def not_executed?(code), do: code in @exec_errnos

  @doc """
  Kills an agent that does not react, by its host pid, through another agent: SIGKILL to its process group,
  or to the process.

  The pid must still be that agent's, which it is as long as its port is open.
  """
  @spec kill(pos_integer()) ::
          :ok | {:error, :timeout | {:missing_agent, Path.t()} | Error.t() | term()}
  def kill(host_pid), do: request_kill(%{target: host_pid})

  @doc """
  Kills a workload whose own agent, `agent_pid`, does not react, through another agent: SIGKILL to all
  that descends from that agent, and to the workload's process group if its agent has not reaped it.

  `agent_pid` must still be that agent's, which it is as long as its port is open.
  """
  @spec kill_workload(pos_integer(), pos_integer()) ::
          :ok | {:error, :timeout | {:missing_agent, Path.t()} | Error.t() | term()}
  def kill_workload(host_pid, agent_pid),
    do: request_kill(%{target: host_pid, agent: agent_pid})

  defp request_kill(whom) do
    with {:ok, port} <- open() do
      command(port, Request.kill(whom))
      result = await_kill(port)
      close(port)
      result
    end
  end

  # The agent ends by itself once it has replied, and its port with it, at any moment from then on. One that
  # ends before it has read its request has not replied, which await_kill/1 returns.
  defp command(port, request) do
    Port.command(port, request)
  rescue
    ArgumentError -> true
  end

  @doc "Closes an agent's port; none of its messages is left in the mailbox of the owner."
  @spec close(port()) :: true
  def close(port) do
    Port.close(port)
  rescue
    ArgumentError -> true
  after
    flush(port)
  end

  defp flush(port) do
    receive do
      {^port, {:exit_status, _}} -> flush(port)
      {:EXIT, ^port, _reason} -> flush(port)
    after
      0 -> :ok
    end
  end

  defp await_kill(port) do
    receive do
      {^port, {:data, bytes}} ->
        case Wire.decode(bytes) do
          {:ok, {:status, :exited, 0}} -> :ok
          {:ok, {:error, errno, stage}} -> {:error, Error.new(stage, errno)}
          _unexpected -> {:error, Error.new(:malformed_frame, :eproto)}
        end

      {^port, {:exit_status, _}} ->
        {:error, :timeout}

      # To a process that traps exits: the port broke when it was written to.
      {:EXIT, ^port, _reason} ->
        {:error, :timeout}
    after
      @kill_timeout -> {:error, :timeout}
    end
  end

  @doc """
  What to do about a missing agent, in words.

      iex> Linx.Agent.missing_message("/opt/linx_process") =~ "make"
      true
  """
  @spec missing_message(Path.t()) :: String.t()
  def missing_message(path) do
    "there is no executable agent at #{path}; build it with `mix compile`, or with `make` in linx's " <>
      "own directory, or name another one in #{@variable}"
  end

  # open_port/2 raises these errors for a file that does not exist or is not executable, and badarg for a
  # path that cannot be a file name.
  defp refusal(%ErlangError{original: reason}, path)
       when reason in [:enoent, :eacces, :enotdir, :eisdir, :eloop, :enametoolong] do
    # open_port/2 also fails when it cannot read the working directory for the program.
    case :file.get_cwd() do
      {:error, reason} when reason in [:enoent, :eacces] -> Error.new(:chdir, reason)
      _path -> {:missing_agent, path}
    end
  end

  defp refusal(%ErlangError{original: reason}, _path) when is_atom(reason),
    do: Error.new(:open_port, reason)

  defp refusal(%SystemLimitError{}, _path), do: Error.new(:open_port, :system_limit)
  defp refusal(_error, path), do: {:missing_agent, path}

  # Kept in a persistent term, because the code server, which all processes share, would be asked for it at
  # each session, and it never changes.
  defp built_in do
    case :persistent_term.get(__MODULE__, nil) do
      nil -> locate()
      path -> path
    end
  end

  defp locate do
    case :code.priv_dir(:linx) do
      {:error, :bad_name} ->
        "priv/linx_process"

      directory ->
        path = Path.join(List.to_string(directory), "linx_process")
        :persistent_term.put(__MODULE__, path)
        path
    end
  end
end
