# SPDX-License-Identifier: MIT

defmodule Linx do
  @readme Path.expand("../README.md", __DIR__)
  @external_resource @readme
  @moduledoc @readme
             |> File.read!()
             |> String.split(~r/<!-- \/?moduledoc -->\n/)
             |> Enum.fetch!(1)

  alias Linx.{Call, Plan, Result, Stdin}
  alias Linx.Call.{Cmd, Failure, Run, Shell}
  alias Linx.Process.Error

  @doc """
  Runs a program to its end and returns its output and exit status, as `System.cmd/3` does.

      iex> Linx.cmd("echo", ["hello"])
      {"hello\\n", 0}
      iex> Linx.cmd("sh", ["-c", "echo one; echo two; exit 3"], into: [], lines: 1024)
      {["one", "two"], 3}
      iex> Linx.cmd("tr", ["a-z", "A-Z"], input: ["hel", "lo"])
      {"HELLO", 0}
      iex> Linx.cmd("cat", [], input: Stream.map(1..3, &to_string/1))
      {"123", 0}

  A program that a signal ended has the status 128 + n, as in a shell.

  The names, defaults and results are those of `System.cmd/3`, except for what "Differences from `System.cmd/3`"
  below lists.

  ## Options of `System.cmd/3`

    * `:into` - a `Collectable` for the output. `""` by default.
    * `:lines` - gives `:into` one line at a time, without the `"\\n"` or `"\\r\\n"` that ends it. The number of
      bytes is the one by which `System.cmd/3` buffers; here lines are never split.
    * `:cd` - the directory to run in
    * `:env` - an enumerable of `{name, value}`, changes to the BEAM's environment; `nil` for a value removes
      the variable. With `clear_env: true` the program has these variables alone.
    * `:arg0` - the program's argv[0]
    * `:stderr_to_stdout` - `true` to have stderr in the output. By default it is the BEAM's own.
    * `:use_stdio` - `false` gives the program the BEAM's own stdin, stdout and stderr, and returns no output
    * `:parallelism` - accepted and without effect, because the output is always read by another process

  ## More options

    * `:input` - what the program reads on stdin: iodata, or an enumerable of iodata, which is enumerated
      in a process of its own as fast as the program reads: at most 256 KiB or 4096 elements ahead of what its pipe
      has taken. Small elements are gathered while others are on their way, and none waits for the next one.
      An exception in the enumeration ends the program, and is raised here. Or a function of a `Linx.Stdin`,
      called in such a process, which writes with `Enum.into/2`, once or more often:
      `fn sink -> Enum.into(1..3, sink, &to_string/1) end`. Stdin is closed when it returns, and exceptions are as those
      of an enumerable. When the program no longer reads, `Enum.into/2` raises `Linx.Process.Error` with
      `errno: :epipe` in the function; that ends the function, and not the call.
    * `:timeout` - the milliseconds that the call may take. After them the program is ended, and the result
      is `{output, :timeout}`, with the output so far. `:infinity` by default.
    * `:kill_after` - a program that is ended early, by an error or by the end of its caller, gets SIGTERM first and,
      this many milliseconds later, SIGKILL together with all that it has started. 500 by default.
    * `:stop` - `{signal, grace_ms}`, for another signal than SIGTERM, as in `Linx.Process.spawn/1`.
      `{:sigterm, kill_after}` by default.
    * `:plan` - a `Linx.Plan` that says what is done before the program runs. Or a plan stands in the place of the program, and
      has its own, to which `cmd/3` adds the arguments.
    * `:checkpoint` - a function of the session and the program's host pid, called in the caller while the
      program is parked before exec: to set up its id maps, capabilities and filters. It returns `:ok`, or
      `{:error, reason}`, which ends the call. The timeout does not interrupt it.
    * `:max_chunk` - how many bytes are read at once at most, and so how many an element of `:into`, or of a stream,
      has. 256 KiB by default for what is read while the program runs. Lines are never split.
    * `:pty` - with `true` the program has a terminal as its stdin, stdout and stderr, and what it shows there is its
      output, with `"\\r\\n"` for each `"\\n"`. Or a list of the options of a terminal, `pty: [size: {50, 132}]`, see
      `t:Linx.Process.pty_option/0`. A program that reads from it waits; not together with `:input`, `:stdio` and
      `:stderr_to_stdout`.
    * `:enter` - a live process, in whose namespaces the program runs instead of fresh ones: a session, or its pid on this
      host, see `Linx.Process.enter/2`. The candidates for the program along the BEAM's `PATH` are those of the root that
      the process has. What the program leaves running in the pid namespace of that process is killed as far as `:descendants`
      of `Linx.Process.spawn/1` says.
    * `:stdio` - where the streams lead that the call does not use itself, as in `Linx.Process.spawn/1`: a
      keyword list over `:stdin`, `:stdout` and `:stderr`, or `:inherit` or `:devnull` for all. Stderr cannot
      be a `:pipe`, because the call does not read it.
    * the options of `Linx.Process.spawn/1`: `:namespaces`, `:no_new_privs`, `:node`, `:pool`, `:name` and so on. The call
      decides `:argv`, `:files`, `:search_path`, `:linger`, `:link`, `:auto_proceed`, `:stream_to`, `:active` and `:usage`
      itself. `:descendants` is `:kill` by default; with `:leave` the call lasts until every process that has the output open has closed it.
      `:orphan_policy` is `{:kill, kill_after}` by default. Events are sent only when `:owner` or `:events` is given.

  ## Differences from `System.cmd/3`

  | What | `System.cmd/3` | `Linx.cmd/3` |
  | --- | --- | --- |
  | stdin | a pipe that does not end: a program that reads its input waits | `/dev/null`, or the `:input` |
  | processes that the program leaves running | go on, and the call lasts until they have closed the output | are killed when the program ends, unless `descendants: :leave` is given or the program has entered a container's pid namespace with nsenter(1) and the like, or with `:enter` and they have called setsid(2) |
  | a caller that is killed | its program goes on | its program is ended |
  | an exception in `:into` | the program goes on while the caller lives | the program is ended |
  | a caller that traps exits | has the message `{:EXIT, port, :normal}` afterwards | has no message |
  | SIGPIPE and SIGFPE | are ignored by the program | have their default effect |
  | a relative path with a slash | begins at the directories of `PATH` | begins at the BEAM's directory |
  | a file that may be executed, or a directory, and that execve(2) refuses | its errno is the exit status, as in `{"", 8}` for a text without `#!` | `ErlangError`, here with `:enoexec` |
  | a `:cd` that is not a directory | a line on stderr, and the errno as the exit status | `Linx.Process.Error` |
  | a NUL byte in an argument, `:arg0` or `:cd` | ends the string | `ArgumentError` |
  | a program or variable whose bytes are not UTF-8 | `UnicodeConversionError` | is taken as it is |
  | a variable set to `""` | is removed | is set, and empty |
  | a variable without a name | is left out | `ArgumentError` |
  | a charlist, also for the name of a variable, or an atom for that | `ArgumentError` or `FunctionClauseError` | is taken |
  | an argument or option of another type | `ArgumentError`, `FunctionClauseError` or `Protocol.UndefinedError` | `ArgumentError`, and `FunctionClauseError` for a command that is no string or arguments that are no list |
  | the text of an `ArgumentError` | `invalid option :cd with value 7` | `bad option :cd: a path, without NUL bytes, got: 7` |
  | a bad option for a program that does not exist | `ErlangError` with `:enoent` | `ArgumentError` |
  | `:into` given twice | the last one counts | the first one counts, as of every option |
  | the arguments left out | there is no `System.cmd/1` | none |
  | the options under "More options" | `ArgumentError` | have the effects listed there |
  | `:lines` and `:use_stdio` | exist in newer versions of Elixir | exist in all |

  ## Errors

  `ArgumentError` for an option that does not fit, before anything is started. `ErlangError` with `:enoent`,
  `:eacces` and so on when the program cannot be executed, as `System.cmd/3` raises it; `Linx.Process.Error` when
  its surroundings cannot be set up, such as a namespace or the directory; `RuntimeError` for the rest, such as no agent, no
  such pool, or a `:checkpoint` that returned an error.

  The program is looked for along the BEAM's `PATH`, and not along that of `:env`, as `:search_path` of
  `Linx.Process.spawn/1` does; or, when its name has a slash, by its path, which may be relative to the BEAM's directory.
  """
  @spec cmd(Linx.Process.os_string() | Plan.t(), [Linx.Process.os_string()], keyword()) ::
          {Collectable.t(), 0..255 | :timeout}
  def cmd(command, args \\ [], opts \\ [])
      when (is_binary(command) or is_struct(command, Plan) or is_integer(hd(command))) and
             is_list(args) do
    call = check_cmd!(command, args, opts)

    case Cmd.run(call) do
      {:ok, result} ->
        result

      {:error, %Error{stage: :execve, errno: errno}} ->
        :erlang.error(errno, [command, args, opts], error_info: %{module: Failure})

      {:error, reason} ->
        Failure.raise!(reason, call)
    end
  end

  @doc """
  Runs a command in the shell, `sh -c`, and returns its output and exit status, as `System.shell/2` does.

      iex> Linx.shell("echo hello | tr a-z A-Z")
      {"HELLO\\n", 0}
      iex> Linx.shell("read name; echo hello $name >&2; exit 3", input: "you\\n", stderr_to_stdout: true)
      {"hello you\\n", 3}

  The command is one string, which the shell splits, expands and may take as several commands: nothing that comes from
  outside goes into it, but into `:env`, `:input` or the arguments of `cmd/3`. `sh` is looked for along the BEAM's
  `PATH`. When a signal ends the command, the shell turns that into the status 128 + n.

  Takes the options of `cmd/3`, raises as it does, and differs from `System.shell/2` as it does from `System.cmd/3`. Takes
  also

    * `:close_stdin` - with `true` the command has `/dev/null` as stdin. It has that by default as well, because there is no
      `:input`; not together with `:input` and `:stdio`. `System.shell/2` has the option from Elixir 1.14.1 on.
  """
  @spec shell(binary(), keyword()) :: {Collectable.t(), 0..255 | :timeout}
  def shell(command, opts \\ []) when is_binary(command) do
    call = command |> Shell.parse(opts) |> checked!()

    case Cmd.run(call) do
      {:ok, result} ->
        result

      {:error, %Error{stage: :execve, errno: errno}} ->
        :erlang.error(errno, [command, opts], error_info: %{module: Failure})

      {:error, reason} ->
        Failure.raise!(reason, call)
    end
  end

  @doc """
  Runs a program to its end and returns its output, its exit status and what it used.

  The program is a list with its arguments, or its name alone; no shell is involved.

      iex> {:ok, result} = Linx.run(["sh", "-c", "echo out; echo err >&2; exit 3"])
      iex> {result.stdout, result.stderr, result.status}
      {"out\\n", "err\\n", 3}

  Takes the options of `cmd/3` but for `:into`, `:lines`, `:parallelism` and `:use_stdio`. Stdout and stderr are
  captured apart, unless `:stderr_to_stdout` or `:stdio` says otherwise, and

    * `:into` - where stdout is put while it is captured: a `Collectable`, of which the result then has what it
      returns, or a function, which is called with each binary as it comes, in the caller; the result has the binaries
      as well. An exception in either ends the program. `""` by default.
    * `:stderr_into` - the same for stderr
    * `:max_output` - is how many bytes of both together are captured at most, or `:infinity`. A program
      that writes more is killed, and the result is an error. By default 64 MiB, without what goes into a
      `Collectable` other than `""`.

        iex> {:ok, result} = Linx.run(["sh", "-c", "echo out; echo err >&2"], into: [], stderr_into: &send(self(), &1))
        iex> {result.stdout, result.stderr}
        {["out\\n"], "err\\n"}
        iex> receive do: (error -> error)
        "err\\n"

  ## Errors

  An exit status other than 0 is a result. An error is

    * `{:bad_<option>, value}` - and nothing was started
    * `%Linx.Process.Error{}` - the program could not be run, which `Linx.Process.Error.kind/1` sorts; or, with
      the stage `:timeout` or `:max_output`, it was ended for passing that bound. When the program has run, the error
      has in `:stdout` and `:stderr` what was written until then, at most `:max_output` bytes.
    * the reason that the function given as `:checkpoint` returned
    * `:aborted`, `:no_process` or `:nodedown` - another process aborted or stopped the session, or the
      connection to its node was lost

          iex> {:error, error} = Linx.run("no such program")
          iex> Linx.Process.Error.kind(error)
          :not_found
          iex> {:error, error} = Linx.run(["yes"], max_output: 100)
          iex> {error.stage, byte_size(error.stdout)}
          {:max_output, 100}
  """
  @spec run([Linx.Process.os_string()] | Linx.Process.os_string() | Plan.t(), keyword()) ::
          {:ok, Result.t()} | {:error, Error.t() | term()}
  def run(argv, opts \\ []) do
    with {:ok, call} <- Call.parse(:run, argv, opts),
         {:error, reason} <- Run.run(call),
         do: Failure.error(reason, call)
  end

  @doc """
  A program's output as a lazy enumerable.

  The program is a list with its arguments, or its name alone. It is started each time the stream is
  enumerated. It is never further ahead of the enumeration than one element and what its pipe holds. Elements
  are binaries of any size, or lines.

      iex> Linx.stream!(["seq", "3"], lines: true) |> Enum.map(&String.to_integer/1)
      [1, 2, 3]
      iex> Linx.stream!(["yes"], lines: true) |> Enum.take(2)
      ["y", "y"]
      iex> Linx.stream!(["sh", "-c", "echo out; echo err >&2"], stdio: [stderr: :pipe]) |> Enum.sort()
      [stderr: "err\\n", stdout: "out\\n"]

  With `stdio: [stderr: :pipe]` stderr is read too, and an element is `{:stdout, binary}` or
  `{:stderr, binary}`.

  When the enumeration stops early, or raises, the program is ended: by the signal of `:stop`, SIGTERM by default, and
  after `:kill_after` milliseconds by SIGKILL. At the end of the output the stream waits for the program's end, and raises
  `Linx.ExitError` when it failed.

  Takes the options of `cmd/3` but for `:into`, `:parallelism` and `:use_stdio`; `:max_chunk` is the most bytes of an
  element. And

    * `:lines` - `true`, or how many bytes a line may have, a MiB by default. Lines come without the `"\\n"` or
      `"\\r\\n"` that ends them. A longer one ends the program and raises `Linx.Process.Error` with the stage
      `:lines`.
    * `:ignore_exit` - with `true` the stream ends without an exception however the program ended

  A bad option raises `ArgumentError` here. The enumeration raises the `Linx.Process.Error`s of `run/2`, and an
  exception of the input. `stream/2` has how the program ended as its last element instead.
  """
  @spec stream!([Linx.Process.os_string()] | Linx.Process.os_string() | Plan.t(), keyword()) ::
          Enumerable.t()
  def stream!(argv, opts \\ []), do: Linx.Call.Stream.new(check!(:stream!, argv, opts))

  @doc """
  A program's output as a lazy enumerable whose last element is `{:exit, status}`.

  As `stream!/2`, but for `:ignore_exit` and for how it ends: no end of the program raises. `status` is the exit
  status as `Linx.Result` has it: the exit code, or 128 + n when signal n ended the program. When the program could not
  be run, or was ended for passing `:timeout` or `:lines`, it is `{:error, reason}` as `run/2` returns it.

      iex> Linx.stream(["sh", "-c", "echo out; exit 3"]) |> Enum.to_list()
      ["out\\n", {:exit, 3}]
      iex> [exit: {:error, error}] = Linx.stream("no such program") |> Enum.to_list()
      iex> Linx.Process.Error.kind(error)
      :not_found

  An enumeration that stops early has no such element. A bad option and an exception of the input are raised as in
  `stream!/2`.
  """
  @spec stream([Linx.Process.os_string()] | Linx.Process.os_string() | Plan.t(), keyword()) ::
          Enumerable.t()
  def stream(argv, opts \\ []), do: Linx.Call.Stream.new(check!(:stream, argv, opts))

  @doc """
  A session's stdin as a `Collectable`, for a session with `stdio: [stdin: :pipe]`.

      iex> {:ok, session} =
      ...>   Linx.Process.spawn(
      ...>     argv: ["/usr/bin/env", "sort"],
      ...>     stdio: [stdin: :pipe, stdout: :pipe],
      ...>     auto_proceed: true
      ...>   )
      iex> Enum.into(["b\\n", "a\\n"], Linx.stdin(session))
      iex> Linx.Process.read(session, :stdout)
      {:ok, "a\\nb\\n"}

  The input is closed when everything is collected, unless `close: false` is given. See `Linx.Stdin`.
  """
  @spec stdin(Linx.Process.session(), close: boolean()) :: Stdin.t()
  def stdin(session, opts \\ []), do: struct!(%Stdin{session: session}, opts)

  @doc """
  Any reason that a function of this library returns, as a sentence for a log or a person: what is after `:error`, the
  reason that a session stopped with, or an exception.

      iex> {:error, reason} = Linx.run("no such program")
      iex> [what | _what_to_do] = reason |> Linx.format_error() |> String.split("; ")
      iex> what
      ~s(execve failed for "no such program": ENOENT, No such file or directory)
      iex> Linx.format_error({:bad_timeout, -1})
      "bad option :timeout: milliseconds or :infinity, got: -1"
      iex> Linx.format_error(:no_process)
      "the session has ended"

  Total: a term that is no such reason is shown as it is, shortened.
  """
  @spec format_error(term()) :: String.t()
  defdelegate format_error(reason), to: Linx.Reason, as: :sentence

  defp check_cmd!(%Plan{} = plan, args, opts) do
    {argv, opts} = Plan.Use.argv(plan, args, opts)
    check!(:cmd, argv, opts)
  end

  defp check_cmd!(command, args, opts), do: check!(:cmd, [command | args], opts)

  defp check!(kind, argv, opts), do: kind |> Call.parse(argv, opts) |> checked!()

  defp checked!({:ok, call}), do: call
  defp checked!({:error, reason}), do: raise(ArgumentError, Linx.Reason.sentence(reason))
end
