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
    * `:phase`, `:position` - the phase of the session's `Linx.Plan` that failed, and which of its commands, from 1; nil
      without a plan, and where it was no phase, or no command
    * `:subject` - what that command or key is about, such as a path or a user; nil when it is about nothing that has a name
    * `:program` - the program of the session, as it was given; `nil` for an error of no session
    * `:option` - the option that the step serves, as it was given: `{:cwd, "/no/such/directory"}`, or of a call
      `{:cd, "/no/such/directory"}`, and the id of a user or group as text. `nil` when it serves none, or several that were
      given: `:user`, `:group` and `:groups`
    * `:stdout`, `:stderr` - what the program had written, in an error of `Linx.run/2` whose program had run: the
      values that `Linx.Result` would have; `nil` for all other errors, and for an output that was not captured. The
      message has none of it, and `inspect/2` the first bytes of each.

  It is an exception, so that it can be raised, and its message says what to do where that is known:

      iex> {:error, error} = Linx.run(["ls", "-l"], cd: "/no/such/directory")
      iex> {error.stage, error.errno, error.program, error.option}
      {:chdir, :enoent, "ls", {:cd, "/no/such/directory"}}
      iex> Exception.message(error)
      ~s(chdir failed for "ls" with cd: "/no/such/directory": ENOENT, No such file or directory; ) <>
        "the directory does not exist where the workload runs"
  """

  alias Linx.{Errno, Option, Signal}

  alias Linx.Plan.{Blame, Names, Phase}

  defexception [
    :stage,
    :errno,
    :code,
    :index,
    :phase,
    :position,
    :subject,
    :program,
    :option,
    :stdout,
    :stderr
  ]

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
          index: non_neg_integer() | nil,
          phase: Phase.name() | nil,
          position: pos_integer() | nil,
          subject: String.t() | nil,
          program: binary() | nil,
          option: {atom(), term()} | nil,
          stdout: binary() | Collectable.t() | nil,
          stderr: binary() | Collectable.t() | nil
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
       "(Linx.Process.spawn/1 takes a path, or looks along PATH with :search_path, as Linx.cmd/3 and its like do)"},
    {:execve, :eacces,
     "the program is no regular file, lacks execute permission for the workload's user, or lies on a " <>
       "filesystem mounted noexec"},
    {:execve, :enoexec,
     "the program is in no format this kernel executes; a script needs a #! line"},
    {:execve, :e2big,
     "the arguments and the environment together exceed what the kernel takes (execve(2))"},
    {:chdir, :enoent, "the directory does not exist where the workload runs"},
    {:chdir, :enotdir, "it is not a directory"},
    {:chdir, :eacces, "the workload's user may not search the directory"},
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
    {:keyctl, :edquot,
     "the user's quota of keys is used up (/proc/sys/kernel/keys/maxkeys and maxbytes, keyrings(7)), of which each " <>
       "session with namespaces, other ids or a filter takes one; keyring: :inherit takes none, and leaves the " <>
       "workload the BEAM's keyring"},
    {:keyctl, :eperm, "keyring: :new was asked for, and a filter denies keyctl(2)"},
    {:keyctl, :enosys, "keyring: :new was asked for, and this kernel has no keyrings"},
    {:memfd, :eacces,
     "the agent runs from a copy in memory, which this host forbids (vm.memfd_noexec=2, sysctl(8))"},
    {:memfd, :enoent, "the agent copies its program, and needs a /proc for that (proc(5))"},
    {:time_offsets, :erange,
     "an offset would set its clock below zero, or further than the kernel's clocks go"},
    {:time_offsets, :einval, "the session has no fresh time namespace"},
    {:time_offsets, :enosys, "this kernel has no time namespaces (Linux 5.6)"},
    {:time_offsets, :eperm,
     "a time namespace needs root; as an ordinary user ask for :user among the namespaces, if this host allows it"},
    {:set_user, :enoent,
     "the user or the group has no entry in the /etc/passwd or /etc/group of the workload's root"},
    {:set_user, :eperm,
     "the workload may not become that user: the BEAM is not root, or ids were set at the checkpoint"},
    {:set_user, :einval,
     "the user namespace does not map an id, or /etc/passwd or /etc/group of the workload's root is no file"},
    {:nice, :eacces,
     "only root may have a lower niceness than RLIMIT_NICE allows (setpriority(2))"},
    {:loopback, :eperm,
     "the session has no net namespace of its own, or its child no CAP_NET_ADMIN there"},
    {:unshare_cgroup, :eperm,
     "a cgroup namespace needs root; as an ordinary user ask for :user among the namespaces, if this host allows it"},
    {:unshare_cgroup, :enospc,
     "a limit in /proc/sys/user/max_*_namespaces is reached (namespaces(7))"},
    {:exec_outcome, :enoent, "linx needs a /proc (proc(5))"},
    {:exec_outcome, :esrch, "/proc is that of another pid namespace than the BEAM's (proc(5))"},
    {:file_open, :eisdir, "what is to be one of its streams is a directory"},
    {:guard, :eagain, "a limit on the number of processes is reached (RLIMIT_NPROC, pids.max)"},
    {:waitid, :eperm,
     "the workload has ended, but a tracer keeps its exit status, which only root may read elsewhere"},
    {:pidfd_open, :esrch, "the process to enter is gone"},
    {:connect_unix, :enoent, "there is no socket at the path"},
    {:connect_unix, :econnrefused, "no process listens at the path"},
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

  # The messages of the options of calls that bound a program, by the stage, which is the option's name: what comes
  # before and after that.
  @bounds %{
    timeout: {"did not end within", ", and was ended"},
    max_output: {"wrote more than", " bytes, and was killed"},
    lines: {"wrote a line of more bytes than", " allows, and was ended"}
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

  # The options of a session that a stage serves.
  @options %{
    chdir: [:cwd],
    clone: [:namespaces],
    connect_unix: [:stdio],
    file_open: [:stdio],
    nice: [:nice],
    set_user: [:user, :group, :groups]
  }

  @typedoc """
  What a session's errors name: its program, and the options that a stage may serve; as `:plan` what is needed to find
  the phase of an error.
  """
  @type subject :: {program :: binary() | nil, options :: map()}

  @doc """
  What the errors of a session name, of its checked options and the phases of its plan.

      iex> Linx.Process.Error.subject(%{argv: ["/bin/ls", "-l"], cwd: "/", usage: true})
      {"/bin/ls", %{cwd: "/"}}
  """
  @spec subject(map(), [Phase.t()] | nil) :: subject()
  def subject(%{argv: [program | _arguments]} = options, phases \\ nil) do
    named = Map.take(options, @options |> Map.values() |> List.flatten())
    {program, if(phases, do: Map.put(named, :plan, Blame.index(phases)), else: named)}
  end

  @doc """
  The error of a session with what it is about; `list` is the list of commands that a session with a plan applies then.

      iex> alias Linx.Process.Error
      iex> Error.about(Error.new(:chdir, :enoent), {"/bin/ls", %{cwd: "/no"}}).option
      {:cwd, "/no"}
  """
  @spec about(t(), subject(), :setup | :final | nil) :: t()
  def about(error, subject, list \\ nil)

  def about(error, {program, %{plan: index} = options}, list) do
    place = Blame.place(index, error.stage, error.index, list)

    error
    |> struct!(place)
    |> about({program, Map.drop(options, [:plan, :cwd, :namespaces])}, list)
  end

  def about(%__MODULE__{stage: stage} = error, {program, options}, _list) do
    # Of several options that were given it is not known which one it was.
    option =
      case options |> Map.take(Map.get(@options, stage, [])) |> Map.to_list() do
        [option] -> option
        _none_or_several -> nil
      end

    %{error | program: error.program || program, option: error.option || option}
  end

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
  def message(%__MODULE__{stage: :agent_died, code: code} = error) when code > 128 do
    "the agent#{of(error)} was killed by signal #{code - 128}#{signal_name(code - 128)}, and the workload with it"
  end

  def message(%__MODULE__{stage: :agent_died, code: code} = error) do
    "the agent#{of(error)} ended with exit code #{code} and did not say how the session ended; check that it is " <>
      "the agent built with this version of the library"
  end

  def message(%__MODULE__{stage: stage} = error) when is_map_key(@bounds, stage) do
    {what, how} = @bounds[stage]
    "the program#{quoted(error)} #{what} #{inspect(stage)}#{how}"
  end

  def message(%__MODULE__{} = error) do
    "#{error.stage}#{position(error)} failed#{about(error)}: #{reason(error)}" <>
      hint(error.stage, error.errno, error.option || error.phase)
  end

  defp of(%{program: nil}), do: ""
  defp of(%{program: program}), do: " of #{Option.shorten(program)}"

  defp quoted(%{program: nil}), do: ""
  defp quoted(%{program: program}), do: " #{Option.shorten(program)}"

  defp about(%{program: nil, option: option}), do: with_option(option)

  defp about(%{program: program, option: option}),
    do: " for #{Option.shorten(program)}#{with_option(option)}"

  defp with_option(nil), do: ""
  defp with_option({name, value}), do: " with #{name}: #{Option.shorten(value)}"

  # The list of what serves an option is the library's own.
  defp position(%{phase: nil, index: nil}), do: ""
  defp position(%{phase: nil, stage: stage}) when is_map_key(@options, stage), do: ""
  defp position(%{phase: nil, index: index}), do: " (element #{index})"

  defp position(%{phase: phase, position: position, subject: subject}) do
    subject = if subject, do: " #{Option.shorten(subject)}", else: ""
    step = if position, do: ", step #{position}", else: ""
    "#{subject} (phase #{Names.text(phase)}#{step})"
  end

  defp reason(%{errno: :unknown, code: code}), do: "unknown error #{code}"
  defp reason(%{errno: name, code: nil}), do: "#{name}"
  defp reason(%{errno: name, code: code}), do: "#{upcase(name)}, #{Errno.describe(code)}"

  # The agent begins in the directory of the BEAM, and a session without an option stays there.
  defp hint(:chdir, :enoent, nil), do: "; the BEAM's working directory does not exist any more"

  for {stage, errno, text} <- @hints ++ Linx.Process.Error.Mounts.hints() do
    defp hint(unquote(stage), unquote(errno), _option), do: "; " <> unquote(text)
  end

  defp hint(_stage, _errno, _option), do: ""

  defp signal_name(number) do
    case Signal.name(number) do
      nil -> ""
      name -> " (#{upcase(name)})"
    end
  end

  defp upcase(name), do: name |> Atom.to_string() |> String.upcase()

  # An error is logged as a whole, and a program may have written megabytes.
  defimpl Inspect do
    import Inspect.Algebra

    @always [:stage, :errno, :code]
    @fields @always ++ [:index, :phase, :position, :subject, :program, :option, :stdout, :stderr]

    # Bytes of an output that are shown.
    @shown 80

    def inspect(error, opts) do
      fields =
        for name <- @fields,
            value <- [Map.fetch!(error, name)],
            value != nil or name in @always,
            do: {name, value}

      container_doc("%Linx.Process.Error{", fields, "}", opts, &field/2)
    end

    defp field({name, output}, opts) when is_binary(output) and byte_size(output) > @shown do
      shown = output |> binary_part(0, @shown) |> to_doc(opts)
      concat([Atom.to_string(name), ": ", shown, " <> (#{byte_size(output) - @shown} bytes)"])
    end

    defp field({name, value}, opts), do: concat([Atom.to_string(name), ": ", to_doc(value, opts)])
  end
end
