# SPDX-License-Identifier: MIT

defmodule Linx.Agent.Unpacked do
  @moduledoc false
  # Holds an agent that came out of an archive, such as an escript, because the kernel executes files alone.
  #
  # The program is written to a fresh directory that no other user may enter, opened, and removed at once. This process
  # keeps the descriptor, and agents are started from the VM's `/proc/<pid>/fd/<n>`. So nothing is left on the disk
  # however the VM ends, except when it is killed in the milliseconds before the removal.
  #
  # The process belongs to no application, because sessions work without the one of this library. It ends with the VM.

  use GenServer

  alias Linx.Agent.{Files, Identity, Request, Wire}

  @name "linx_process"

  # Directories for temporary files, after the one that TMPDIR names. Some systems let nothing be executed from the
  # first of them.
  @directories ["/tmp", "/dev/shm", "/var/tmp"]

  # Milliseconds for which the first agent may take to send a frame.
  @patience 10_000

  # `bytes` is the program, `file` the handle whose descriptor `path` names.
  defstruct [:bytes, :file, :path]

  @doc """
  A path that an agent with these bytes can be started from while the process that is returned lives, which is the same
  one for all callers. `:error` when there is no such path: the VM may write to no directory from which programs
  can be executed, or /proc does not show it its own descriptors.
  """
  @spec hold(binary()) :: {:ok, Path.t(), pid()} | :error
  def hold(bytes) do
    pid =
      case GenServer.start(__MODULE__, [], name: __MODULE__) do
        {:ok, pid} -> pid
        {:error, {:already_started, pid}} -> pid
      end

    with {:ok, path} <- GenServer.call(pid, {:hold, bytes}, :infinity), do: {:ok, path, pid}
  catch
    :exit, _reason -> :error
  end

  @impl true
  def init([]) do
    # A port that breaks is a message. An application that ends kills the processes of its group leader, of which
    # the caller may be one.
    Process.flag(:trap_exit, true)
    Process.group_leader(self(), Process.whereis(:init))
    {:ok, %__MODULE__{}}
  end

  @impl true
  def handle_call({:hold, bytes}, _from, %{bytes: bytes} = state),
    do: {:reply, {:ok, state.path}, state}

  def handle_call({:hold, bytes}, _from, state) do
    case Enum.find_value(directories(), &unpack(&1, bytes)) do
      {file, path} ->
        if state.file, do: :file.close(state.file)
        {:reply, {:ok, path}, %__MODULE__{bytes: bytes, file: file, path: path}}

      nil ->
        {:reply, :error, state}
    end
  end

  @impl true
  def handle_info(_message, state), do: {:noreply, state}

  defp directories do
    for "/" <> _ = directory <- [System.get_env("TMPDIR", "") | @directories],
        trusted?(directory),
        do: directory
  end

  # Whether no other user, root apart, can rename or remove what this user makes there.
  defp trusted?(directory) do
    with {:ok, %{type: :directory, uid: owner, mode: mode}} <- Files.stat(directory),
         {:ok, %{uid: own}} <- Files.stat("/proc/self") do
      owner in [0, own] and Files.sharing(mode) != :open
    else
      _not_there -> false
    end
  end

  defp unpack(parent, bytes) do
    with {:ok, directory} <- make_directory(parent),
         {:ok, file, path} <- write(directory, bytes) do
      if executable?(path) do
        {file, path}
      else
        :file.close(file)
        nil
      end
    else
      _error -> nil
    end
  end

  # mkdir(2) fails for a name that exists, also for that of a symbolic link.
  defp make_directory(parent) do
    directory = Path.join(parent, "linx-" <> random())
    with :ok <- :file.make_dir(directory), do: {:ok, directory}
  end

  defp random do
    {:ok, file} = :file.open("/dev/urandom", [:read, :raw, :binary])
    {:ok, bytes} = :file.read(file, 16)
    :file.close(file)
    Base.encode16(bytes, case: :lower)
  end

  # A file that another user has made in the directory before its mode was set is not opened, because of :exclusive.
  # No other user can make one after that.
  defp write(directory, bytes) do
    name = Path.join(directory, @name)

    with :ok <- :file.change_mode(directory, 0o700),
         {:ok, new} <- :file.open(name, [:write, :exclusive, :raw]),
         written = :file.write(new, bytes),
         :ok <- :file.close(new),
         :ok <- written,
         :ok <- :file.change_mode(name, 0o500),
         {:ok, file} <- :file.open(name, [:read, :raw, :binary]) do
      case descriptor(name) do
        {:ok, path} ->
          {:ok, file, path}

        :error ->
          :file.close(file)
          :error
      end
    end
  after
    :file.delete(Path.join(directory, @name))
    :file.del_dir(directory)
  end

  # The path of the open file, which is known by its inode, because a handle does not tell its descriptor.
  defp descriptor(name) do
    descriptors = "/proc/#{:os.getpid()}/fd"

    with {:ok, identity} <- Identity.of(name),
         {:ok, numbers} <- :file.list_dir(descriptors),
         number when number != nil <-
           Enum.find(numbers, &(Identity.of("#{descriptors}/#{&1}") == {:ok, identity})) do
      {:ok, "#{descriptors}/#{number}"}
    else
      _not_there -> :error
    end
  end

  # Any frame is from a program that was executed. Without one the file system is mounted with noexec, or another
  # rule of the system denies it (execve(2)).
  defp executable?(path) do
    port = Port.open({:spawn_executable, path}, Wire.port_options())
    Port.command(port, Request.keep())
    heard? = heard?(port)
    Port.close(port)
    heard?
  rescue
    # The program was not executed, and its port has closed.
    _error -> false
  end

  defp heard?(port) do
    receive do
      {^port, {:data, _frame}} -> true
      {^port, {:exit_status, _code}} -> false
      {:EXIT, ^port, _reason} -> false
    after
      @patience -> false
    end
  end
end
