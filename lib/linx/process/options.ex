defmodule Linx.Process.Options do
  @moduledoc false
  # The options of `Linx.Process.spawn/1` and `Linx.Process.enter/2`, validated in one place.
  #
  # Nothing is started before every option has passed. A value that does not is
  # `{:error, {:bad_<option>, value}}`, an option that does not exist is
  # `{:error, {:bad_option, {name, value}}}`, and something other than a keyword list is
  # `{:error, {:bad_options, value}}`. When an option is given twice the first one counts, as in `Keyword`.

  alias Linx.Agent.Request
  alias Linx.Process.{Pipes, Streams, Terminal}

  @namespaces [:user, :mount, :uts, :ipc, :cgroup, :net, :time, :pid]
  @streams [:stdin, :stdout, :stderr]

  # The largest grace period the agent can count, in milliseconds.
  @grace_max 0x7FFF_FFFF_FFFF_FFFF

  # Options that travel in the request, under their own names.
  @request_options [
    :argv,
    :files,
    :arg0,
    :namespaces,
    :env,
    :cwd,
    :stdio,
    :no_new_privs,
    :orphan_policy,
    :descendants,
    :usage
  ]

  # Options that the session keeps, or that say how to start it.
  @session_options [
    :owner,
    :linger,
    :auto_proceed,
    :events,
    :name,
    :link,
    :node,
    :active,
    :stream_to
  ]

  # Values that an option takes as they are.
  @choices %{
    stdio: [:inherit, :devnull, :pty],
    no_new_privs: [true, false],
    descendants: [:kill, :leave],
    usage: [true, false],
    linger: [true, false],
    auto_proceed: [true, false],
    link: [true, false],
    events: [:plain, :tagged, :none],
    active: [true, false, :once],
    orphan_policy: [:leave]
  }

  # The most messages that can be asked for at once.
  @active_max 0x7FFF_FFFF

  @errors Map.new(@request_options ++ @session_options, &{&1, :"bad_#{&1}"})

  defstruct request: %{},
            encoded: <<>>,
            owner: nil,
            linger: true,
            auto_proceed: false,
            events: :plain,
            name: nil,
            link: true,
            node: nil,
            active: nil,
            stream_to: nil,
            pipes: %Pipes{},
            supervised: false,
            remote: nil,
            links: []

  @type t :: %__MODULE__{
          request: map(),
          encoded: binary(),
          owner: pid(),
          linger: boolean(),
          auto_proceed: boolean(),
          events: :plain | :tagged | :none,
          name: GenServer.name() | nil,
          link: boolean(),
          node: node() | nil,
          active: Streams.active() | nil,
          stream_to: pid() | nil,
          pipes: Pipes.t(),
          supervised: boolean(),
          remote: pid() | nil,
          links: [pid()]
        }

  @type error :: :argv_required | {atom(), term()}

  @doc """
  Validates `opts` for a session of the given mode, whose owner is the caller unless they say otherwise.

      iex> {:ok, options} = Linx.Process.Options.parse(:spawn, [argv: ["/bin/true"]], self())
      iex> options.request.argv
      ["/bin/true"]
      iex> Linx.Process.Options.parse(:spawn, [], self())
      {:error, :argv_required}
      iex> Linx.Process.Options.parse(:spawn, [argv: ["/bin/true"], cwd: 7], self())
      {:error, {:bad_cwd, 7}}
  """
  @spec parse(:spawn | {:enter, pos_integer()}, keyword(), pid()) ::
          {:ok, t()} | {:error, error()}
  def parse(mode, opts, caller) do
    with :ok <- check_keyword(opts),
         {:ok, options} <- collect(opts, %__MODULE__{owner: caller}),
         :ok <- require_argv(options),
         do: encode(mode, put_pipes(options), opts)
  end

  @doc """
  Validates one value of `:active`.

      iex> Linx.Process.Options.check_active(0)
      {:error, {:bad_active, 0}}
  """
  @spec check_active(term()) :: {:ok, Streams.active()} | {:error, error()}
  def check_active(active) do
    with :error <- check(:active, active), do: bad(:active, active)
  end

  @doc """
  What is wrong with an option, for a person.

      iex> Linx.Process.Options.message({:bad_cwd, 7})
      "bad option :cwd: a path, without NUL bytes, got: 7"
  """
  @spec message(error()) :: String.t()
  def message(:argv_required), do: "option :argv is required: the program and its arguments"

  for {option, error} <- @errors do
    def message({unquote(error), value}),
      do:
        "bad option #{inspect(unquote(option))}: #{expected(unquote(option))}, got: #{shorten(value)}"
  end

  def message({:bad_option, {name, _value}}), do: "there is no option #{inspect(name)}"
  def message({:bad_options, value}), do: "options are a keyword list, got: #{shorten(value)}"

  defp expected(:argv),
    do: "a non-empty list of strings without NUL bytes, with env no more than 16 MiB in all"

  defp expected(:files), do: "a non-empty list of paths, without NUL bytes"
  defp expected(:namespaces), do: "a list of #{Enum.map_join(@namespaces, " ", &inspect/1)}"
  defp expected(:env), do: ~s(a list of "KEY=VALUE" strings without NUL bytes)
  defp expected(:cwd), do: "a path, without NUL bytes"
  defp expected(:arg0), do: "a string without NUL bytes"

  defp expected(:stdio),
    do:
      ":inherit, :devnull, :pty, :pipe, or a keyword list over :stdin, :stdout and :stderr of " <>
        ":inherit, :devnull, :pipe, {:file, path, :read | :write | :append}, {:connect_unix, path} and, " <>
        "for :stderr, :stdout"

  defp expected(:orphan_policy), do: "{:kill, grace_ms} or :leave"
  defp expected(name) when name in [:owner, :stream_to], do: "a pid"
  defp expected(:name), do: "an atom, {:global, term} or {:via, module, term}"
  defp expected(:node), do: "the name of a node that has this library"
  defp expected(:active), do: "true, false, :once or a number of messages"

  defp expected(choice) do
    {others, [last]} = @choices |> Map.fetch!(choice) |> Enum.map(&inspect/1) |> Enum.split(-1)
    Enum.join(others, ", ") <> " or " <> last
  end

  defp shorten(value), do: inspect(value, limit: 10, printable_limit: 100)

  defp check_keyword(opts), do: if(keyword?(opts), do: :ok, else: {:error, {:bad_options, opts}})

  defp keyword?([{name, _value} | rest]) when is_atom(name), do: keyword?(rest)
  defp keyword?(rest), do: rest == []

  defp require_argv(%{request: %{argv: _}}), do: :ok
  defp require_argv(_options), do: {:error, :argv_required}

  defp collect(opts, options) do
    opts
    |> Enum.uniq_by(&elem(&1, 0))
    |> Enum.reduce_while({:ok, options}, fn {name, value}, {:ok, options} ->
      case put(options, name, value) do
        {:ok, options} -> {:cont, {:ok, options}}
        {:error, _reason} = error -> {:halt, error}
      end
    end)
  end

  defp put(options, name, value) when name in @request_options do
    case check(name, value) do
      {:ok, checked} -> {:ok, put_in(options.request[name], checked)}
      :error -> bad(name, value)
    end
  end

  defp put(options, name, value) when name in @session_options do
    case check(name, value) do
      {:ok, checked} -> {:ok, Map.replace!(options, name, checked)}
      :error -> bad(name, value)
    end
  end

  defp put(_options, name, value), do: {:error, {:bad_option, {name, value}}}

  defp bad(name, value), do: {:error, {Map.fetch!(@errors, name), value}}

  for {name, values} <- @choices do
    defp check(unquote(name), value) when value in unquote(values), do: {:ok, value}
  end

  defp check(name, [_ | _] = list) when name in [:argv, :files], do: strings(list, &string/1)
  defp check(:env, env) when is_list(env), do: strings(env, &variable/1)
  defp check(name, value) when name in [:cwd, :arg0], do: string(value)
  defp check(:namespaces, list) when is_list(list), do: members(list, @namespaces)
  defp check(:stdio, :pipe), do: {:ok, Enum.map(@streams, &{&1, :pipe})}
  defp check(:stdio, streams) when is_list(streams), do: streams(streams, [])

  defp check(:orphan_policy, {:kill, grace_ms} = policy)
       when is_integer(grace_ms) and grace_ms >= 0 and grace_ms <= @grace_max,
       do: {:ok, policy}

  # The name that :leave had before.
  defp check(:orphan_policy, :linger), do: {:ok, :leave}

  defp check(:active, count) when is_integer(count) and count in 1..@active_max, do: {:ok, count}
  defp check(name, pid) when name in [:owner, :stream_to] and is_pid(pid), do: {:ok, pid}
  defp check(:node, name) when is_atom(name) and name not in [nil, true, false], do: {:ok, name}
  defp check(:name, name), do: registration(name)
  defp check(_name, _value), do: :error

  defp registration(name) when is_atom(name) and name not in [nil, true, false, :undefined],
    do: {:ok, name}

  defp registration({:global, _term} = name), do: {:ok, name}

  defp registration({:via, module, _term} = name) when is_atom(module) do
    if Code.ensure_loaded?(module) and function_exported?(module, :register_name, 2) and
         function_exported?(module, :whereis_name, 1),
       do: {:ok, name},
       else: :error
  end

  defp registration(_other), do: :error

  # A string is a binary or a list of bytes, as the wire has it, and holds no NUL.
  defp string(value) when is_binary(value) do
    if :binary.match(value, <<0>>) == :nomatch, do: {:ok, value}, else: :error
  end

  defp string(value) when is_list(value) do
    if bytes?(value), do: value |> :erlang.list_to_binary() |> string(), else: :error
  end

  defp string(_other), do: :error

  defp bytes?([byte | rest]) when is_integer(byte) and byte in 0..255, do: bytes?(rest)
  defp bytes?(rest), do: rest == []

  defp variable(value) do
    with {:ok, string} <- string(value) do
      case :binary.match(string, "=") do
        {at, 1} when at > 0 -> {:ok, string}
        _none -> :error
      end
    end
  end

  defp strings(list, check), do: strings(list, check, [])

  defp strings([head | rest], check, checked) do
    case check.(head) do
      {:ok, string} -> strings(rest, check, [string | checked])
      :error -> :error
    end
  end

  defp strings([], _check, checked), do: {:ok, Enum.reverse(checked)}
  defp strings(_improper, _check, _checked), do: :error

  defp members(list, allowed, seen \\ [])

  defp members([head | rest], allowed, seen) do
    cond do
      head in seen -> members(rest, allowed, seen)
      head in allowed -> members(rest, allowed, [head | seen])
      true -> :error
    end
  end

  defp members([], _allowed, seen), do: {:ok, Enum.reverse(seen)}
  defp members(_improper, _allowed, _seen), do: :error

  defp streams([{stream, directive} | rest], checked) when stream in @streams do
    with false <- List.keymember?(checked, stream, 0),
         {:ok, directive} <- directive(stream, directive) do
      streams(rest, [{stream, directive} | checked])
    else
      _bad -> :error
    end
  end

  defp streams([], checked), do: {:ok, Enum.reverse(checked)}
  defp streams(_other, _checked), do: :error

  defp directive(_stream, directive) when directive in [:inherit, :devnull, :pipe],
    do: {:ok, directive}

  defp directive(:stderr, :stdout), do: {:ok, :stdout}

  defp directive(_stream, {:connect_unix, path}) do
    with {:ok, path} <- string(path), do: {:ok, {:connect_unix, path}}
  end

  defp directive(_stream, {:file, path, how}) when how in [:read, :write, :append] do
    with {:ok, path} <- string(path), do: {:ok, {:file, path, how}}
  end

  defp directive(_stream, _other), do: :error

  # A terminal's output is a matter of events, unless the caller says how to read it.
  defp put_pipes(%{active: active, stream_to: stream_to} = options) do
    stdio = options.request[:stdio]
    active = if active == nil, do: stream_to != nil, else: active
    as_stream? = options.active != nil or stream_to != nil

    outputs =
      case stdio do
        :pty when as_stream? ->
          [:pty]

        directives when is_list(directives) ->
          for {name, :pipe} <- directives, name != :stdin, do: name

        _none ->
          []
      end

    stdin? = is_list(stdio) and stdio[:stdin] == :pipe
    %{options | pipes: Pipes.new(Streams.new(outputs, active), stdin?)}
  end

  # Encoded here, in the caller, so that a request too big for the agent is a return value and not the end
  # of a session. The error names the largest of its values.
  defp encode(mode, options, opts) do
    how = [auto_proceed: options.auto_proceed, demand: demand(options)]

    case Request.encode(mode, options.request, how) do
      {:ok, encoded} ->
        {:ok, %{options | encoded: encoded}}

      :too_big ->
        {name, _checked} =
          Enum.max_by(options.request, fn {_, value} -> :erlang.external_size(value) end)

        bad(name, opts[name])
    end
  end

  defp demand(%{request: request, pipes: %{streams: streams}}) do
    cond do
      streams.outputs != %{} -> Streams.demand(streams)
      request[:stdio] == :pty -> [pty: Terminal.demand()]
      true -> nil
    end
  end
end
