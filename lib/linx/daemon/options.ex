# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.Options do
  @moduledoc false
  # The options of `Linx.Daemon`: their table, and what a daemon makes of them. An option that is not in the table is one
  # of `Linx.Process.spawn/1`, and checked as there.
  #
  # Nothing is started before every option has passed, with errors as those of `Linx.Process.Options`.

  alias Linx.Call.Executable
  alias Linx.Call.Checks, as: CallChecks
  alias Linx.Daemon.{Checks, Stdio}
  alias Linx.Option
  alias Linx.Process.{Error, Options}
  alias Linx.Process.Checks, as: SessionChecks

  @levels Checks.levels()

  # The rows of `Linx.Option`.
  @table [
    {:argv, [:daemon], &SessionChecks.strings/1,
     "the program and its arguments, a non-empty list of strings without NUL bytes"},
    {:name, [:daemon], &SessionChecks.name/1, "an atom, {:global, term} or {:via, module, term}"},
    {:stdio, [:daemon], &CallChecks.any/1,
     ":pty, :inherit, :devnull, or a keyword list over :stdin, :stdout and :stderr of the directives of " <>
       "Linx.Process.spawn/1, without a pipe for :stdin"},
    {:log, [:daemon], &Checks.log/1,
     "false, #{@levels}, or a function of a line, or of a stream and a line"},
    {:log_prefix, [:daemon], &Checks.text/1, "a string"},
    {:log_metadata, [:daemon], &Checks.metadata/1, "a keyword list or a map with atoms as keys"},
    {:stderr, [:daemon], &Checks.stderr/1,
     ":log, :merge or #{@levels}; without a place for stderr in :stdio"},
    {:max_line, [:daemon], &Checks.max_line/1, "a number of bytes, from 4 to 16 MiB"},
    {:checkpoint, [:daemon], &CallChecks.checkpoint/1,
     "a function of the session and its host pid, or nil"},
    {:wait_for, [:daemon], &Checks.wait_for/1,
     "a function of the daemon, or {:output, regex} with an output that is a pipe"},
    {:wait_timeout, [:daemon], &CallChecks.timeout/1, "milliseconds or :infinity"},
    {:exit, [:daemon], &Checks.exit/1, "a function of the exit status"}
  ]

  # The daemon receives the events itself.
  @decided [:owner, :events]

  @defaults %{
    name: nil,
    stdio: nil,
    log: :info,
    log_prefix: nil,
    log_metadata: %{},
    stderr: nil,
    # With the prefix no more than the 8096 bytes at which Elixir's Logger truncates a message.
    max_line: 8_000,
    checkpoint: nil,
    wait_for: nil,
    wait_timeout: 30_000,
    exit: nil
  }

  defstruct [:argv, :session, :sinks | Map.keys(@defaults)]

  @typedoc """
  `session` are the checked options of the session, but for what depends on its node; `sinks` the streams that are
  read, each with where its lines go.
  """
  @type t :: %__MODULE__{}
  @type error :: Options.error()

  @doc "The table."
  @spec table() :: [Option.row()]
  def table, do: @table

  @doc "Whether a daemon has an option of that name which a session has not, or takes otherwise."
  @spec option?(term()) :: boolean()
  def option?(name), do: List.keymember?(@table, name, 0)

  @doc """
  Checks the options of a daemon.

      iex> {:ok, options} = Linx.Daemon.Options.parse(argv: ["sleep", "60"], max_line: 100)
      iex> {options.max_line, options.sinks}
      {100, [stdout: :info, stderr: :info]}
      iex> Linx.Daemon.Options.parse(argv: ["sleep", "60"], log: :loud)
      {:error, {:bad_log, :loud}}
      iex> Linx.Daemon.Options.parse(argv: ["sleep", "60"], linger: true)
      {:error, {:bad_option, {:linger, true}}}
  """
  @spec parse(term()) :: {:ok, t()} | {:error, error()}
  def parse(opts) do
    with {:ok, opts} <- Option.list(opts),
         {:ok, own, given} <- check(opts, @defaults, []),
         {:ok, stdio, sinks} <- Stdio.compose(own),
         :ok <- check_output(own, sinks),
         {:ok, session} <- session(own, stdio, given) do
      argv = session.request.argv
      prefix = own.log_prefix || Path.basename(hd(argv)) <> ": "
      {:ok, %{own | session: session, sinks: sinks, argv: argv, log_prefix: prefix}}
    end
  end

  defp check([], own, given) when is_map_key(own, :argv),
    do: {:ok, struct!(__MODULE__, own), Enum.reverse(given)}

  defp check([], _own, _given), do: {:error, :argv_required}

  defp check([{name, value} = option | rest], own, given) do
    case List.keyfind(@table, name, 0) do
      nil ->
        if name in @decided or Options.decided_by_call?(name),
          do: {:error, {:bad_option, option}},
          else: check(rest, own, [option | given])

      row ->
        with {:ok, checked} <- Option.check(row, value),
             do: check(rest, Map.put(own, name, checked), given)
    end
  end

  # With no output to look at, the program would never be ready.
  defp check_output(%{wait_for: {:output, _regex} = value}, []),
    do: Option.bad(:wait_for, value)

  defp check_output(_options, _sinks), do: :ok

  defp session(own, stdio, given) do
    base = %Options{
      auto_proceed: own.checkpoint == nil,
      events: :tagged,
      active: :once,
      request: %{usage: true, descendants: :kill}
    }

    with {:ok, session} <- Options.put(base, [argv: own.argv, stdio: stdio] ++ given),
         session = outlast_no_vm(session),
         :ok <- Options.check_size(session, :spawn) do
      {:ok, session}
    else
      {:error, {:bad_stdio, _composed}} -> Option.bad(:stdio, own.stdio)
      error -> error
    end
  end

  # When the BEAM is gone its program has as long as when the daemon is stopped.
  defp outlast_no_vm(%{request: request, stop: {_signal, grace}} = session),
    do: %{session | request: Map.put_new(request, :orphan_policy, {:kill, grace})}

  @doc "The options of the session, on its node, whose output a process reads, encoded."
  @spec encode(t(), pid() | nil) :: {:ok, Options.t()} | {:error, term()}
  def encode(%{session: session, argv: argv}, reader) do
    with {:ok, program} <- program(session, argv),
         {:ok, options} <- Options.put(%{session | stream_to: reader}, program) do
      Options.encode(options, :spawn, self())
    else
      {:error, :enoent} -> {:error, refusal(argv, :enoent)}
      error -> error
    end
  end

  # A plan may have the program looked for where it runs.
  defp program(%{request: %{search_path: true}}, argv), do: {:ok, [argv: argv]}
  defp program(session, argv), do: Executable.options(argv, session.node || node())

  @doc "The error of a program that could not be executed."
  @spec refusal([binary()], atom()) :: Error.t()
  def refusal([program | _arguments], errno),
    do: %{Error.new(:execve, errno) | program: program}

  @doc """
  What is wrong with an option, in words; nil when the error is of none of the table.

      iex> Linx.Daemon.Options.message({:bad_max_line, 1})
      "bad option :max_line: a number of bytes, from 4 to 16 MiB, got: 1"
  """
  @spec message(term()) :: String.t() | nil
  def message({:bad_option, {name, _value}}) do
    if name in @decided or Options.decided_by_call?(name),
      do: "option #{inspect(name)} is the daemon's own to set"
  end

  def message(reason), do: Option.message(@table, reason)
end
