defmodule Linx.Call do
  @moduledoc false
  # What `Linx.cmd/3`, `Linx.run/2` and `Linx.stream!/2` are to run and how: their options, validated in
  # one place. Pure.
  #
  # A value that does not fit is `{:error, {:bad_<option>, value}}`, an option that does not exist
  # `{:error, {:bad_option, {name, value}}}`. What is not an option of the call is one of
  # `Linx.Process.spawn/1`, and checked there.

  alias Linx.Call.{Environment, Stdio}
  alias Linx.Process.Options

  @shared [:cd, :env, :input, :timeout, :kill_after, :checkpoint, :stderr_to_stdout, :stdio]

  # The options of each call, besides those of a session.
  @options %{
    cmd: @shared ++ [:into, :lines, :parallelism, :use_stdio],
    run: @shared ++ [:max_output],
    stream!: @shared ++ [:lines, :ignore_exit]
  }

  # Options of a session that the call decides itself.
  @decided [:argv, :linger, :auto_proceed, :stream_to, :active, :usage, :link, :files]

  # A line of a stream that has no end in sight is no line.
  @line_max 1024 * 1024

  @max_output 64 * 1024 * 1024
  @timeout_max 0xFFFF_FFFF

  @enforce_keys [:kind, :argv]
  defstruct [
    :kind,
    :argv,
    :input,
    :checkpoint,
    :cd,
    :stdio,
    session: [],
    env: nil,
    outputs: [],
    timeout: :infinity,
    kill_after: 500,
    into: "",
    lines: nil,
    max_output: @max_output,
    stderr_to_stdout: false,
    use_stdio: true,
    parallelism: false,
    ignore_exit: false
  ]

  @typedoc """
  `session` are the options of `Linx.Process.spawn/1` but for `argv` and `env`, which depend on the
  node; `outputs` the streams to read.
  """
  @type t :: %__MODULE__{
          kind: :cmd | :run | :stream!,
          argv: nonempty_list(binary()),
          session: keyword(),
          env: [Environment.change()] | nil,
          outputs: [:stdout | :stderr],
          input: iodata() | Enumerable.t() | nil,
          checkpoint: (pid(), pos_integer() -> :ok | {:error, term()}) | nil,
          timeout: timeout(),
          kill_after: non_neg_integer(),
          into: Collectable.t(),
          lines: pos_integer() | nil,
          max_output: non_neg_integer() | :infinity,
          ignore_exit: boolean()
        }

  @type error :: {atom(), term()}

  @doc """
  Checks what is to be run, and the options of the call.

      iex> {:ok, call} = Linx.Call.parse(:run, ["ls"], timeout: 1_000)
      iex> {call.timeout, call.outputs}
      {1000, [:stdout, :stderr]}
      iex> Linx.Call.parse(:run, ["ls"], timeout: -1)
      {:error, {:bad_timeout, -1}}
      iex> Linx.Call.parse(:run, ["ls"], into: [])
      {:error, {:bad_option, {:into, []}}}
  """
  @spec parse(:cmd | :run | :stream!, term(), term()) :: {:ok, t()} | {:error, error()}
  def parse(kind, argv, opts) do
    with :ok <- check_argv(argv),
         :ok <- check_keyword(opts),
         {:ok, call} <- collect(%__MODULE__{kind: kind, argv: argv}, opts),
         :ok <- check_events(call),
         {:ok, stdio} <- Stdio.compose(call),
         call = complete(call, stdio),
         :ok <- check_session(call),
         do: {:ok, call}
  end

  @doc """
  What is wrong, for a person.

      iex> Linx.Call.message({:bad_timeout, -1})
      "bad option :timeout: milliseconds or :infinity, got: -1"
  """
  @spec message(term()) :: String.t()
  def message({:bad_option, {name, _value}}) when name in @decided,
    do:
      "option #{inspect(name)} is the call's own to set; for another value use Linx.Process.spawn/1"

  for {option, expected} <- [
        cd: "a path, without NUL bytes",
        env: "an enumerable of {name, value} with strings, or nil for a variable to remove",
        input: "iodata or an enumerable of iodata",
        timeout: "milliseconds or :infinity",
        kill_after: "milliseconds",
        checkpoint: "a function of the session and its host pid, or nil",
        stderr_to_stdout: "true or false; without a place for stderr in :stdio",
        use_stdio: "true or false; without :stdio, :input and :stderr_to_stdout",
        parallelism: "true or false",
        ignore_exit: "true or false",
        into: "a Collectable",
        lines: "a positive number of bytes; for a stream also true or false",
        max_output: "a number of bytes or :infinity"
      ] do
    def message({unquote(:"bad_#{option}"), value}),
      do: "bad option #{inspect(unquote(option))}: #{unquote(expected)}, got: #{shorten(value)}"
  end

  def message({:bad_stdio, value}),
    do: "bad option :stdio: #{Stdio.expected()}, got: #{shorten(value)}"

  def message({name, value}) when name in [:bad_owner, :bad_events] and not is_nil(value),
    do: Options.message({name, value}) <> "; with :checkpoint the call takes the events itself"

  def message(reason), do: Linx.Process.format_error(reason)

  defp shorten(value), do: inspect(value, limit: 10, printable_limit: 100)

  defp check_argv([program | arguments] = argv) when is_list(arguments) do
    if string?(program) and strings?(arguments), do: :ok, else: {:error, {:bad_argv, argv}}
  end

  defp check_argv(other), do: {:error, {:bad_argv, other}}

  defp strings?([head | rest]), do: string?(head) and strings?(rest)
  defp strings?(rest), do: rest == []

  defp string?(value), do: is_binary(value) and :binary.match(value, <<0>>) == :nomatch

  defp check_keyword(opts),
    do: if(Keyword.keyword?(opts), do: :ok, else: {:error, {:bad_options, opts}})

  # The first of an option counts, as in Keyword.
  defp collect(call, opts) do
    own = Map.fetch!(@options, call.kind)

    opts
    |> Enum.uniq_by(&elem(&1, 0))
    |> Enum.reduce_while({:ok, call}, fn {name, value} = option, {:ok, call} ->
      cond do
        name in @decided -> {:halt, {:error, {:bad_option, option}}}
        name not in own -> {:cont, {:ok, %{call | session: [option | call.session]}}}
        true -> put(call, name, check(call.kind, name, value), value)
      end
    end)
  end

  defp put(call, name, {:ok, checked}, _value),
    do: {:cont, {:ok, Map.replace!(call, name, checked)}}

  defp put(_call, name, :error, value), do: {:halt, {:error, {:"bad_#{name}", value}}}

  defp check(_kind, :cd, path), do: if(string?(path), do: {:ok, path}, else: :error)
  defp check(_kind, :env, changes), do: Environment.check(changes)
  defp check(_kind, :stdio, stdio), do: {:ok, stdio}

  defp check(_kind, :timeout, timeout)
       when timeout == :infinity or (is_integer(timeout) and timeout in 0..@timeout_max),
       do: {:ok, timeout}

  defp check(_kind, :kill_after, ms) when is_integer(ms) and ms in 0..@timeout_max, do: {:ok, ms}

  defp check(_kind, :checkpoint, fun) when is_function(fun, 2) or is_nil(fun), do: {:ok, fun}
  defp check(_kind, :max_output, :infinity), do: {:ok, :infinity}
  defp check(_kind, :max_output, max) when is_integer(max) and max >= 0, do: {:ok, max}
  defp check(_kind, :lines, max) when is_integer(max) and max > 0, do: {:ok, max}
  defp check(:stream!, :lines, true), do: {:ok, @line_max}
  defp check(:stream!, :lines, false), do: {:ok, nil}
  defp check(_kind, :input, input), do: check_input(input)

  defp check(_kind, :into, into),
    do: if(Collectable.impl_for(into), do: {:ok, into}, else: :error)

  defp check(_kind, name, value)
       when name in [:stderr_to_stdout, :use_stdio, :parallelism, :ignore_exit] and
              is_boolean(value),
       do: {:ok, value}

  defp check(_kind, _name, _value), do: :error

  # A list is iodata: one of chunks is, too.
  defp check_input(input) when is_list(input) do
    {:ok, IO.iodata_to_binary(input)}
  rescue
    ArgumentError -> :error
  end

  defp check_input(input) when is_nil(input) or is_binary(input), do: {:ok, input}
  defp check_input(input), do: if(Enumerable.impl_for(input), do: {:ok, input}, else: :error)

  defp complete(call, stdio) do
    given = Enum.reverse(call.session)

    session =
      [
        stdio: stdio,
        link: false,
        auto_proceed: call.checkpoint == nil,
        usage: call.kind == :run
      ] ++
        if(call.cd, do: [cwd: call.cd], else: []) ++
        given ++
        [descendants: :kill, orphan_policy: {:kill, call.kill_after}] ++
        events(call, given)

    %{call | session: session, outputs: Stdio.piped(stdio)}
  end

  defp events(%{checkpoint: nil}, given),
    do: if(Keyword.has_key?(given, :owner), do: [], else: [events: :none])

  defp events(_with_checkpoint, _given), do: [events: :tagged]

  # The call reads them to learn when the child is parked.
  defp check_events(%{checkpoint: nil}), do: :ok

  defp check_events(%{session: given}) do
    case Enum.find(given, fn {name, _value} -> name in [:owner, :events] end) do
      nil -> :ok
      {name, value} -> {:error, {:"bad_#{name}", value}}
    end
  end

  defp check_session(call) do
    case Options.parse(:spawn, [argv: call.argv] ++ call.session, self()) do
      {:ok, _options} -> :ok
      {:error, {:bad_cwd, path}} when path == call.cd -> {:error, {:bad_cd, path}}
      {:error, {:bad_stdio, _composed}} -> {:error, {:bad_stdio, call.stdio}}
      error -> error
    end
  end
end
