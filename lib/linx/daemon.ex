# SPDX-License-Identifier: MIT

defmodule Linx.Daemon do
  @moduledoc """
  A program that runs for as long as its supervisor wants it to.

      children = [
        {Linx.Daemon,
         argv: ["redis-server", "--port", "6400"],
         name: MyApp.Redis,
         log_prefix: "redis: ",
         stop: {:sigterm, 10_000},
         wait_for: {:output, ~r/Ready to accept connections/}},
        {Linx.Daemon,
         argv: ["/usr/bin/tunnel", "--quiet"],
         name: MyApp.Tunnel,
         log: :debug,
         stderr: :warning,
         namespaces: [:ipc, :uts],
         restart: :transient},
        MyApp.Web
      ]

      Supervisor.start_link(children, strategy: :rest_for_one)

  A daemon is a process of the BEAM that starts a program, logs what it writes line by line, and ends with it:
  when the program ends the daemon exits, with a reason from which the supervisor decides on a restart, and
  when the supervisor stops the daemon the program is asked to end, and killed when it does not. When the daemon or
  the whole BEAM is killed, the program is ended in the same way, and so it may still be ending when the supervisor starts
  the next one.

  In the example `MyApp.Web` is started when Redis has written that it is ready, and both are stopped in the
  opposite order.

  ## What runs

    * `:argv` - required: the program and its arguments. The program is looked for along `PATH`, as
      `Linx.cmd/3` does.
    * `:stdio` - `:pty`, `:inherit`, `:devnull` or a keyword list as of `Linx.Process.spawn/1`. By default standard input is
      `:devnull`, and the outputs are pipes from which they are logged.
    * `:name` - registers the daemon, as `GenServer.start_link/3` does: an atom, `{:global, term}` or
      `{:via, module, term}`.
    * `:checkpoint` - a function of the session and the program's pid, called while the program is parked before its first
      instruction, as in `Linx.run/2`. `:ok` lets it go on.

  Every other option of `Linx.Process.spawn/1` that describes the program is taken as well: `:cwd`, `:env`,
  `:user`, `:umask`, `:namespaces`, `:no_new_privs`, `:node`, `:pool` and so on. `:descendants` is `:kill` by default, so that nothing which
  the program leaves behind is there when it is restarted, and `:orphan_policy` has the grace of `:stop`.

  ## Its output

    * `:log` - a level of `Logger`, `:info` by default; a function of a line, or of a stream (`:stdout`, `:stderr`,
      `:pty`) and a line; or `false` for `/dev/null`.
    * `:log_prefix` - what each line begins with in the log. The program's name and `": "` by default.
    * `:log_metadata` - a keyword list or a map, the metadata of each line. There is `:stream` too.
    * `:stderr` - `:log` (the default) does as `:log` says, `:merge` makes it the same as standard output, a level logs it at
      that level.
    * `:max_line` - the most bytes of a line, 8000 by default: no more than `Logger` takes without truncating
      it. A longer line is logged in pieces of up to that many bytes, cut between characters, and every piece but the
      last is followed by `" …"`.

  A line ends at `"\\n"` or `"\\r\\n"`, which is not part of it; what no newline ends is logged when the stream ends. Each
  byte that is not UTF-8 is replaced by U+FFFD; other characters, also those that control a terminal, are logged as they
  are. A function given as `:log` is called by a process of the daemon's; what it
  raises loses the line and is logged once.

  Output is read no faster than it is logged. A program that writes more than the log takes finds its pipe full
  and waits, as with any slow reader. There are never more than some 400 KiB of a stream, and an unfinished line,
  in the BEAM's memory. Lines of the two streams are in the order of their stream, and only with `stderr: :merge` in the
  order in which they were written.

  ## Its start

  `start_link/1` returns when the program has been executed, and with `:wait_for` when it is ready:

    * `:wait_for` - a function of the daemon's pid that is called every 50 ms until it returns `true`; or
      `{:output, regex}`, which waits until the regular expression matches what the program has written to one of its
      outputs: the last 16 KiB of it, which need not be a whole line, and which are logged as well.
    * `:wait_timeout` - the most milliseconds that the start takes, or `:infinity`. 30 seconds by default.

  A program that cannot be executed, ends before it is ready, or takes longer, is an error of `start_link/1`, and nothing is
  left of it. For the supervisor the child has failed to start. As with any child that takes time to start, the supervisor
  does nothing else meanwhile: it does not stop either before `:wait_timeout`, unless it is killed.

  ## Its end

    * `:exit` - a function from the exit status to the daemon's exit reason. The status is what shells have: the exit
      code, or 128 + n when signal n ended the program. By default the reason is `:normal` for 0, otherwise
      `{:exited, code}` or `{:signaled, n}`.
    * `:stop` - `{signal, grace_ms}`, as of `Linx.Process.spawn/1`: the signal that asks the program's process group to end, and
      the milliseconds after which what is left of the program and its descendants is killed. `{:sigterm, 5000}` by
      default. What is written until the end is logged.

  | the program | reason | `:permanent` | `:transient` | `:temporary` |
  | --- | --- | --- | --- | --- |
  | exits with 0 | `:normal` | restart | | |
  | exits with n, is ended by a signal | `{:exited, n}`, `{:signaled, n}` | restart | restart | |
  | its session fails | `{:error, error}` | restart | restart | |
  | as `:exit` says | `:normal`, `:shutdown`, `{:shutdown, term}` | restart | | |
  | as `:exit` says | anything else | restart | restart | |

  The end is one line of the log, with argv and status: an error, or for the reasons of `:transient` that are no
  restart, at the level `:info`. There is no crash report of the daemon; the supervisor has its own.

  `:id`, `:restart`, `:shutdown` and `:significant` are those of `child_spec/1`.

  ## From MuonTrap.Daemon

  | MuonTrap | Linx |
  | --- | --- |
  | `{MuonTrap.Daemon, [command, args, opts]}` | `{Linx.Daemon, [argv: [command \\| args]] ++ opts}` |
  | `:cd` | `:cwd` |
  | `:env`, `:arg0`, `:name` | the same |
  | `:log_output` | `:log`, which is `:info` by default; for what is not to be logged `log: false` |
  | `:log_prefix` | the same |
  | `:logger_metadata` | `:log_metadata` |
  | `:logger_fun`, `:log_transform` | `log: fun` |
  | `:stderr_to_stdout` | `stderr: :merge`; without it stderr is logged as a stream of its own |
  | `:capture_stderr_only` | `log: false, stderr: level` |
  | `:stdio_window` | no need: the program waits for its log |
  | `:exit_status_to_reason` | `:exit` |
  | `:delay_to_sigkill` | `stop: {:sigterm, milliseconds}` |
  | `:wait_for`, which waits before the program is started | `:checkpoint`, or a child before it; `:wait_for` waits for the program itself |
  | `:uid`, `:gid` | `:user`, `:group` |
  | `:cgroup_path` and the like | `:checkpoint`: write the pid to `cgroup.procs` |
  | `os_pid/1`, which is a number | `os_pid/1`, which is `{:ok, number}` |
  | `statistics/1` | `stats/1` |
  | `shutdown: 500` of the child | the grace of `:stop`, and 10 seconds more |
  """

  alias Linx.Daemon.{Options, Server, Tally}
  alias Linx.Process.Supervised
  alias Linx.Signal

  # What is for the supervisor, and not for the daemon.
  @child [:id, :restart, :shutdown, :significant]

  @typedoc "A daemon: its pid or the name it was given."
  @type daemon :: GenServer.server()

  @typedoc "A level of `Logger`."
  @type level :: :logger.level()

  @typedoc "An option of `start_link/1`, or one of `t:Linx.Process.option/0`; see above."
  @type option ::
          {:argv, nonempty_list(Linx.Process.os_string())}
          | {:name, GenServer.name()}
          | {:stdio, term()}
          | {:log,
             level()
             | false
             | (String.t() -> term())
             | (Linx.Process.stream(), String.t() -> term())}
          | {:log_prefix, String.t()}
          | {:log_metadata, keyword() | map()}
          | {:stderr, :log | :merge | level()}
          | {:max_line, pos_integer()}
          | {:checkpoint, (pid(), pos_integer() -> :ok | {:error, term()}) | nil}
          | {:wait_for, (pid() -> boolean()) | {:output, Regex.t()} | nil}
          | {:wait_timeout, timeout()}
          | {:exit, (0..255 -> term())}
          | {atom(), term()}

  @typedoc """
    * `lines`, `bytes` - what the program has written so far to the streams that are read; a piece of a long line
      counts as a line
    * `lost` - the lines for which the function given as `:log` has raised
    * `restarts` - how often the program was started before, from the same child specification: by its supervisor,
      because it had ended or a sibling had, or by `Supervisor.restart_child/2`. The other counts are of this start. 0
      for a daemon that was started by `start_link/1`
    * `usage` - what the program itself has used so far: processor time in microseconds, the most memory in
      KiB that it has had at once, minor and major page faults; without its children. nil when it does not run
  """
  @type stats :: %{
          lines: non_neg_integer(),
          bytes: non_neg_integer(),
          lost: non_neg_integer(),
          restarts: non_neg_integer(),
          usage:
            %{
              utime_us: non_neg_integer(),
              stime_us: non_neg_integer(),
              maxrss_kb: non_neg_integer(),
              minflt: non_neg_integer(),
              majflt: non_neg_integer()
            }
            | nil
        }

  @doc """
  A child specification for a daemon.

  The options are those of `start_link/1`, and `:id`, `:restart`, `:shutdown` and `:significant`. The id is the daemon's
  name by default. `:shutdown` is by default the grace of `:stop` and 10 seconds more, for a program that has to be killed
  and for a log that is slow.

      iex> spec = Linx.Daemon.child_spec(argv: ["sleep", "60"], name: :sleeper, stop: {:sigint, 500})
      iex> {spec.id, spec.shutdown}
      {:sleeper, 10500}
      iex> Linx.Daemon.child_spec(argv: ["true"], id: 1, restart: :transient).restart
      :transient
  """
  @spec child_spec([option() | {:id | :restart | :shutdown | :significant, term()}]) ::
          Supervisor.child_spec()
  def child_spec(opts) when is_list(opts) do
    {own, opts} = Enum.split_with(opts, &(is_tuple(&1) and elem(&1, 0) in @child))

    %{
      id: value(opts, :name, __MODULE__),
      type: :worker,
      shutdown: Supervised.shutdown(value(opts, :stop, nil))
    }
    |> Map.merge(Map.new(Enum.reverse(own)))
    # The supervisor keeps the counter of starts as long as the child, so that it needs no table.
    |> Map.put(:start, {__MODULE__, :start_link, [opts, Tally.new_starts()]})
  end

  defp value(opts, name, default),
    do: with({^name, value} <- List.keyfind(opts, name, 0, default), do: value)

  @doc """
  Starts a daemon, linked to the caller, and returns when its program is ready.

  Before anything is started: `{:error, :argv_required}` and `{:error, {:bad_<option>, value}}`, as of
  `Linx.Process.spawn/1`. When the program is not ready: `{:error, %Linx.Process.Error{}}` when it could not be executed,
  `{:error, {:exited, code}}` or `{:error, {:signaled, n}}` when it has ended, `{:error, :timeout}`,
  `{:error, {:checkpoint, reason}}`, `{:error, {:wait_for, reason}}` when that function raises. `{:error, {:already_started, pid}}` for
  a name that is taken. The caller gets no exit signal of a daemon that could not be started.

      iex> {:ok, daemon} = Linx.Daemon.start_link(argv: ["sleep", "60"])
      iex> GenServer.stop(daemon)
      :ok
      iex> {:error, error} = Linx.Daemon.start_link(argv: ["no such program"])
      iex> {error.stage, error.errno}
      {:execve, :enoent}
      iex> Linx.Daemon.start_link(argv: ["sh", "-c", "exit 3"], wait_for: {:output, ~r/ready/})
      {:error, {:exited, 3}}
  """
  @spec start_link([option()]) :: {:ok, pid()} | {:error, term()}
  def start_link(opts), do: start_link(opts, nil)

  @doc false
  @spec start_link([option()], Tally.t() | nil) :: {:ok, pid()} | {:error, term()}
  def start_link(opts, starts) do
    with {:ok, options} <- Options.parse(opts), do: Server.start_link(options, starts)
  end

  @doc """
  What the program has written and used so far, and how often it was restarted. Exits when there is no such daemon, as
  `GenServer.call/3` does.

      iex> {:ok, daemon} = Linx.Daemon.start_link(argv: ["sleep", "60"])
      iex> stats = Linx.Daemon.stats(daemon)
      iex> {stats.lines, stats.bytes, stats.restarts, stats.usage.maxrss_kb > 0}
      {0, 0, 0, true}
  """
  @spec stats(daemon()) :: stats()
  def stats(daemon), do: GenServer.call(daemon, :stats, :infinity)

  @doc """
  The program's process id on its host.

  `{:error, :not_ready}` before there is one, `{:error, :no_process}` after the program's end.

      iex> {:ok, daemon} = Linx.Daemon.start_link(argv: ["sleep", "60"])
      iex> {:ok, pid} = Linx.Daemon.os_pid(daemon)
      iex> File.read!("/proc/\#{pid}/comm")
      "sleep\\n"
  """
  @spec os_pid(daemon()) :: {:ok, pos_integer()} | {:error, :not_ready | :no_process}
  def os_pid(daemon), do: call(daemon, :os_pid)

  @doc """
  Sends the program a signal, with the names and the option `:to` of `Linx.Process.signal/3`.

  `{:error, {:bad_signal, value}}`, `{:error, {:bad_to, value}}`, `{:error, :no_process}`.

      iex> {:ok, daemon} = Linx.Daemon.start_link(argv: ["sleep", "60"], exit: fn 143 -> :normal end)
      iex> Linx.Daemon.signal(daemon, :sigterm)
      :ok
  """
  @spec signal(daemon(), Signal.t(), to: :workload | :group | :tree) ::
          :ok | {:error, {:bad_signal | :bad_to, term()} | :no_process}
  def signal(daemon, signal, opts \\ []), do: call(daemon, {:signal, signal, opts})

  @doc """
  Why a daemon could not be started, in words: as `Linx.format_error/1`, with what a daemon says of the options that
  sessions and calls have as well.

      iex> Linx.Daemon.format_error({:bad_log, :loud})
      "bad option :log: false, a level of Logger, or a function of a line, or of a stream and a line, got: :loud"
      iex> Linx.Daemon.format_error({:exited, 3})
      "the program exited with status 3"
  """
  @spec format_error(term()) :: String.t()
  def format_error(reason), do: Options.message(reason) || Linx.Reason.sentence(reason)

  defp call(daemon, request) do
    GenServer.call(daemon, request, :infinity)
  catch
    :exit, _reason -> {:error, :no_process}
  end
end
