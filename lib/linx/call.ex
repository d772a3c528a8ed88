# SPDX-License-Identifier: MIT

defmodule Linx.Call do
  @moduledoc false
  # What `Linx.cmd/3`, `Linx.run/2` and the streams run and how: their checked options.
  #
  # A value that does not fit is `{:error, {:bad_<option>, value}}`, an option that does not exist
  # `{:error, {:bad_option, {name, value}}}`. An option that is not in the table of `Linx.Call.Options` is one of
  # `Linx.Process.spawn/1`, and checked as there.

  alias Linx.Call.{Options, Sink, Stdio}
  alias Linx.{Option, Plan}
  alias Linx.Process.{Checks, Environment}
  alias Linx.Process.Options, as: Session

  # Bytes of output that Linx.run/2 captures at most by default.
  @max_output 64 * 1024 * 1024

  @enforce_keys [:kind, :argv]
  defstruct [
    :kind,
    :argv,
    :input,
    :checkpoint,
    :cd,
    :stdio,
    :collect,
    session: %Session{},
    env: nil,
    outputs: [],
    timeout: :infinity,
    kill_after: 500,
    into: "",
    stderr_into: "",
    lines: nil,
    max_chunk: nil,
    max_output: @max_output,
    max_output_given?: false,
    stderr_to_stdout: false,
    use_stdio: true,
    parallelism: false,
    ignore_exit: false,
    pty: false,
    enter: nil,
    close_stdin: false
  ]

  @type kind :: :cmd | :shell | :run | :stream! | :stream

  @typedoc """
  `session` are the checked options of the session, but for the file to execute, which depends on the node; `outputs` the streams to read; `collect` how many bytes the session collects for the call,
  which does not read then, or nil.
  """
  @type t :: %__MODULE__{
          kind: kind(),
          argv: nonempty_list(binary()),
          session: Session.t(),
          env: Environment.changes() | nil,
          outputs: [:stdout | :stderr] | [:pty],
          collect: non_neg_integer() | :infinity | nil,
          input: binary() | Enumerable.t() | (Linx.Stdin.t() -> term()) | nil,
          checkpoint: (pid(), pos_integer() -> :ok | {:error, term()}) | nil,
          timeout: timeout(),
          kill_after: non_neg_integer(),
          into: Sink.into(),
          stderr_into: Sink.into(),
          lines: pos_integer() | nil,
          max_chunk: pos_integer() | nil,
          max_output: non_neg_integer() | :infinity,
          ignore_exit: boolean()
        }

  @type error :: Option.error()

  @doc """
  Checks what is to be run, and the options of the call.

      iex> {:ok, call} = Linx.Call.parse(:run, ["ls"], timeout: 1_000)
      iex> {call.timeout, call.outputs}
      {1000, [:stdout, :stderr]}
      iex> Linx.Call.parse(:run, ["ls"], timeout: -1)
      {:error, {:bad_timeout, -1}}
      iex> Linx.Call.parse(:run, ["ls"], lines: 80)
      {:error, {:bad_option, {:lines, 80}}}
  """
  @spec parse(kind(), term(), term()) :: {:ok, t()} | {:error, error()}
  def parse(kind, %Plan{} = plan, opts) do
    {argv, opts} = Plan.Use.argv(plan, [], opts)
    parse(kind, argv, opts)
  end

  def parse(kind, argv, opts) do
    with {:ok, argv} <- check_argv(argv),
         {:ok, opts} <- opts |> Plan.Use.options() |> Option.list(),
         {:ok, call, given} <- collect(%__MODULE__{kind: kind, argv: argv}, opts),
         :ok <- check_events(call, given),
         {:ok, stdio} <- Stdio.compose(call),
         :ok <- check_sinks(call, Stdio.piped(stdio)),
         :ok <- check_node(call, given),
         {:ok, session} <- session(call, stdio, given),
         do:
           {:ok, %{call | session: session, outputs: Stdio.piped(stdio), collect: collect(call)}}
  end

  # Collecting into a binary or a list has no effect before its end. The session collects in chunks of its own size.
  defp collect(%{max_chunk: max}) when max != nil, do: nil

  defp collect(%{kind: :run} = call) do
    if Sink.binary?(call.into) and Sink.binary?(call.stderr_into), do: call.max_output
  end

  defp collect(%{kind: kind, into: into})
       when kind in [:cmd, :shell] and (is_binary(into) or is_list(into)),
       do: :infinity

  defp collect(_call), do: nil

  # Nothing is put where no output leads.
  defp check_sinks(%{kind: :run} = call, outputs) do
    cond do
      not Sink.binary?(call.into) and outputs -- [:stderr] == [] -> Option.bad(:into, call.into)
      Sink.binary?(call.stderr_into) or :stderr in outputs -> :ok
      true -> Option.bad(:stderr_into, call.stderr_into)
    end
  end

  defp check_sinks(_call, _outputs), do: :ok

  # A session's program can be entered on its own node alone.
  defp check_node(%{enter: session}, given) when is_pid(session) do
    case List.keyfind(given, :node, 0, {:node, nil}) do
      {:node, node} when node in [nil, node(session)] -> :ok
      _other -> Option.bad(:enter, session)
    end
  end

  defp check_node(_call, _given), do: :ok

  # A list of bytes is the name of a program, as a charlist.
  defp check_argv(name) when is_binary(name) or (is_list(name) and is_integer(hd(name))),
    do: check_argv([name])

  defp check_argv(argv),
    do: with(:error <- Checks.strings(argv), do: {:error, {:bad_argv, argv}})

  # The call's own options, checked, and those of its session as they were given.
  defp collect(call, opts), do: collect(call, opts, [])

  defp collect(call, [], given), do: {:ok, call, Enum.reverse(given)}

  defp collect(call, [{name, value} = option | rest], given) do
    with :other <- Options.check(call.kind, name, value),
         false <- Session.decided_by_call?(name) do
      collect(call, rest, [option | given])
    else
      {:ok, checked} -> collect(place(call, name, checked), rest, given)
      {:error, _reason} = error -> error
      true -> {:error, {:bad_option, option}}
    end
  end

  defp place(call, :max_output, max), do: %{call | max_output: max, max_output_given?: true}
  defp place(call, name, checked), do: Map.replace!(call, name, checked)

  # With a checkpoint the call needs the events itself, of which one says that the child is parked.
  defp check_events(%{checkpoint: nil}, _given), do: :ok

  defp check_events(_call, given) do
    case Enum.find(given, fn {name, _value} -> name in [:owner, :events] end) do
      nil -> :ok
      {name, value} -> Option.bad(name, value)
    end
  end

  # What the call decides itself needs no check.
  defp session(call, stdio, given) do
    own = %Session{
      link: false,
      auto_proceed: call.checkpoint == nil,
      events: events(call, given),
      stop: {15, call.kill_after},
      active: if(call.pty, do: collect(call) != nil),
      node: if(is_pid(call.enter), do: node(call.enter)),
      request: %{
        usage: call.kind == :run,
        descendants: :kill,
        orphan_policy: {:kill, call.kill_after}
      }
    }

    cwd = if call.cd, do: [cwd: call.cd], else: []
    # As a map, because an empty list is an empty environment to a session.
    env = if call.env, do: [env: call.env], else: []
    opts = [argv: call.argv, stdio: stdio] ++ cwd ++ env ++ given

    with {:ok, session} <- Session.put(own, opts),
         :ok <- check_size(call, session) do
      {:ok, session}
    else
      {:error, {:bad_cwd, path}} when path == call.cd ->
        {:error, {:bad_cd, path}}

      {:error, {:bad_option, {:cwd, path}}} when path == call.cd ->
        {:error, {:bad_option, {:cd, path}}}

      {:error, {:bad_stdio, _composed}} ->
        Option.bad(:stdio, call.stdio)

      error ->
        error
    end
  end

  # Job.start/1 encodes the request of the others right after this.
  defp check_size(%{kind: kind} = call, session) when kind in [:stream!, :stream],
    do: Session.check_size(session, if(call.enter, do: {:enter, 1}, else: :spawn))

  defp check_size(_call, _session), do: :ok

  defp events(%{checkpoint: nil}, given),
    do: if(Keyword.has_key?(given, :owner), do: :plain, else: :none)

  defp events(_with_checkpoint, _given), do: :tagged
end
