# SPDX-License-Identifier: MIT

defmodule Linx.Pool do
  @moduledoc """
  Agents that are started ahead of the sessions and calls that use them.

  To run a program, linx starts its agent first, which is about a quarter of the time that a short program takes. A
  pool has some agents waiting, and starts another one in the background for each that it hands over:

      children = [
        {Linx.Pool, name: Linx.Pool, size: 8}
      ]

      Supervisor.start_link(children, strategy: :one_for_one)

      Linx.cmd("git", ["status"], pool: Linx.Pool)
      Linx.Process.spawn(argv: ["/usr/bin/make"], pool: Linx.Pool)

  Or for all sessions and calls that do not name another one, of which `pool: nil` takes a single one out:

      config :linx, pool: Linx.Pool

  `:pool` is the name or the pid of a pool on the node where the program runs, with `:node` on that node. A pool
  that is given and does not exist is `{:error, {:no_pool, pool}}`. One that is configured and does not exist
  is no error: the agent is started then, so that programs can be run before the pool is started and while its
  supervisor restarts it.

  ## What is the same

  A program runs as it does without a pool. An agent still runs one program and ends with it. More programs
  at the same time than there are agents in the pool have theirs started as without one. The environment and the
  working directory are the VM's at the time of the call, and not those when the agent was started; a working
  directory that is gone is the same error. The umask, the resource limits and the like are those of
  `erl_child_setup`, the process that the VM starts programs with; so a change of the VM's own umask has no
  effect either way.

  An agent that has ended while it waited is replaced, which its user does not notice. One that was started from another
  file than `LINX_AGENT` now names, or whose file has been replaced since, is not used.

  When the pool ends, the agents that wait end with it. The programs that run go on.

  ## What it costs

  An agent that waits has some 30 KiB of memory of its own, two descriptors in the VM and a process of the
  system. `Linx.Telemetry` has the events that say whether a pool is large enough.
  """

  alias Linx.Option
  alias Linx.Pool.Server
  alias Linx.Process.Checks

  @size 8
  @size_max 10_000

  # In words: more than the result of :os.env/0 takes, which is garbage as soon as it is compared.
  @min_heap 10_000

  # The rows of `Linx.Option`.
  @table [
    {:name, [:pool], &Checks.name/1, "an atom, {:global, term} or {:via, module, term}"},
    {:size, [:pool], &__MODULE__.check_size/1, "a number of agents, from 1 to #{@size_max}"}
  ]

  @typedoc "A pool, as `:pool` takes it."
  @type pool :: GenServer.name() | pid()

  @typedoc """
    * `size` - the agents that the pool is to have
    * `idle` - those that wait at the moment
    * `hits`, `misses` - the requests that got one of them, and those for which there was none
  """
  @type info :: %{
          size: pos_integer(),
          idle: non_neg_integer(),
          hits: non_neg_integer(),
          misses: non_neg_integer()
        }

  @doc """
  Starts a pool, linked to the caller.

    * `:name` - as of `GenServer.start_link/3`. None by default.
    * `:size` - how many agents wait. #{@size} by default.

  Returns before the agents are started. A bad option is `{:error, {:bad_<option>, value}}`.

      iex> {:ok, pool} = Linx.Pool.start_link(size: 2)
      iex> Linx.cmd("echo", ["hello"], pool: pool)
      {"hello\\n", 0}
      iex> Linx.Pool.start_link(size: 0)
      {:error, {:bad_size, 0}}
  """
  @spec start_link(keyword()) :: GenServer.on_start() | {:error, Option.error()}
  def start_link(opts \\ []) do
    with {:ok, opts} <- Option.list(opts), {:ok, checked} <- check(opts, []) do
      {size, opts} = Keyword.pop(checked, :size, @size)
      GenServer.start_link(Server, size, [spawn_opt: [min_heap_size: @min_heap]] ++ opts)
    end
  end

  @doc """
  For a supervisor. The id is the pool's name.

      iex> Linx.Pool.child_spec(name: MyApp.Pool, size: 4).id
      MyApp.Pool
  """
  @spec child_spec(keyword()) :: Supervisor.child_spec()
  def child_spec(opts) do
    id = if Keyword.keyword?(opts), do: Keyword.get(opts, :name, __MODULE__), else: __MODULE__
    %{id: id, start: {__MODULE__, :start_link, [opts]}}
  end

  @doc """
  What a pool has, and what it has been asked for.

      iex> {:ok, pool} = Linx.Pool.start_link(size: 2)
      iex> :ok = Linx.Pool.await(pool)
      iex> Linx.Pool.info(pool)
      %{size: 2, idle: 2, hits: 0, misses: 0}
  """
  @spec info(GenServer.server()) :: info()
  def info(pool), do: GenServer.call(pool, :info, :infinity)

  @doc """
  Waits until as many agents wait as the pool is to have, for `timeout` milliseconds. `{:error, :timeout}`
  then.

      iex> {:ok, pool} = Linx.Pool.start_link()
      iex> Linx.Pool.await(pool, 10_000)
      :ok
  """
  @spec await(GenServer.server(), timeout()) :: :ok | {:error, :timeout}
  def await(pool, timeout \\ 5_000) do
    GenServer.call(pool, :await, timeout)
  catch
    :exit, {:timeout, _call} -> {:error, :timeout}
  end

  @doc false
  @spec check_size(term()) :: {:ok, pos_integer()} | :error
  def check_size(size) when is_integer(size) and size in 1..@size_max, do: {:ok, size}
  def check_size(_other), do: :error

  defp check([], checked), do: {:ok, checked}

  defp check([{name, value} | rest], checked) do
    case List.keyfind(@table, name, 0) do
      nil ->
        {:error, {:bad_option, {name, value}}}

      row ->
        with {:ok, value} <- Option.check(row, value), do: check(rest, [{name, value} | checked])
    end
  end
end
