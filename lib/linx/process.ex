# SPDX-License-Identifier: MIT

defmodule Linx.Process do
  @moduledoc """
  Runs Linux programs in namespaces of their own, under supervision.

  A session is one workload: a program that runs in fresh namespaces (`spawn/1`) or in those of another
  process (`enter/2`). Each session has a process of the BEAM, whose pid is the session's handle.

      {:ok, session} = Linx.Process.spawn(argv: ["/bin/sh", "-c", "hostname"], namespaces: [:user, :uts])

      receive do
        {:linx_process, :ready, host_pid} ->
          Linx.User.setup_maps(host_pid, uid: [{0, 1000, 1}], gid: [{0, 1000, 1}])
      end

      :ok = Linx.Capabilities.drop_bounding(session, [:cap_net_raw])
      :ok = Linx.Process.proceed(session)
      {:ok, {:exited, 0}} = Linx.Process.wait(session)

  ## The checkpoint

  The checkpoint is the stop of the created child before exec: the child is parked there. It can then be
  configured from outside (its id maps, cgroup, network) and from inside (`Linx.Capabilities`,
  `Linx.Seccomp`, `Linx.User.set_credentials/2`). `proceed/1` lets it execute the program, `abort/1` ends it.
  With `auto_proceed: true` there is no checkpoint.

  ## Events

  The owner, the caller of `spawn/1` unless `:owner` says otherwise, receives

  | message | when |
  | --- | --- |
  | `{:linx_process, :ready, host_pid}` | the child is parked at the checkpoint |
  | `{:linx_process, :running}` | the workload has been executed |
  | `{:linx_process, :pty_out, binary}` | the workload wrote to its terminal |
  | `{:linx_process, :exited, code}` | the workload exited |
  | `{:linx_process, :signaled, signum}` | a signal ended the workload |
  | `{:linx_process, :aborted}` | the workload was aborted at the checkpoint |
  | `{:linx_process, :error, errno, stage}` | the session failed; `errno` is a number, see `Linx.Process.Error` |

  The last four are final: a session sends exactly one of them, and no event after it. When the
  agent itself ended without reporting one, it is `{:linx_process, :error, exit_code, :agent_died}`, and
  `{:linx_process, :error, errno, :nodedown}` when the session lived on a node that is lost. With
  `usage: true` there is a `{:linx_process, :usage, map}` before the end of a workload that had started.

  With `events: :tagged` a message is `{:linx_process, session, event}`, where `event` is `{:ready, host_pid}`,
  `:running`, `{:pty_out, binary}`, `{:usage, map}`, `{:exited, code}`, `{:signaled, signum}`, `:aborted` or
  `{:error, errno, stage}`. With `events: :none` there are none.

  ## Input and output

  What is a `:pipe` in `:stdio` is written with `write/3` and read with `read/4` and `read_any/3`:

      {:ok, session} = Linx.Process.spawn(argv: ["/usr/bin/sort"], stdio: :pipe, auto_proceed: true)
      :ok = Linx.Process.write(session, "b\\na\\n")
      :ok = Linx.Process.close_stdin(session)
      {:ok, "a\\nb\\n"} = Linx.Process.read(session, :stdout)
      :eof = Linx.Process.read(session, :stdout)

  The agent takes from a pipe only what was asked for by a read, so a workload whose output is not read
  blocks once its pipe is full. Its output stays readable after its end, because the agent stays until every
  stream has ended or was closed. A stream does not end while a descendant has it open.

  In active mode (the options `:active` and `:stream_to`, and `set_active/3`) output is sent instead, in
  messages of this form whatever `:events` says, to `:stream_to` or else to the owner:

  | message | when |
  | --- | --- |
  | `{:linx_process, session, {stream, binary}}` | there was output on `:stdout`, `:stderr` or `:pty` |
  | `{:linx_process, session, {:eof, stream}}` | every process that had it open for writing has closed it |
  | `{:linx_process, session, {:failed, stream, error}}` | the session failed, and the rest of the stream is lost |
  | `{:linx_process, session, {:passive, stream}}` | the message before was the last one of a count |

  With `active: true` the message queue of a receiver that is slower than the workload grows without a bound,
  as with any socket; a count, or `:once`, bounds it. When the receiver dies, its streams are closed.

  ### Named pipes

  `{:file, path, :read}` of a named pipe (fifo(7)) has the session wait for a writer, and `:write` and `:append` for a
  reader. It is opened as soon as the session starts, so a writer or reader does not wait for the checkpoint; the program
  is executed once each pipe has its other side, after `proceed/1`. What a writer has written and left before that is
  read, and a writer that came and went without a word is the end of the input. While it waits the session's state is
  `:waiting`: a signal ends it, and so do `stop/2`, the timeout of a call, and the end of the BEAM, whatever the
  `:orphan_policy` is, because no program runs yet. One named pipe as both stdin and stdout waits for no other process.

  ## Who dies when

  | what dies | then |
  | --- | --- |
  | the workload | final event; the agent ends; no zombie is left |
  | the session, by `GenServer.stop/1`, a supervisor or the end of the process that started it | the workload is ended as `:stop` says: by default SIGTERM to its process group and, 5 seconds later, SIGKILL to what is left; it is reaped before the session has ended |
  | the session by `:kill`, also by a supervisor after `:shutdown`, or the whole BEAM | the agent applies `:orphan_policy` |
  | the agent | the kernel kills the workload; `:agent_died` |
  | the owner | the session goes on, unless the owner also started it |

  A session is linked to the process that called `spawn/1` or `enter/2`, and ends with it, even when
  that one ends normally.
  """

  import Kernel, except: [spawn: 1]

  alias Linx.Plan
  alias Linx.Process.{Checks, Elements, Error, Info, Options, Remote, Server, Supervised}
  alias Linx.Signal

  @typedoc "A session: its pid or the name it was given."
  @type session :: GenServer.server()

  @typedoc "How a session ended."
  @type result ::
          {:ok, {:exited, 0..255} | {:signaled, 1..64} | :aborted} | {:error, Error.t()}

  @typedoc "What happened in a session, as `events: :tagged` has it."
  @type event ::
          {:ready, pos_integer()}
          | :running
          | {:pty_out, binary()}
          | {:usage, Info.usage()}
          | {:exited, 0..255}
          | {:signaled, 1..64}
          | :aborted
          | {:error, non_neg_integer(), atom()}

  @typedoc "A string for the kernel: a binary, or a list of bytes; without NUL."
  @type os_string :: binary() | [byte()]

  @typedoc "A kind of namespace (namespaces(7))."
  @type namespace :: :user | :mount | :uts | :ipc | :cgroup | :net | :time | :pid

  @typedoc "A number of seconds, or with nanoseconds: `{-1, 500_000_000}` is -0.5."
  @type seconds :: number() | {integer(), 0..999_999_999}

  @typedoc "Where one of the standard streams leads; see `spawn/1`."
  @type directive ::
          :inherit
          | :devnull
          | :pipe
          | {:file, os_string(), :read | :write | :append}
          | {:connect_unix, os_string()}
          | :stdout

  @typedoc "An output of the workload."
  @type stream :: :stdout | :stderr | :pty

  @typedoc "How much output is sent as messages, as `:active` of `:gen_tcp`."
  @type active :: boolean() | :once | pos_integer()

  @typedoc """
  What the workload's terminal is, before the workload exists:

    * `:size` - as `pty_set_winsize/2` takes it, or `{rows, cols}`; 24 rows and 80 columns by default
    * `:echo` - whether input is echoed. `true` by default, and `false` with `mode: :raw`.
    * `:mode` - `:cooked`, the default, or `:raw`: every byte passes as it is, without lines, signals or
      other special characters (cfmakeraw(3))
    * `:term` - `TERM`, where the BEAM's environment has none, an empty one, `dumb` or `unknown`, and `:env` does not say
      it. `"xterm-256color"` by default.
    * `:inside` - whether the terminal is one of the devpts that is mounted at `/dev/pts` of the workload's own root, so
      that its name leads to it there (tty(1)). With `:auto`, the default, it is when the workload has mounts of its own
      and a devpts among them, mounted before the checkpoint or at it, whose `/dev/pts/ptmx` it may open; else it is
      the host's. `true` fails at `:terminal` where `:auto` would take the host's, and `false` always does.
  """
  @type pty_option ::
          {:size, {0..65535, 0..65535} | winsize()}
          | {:echo, boolean()}
          | {:mode, :cooked | :raw}
          | {:term, os_string()}
          | {:inside, boolean() | :auto}

  @typedoc "The size of a terminal, see `pty_set_winsize/2`."
  @type winsize ::
          {0..65535, 0..65535, 0..65535, 0..65535}
          | %{
              required(:rows) => 0..65535,
              required(:cols) => 0..65535,
              optional(:xpixel) => 0..65535,
              optional(:ypixel) => 0..65535
            }

  @typedoc "An option of `spawn/1` and `enter/2`."
  @type option ::
          {:argv, nonempty_list(os_string())}
          | {:plan, Linx.Plan.t()}
          | {:namespaces, [namespace()]}
          | {:loopback, boolean()}
          | {:hostname, os_string()}
          | {:uid_map, [Linx.User.row()]}
          | {:gid_map, [Linx.User.row()]}
          | {:setgroups, :allow | :deny}
          | {:oom_score_adj, -1000..1000}
          | {:rlimits, Linx.Rlimit.limits()}
          | {:time_offsets, [{:boottime | :monotonic, seconds()}]}
          | {:env, [os_string()] | Enumerable.t({os_string() | atom(), os_string() | nil})}
          | {:clear_env, boolean()}
          | {:cwd, os_string()}
          | {:files, nonempty_list(os_string())}
          | {:search_path, boolean()}
          | {:arg0, os_string()}
          | {:stdio,
             :inherit
             | :devnull
             | :pty
             | {:pty, [pty_option()]}
             | :pipe
             | [{:stdin | :stdout | :stderr, directive()}]}
          | {:no_new_privs, boolean()}
          | {:user, os_string() | non_neg_integer()}
          | {:group, os_string() | non_neg_integer()}
          | {:groups, [os_string() | non_neg_integer()]}
          | {:nice, -20..19}
          | {:umask, 0..0o777}
          | {:keyring, :inherit | :new}
          | {:orphan_policy, {:kill, non_neg_integer()} | :leave | :linger}
          | {:descendants, :kill | :leave}
          | {:usage, boolean()}
          | {:stop, {Signal.t(), non_neg_integer()}}
          | {:owner, pid() | GenServer.name()}
          | {:stream_to, pid() | GenServer.name()}
          | {:active, active()}
          | {:link, boolean()}
          | {:node, node()}
          | {:pool, Linx.Pool.pool() | nil | false}
          | {:linger, boolean()}
          | {:auto_proceed, boolean()}
          | {:events, :plain | :tagged | :none}
          | {:name, GenServer.name()}

  @typedoc "Why there is nothing to read."
  @type read_error ::
          Error.t()
          | :timeout
          | :closed
          | :active
          | :not_piped
          | :no_process
          | :nodedown
          | {:bad_stream | :bad_max_bytes | :bad_timeout, term()}

  @typedoc "Why a session could not be started; `format_error/1` puts it into words."
  @type start_error ::
          :argv_required
          | {bad_option :: atom(), term()}
          | {:missing_agent, Path.t()}
          | {:no_pool, Linx.Pool.pool()}
          | {:already_started, pid()}
          | :no_process
          | :nodedown
          | Error.t()

  @doc """
  Starts a program in fresh namespaces.

  Returns as soon as the agent is started: what happens after that is reported by events. The session is
  linked to the caller.

  ## What runs, and where

    * `:argv` - required: a non-empty list of strings. The first is the file to execute, a path as the
      workload sees it; `PATH` is not searched without `:search_path`.
    * `:plan` - a `Linx.Plan`, with its program unless there is an `:argv`. It decides what `Linx.Plan.new/2` has options for,
      which are refused beside it. A plan alone stands for `[plan: plan]`. One that contradicts itself is
      `{:error, {:bad_plan, problems}}`, with the problems of `Linx.Plan.check/2`.
    * `:namespaces` - fresh ones for the workload, of `:user`, `:mount`, `:uts`, `:ipc`, `:cgroup`, `:net`,
      `:time` and `:pid`. None by default. The child is in them at the checkpoint, but for the cgroup
      namespace: its root is the cgroup that the child is in when it is made, so that is after `proceed/1`, or
      just before the ids or the capabilities that it takes are given up (`Linx.User.set_credentials/2`,
      `Linx.Capabilities.set_thread_sets/2`). A child that was moved into a cgroup before that has
      it as `/` in `/proc/self/cgroup`. A fresh net namespace has one interface, the loopback, which is down, so that
      no address can be reached there, not 127.0.0.1 either (ENETUNREACH); see `:loopback`.
    * `:loopback` - with `true` the loopback interface of the fresh net namespace is up from the start. It needs
      `:net` among `:namespaces`. `false` by default.
    * `:hostname` - the host name of the fresh UTS namespace, up to 64 bytes. It needs `:uts` among `:namespaces`. By default it
      is the host's.
    * `:uid_map` - with `:gid_map`, the id maps of the fresh user namespace (user_namespaces(7)): up to 340 rows `{inside, outside,
      count}` that do not overlap. They need `:user` among `:namespaces`. The workload then has id 0, or the first inside id
      where the maps have no 0, from the checkpoint on, or without one; `Linx.User.setup_maps/2` is not called. An ordinary user
      may map its own id, in one row of one id, and what `/etc/subuid` and `/etc/subgid` allow it, where newuidmap(1) and newgidmap(1) are
      installed: `:enoent` at `:newuidmap` where they are not, `:eperm` where they refuse. Root's refusal by the kernel
      is an error at `:uid_map` or `:gid_map`. Without the options the maps are written at the checkpoint.
    * `:gid_map` - the map of the groups, see `:uid_map`.
    * `:setgroups` - with the maps: `:deny` forbids setgroups(2) in the namespace, `:allow` fails at `:setgroups`, or at `:newgidmap`, where
      the kernel asks for a denial. By default it is denied where only one's own id is mapped, and for a user without CAP_SETGID.
    * `:time_offsets` - how far the clocks of the fresh time namespace are ahead of the BEAM's, `[boottime: 86_400,
      monotonic: -0.5]`: seconds, as an integer, a float or `{seconds, nanoseconds}`, negative to put a clock back. The
      wall clock has none (time_namespaces(7)). It needs `:time` among `:namespaces`. An offset that would set a clock
      below zero, or ahead of the kernel's range, is ERANGE (34) at `:time_offsets`. None by default.
    * `:env` - changes to the BEAM's environment: a map, or another enumerable of `{name, value}`, where
      `nil` for a value removes the variable, `""` sets an empty one, and the last change of a name counts. A name may be an atom.
      Variables that are not named stay as they are, byte for byte. Or a list of `"KEY=VALUE"` strings that is the whole
      environment, `[]` an empty one.
    * `:clear_env` - when `true` there is nothing of the BEAM's environment: `:env` changes an empty one. `false`
      by default.
    * `:cwd` - the working directory, in the workload's own root. Inherited by default, or `/` where the root
      does not lead to the inherited one. A path that leads out of the root, or below a mount, is ENOENT at `:chdir`.
    * `:files` - paths, of which the first that exists is executed instead of argv's first element: the
      candidates of a `PATH` in the workload's own root, for instance. A file that may not be executed is
      skipped, as execvp(3) does.
    * `:search_path` - when `true`, a first element of `:argv` without a slash is looked for at exec as execvp(3) does:
      along the `PATH` of the workload's environment, in its own root, where an empty element is its working directory and
      `/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin` is taken when there is none. A file that may not be executed is
      skipped, and a text without `#!` is executed by `/bin/sh`. Not together with `:files`. `false` by default. (`Linx.cmd/3`
      and the other calls have another rule: they look for their program along the BEAM's own `PATH`,
      whatever `:env` says, and execute no text without `#!`.)
    * `:arg0` - the workload's argv[0], instead of the file that is executed.
    * `:stdio` - `:inherit` (the default: the BEAM's own), `:devnull`, `:pty` (a terminal), `:pipe` (all
      three), or a keyword list over `:stdin`, `:stdout` and `:stderr` of `:inherit`, `:devnull`, `:pipe`,
      `{:file, path, :read | :write | :append}`, a file of the host (`:write` creates or empties it), and
      `{:connect_unix, path}`, a socket of the host to connect to. With a file that is a named pipe the program runs
      once a process has the other side open, as with a shell's redirection; see "Named pipes" above. `stderr: :stdout` makes both the same.
      `:pty` is a terminal of 24 rows and 80 columns that erases UTF-8 characters as a whole (IUTF8), and
      `{:pty, options}` says otherwise, see `t:pty_option/0`. In a terminal `TERM` is `xterm-256color`, unless
      `:env` sets or removes it, or the workload inherits one that is not `dumb`.
    * `:no_new_privs` - sets the bit of that name (prctl(2)) before the checkpoint. `false` by default.
    * `:keyring` - `:new` gives the workload a session keyring of its own (keyrings(7)), `:inherit` the
      BEAM's. By default it is a new one in namespaces, for a workload with other ids
      (`:user`, `Linx.User.set_credentials/2`) and behind a filter (`Linx.Seccomp`), because a process that has a session
      keyring possesses the keys in it, whatever its ids: such a workload must not have the BEAM's. Any other
      workload inherits it, because keyrings count against a quota of the user's (200 for an ordinary user,
      `/proc/sys/kernel/keys/maxkeys`; EDQUOT at `:keyctl`). A kernel without keyrings, or a filter that denies them to
      the workload as well, is an error with `:new` alone.
    * `:orphan_policy` - what the agent does with a running workload when the BEAM disappears:
      `{:kill, grace_ms}` sends SIGTERM to its process group, and SIGKILL `grace_ms` milliseconds later;
      `:leave` leaves it running, and so does `:linger`, the deprecated name of `:leave`. `{:kill, 5000}` by
      default.
    * `:descendants` - with `:kill` every process that the workload leaves behind is killed before the
      workload's end is reported, also one that has detached itself. `:leave` by default.

      In a pid namespace that was entered (`enter/2`) the kernel makes what a workload leaves a child of that
      namespace's PID 1. There those are killed that are still in the workload's session (setsid(2)) or its process
      group, as a program started with `&` is, whatever their parents are, and their descendants. A process that has called
      setsid(2), as a daemon does, and has no ancestor among those when the workload ends goes on with the container.
      `stop/2` and `signal/3` with `to: :tree` reach such a process, while the workload lives and each process between
      the two does.
    * `:usage` - whether to account for what the workload used, see `Linx.Process.Info`. `false` by
      default.

  ## Who it is, and what it may use

  These are applied after the checkpoint, right before exec, and what the kernel or a file refuses is an error at the stage
  that is named.

    * `:user` - the user that the workload runs as, by name or id. Names are looked up in the
      `/etc/passwd` and `/etc/group` of the workload's root; a string of digits is an id. An id needs no entry. The gid is that
      of the entry, else 0, and the supplementary groups those that list the user. `HOME` becomes the entry's directory,
      else `/`, where the environment has none or an empty one. What `Linx.User.set_credentials/2` says of capabilities holds here as
      well. The stage is `:set_user`: `:enoent` for a name without an entry, `:eperm` without the right to become that user (an
      ordinary user may ask for itself), also when the checkpoint has already set another user; `:einval` for an id that a user
      namespace does not map, and for an `/etc/passwd` or `/etc/group` that is no regular file; `:efbig` for one of
      more than 16 MiB.
    * `:group` - the group, by name or id, instead of the user's; then no supplementary groups are looked up.
    * `:groups` - more supplementary groups, up to 256 names and ids. Where the kernel refuses setgroups(2), because the user
      namespace denies it or an ordinary user asks for itself, the supplementary groups stay as they are, and a group of this
      list that is not among them is `:eperm`. With `:group` or `:groups` and no `:user` the uid stays as it is.
    * `:rlimits` - resource limits, `[nofile: 1024, core: {0, 0}, stack: {8_388_608, :infinity}]`: a number or `:infinity` for both the
      soft and the hard limit, or `{soft, hard}`; see `Linx.Rlimit`. `:eperm` at `:rlimit` for a hard limit that may not be raised.
    * `:oom_score_adj` - what is added to the workload's badness when memory runs out, -1000 to 1000 (proc(5)), from its
      first instruction. `:eacces` at `:oom_score_adj` for less than the BEAM's without CAP_SYS_RESOURCE.
    * `:nice` - the niceness, -20 to 19 (setpriority(2)). `:eacces` at `:nice` for a lower one than the
      workload may have (RLIMIT_NICE).
    * `:umask` - the file mode creation mask, 0 to 0o777 (umask(2)). The files of `:stdio` are created with the BEAM's.

  ## How the session behaves

    * `:stop` - `{signal, grace_ms}`, how the workload is ended when the session is: by `stop/1`, `GenServer.stop/1`,
      a supervisor, or the end of the process that started it. The signal, a name or a number of `Linx.Signal`, goes
      to the workload's process group; what is left of that and of the workload's descendants `grace_ms` milliseconds
      later, up to 4294967295, is sent SIGKILL. A grace of 0 is SIGKILL at once. `:infinity` is refused, because a program may ignore
      the signal. A session with a terminal sends SIGHUP too, at which a shell ends. `{:sigterm, 5000}` by default.

      To PID 1 of a pid namespace the kernel delivers no signal that it neither handles nor blocks (pid_namespaces(7)).
      So the workload of a session with `:pid` in `:namespaces` is then sent SIGKILL without waiting for the grace,
      once it has had no living child, which the signal may have reached, for 0.2 seconds.
    * `:owner` - a process that receives the events: a pid, or a registered name, which is looked for at the start and on
      the caller's node. The caller by default. A name that is not registered is `{:error, {:bad_owner, name}}`.
    * `:events` - `:plain` (the default), `:tagged` or `:none`; see above.
    * `:linger` - when `true`, the default, the session outlives its workload, so that `wait/2` and `info/1`
      can be called after the end. When `false` it stops then, with the reason `:normal` after exit code 0,
      `{:exited, code}`, `{:signaled, signum}`, `{:shutdown, :aborted}` or `{:error, error}`; but not before
      its output was read to the end or closed, or the process that was reading it has ended. A program that did not
      exit with code 0 is one line in the log, with its argv; there are no reports of a crash.
    * `:auto_proceed` - when `true` the workload runs without a stop at the checkpoint. The verbs of
      the checkpoint then return `{:error, :running}` from the start. `false` by default.
    * `:name` - registers the session, as `GenServer.start_link/3` would.
    * `:active` - `false` (the default), `:once`, a number of messages, or `true`: how much of the output
      is sent without being read, see above. A terminal's output is sent as `:pty_out` events unless
      this or `:stream_to` is given; then it is a stream as the others.
    * `:stream_to` - a process that receives the streams in active mode, given as `:owner` is. With it `:active` is `true` by
      default. Without it the owner does.
    * `:link` - when `false` the session is not linked to the caller, so that the caller gets no exit
      signal from it. It ends with the caller all the same. `true` by default.
    * `:node` - a connected node, or one to connect to, for the session to live on: the workload runs
      there, under that node's own agent, and everything else is as usual. When the connection to that node
      is lost the owner gets a final event, functions return `{:error, :nodedown}`, and the node itself ends
      the session. A session's `:name` is registered there. Events take another path than the replies to
      calls: an event that was sent before a reply may arrive after it.
    * `:pool` - the name or the pid of a `Linx.Pool`, on the node of the session, from which it takes its
      agent instead of starting one; `nil` or `false` for none. By default that of `config :linx, pool: name`.

  ## Errors

  Before anything is started: `{:error, :argv_required}`, and `{:error, {:bad_<option>, value}}` for a
  value that does not fit, such as `{:bad_cwd, 7}`; `{:error, {:bad_option, {name, value}}}` for an
  option that does not exist; `{:error, {:missing_agent, path}}`; `{:error, {:no_pool, pool}}`;
  `{:error, %Linx.Process.Error{stage: :chdir}}` when the VM's working directory is gone;
  `{:error, {:already_started, pid}}` for a taken name, and `{:error, :no_process}` when another process kills
  the session by that name before it is started; `{:error, %Linx.Process.Error{stage: :open_port}}`
  when the system has no room for another process; `{:error, :nodedown}` and `{:error, {:bad_node, node}}`,
  when the node cannot be reached or does not have this library.

      iex> Linx.Process.spawn(argv: [])
      {:error, {:bad_argv, []}}
      iex> {:ok, session} = Linx.Process.spawn(argv: ["/bin/true"], auto_proceed: true)
      iex> Linx.Process.wait(session)
      {:ok, {:exited, 0}}
  """
  @spec spawn([option()] | Linx.Plan.t()) :: {:ok, pid()} | {:error, start_error()}
  def spawn(opts) do
    with {:ok, options} <- Options.parse(:spawn, opts, self()),
         do: start(:spawn, options)
  end

  @doc """
  Starts a program in the namespaces of a live process: `target` is a host pid or another session.

  Takes the options of `spawn/1`. `:namespaces` are those of the target's that are joined; by default every
  one that differs from the BEAM's. The workload's ancestors stay on the host, so it does not end with
  the target unless the target's pid namespace does.

  What enters a session at its checkpoint is not in the session's cgroup namespace, which is made later.

  Besides the errors of `spawn/1`: `{:error, {:bad_target, value}}`, `{:error, :not_ready}` when the session
  to enter has no process yet, and `{:error, :no_process}` when it has ended. When no
  process has the host pid, the final event is `{:linx_process, :error, errno, :pidfd_open}`.

  The workload's root is that of the mount namespace, also when the target is in a chroot(2) there.

  With privileges, the mount namespace of another user namespace can only be joined together with that, because
  its owner chooses the program that runs: `namespaces: [:mount]` alone is then EPERM (1) at `:open_ns_mount`.
  A target that changes its user namespace meanwhile is EXDEV (18) at `:open_ns_user` (ioctl_ns(2)).

      iex> Linx.Process.enter(0, argv: ["/bin/true"])
      {:error, {:bad_target, 0}}
  """
  @spec enter(pos_integer() | session(), [option()] | Linx.Plan.t()) ::
          {:ok, pid()}
          | {:error, start_error() | {:bad_target, term()} | :not_ready}
  def enter(target, opts) do
    with {:ok, target} <- check_target(target),
         {:ok, opts} <- on_node_of(target, Plan.Use.options(opts)),
         {:ok, host_pid} <- resolve_target(target),
         {:ok, options} <- Options.parse({:enter, host_pid}, opts, self()),
         do: start(:enter, options)
  end

  @doc """
  A child specification for a session under a supervisor.

  The options are those of `spawn/1`, and

    * `:id` - the `:name` by default, and else `Linx.Process`
    * `:restart` - `:permanent` by default; `:transient` starts a program again that did not exit with code 0
    * `:shutdown` - the milliseconds that the supervisor waits for the end. By default the grace of `:stop` and 10
      seconds more, after which it is known that the kernel cannot end the program.
    * `:significant` - for a supervisor with `:auto_shutdown`

  `:linger` is always false, so that the session ends with its workload and the supervisor sees it. Without an
  `:owner` there are no events, because they would go to the supervisor, which does not handle them, and so the
  program runs without a stop at the checkpoint unless `auto_proceed: false` is given.

  Without an `:owner`, a `:stream_to` and `:active` an output that is a `:pipe` may have no reader. So until a process
  reads it, by the session's `:name` for instance, it does not block the program: the newest 64 KiB are kept and
  what was before them is dropped. When the program ends and no process has read it, it is closed, so that the
  session ends too. While a process reads it, it is a pipe as any other, and the session ends when it was read to the
  end; when that process has ended there is no reader again.

  A session under a supervisor ends with the reasons of `linger: false` (`spawn/1`), of which `:transient` takes `:normal`
  and `{:shutdown, :aborted}` for success. Of any other it writes one line with the program to the log.

      iex> Linx.Process.child_spec(argv: ["/bin/sleep", "9"], name: :sleeper).id
      :sleeper
      iex> spec = Linx.Process.child_spec(argv: ["/bin/sleep", "9"], id: 1, restart: :transient, stop: {:sigint, 60_000})
      iex> {spec.id, spec.restart, spec.shutdown}
      {1, :transient, 70_000}
  """
  @spec child_spec(
          [
            option()
            | {:id, term()}
            | {:restart, :permanent | :transient | :temporary}
            | {:shutdown, timeout() | :brutal_kill}
            | {:significant, boolean()}
          ]
          | Plan.t()
        ) :: Supervisor.child_spec()
  def child_spec(opts) when is_list(opts) or is_struct(opts, Plan),
    do: opts |> Plan.Use.options() |> Supervised.child_spec(__MODULE__)

  @doc false
  @spec start_supervised([option()]) :: {:ok, pid()} | {:error, start_error()}
  def start_supervised(opts) do
    unread = if List.keymember?(opts, :owner, 0), do: false, else: :unread

    with {:ok, options} <- Options.put(%Options{supervised: true, unread: unread}, opts),
         {:ok, options} <- Options.encode(options, :spawn, self()),
         do: start(:spawn, options)
  end

  # Starts a session with options that are encoded, on its node.
  @doc false
  @spec start(:spawn | :enter, Options.t()) :: {:ok, pid()} | {:error, start_error()}
  def start(mode, %{node: node} = options) when node in [nil, node()],
    do: Server.start(mode, options, self())

  def start(mode, options), do: Remote.start(mode, options, self())

  # Starts a session that collects its output, and does not wait until its agent is started where that is not
  # needed; collect/2 returns the error then.
  @doc false
  @spec start_collecting(:spawn | :enter, Options.t()) :: {:ok, pid()} | {:error, start_error()}
  def start_collecting(mode, %{node: node, name: nil} = options) when node in [nil, node()],
    do: {:ok, Server.start_unawaited(mode, options, self())}

  def start_collecting(mode, options), do: start(mode, options)

  @doc """
  Lets the child go on from the checkpoint to exec.

  `:ok` means that the command was sent to the agent; an event reports whether the workload then runs.
  `{:error, :not_ready}` before the checkpoint, `{:error, :running}` after it, `{:error, :no_process}` after the
  end.

      iex> {:ok, session} = Linx.Process.spawn(argv: ["/bin/true"])
      iex> receive do: ({:linx_process, :ready, _host_pid} -> Linx.Process.proceed(session))
      :ok
      iex> Linx.Process.wait(session)
      {:ok, {:exited, 0}}
  """
  @spec proceed(session()) :: :ok | {:error, :not_ready | :running | :no_process}
  def proceed(session), do: call(session, :proceed)

  @doc """
  Ends the workload at the checkpoint, before it has run.

  Before the checkpoint it is kept, and done there. `{:error, :running}` after `proceed/1`,
  `{:error, :no_process}` after the end.

      iex> {:ok, session} = Linx.Process.spawn(argv: ["/bin/true"])
      iex> Linx.Process.abort(session)
      :ok
      iex> Linx.Process.wait(session)
      {:ok, :aborted}
  """
  @spec abort(session()) :: :ok | {:error, :running | :no_process}
  def abort(session), do: call(session, :abort)

  @doc """
  Sends a signal to the workload: a number from 1 to 64 or a name of `Linx.Signal`. `stop/2` ends a workload with a
  grace.

  `to: :group` sends it to the workload's process group, `to: :tree` to the workload and all its
  descendants that can be found: those whose parents have ended only with `descendants: :kill`, and not in a pid
  namespace that was entered (see `:descendants` of `spawn/1`).

  A signal before the workload runs is kept, and sent when it runs. `{:error, {:bad_signal, value}}`,
  `{:error, {:bad_to, value}}`, or `{:error, :no_process}` after the end.

      iex> Linx.Process.signal(self(), :sigfoo)
      {:error, {:bad_signal, :sigfoo}}
  """
  @spec signal(session(), Signal.t(), to: :workload | :group | :tree) ::
          :ok | {:error, {:bad_signal | :bad_to, term()} | :no_process}
  def signal(session, signal, opts \\ []) do
    to = Keyword.get(opts, :to, :workload)

    case Signal.number(signal) do
      :error -> {:error, {:bad_signal, signal}}
      {:ok, _} when to not in [:workload, :group, :tree] -> {:error, {:bad_to, to}}
      {:ok, number} -> call(session, {:signal, number, to})
    end
  end

  @doc """
  Ends the workload as the option `:stop` says, and returns how it ended, as `wait/2` does.

  The signal goes to its process group, and to a session with a terminal SIGHUP as well; what has not ended
  `grace_ms` milliseconds later is sent SIGKILL, with all its descendants. `:default` is the grace of the option.
  At the checkpoint the workload is aborted. What it wrote stays readable.

  After the workload's end it returns at once, and does the same to what is left of the workload's process group, as
  long as an output is open which the agent reads: a pipe that a process of the group holds, or one that has not been read
  to its end. Without one the agent has ended, and nothing is signalled, nor is it before Linux 6.9.

  `{:error, {:bad_grace, value}}`, `{:error, :no_process}`.

      iex> {:ok, session} = Linx.Process.spawn(argv: ["/bin/sleep", "60"], auto_proceed: true)
      iex> Linx.Process.stop(session, 1_000)
      {:ok, {:signaled, 15}}
  """
  @spec stop(session(), :default | non_neg_integer()) ::
          result() | {:error, :no_process | {:bad_grace, term()}}
  def stop(session, grace_ms \\ :default)

  def stop(session, grace_ms)
      when grace_ms == :default or (is_integer(grace_ms) and grace_ms in 0..0xFFFF_FFFF),
      do: call(session, {:stop, grace_ms})

  def stop(_session, grace_ms), do: {:error, {:bad_grace, grace_ms}}

  @doc """
  Reads up to `max_bytes` of what the workload has written to `:stdout`, `:stderr` or `:pty`; waits until there
  is any.

  The agent takes no more from the workload than is asked for, so a workload that writes more blocks until
  the next read. A read returns at most 60 KiB. With a larger `max_bytes`, of which up to 960 KiB count, the
  agent sends the following pieces without waiting for the next read, so that many reads take less time.

  `:eof` is returned when every process that had the stream open for writing has closed it. Both output and
  `:eof` can be read after the workload's end. The stream has to be a pipe, or a terminal in a session with the option
  `:active`.

  `{:error, :timeout}` loses nothing: what comes later is there for the next reader.
  `{:error, %Linx.Process.Error{}}` is the end of a stream that was cut short, because the session failed.
  `{:error, :not_piped}`, `{:error, :active}` when the stream is sent instead, `{:error, :closed}` after
  `close/2`, `{:error, :no_process}`, `{:error, {:bad_stream, value}}`, `{:error, {:bad_max_bytes, value}}`,
  `{:error, {:bad_timeout, value}}`.

      iex> {:ok, session} = Linx.Process.spawn(argv: ["/bin/echo", "hello"], stdio: [stdout: :pipe], auto_proceed: true)
      iex> Linx.Process.read(session, :stdout)
      {:ok, "hello\\n"}
      iex> Linx.Process.read(session, :stdout)
      :eof
  """
  @spec read(session(), stream(), pos_integer(), timeout()) ::
          {:ok, binary()} | :eof | {:error, read_error()}
  def read(session, stream, max_bytes \\ 65_536, timeout \\ :infinity)

  def read(session, stream, max_bytes, timeout) when stream in [:stdout, :stderr, :pty],
    do: read_request(session, stream, max_bytes, timeout)

  def read(_session, stream, _max_bytes, _timeout), do: {:error, {:bad_stream, stream}}

  @doc """
  Reads from stdout or stderr, whichever has output first, and returns which one it was; `:eof` when both
  have ended. Otherwise as `read/4`.

      iex> {:ok, session} =
      ...>   Linx.Process.spawn(argv: ["/bin/sh", "-c", "echo no >&2"], stdio: :pipe, auto_proceed: true)
      iex> Linx.Process.read_any(session)
      {:ok, {:stderr, "no\\n"}}
      iex> Linx.Process.read_any(session)
      :eof
  """
  @spec read_any(session(), pos_integer(), timeout()) ::
          {:ok, {:stdout | :stderr, binary()}} | :eof | {:error, read_error()}
  def read_any(session, max_bytes \\ 65_536, timeout \\ :infinity),
    do: read_request(session, :any, max_bytes, timeout)

  @doc """
  The output of a session as a lazy enumerable of reads, for as long as there is any.

  `streams` is one of `:stdout`, `:stderr` and `:pty`, of which the elements are binaries, or a list: `[:stdout, :stderr]`,
  in which the elements are `{:stdout, binary}` and `{:stderr, binary}`, in the order in which they are read, or one of the three
  alone. Of `[:stdout, :stderr]` those are read that are pipes.

  Nothing is read before an element is asked for, and no more than that: an enumeration can stop at any element, and
  the next one, in this process or another one, goes on behind it. The session goes on in any case. The end of the
  streams, which is not that of the workload, is the end of the enumeration; one that begins after it is empty. An
  element has at most `:max_chunk` bytes, 64 KiB by default.

  When the session fails, the enumeration raises its `Linx.Process.Error`. It raises `ArgumentError` when the stream is no
  pipe, was closed, or is in active mode, and `RuntimeError` when the session, or its node, is gone. What is no stream or
  option raises `ArgumentError` here.

      iex> {:ok, session} =
      ...>   Linx.Process.spawn(argv: ["/bin/sh", "-c", "seq 3; echo no >&2"], stdio: :pipe, auto_proceed: true)
      iex> session |> Linx.Process.stream(:stdout, max_chunk: 2) |> Enum.take(1)
      ["1\\n"]
      iex> session |> Linx.Process.stream([:stdout, :stderr]) |> Enum.to_list() |> Enum.sort()
      [stderr: "no\\n", stdout: "2\\n3\\n"]
  """
  @spec stream(session(), stream() | [stream()], max_chunk: pos_integer()) :: Enumerable.t()
  def stream(session, streams, opts \\ []),
    do: Elements.new(streams, opts, &read(session, &1, &2), &read_any(session, &1))

  @doc """
  Writes to the workload's standard input, which has to be a pipe.

  Returns `:ok` once the kernel has taken every byte: a workload that does not read delays it. What several
  processes write arrives in the order of their calls, unmixed. It can be called before the workload runs.

  `{:error, %Linx.Process.Error{errno: :epipe}}` when no process has the pipe open for reading any more; the
  bytes that the kernel has not taken are lost. `{:error, :timeout}` when the kernel did not take all of them in
  time: it may have taken some, the rest is dropped.
  `{:error, :closed}` after `close_stdin/1`, `{:error, :not_piped}`, `{:error, :no_process}`,
  `{:error, {:bad_data, value}}`, `{:error, {:bad_timeout, value}}`.

      iex> {:ok, session} = Linx.Process.spawn(argv: ["/bin/cat"], stdio: :pipe, auto_proceed: true)
      iex> Linx.Process.write(session, ["hel", ?l, "o"])
      :ok
      iex> Linx.Process.close_stdin(session)
      :ok
      iex> Linx.Process.read(session, :stdout)
      {:ok, "hello"}
  """
  @spec write(session(), iodata(), timeout()) ::
          :ok
          | {:error,
             Error.t()
             | :timeout
             | :closed
             | :not_piped
             | :no_process
             | :nodedown
             | {:bad_data | :bad_timeout, term()}}
  def write(session, data, timeout \\ :infinity) do
    with :ok <- check_timeout(timeout) do
      case to_binary(data) do
        {:ok, binary} -> call(session, {:write, binary, timeout})
        :error -> {:error, {:bad_data, data}}
      end
    end
  end

  @doc """
  Closes the workload's standard input behind all that was written, so that the workload then reads end of
  file.

  `:ok` as well when it was closed before; `{:error, :not_piped}`, `{:error, :no_process}`.

      iex> {:ok, session} = Linx.Process.spawn(argv: ["/bin/cat"], stdio: [stdin: :pipe], auto_proceed: true)
      iex> Linx.Process.close_stdin(session)
      :ok
      iex> Linx.Process.wait(session)
      {:ok, {:exited, 0}}
  """
  @spec close_stdin(session()) :: :ok | {:error, :not_piped | :no_process | :nodedown}
  def close_stdin(session), do: close(session, :stdin)

  @doc """
  Closes this side of one of the workload's streams: `:stdin`, `:stdout`, `:stderr` or `:pty`.

  What was not read of an output is dropped, and the workload that writes to it gets SIGPIPE (pipe(7)).
  Closing `:stdin` is `close_stdin/1`. `{:error, :not_piped}`, `{:error, :no_process}`,
  `{:error, {:bad_stream, value}}`.

      iex> {:ok, session} =
      ...>   Linx.Process.spawn(argv: ["/usr/bin/env", "yes"], stdio: [stdout: :pipe], auto_proceed: true)
      iex> Linx.Process.close(session, :stdout)
      :ok
      iex> Linx.Process.wait(session)
      {:ok, {:signaled, 13}}
  """
  @spec close(session(), :stdin | stream()) ::
          :ok | {:error, :not_piped | :no_process | :nodedown | {:bad_stream, term()}}
  def close(session, stream) when stream in [:stdin, :stdout, :stderr, :pty],
    do: call(session, {:close, stream})

  def close(_session, stream), do: {:error, {:bad_stream, stream}}

  @doc """
  Makes the output streams, or one of them, active: output is sent as messages, as with the option `:active`.

  A number is added to what is left of the number set before. `{:error, :not_piped}`, `{:error, :no_process}`,
  `{:error, {:bad_active, value}}`, `{:error, {:bad_stream, value}}`.

      iex> {:ok, session} = Linx.Process.spawn(argv: ["/bin/echo", "hello"], stdio: [stdout: :pipe], auto_proceed: true)
      iex> Linx.Process.set_active(session, :stdout, :once)
      :ok
      iex> receive do: ({:linx_process, ^session, {:stdout, data}} -> data)
      "hello\\n"
  """
  @spec set_active(session(), :all | stream(), active()) ::
          :ok
          | {:error, :not_piped | :no_process | :nodedown | {:bad_active | :bad_stream, term()}}
  def set_active(session, stream \\ :all, active)

  def set_active(session, stream, active) when stream in [:all, :stdout, :stderr, :pty] do
    with {:ok, active} <- Options.check_active(active),
         do: call(session, {:set_active, stream, active})
  end

  def set_active(_session, stream, _active), do: {:error, {:bad_stream, stream}}

  @doc """
  Waits for the session's end, up to `timeout` milliseconds.

  `{:ok, {:exited, code}}`, `{:ok, {:signaled, signum}}`, `{:ok, :aborted}`, or
  `{:error, %Linx.Process.Error{}}` for a session that failed. `{:error, :timeout}` leaves the session as it
  is, and no message arrives later. `{:error, :no_process}` when there is no such session,
  `{:error, {:bad_timeout, value}}`. Any number of processes may wait.

      iex> {:ok, session} = Linx.Process.spawn(argv: ["/no/such/program"], auto_proceed: true)
      iex> {:error, error} = Linx.Process.wait(session)
      iex> {error.stage, error.errno}
      {:execve, :enoent}
  """
  @spec wait(session(), timeout()) ::
          result() | {:error, :timeout | :no_process | {:bad_timeout, term()}}
  def wait(session, timeout \\ :infinity) do
    with :ok <- check_timeout(timeout), do: call(session, {:wait, timeout})
  end

  # Waits as wait/2 does, and ends the session with its reply, which has what the workload used as well. So a
  # call needs one message for the end, and not four.
  @doc false
  @spec finish(session(), timeout()) ::
          {result(), Info.usage() | nil} | {:error, :timeout | :no_process | :nodedown}
  def finish(session, timeout), do: call(session, {:finish, timeout})

  # Waits until a session that collects its output has all of it, and has ended; ends it then as finish/2 does. The
  # output is what came until then.
  @doc false
  @spec collect(session(), timeout()) ::
          {[{stream(), binary()}], {result(), Info.usage() | nil} | {:error, term()}}
          | {:refused, start_error()}
          | {:error, :no_process | :nodedown}
  def collect(session, timeout), do: call(session, {:collect, timeout})

  @doc """
  What is known of the session now.

      iex> {:ok, session} = Linx.Process.spawn(argv: ["/bin/true"])
      iex> {:ok, info} = Linx.Process.info(session)
      iex> {info.mode, info.pty?, info.result}
      {:spawn, false, nil}
  """
  @spec info(session()) :: {:ok, Info.t()} | {:error, :no_process}
  def info(session), do: call(session, :info)

  @doc """
  The workload's process id on this host.

  `{:error, :not_ready}` until the workload has a process. After the session's end it is still returned, though
  the kernel may have given the number to another process.

      iex> {:ok, session} = Linx.Process.spawn(argv: ["/bin/true"])
      iex> receive do: ({:linx_process, :ready, pid} -> {:ok, pid} == Linx.Process.host_pid(session))
      true
  """
  @spec host_pid(session()) :: {:ok, pos_integer()} | {:error, :not_ready | :no_process}
  def host_pid(session), do: call(session, :host_pid)

  @doc """
  Makes another process the owner, which receives the events from then on, and the output in active mode where there is
  no `:stream_to`. Events that were sent before are not sent again: after the end of a session that lingers only output
  is left.

  `{:error, {:bad_owner, value}}` for what is no pid, `{:error, :no_process}` when there is no such session.

      iex> Linx.Process.set_owner(self(), :no_pid)
      {:error, {:bad_owner, :no_pid}}
  """
  @spec set_owner(session(), pid()) :: :ok | {:error, {:bad_owner, term()} | :no_process}
  def set_owner(session, owner) when is_pid(owner), do: call(session, {:set_owner, owner})
  def set_owner(_session, owner), do: {:error, {:bad_owner, owner}}

  @doc """
  Writes to the workload's terminal: iodata of any size.

  The bytes arrive in order, after those of earlier calls; `:ok` does not say that the workload has read
  them. While more than 4 MiB wait for a workload that does not read, the function does not return.

  `{:error, :no_pty}` for a session without `stdio: :pty`, `{:error, :not_running}` before the workload runs,
  `{:error, :no_process}` after its end, `{:error, {:bad_data, value}}` for what is no iodata.

      iex> Linx.Process.pty_write(self(), :ls)
      {:error, {:bad_data, :ls}}
  """
  @spec pty_write(session(), iodata()) ::
          :ok | {:error, :no_pty | :not_running | :no_process | {:bad_data, term()}}
  def pty_write(session, data) do
    case to_binary(data) do
      {:ok, binary} -> call(session, {:pty_write, binary})
      :error -> {:error, {:bad_data, data}}
    end
  end

  @doc """
  Sets the size of the workload's terminal: rows and columns of characters, width and height in
  pixels (0 when unknown), each up to 65535. A map has `:rows` and `:cols`, and `:xpixel` and `:ypixel` when they are known.

  It is applied at the checkpoint and while the workload runs. Before that it is kept until the checkpoint or,
  in a session without one, until the workload runs. `{:error, :no_pty}`, `{:error, :no_process}`,
  `{:error, {:bad_winsize, value}}`.

      iex> Linx.Process.pty_set_winsize(self(), {24, 80})
      {:error, {:bad_winsize, {24, 80}}}
  """
  @spec pty_set_winsize(session(), winsize()) ::
          :ok | {:error, :no_pty | :no_process | {:bad_winsize, term()} | Error.t()}
  def pty_set_winsize(session, size) do
    case Checks.winsize(size) do
      {:ok, tuple} -> call(session, {:pty_winsize, tuple})
      :error -> {:error, {:bad_winsize, size}}
    end
  end

  @doc """
  The handle of the workload's terminal, which is the session itself.

  The agent has the master side open, and `pty_write/2` and the `:pty_out` events reach it. `{:ok, session}`
  when the workload has a terminal, `{:error, :no_pty}` when it has none, `{:error, :no_process}` after the
  session's end.

      iex> {:ok, session} = Linx.Process.spawn(argv: ["/bin/true"], stdio: :pty)
      iex> Linx.Process.pty_master(session) == {:ok, session}
      true
  """
  @spec pty_master(session()) :: {:ok, session()} | {:error, :no_pty | :no_process}
  def pty_master(session) do
    with :ok <- call(session, :pty_master), do: {:ok, session}
  end

  @doc """
  Any reason that a function of this library returns, in words: the same as `Linx.format_error/1`.

      iex> Linx.Process.format_error({:bad_cwd, 7})
      "bad option :cwd: a path, without NUL bytes, got: 7"
  """
  @spec format_error(term()) :: String.t()
  defdelegate format_error(reason), to: Linx.Reason, as: :sentence

  # Sends a set-up command to the child at the checkpoint, and returns what the kernel said to it. Called by
  # the modules that know the commands, such as Linx.Capabilities.
  @doc false
  @spec checkpoint(session(), tuple()) ::
          :ok | {:error, Error.t() | :not_ready | :running | :no_process}
  def checkpoint(session, command), do: call(session, {:checkpoint, command})

  # The same with several, one after the other; an error ends the session, so none follows it.
  @doc false
  @spec checkpoint_each(session(), [tuple()]) ::
          :ok | {:error, Error.t() | :not_ready | :running | :no_process}
  def checkpoint_each(session, commands) do
    Enum.reduce_while(commands, :ok, fn command, :ok ->
      case checkpoint(session, command) do
        :ok -> {:cont, :ok}
        error -> {:halt, error}
      end
    end)
  end

  # There is no time limit, because the session replies to every request at once, except to those that wait for
  # something. When the session does not exist, or ends before its reply, GenServer.call/3 exits.
  defp call(session, request) do
    GenServer.call(session, request, :infinity)
  catch
    :exit, {{:nodedown, _node}, _call} -> {:error, :nodedown}
    :exit, {:noconnection, _call} -> {:error, :nodedown}
    :exit, _reason -> {:error, :no_process}
  end

  defp read_request(session, request, max, timeout) do
    with :ok <- check_timeout(timeout) do
      if is_integer(max) and max > 0,
        do: call(session, {:read, request, max, timeout}),
        else: {:error, {:bad_max_bytes, max}}
    end
  end

  defp check_timeout(timeout)
       when timeout == :infinity or (is_integer(timeout) and timeout in 0..0xFFFF_FFFF),
       do: :ok

  defp check_timeout(timeout), do: {:error, {:bad_timeout, timeout}}

  defp check_target(target) do
    with :error <- Checks.target(target), do: {:error, {:bad_target, target}}
  end

  # A session's workload can be entered on its own node alone.
  defp on_node_of(session, opts) when is_pid(session) and is_list(opts) do
    case List.keyfind(opts, :node, 0) do
      nil -> {:ok, [{:node, node(session)} | opts]}
      {:node, name} when name == node(session) -> {:ok, opts}
      {:node, _other} -> {:error, {:bad_target, session}}
    end
  end

  defp on_node_of(_target, opts), do: {:ok, opts}

  # The host pid of a target that has been checked.
  @doc false
  @spec resolve_target(pos_integer() | session()) ::
          {:ok, pos_integer()} | {:error, :not_ready | :no_process | :nodedown}
  def resolve_target(pid) when is_integer(pid), do: {:ok, pid}
  def resolve_target(session), do: call(session, :target)

  defp to_binary(data) do
    {:ok, IO.iodata_to_binary(data)}
  rescue
    ArgumentError -> :error
  end
end
