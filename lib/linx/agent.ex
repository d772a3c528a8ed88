# SPDX-License-Identifier: MIT

defmodule Linx.Agent do
  @moduledoc false
  # Finds and starts the agent, the C program that makes the system calls of a session.
  #
  # The agent is `priv/linx_process` of this application, unless the environment variable `LINX_AGENT` has
  # the path of another one, such as one built with sanitizers. No agent is started by a relative path, because that
  # is another file in another working directory.

  alias Linx.Agent.{Keeper, Location, Request, Unpacked, Wire}
  alias Linx.Process.Error

  @variable "LINX_AGENT"

  # ENOENT, ESRCH, ENOEXEC, EACCES and ETXTBSY (errno(3)), with which a program ends that the VM could not execute.
  @exec_errnos [2, 3, 8, 13, 26]

  # Milliseconds to wait for the agent that kills. It waits for nothing itself, so that only a machine under
  # load makes it slow.
  @kill_timeout 10_000

  @doc """
  The path of the agent that the next session starts. When there is none it is a path that leads nowhere, and when
  `LINX_AGENT` has a relative path it is that one; `open/0` returns the error.

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

  `{:error, {:missing_agent, path}}` when there is no executable file at `path`, or `path` is relative,
  `{:error, %Linx.Process.Error{stage: :chdir}}` when the VM's working directory is gone, otherwise
  `{:error, %Linx.Process.Error{stage: :open_port}}`.
  """
  @spec open() :: {:ok, port()} | {:error, {:missing_agent, Path.t()} | Error.t()}
  def open do
    path = path()

    with {:error, {:missing_agent, ^path}} = error <- open(path, []) do
      case look_again() do
        ^path -> error
        other -> open(other, [])
      end
    end
  end

  @doc "Starts the agent at `path`, and no other one, as `open/0` does."
  @spec open(Path.t(), cd: Path.t()) ::
          {:ok, port()} | {:error, {:missing_agent, Path.t()} | Error.t()}
  def open("/" <> _ = path, options) do
    # open_port/2 does not fail for a directory.
    if not remembered?(path) and File.dir?(path, [:raw]),
      do: {:error, {:missing_agent, path}},
      else: open_port(path, options)
  end

  def open(relative, _options), do: {:error, {:missing_agent, relative}}

  defp open_port(path, options) do
    {:ok, Port.open({:spawn_executable, path}, options ++ Wire.port_options())}
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
    {:ok, Port.open({:spawn_executable, copy}, [{:arg0, path} | options ++ Wire.port_options()])}
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
      iex> Linx.Agent.missing_message("bin/agent") =~ "the absolute path of an agent"
      true
  """
  @spec missing_message(Path.t()) :: String.t()
  def missing_message("/" <> _ = path) do
    "there is no executable agent at #{path}; build it with `mix compile`, or with `make` in linx's own " <>
      "directory, or name another one in #{@variable}; an escript has it with `include_priv_for: [:linx]`, and " <>
      "can start it where the directory for temporary files is not mounted with noexec"
  end

  def missing_message("") do
    "linx was loaded from no file, or from a directory where every user may put one, so there is no agent beside " <>
      "it; set #{@variable} to the absolute path of an agent"
  end

  def missing_message(relative) do
    "#{@variable} is #{inspect(relative)}, which is another file in another working directory; set it to the " <>
      "absolute path of an agent"
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
  # each session. An upgrade of the application changes its version, and a new version of this module its MD5, after
  # which another path may be the right one. With the path is the process without which it is not.
  defp built_in do
    key = key()

    case :persistent_term.get(__MODULE__, nil) do
      {^key, path, nil} -> path
      {^key, path, holder} -> if Process.alive?(holder), do: path, else: locate(key)
      _none_or_earlier -> locate(key)
    end
  end

  defp key do
    {vsn(), __MODULE__.module_info(:md5)}
  end

  # Of the application that is loaded; it takes 2 microseconds.
  defp vsn do
    case :application.get_key(:linx, :vsn) do
      {:ok, vsn} -> vsn
      :undefined -> nil
    end
  end

  defp remembered?(path),
    do: match?({_key, ^path, _holder}, :persistent_term.get(__MODULE__, nil))

  @doc """
  The path of the agent, as `path/0`, but without trust in the one that was found before: for a caller that has found no
  agent there. The directory of a release may have been removed, with its successor on the code path.
  """
  @spec look_again() :: Path.t()
  def look_again do
    case System.get_env(@variable, "") do
      "" -> locate(key())
      path -> path
    end
  end

  defp locate({vsn, _md5} = key) do
    case find() do
      {path, holder, at} when at in [nil, vsn] or vsn == nil ->
        :persistent_term.put(__MODULE__, {key, path, holder})
        path

      # The release handler changes the application's version before it changes the code path. What is found between
      # the two is used, and not remembered.
      {path, _holder, _other_version} ->
        :persistent_term.erase(__MODULE__)
        path

      {:none, path} ->
        :persistent_term.erase(__MODULE__)
        path
    end
  end

  defp find do
    case Location.find() do
      {:file, path, vsn} ->
        {path, nil, vsn}

      {:archived, path, bytes} ->
        with {:ok, held, holder} <- Unpacked.hold(bytes),
             do: {held, holder, nil},
             else: (:error -> {:none, path})

      none ->
        none
    end
  end
end
