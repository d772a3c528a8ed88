# SPDX-License-Identifier: MIT

defmodule Linx.Process.Error do
  @moduledoc """
  Why a session failed.

    * `:stage` - the step that failed: one of the agent's (the table of stages in `pages/wire.md`), or of the
      library's own `:open_port` (the agent could not be started), `:agent_died` (the agent ended without
      reporting how the session did), `:nodedown` (the connection to the session's node is lost), `:write` (to the
      workload's standard input), `:malformed_frame` (the agent sent a frame that was not due), `:uid_map`,
      `:setgroups`, `:gid_map` (`Linx.User`), `:timeout`, `:max_output`, `:lines` (options of `Linx.run/2` and the
      other calls)
    * `:errno` - the kernel's reason, by name; `nil` for `:agent_died`
    * `:code` - the errno's number; for `:agent_died` the agent's exit code, 128 + n when signal n
      killed it
    * `:index` - which element of a list of commands failed, from 0, when it was one

  It is an exception, so that it can be raised, and its message says what to do where that is known:

      iex> error = Linx.Process.Error.new(:execve, 2)
      iex> Exception.message(error)
      "execve failed: ENOENT, No such file or directory; the program, or the interpreter its first line names, does not exist where the workload runs (Linx.Process takes a path; Linx.cmd/3 and its like look along PATH)"
  """

  alias Linx.{Errno, Signal}

  defexception [:stage, :errno, :code, :index]

  @typedoc "What sort of failure it is; see `kind/1`."
  @type kind ::
          :not_found
          | :permission_denied
          | :not_executable
          | :bad_cwd
          | :bad_args
          | :resource_limit
          | :out_of_memory
          | :not_supported
          | :other

  @type t :: %__MODULE__{
          stage: atom(),
          errno: Errno.name() | nil,
          code: non_neg_integer() | nil,
          index: non_neg_integer() | nil
        }

  # Checked from top to bottom; `:_` matches anything.
  @kinds [
    {:agent_died, :_, :other},
    {:max_output, :_, :resource_limit},
    {:lines, :_, :resource_limit},
    {:chdir, :enomem, :out_of_memory},
    {:chdir, :_, :bad_cwd},
    {:malformed_request, :_, :bad_args},
    {:request_too_big, :_, :bad_args},
    {:malformed_command, :_, :bad_args},
    {:command_too_big, :_, :bad_args},
    # An unprivileged caller meets the limits of user namespaces as ENOSPC (clone(2)).
    {:clone, :enospc, :resource_limit},
    {:clone, :eusers, :resource_limit},
    {:_, :enoent, :not_found},
    {:_, :esrch, :not_found},
    {:_, :enotdir, :not_found},
    {:_, :eperm, :permission_denied},
    {:_, :eacces, :permission_denied},
    {:_, :enoexec, :not_executable},
    {:_, :elibbad, :not_executable},
    {:_, :einval, :bad_args},
    {:_, :e2big, :bad_args},
    {:_, :enametoolong, :bad_args},
    {:_, :emsgsize, :bad_args},
    {:_, :eagain, :resource_limit},
    {:_, :emfile, :resource_limit},
    {:_, :enfile, :resource_limit},
    {:_, :enospc, :resource_limit},
    {:_, :edquot, :resource_limit},
    {:_, :system_limit, :resource_limit},
    {:_, :enomem, :out_of_memory},
    {:_, :enosys, :not_supported},
    {:_, :eopnotsupp, :not_supported}
  ]

  @hints [
    {:execve, :enoent,
     "the program, or the interpreter its first line names, does not exist where the workload runs " <>
       "(Linx.Process takes a path; Linx.cmd/3 and its like look along PATH)"},
    {:execve, :eacces,
     "the program is no regular file, lacks execute permission for the workload's user, or lies on a " <>
       "filesystem mounted noexec"},
    {:execve, :enoexec,
     "the program is in no format this kernel executes; a script needs a #! line"},
    {:execve, :e2big, "argv and env together exceed what the kernel takes (execve(2))"},
    {:chdir, :enoent, "the directory given as :cwd does not exist where the workload runs"},
    {:chdir, :enotdir, "what :cwd names is not a directory"},
    {:chdir, :eacces, "the workload's user may not search the directory given as :cwd"},
    {:clone, :eperm,
     "the namespaces need root; as an ordinary user ask for :user among them, if this host allows it"},
    {:clone, :enospc, "a limit in /proc/sys/user/max_*_namespaces is reached (namespaces(7))"},
    {:clone, :einval, "this kernel lacks one of the namespaces"},
    {:clone, :eagain, "a limit on the number of processes is reached (RLIMIT_NPROC, pids.max)"},
    {:setresuid, :einval,
     "a user namespace that does not map the workload's uid, which would be the BEAM's on the host: " <>
       "write its maps at the checkpoint (Linx.User.setup_maps/2), or set ids that it maps"},
    {:setresgid, :einval,
     "a user namespace that does not map the workload's gid, which would be the BEAM's on the host: " <>
       "write its maps at the checkpoint (Linx.User.setup_maps/2), or set ids that it maps"},
    {:setgroups, :eperm,
     "the supplementary groups cannot be dropped, and the user namespace to enter is another user's"},
    {:cap_set_thread, :einval,
     "the program would not have the sets after exec: another user's has the ambient set alone " <>
       "(Linx.Capabilities.set_ambient/2), root's effective set is all that it is permitted, and what is ambient " <>
       "stays permitted and inheritable"},
    {:cap_set_thread, :eperm,
     "a capability is not the workload's to have, or exec would give root its bounding set, which only " <>
       "CAP_SETPCAP limits"},
    {:cap_set_ambient, :eperm,
     "what is ambient has to be permitted and inheritable first (Linx.Capabilities.set_thread_sets/2)"},
    {:loopback, :eperm,
     "the session has no net namespace of its own, or its child no CAP_NET_ADMIN there"},
    {:unshare_cgroup, :eperm,
     "a cgroup namespace needs root; as an ordinary user ask for :user among the namespaces, if this host allows it"},
    {:unshare_cgroup, :enospc,
     "a limit in /proc/sys/user/max_*_namespaces is reached (namespaces(7))"},
    {:exec_outcome, :enoent, "linx needs a /proc (proc(5))"},
    {:exec_outcome, :esrch, "/proc is that of another pid namespace than the BEAM's (proc(5))"},
    {:file_open, :eisdir, "what was given as :file is a directory"},
    {:guard, :eagain, "a limit on the number of processes is reached (RLIMIT_NPROC, pids.max)"},
    {:waitid, :eperm,
     "the workload has ended, but a tracer keeps its exit status, which only root may read elsewhere"},
    {:pidfd_open, :esrch, "the process to enter is gone"},
    {:connect_unix, :enoent, "there is no socket at the path given to :connect_unix"},
    {:connect_unix, :econnrefused, "no process listens at the path given to :connect_unix"},
    {:malformed_frame, :eproto, "the agent and this library are not of the same version"},
    {:open_port, :system_limit, "the BEAM's limit of ports is reached (erl +Q)"},
    {:open_port, :emfile, "the BEAM's limit of open files is reached (ulimit -n)"},
    {:open_port, :eagain,
     "a limit on the number of processes is reached (RLIMIT_NPROC, pids.max)"},
    {:uid_map, :eperm,
     "without CAP_SETUID only the writer's own id can be mapped, in one row; a map is written once"},
    {:gid_map, :eperm,
     "without CAP_SETGID only the writer's own group can be mapped, in one row and with " <>
       "setgroups denied; a map is written once"}
  ]

  # The messages of the options of calls that bound a program, by the stage.
  @bounds %{
    timeout: "the program did not end within :timeout, and was ended",
    max_output: "the program wrote more than :max_output bytes, and was killed",
    lines: "the program wrote a line of more bytes than :lines allows, and was ended"
  }

  @doc """
  An error at a stage, with its errno by number or name.

      iex> Linx.Process.Error.new(:chdir, 2)
      %Linx.Process.Error{stage: :chdir, errno: :enoent, code: 2}
      iex> Linx.Process.Error.new(:agent_died, 3)
      %Linx.Process.Error{stage: :agent_died, errno: nil, code: 3}
  """
  @spec new(atom(), non_neg_integer() | atom(), non_neg_integer() | nil) :: t()
  def new(stage, reason, index \\ nil)

  def new(:agent_died, code, index) when is_integer(code),
    do: %__MODULE__{stage: :agent_died, code: code, index: index}

  def new(stage, code, index) when is_integer(code),
    do: %__MODULE__{stage: stage, errno: Errno.name(code), code: code, index: index}

  def new(stage, name, index) when is_atom(name),
    do: %__MODULE__{stage: stage, errno: name, code: Errno.code(name), index: index}

  @doc """
  What sort of failure it is, for a program that decides what to do next.

      iex> Linx.Process.Error.kind(Linx.Process.Error.new(:execve, 2))
      :not_found
      iex> Linx.Process.Error.kind(Linx.Process.Error.new(:chdir, 2))
      :bad_cwd
  """
  @spec kind(t()) :: kind()
  for {stage, errno, kind} <- @kinds do
    stage_pattern = if stage == :_, do: Macro.var(:_, nil), else: stage
    errno_pattern = if errno == :_, do: Macro.var(:_, nil), else: errno

    def kind(%__MODULE__{stage: unquote(stage_pattern), errno: unquote(errno_pattern)}),
      do: unquote(kind)
  end

  def kind(%__MODULE__{}), do: :other

  @impl true
  def message(%__MODULE__{stage: :agent_died, code: code}) when code > 128 do
    "the agent was killed by signal #{code - 128}#{signal_name(code - 128)}, and the workload with it"
  end

  def message(%__MODULE__{stage: :agent_died, code: code}) do
    "the agent ended with exit code #{code} and did not say how the session ended; check that it is " <>
      "the agent built with this version of the library"
  end

  def message(%__MODULE__{stage: stage}) when is_map_key(@bounds, stage), do: @bounds[stage]

  def message(%__MODULE__{} = error) do
    "#{error.stage}#{position(error.index)} failed: #{reason(error)}#{hint(error.stage, error.errno)}"
  end

  defp position(nil), do: ""
  defp position(index), do: " (element #{index})"

  defp reason(%{errno: :unknown, code: code}), do: "unknown error #{code}"
  defp reason(%{errno: name, code: nil}), do: "#{name}"
  defp reason(%{errno: name, code: code}), do: "#{upcase(name)}, #{Errno.describe(code)}"

  for {stage, errno, text} <- @hints do
    defp hint(unquote(stage), unquote(errno)), do: "; " <> unquote(text)
  end

  defp hint(_stage, _errno), do: ""

  defp signal_name(number) do
    case Signal.name(number) do
      nil -> ""
      name -> " (#{upcase(name)})"
    end
  end

  defp upcase(name), do: name |> Atom.to_string() |> String.upcase()
end
