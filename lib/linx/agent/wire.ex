# SPDX-License-Identifier: MIT

defmodule Linx.Agent.Wire do
  @moduledoc false
  # The frames between a session and its agent: one term each in the External Term Format.
  #
  # `decode/1` accepts what an agent may send and nothing else: unknown atoms, other terms and
  # trailing bytes are `:error`, so that the rest of the library gets only well-formed frames.

  # The names of the agent's steps that can fail (`c_src/wire/stage.h`).
  @stages ~w(
    malformed_request request_too_big malformed_command command_too_big
    standard_fds allocate memfd sigprocmask signalfd subreaper pipe2
    posix_openpt ptsetup ptsname pts_open devnull_open file_open connect_unix pidfd_open
    open_ns_user open_ns_mount open_ns_uts open_ns_ipc open_ns_cgroup open_ns_net open_ns_time open_ns_pid
    clone ready_frame malformed_ready exec_outcome guard relay sigaction waitid
    setns setns_user setns_mount setns_uts setns_ipc setns_cgroup setns_net setns_time setns_pid
    fork close_range setsid prctl mount_slave uid_map gid_map newuidmap newgidmap oom_score_adj time_offsets unshare_cgroup stdio keyctl setgroups setresgid setresuid execve
    seccomp_no_new_privs tcgetattr tcsetattr kill stale
  )a

  # The set-up commands, a row each, whose names are also the stages of their failures.
  @commands_file Path.expand("../../../c_src/setup/commands.def", __DIR__)
  @external_resource @commands_file
  @commands for [_row, name] <-
                  Regex.scan(~r/^SETUP\((\w+),/m, File.read!(@commands_file)),
                do: String.to_atom(name)

  @stages @stages ++ @commands

  @stage_set Map.new(@stages, &{&1, true})

  # The numbers of a :usage frame, as getrusage(2) counts them; the frame also says whether there is a core
  # dump.
  @usage ~w(utime_us stime_us maxrss_kb minflt majflt inblock oublock nvcsw nivcsw)a

  # The largest request and the most data in a frame that the agent accepts, in bytes. The term of a data
  # frame adds a few bytes to its data.
  @request_max 16 * 1024 * 1024
  @data_max 1024 * 1024

  # The most data in a frame from the agent, in bytes (`c_src/agent/relay.c`): with the frame's other bytes it
  # fits into what the VM reads from a port at once.
  @output_max 60 * 1024

  @typedoc "A step of a session that can fail."
  @type stage :: atom()

  @typedoc "A frame from the agent."
  @type frame ::
          {:status, :spawned | :ready | :aborted | :exited | :signaled | :applied, integer()}
          | {:status, :running | :waiting | :accepted}
          | {:status, :kept, descriptor :: non_neg_integer()}
          | {:error, errno :: non_neg_integer(), stage()}
          | {:error, errno :: non_neg_integer(), stage(), index :: non_neg_integer()}
          | {:pty_out | :stdout | :stderr, binary()}
          | {:written, :pty | :stdin, non_neg_integer()}
          | {:closed, :stdin, errno :: non_neg_integer()}
          | {:eof, :pty | :stdout | :stderr}
          | {:usage, Linx.Process.Info.usage()}
          | {:settings, binary()}
          | {:winsize, winsize()}

  @typedoc "Rows and columns of characters, width and height in pixels."
  @type winsize :: {0..65535, 0..65535, 0..65535, 0..65535}

  @typedoc "A command to the agent."
  @type command :: atom() | tuple()

  @doc """
  Every stage that an error frame can carry.

      iex> :execve in Linx.Agent.Wire.stages()
      true
  """
  @spec stages() :: [stage()]
  def stages, do: @stages

  @doc """
  The options of an agent's port (`open_port/2`): frames go over fds 3 and 4, because standard input, output and error
  stay the workload's.

      iex> {:packet, 4} in Linx.Agent.Wire.port_options()
      true
  """
  @spec port_options() :: [atom() | tuple()]
  def port_options, do: [:nouse_stdio, {:packet, 4}, :binary, :exit_status]

  @doc "The most bytes that a request may have."
  @spec request_max() :: pos_integer()
  def request_max, do: @request_max

  @doc "The most bytes of data that a frame to the agent may carry."
  @spec data_max() :: pos_integer()
  def data_max, do: @data_max

  @doc "The most bytes of output that a frame from the agent carries."
  @spec output_max() :: pos_integer()
  def output_max, do: @output_max

  @doc """
  A request or a command as the bytes of a frame, without the length, which the port adds.

      iex> Linx.Agent.Wire.encode({:signal, 15}) |> :erlang.binary_to_term()
      {:signal, 15}
  """
  @spec encode(command()) :: iodata()
  # term_to_binary/1 would copy the data.
  def encode({:stdin, data}),
    do: [<<131, 104, 2, 119, 5, "stdin", 109, byte_size(data)::32>>, data]

  def encode(term), do: :erlang.term_to_binary(term)

  @doc """
  A frame from the agent.

      iex> Linx.Agent.Wire.decode(:erlang.term_to_binary({:status, :exited, 0}))
      {:ok, {:status, :exited, 0}}
      iex> Linx.Agent.Wire.decode(:erlang.term_to_binary({:status, :exited, "0"}))
      :error
      iex> Linx.Agent.Wire.decode("no term")
      :error
  """
  @spec decode(binary()) :: {:ok, frame()} | :error
  # binary_to_term/1 would copy the data.
  for name <- [:stdout, :stderr, :pty_out], text = Atom.to_string(name) do
    def decode(
          <<131, 104, 2, 119, unquote(byte_size(text)), unquote(text), 109, size::32,
            data::binary-size(size)>>
        ),
        do: {:ok, {unquote(name), data}}
  end

  def decode(bytes) do
    {term, used} = :erlang.binary_to_term(bytes, [:safe, :used])
    if used == byte_size(bytes) and frame?(term), do: {:ok, term}, else: :error
  rescue
    ArgumentError -> :error
  end

  defguardp is_count(value) when is_integer(value) and value >= 0
  defguardp is_size(value) when is_integer(value) and value in 0..65535

  defp frame?({:status, status}) when status in [:running, :waiting, :accepted], do: true

  defp frame?({:status, status, pid}) when status in [:spawned, :ready, :aborted],
    do: is_integer(pid) and pid > 0

  defp frame?({:status, :exited, code}), do: is_count(code) and code <= 255
  defp frame?({:status, :signaled, signum}), do: is_integer(signum) and signum in 1..64
  defp frame?({:status, :applied, n}), do: is_integer(n) and n > 0
  defp frame?({:error, errno, stage}), do: is_count(errno) and is_map_key(@stage_set, stage)

  defp frame?({:error, errno, stage, index}),
    do: is_count(errno) and is_map_key(@stage_set, stage) and is_count(index)

  defp frame?({name, data}) when name in [:pty_out, :stdout, :stderr], do: is_binary(data)
  defp frame?({:written, stream, bytes}) when stream in [:pty, :stdin], do: is_count(bytes)
  defp frame?({:closed, :stdin, errno}), do: is_count(errno)
  defp frame?({:eof, stream}) when stream in [:pty, :stdout, :stderr], do: true

  defp frame?({:usage, %{core_dumped: dumped?} = usage}) when is_boolean(dumped?),
    do: map_size(usage) == length(@usage) + 1 and Enum.all?(@usage, &is_count(usage[&1]))

  # From an agent that holds a sealed copy of its program (`Linx.Agent.Keeper`).
  defp frame?({:status, :kept, fd}), do: is_count(fd)

  # These frames come from an agent that has the BEAM's own terminal (`Linx.Tty.Terminal`).
  defp frame?({:settings, settings}), do: is_binary(settings)

  defp frame?({:winsize, {rows, cols, xpixel, ypixel}}),
    do: is_size(rows) and is_size(cols) and is_size(xpixel) and is_size(ypixel)

  defp frame?(_other), do: false
end
