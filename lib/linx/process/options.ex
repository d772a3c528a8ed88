# SPDX-License-Identifier: MIT

defmodule Linx.Process.Options do
  @moduledoc false
  # The options of `Linx.Process.spawn/1` and `Linx.Process.enter/2`: their table, and what a session makes of
  # them.
  #
  # Nothing is started before every option has passed. A value that does not is
  # `{:error, {:bad_<option>, value}}`, an option that does not exist is
  # `{:error, {:bad_option, {name, value}}}`, and something other than a keyword list is
  # `{:error, {:bad_options, value}}`.

  alias Linx.Agent.Request
  alias Linx.Option
  alias Linx.Plan.Use

  alias Linx.Process.{
    Checks,
    Environment,
    Final,
    IdMaps,
    Limits,
    Namespaces,
    Pipes,
    Receiver,
    Stdio,
    Streams
  }

  alias Linx.Process.Terminal

  @rows "up to 340 rows {inside, outside, count} that do not overlap, with :user among the fresh namespaces, for both maps"
  @receiver "a pid or the name of a registered process"

  # The rows of `Linx.Option`. An option goes into the `:request` or is kept by the `:session`; a `:call`
  # (`Linx.cmd/3`, `Linx.run/2`, `Linx.stream!/2`) passes it on, or else decides it itself.
  @table [
    {:plan, [:session, :call], &Use.check/1,
     "a Linx.Plan, without options that it decides beside it"},
    {:argv, [:request], &Checks.strings/1, "a non-empty list of strings without NUL bytes"},
    {:files, [:request], &Checks.strings/1, "a non-empty list of paths, without NUL bytes"},
    {:arg0, [:request, :call], &Checks.string/1, "a string without NUL bytes"},
    {:search_path, [:request], [true, false], nil},
    {:namespaces, [:request, :call], &Checks.namespaces/1,
     "a list of :user :mount :uts :ipc :cgroup :net :time :pid"},
    {:loopback, [:request, :call], [true, false], nil},
    {:hostname, [:request, :call], &Namespaces.hostname/1,
     "a string of up to 64 bytes, without NUL bytes"},
    {:uid_map, [:request, :call], &IdMaps.rows/1, @rows},
    {:gid_map, [:request, :call], &IdMaps.rows/1, @rows},
    {:setgroups, [:request, :call], [:allow, :deny], nil},
    {:oom_score_adj, [:request, :call], &Final.oom_score/1, "-1000 to 1000"},
    {:time_offsets, [:request, :call], &Namespaces.time_offsets/1,
     "a keyword list over :boottime and :monotonic of seconds, each a number or {seconds, nanoseconds}"},
    {:env, [:request, :call], &Environment.check/1,
     ~s(a list of "KEY=VALUE", which is the whole environment, or an enumerable of {name, value}, changes to the ) <>
       "BEAM's, with nil for a variable to remove; of strings without NUL bytes"},
    {:clear_env, [:request, :call], [true, false], nil},
    {:cwd, [:request, :call], &Checks.string/1, "a path, without NUL bytes"},
    {:stdio, [:request, :call], &Stdio.check/1,
     ":inherit, :devnull, :pty, {:pty, options} of :size, :echo, :mode, :term and :inside, :pipe, or a keyword list over :stdin, :stdout and :stderr of " <>
       ":inherit, :devnull, :pipe, {:file, path, :read | :write | :append}, {:connect_unix, path} and, " <>
       "for :stderr, :stdout"},
    {:no_new_privs, [:request, :call], [true, false], nil},
    {:keyring, [:request, :call], [:inherit, :new], nil},
    {:user, [:request, :call], &Final.account/1, "a user's name or id, without a group"},
    {:group, [:request, :call], &Final.account/1, "a group's name or id"},
    {:groups, [:request, :call], &Final.accounts/1,
     "a list of up to 256 names and ids of groups"},
    {:rlimits, [:request, :call], &Limits.commands/1,
     "a keyword list over resources of Linx.Rlimit, each once, of numbers, :infinity or {soft, hard}"},
    {:nice, [:request, :call], &Final.niceness/1, "-20 to 19"},
    {:umask, [:request, :call], &Final.mode/1, "permission bits, 0 to 0o777"},
    {:orphan_policy, [:request, :call], &Checks.orphan_policy/1, "{:kill, grace_ms} or :leave"},
    {:descendants, [:request, :call], [:kill, :leave], nil},
    {:usage, [:request], [true, false], nil},
    {:owner, [:session, :call], &Checks.receiver/1, @receiver},
    {:linger, [:session], [true, false], nil},
    {:auto_proceed, [:session], [true, false], nil},
    {:events, [:session, :call], [:plain, :tagged, :none], nil},
    {:name, [:session, :call], &Checks.name/1,
     "an atom, {:global, term} or {:via, module, term}"},
    {:link, [:session], [true, false], nil},
    {:node, [:session, :call], &Checks.node_name/1, "the name of a node that has this library"},
    {:pool, [:session, :call], &Checks.pool/1,
     "the name or the pid of a Linx.Pool, or nil or false for none"},
    {:active, [:session], &Checks.active/1, "true, false, :once or a number of messages"},
    {:stream_to, [:session], &Checks.receiver/1, @receiver},
    {:stop, [:session, :call], &Checks.stop/1,
     "{signal, grace_ms}, with a signal of Linx.Signal and up to 4294967295 milliseconds"}
  ]

  defstruct request: %{},
            encoded: <<>>,
            given: [],
            plan: nil,
            owner: nil,
            linger: true,
            auto_proceed: false,
            events: :plain,
            name: nil,
            link: true,
            node: nil,
            pool: nil,
            active: nil,
            stream_to: nil,
            stop: {15, 5_000},
            pipes: %Pipes{},
            supervised: false,
            unread: false,
            collect: nil,
            remote: nil,
            links: []

  @typedoc """
  `request` has the options that go to the agent, checked, and `encoded` the frame of them; `given` the values
  as they were given, for errors. `pipes` and `encoded` are there after `encode/3`, and `owner` and `stream_to` are pids. `pool` is nil when the
  option was not given, and false when it was given as none. `collect` is how many bytes of output the session
  collects for its caller, who is then its receiver, at most; nil when it does not. `unread` is the mode of streams that
  are not sent.
  """
  @type t :: %__MODULE__{
          request: map(),
          encoded: binary(),
          given: keyword(),
          plan: Linx.Plan.t() | nil,
          owner: Receiver.t() | nil,
          linger: boolean(),
          auto_proceed: boolean(),
          events: :plain | :tagged | :none,
          name: GenServer.name() | nil,
          link: boolean(),
          node: node() | nil,
          pool: GenServer.name() | pid() | false | nil,
          active: Streams.active() | nil,
          stream_to: Receiver.t() | nil,
          stop: stop(),
          pipes: Pipes.t(),
          supervised: boolean(),
          unread: false | :unread,
          collect: non_neg_integer() | :infinity | nil,
          remote: pid() | nil,
          links: [pid()]
        }

  @typedoc "The signal that asks a workload to end, and the milliseconds after which it is killed."
  @type stop :: {1..64, non_neg_integer()}

  @type error :: :argv_required | Option.error()

  @doc "The table."
  @spec table() :: [Option.row()]
  def table, do: @table

  @doc """
  Checks `opts` for a session of the given mode, whose owner is the caller when they have none, and encodes its
  request.

      iex> {:ok, options} = Linx.Process.Options.parse(:spawn, [argv: ["/bin/true"]], self())
      iex> options.request.argv
      ["/bin/true"]
      iex> Linx.Process.Options.parse(:spawn, [], self())
      {:error, :argv_required}
      iex> Linx.Process.Options.parse(:spawn, [argv: ["/bin/true"], cwd: 7], self())
      {:error, {:bad_cwd, 7}}
  """
  @spec parse(Request.mode(), keyword(), pid()) :: {:ok, t()} | {:error, error()}
  def parse(mode, opts, caller) do
    with {:ok, options} <- put(%__MODULE__{}, opts), do: encode(options, mode, caller)
  end

  @doc """
  Adds options, checked, which go before those of the same name that are there.

      iex> alias Linx.Process.Options
      iex> {:ok, options} = Options.put(%Options{}, argv: ["/bin/true"], cwd: "/")
      iex> {:ok, options} = Options.put(options, argv: ["/bin/false"])
      iex> options.request
      %{argv: ["/bin/false"], cwd: "/"}
  """
  @spec put(t(), keyword()) :: {:ok, t()} | {:error, error()}
  def put(options, opts) do
    with {:ok, opts} <- opts |> Use.options() |> Option.list(),
         {:ok, options} <- put_each(options, opts),
         do: put_plan(options)
  end

  defp put_plan(%{plan: nil} = options), do: {:ok, options}

  defp put_plan(options) do
    with {:ok, request} <- Use.put(options.request, options.plan, options.given),
         do: {:ok, %{options | request: request}}
  end

  defp put_each(options, opts) do
    Enum.reduce_while(opts, {:ok, %{options | given: opts ++ options.given}}, fn
      {name, value}, {:ok, options} ->
        case put(options, name, value) do
          {:ok, options} -> {:cont, {:ok, options}}
          error -> {:halt, error}
        end
    end)
  end

  defp put(options, name, value) do
    with {_name, [taker | _], _check, _expected} = row <- List.keyfind(@table, name, 0),
         {:ok, checked} <- Option.check(row, value) do
      {:ok, place(options, taker, name, checked)}
    else
      nil -> {:error, {:bad_option, {name, value}}}
      error -> error
    end
  end

  defp place(options, :request, name, checked), do: put_in(options.request[name], checked)
  defp place(options, :session, name, checked), do: Map.replace!(options, name, checked)

  @doc """
  Encodes the request of checked options, and finds the processes that they name. It is done in the process that
  starts the session, so that a request too big for the agent is a return value and not the end of a session. The
  error names the largest of its values.
  """
  @spec encode(t(), Request.mode(), pid()) :: {:ok, t()} | {:error, error()}
  def encode(%{request: request}, _mode, _caller) when not is_map_key(request, :argv),
    do: {:error, :argv_required}

  def encode(%{request: %{files: _, search_path: true}}, _mode, _caller),
    do: Option.bad(:search_path, true)

  def encode(options, mode, caller) do
    with {:ok, owner} <- Receiver.find(:owner, options.owner || caller),
         {:ok, stream_to} <- Receiver.find(:stream_to, options.stream_to),
         do: encode_request(put_pipes(%{options | owner: owner, stream_to: stream_to}), mode)
  end

  defp encode_request(options, mode) do
    with :ok <- Namespaces.check(mode, options.request),
         {:ok, encoded} <- Request.encode(mode, options.request, how(options)) do
      {:ok, %{options | encoded: encoded, given: []}}
    else
      {:lacks, name} -> lacks(options, name)
      :too_big -> too_big(options)
    end
  end

  @doc """
  Whether checked options fit together, and their request is not too big for the agent, for options that are
  encoded later.
  """
  @spec check_size(t(), Request.mode()) :: :ok | {:error, error()}
  def check_size(options, mode) do
    options = put_pipes(options)

    with :ok <- Namespaces.check(mode, options.request),
         true <- Request.fits?(mode, options.request, how(options)) do
      :ok
    else
      {:lacks, name} -> lacks(options, name)
      false -> too_big(options)
    end
  end

  defp too_big(%{request: request} = options) do
    {name, _checked} = Enum.max_by(request, fn {_, value} -> :erlang.external_size(value) end)
    unfit(options, name, "it is too big for a request, which has 16 MiB at most")
  end

  defp lacks(options, name),
    do: unfit(options, name, "a session that enters namespaces has none of its own")

  # The error of a value that is an option's, or that a plan has instead.
  defp unfit(%{plan: plan, given: given}, name, message) do
    if plan == nil or is_map_key(Map.new(given), name),
      do: Option.bad(name, given[name]),
      else: Use.unfit(plan, name, message)
  end

  @doc """
  Whether an option of a session is one that a call decides itself, so that it cannot be given to the call.

      iex> Linx.Process.Options.decided_by_call?(:linger)
      true
  """
  @spec decided_by_call?(atom()) :: boolean()
  def decided_by_call?(name) do
    case List.keyfind(@table, name, 0) do
      {_name, takers, _check, _expected} -> :call not in takers
      nil -> false
    end
  end

  @doc """
  Checks one value of `:active`.

      iex> Linx.Process.Options.check_active(0)
      {:error, {:bad_active, 0}}
  """
  @spec check_active(term()) :: {:ok, Streams.active()} | {:error, error()}
  def check_active(active), do: @table |> List.keyfind(:active, 0) |> Option.check(active)

  @doc """
  Whether sessions have an option of that name.

      iex> Linx.Process.Options.option?(:linger)
      true
  """
  @spec option?(term()) :: boolean()
  def option?(name), do: List.keymember?(@table, name, 0)

  @doc """
  What is wrong with the value of an option, in words; nil when the error is of none of the table.

      iex> Linx.Process.Options.message({:bad_cwd, 7})
      "bad option :cwd: a path, without NUL bytes, got: 7"
  """
  @spec message(Option.error()) :: String.t() | nil
  def message(error), do: Option.message(@table, error)

  @doc "Whether the value of an error fits by itself, see `Linx.Option.fits/2`."
  @spec fits(Option.error()) :: boolean() | nil
  def fits(error), do: Option.fits(@table, error)

  # A terminal's output is sent as events, unless the options say how it is read.
  defp put_pipes(%{active: active, stream_to: stream_to} = options) do
    stdio = options.request[:stdio]
    sent? = stream_to != nil or options.collect != nil
    active = if active == nil, do: sent? or options.unread, else: active
    as_stream? = options.active != nil or stream_to != nil

    outputs =
      case stdio do
        {:pty, _size, _termios, _term, _inside} when as_stream? ->
          [:pty]

        directives when is_list(directives) ->
          for {name, :pipe} <- directives, name != :stdin, do: name

        _none ->
          []
      end

    stdin? = is_list(stdio) and stdio[:stdin] == :pipe
    %{options | pipes: Pipes.new(Streams.new(outputs, active), stdin?)}
  end

  @doc "Whether the workload of checked options has a terminal."
  @spec terminal?(map()) :: boolean()
  def terminal?(request), do: match?(%{stdio: {:pty, _size, _termios, _term, _inside}}, request)

  defp how(options), do: [auto_proceed: options.auto_proceed, demand: demand(options)]

  defp demand(%{request: request, pipes: %{streams: streams}}) do
    cond do
      streams.outputs != %{} -> Streams.demand(streams)
      terminal?(request) -> [pty: Terminal.demand()]
      true -> nil
    end
  end
end
