# SPDX-License-Identifier: MIT

defmodule Linx.Plan.ProcessOptions do
  @moduledoc false
  # The options of a plan that are about what a process may use, and how it is scheduled. Each function returns
  # `{:ok, checked}`, with arguments of commands, or `:error`. Pure.

  import Bitwise

  alias Linx.Plan.Arguments

  # PER_LINUX and PER_LINUX32 (personality(2)).
  @personalities %{linux: 0, linux32: 8}

  # capabilities(7): the bit of each, and above it the one that locks it.
  @securebits %{noroot: 0, no_setuid_fixup: 2, keep_caps: 4, no_cap_ambient_raise: 6}

  @doc """
  A name of the host.

      iex> Linx.Plan.ProcessOptions.name("sandbox")
      {:ok, "sandbox"}
  """
  @spec name(term()) :: {:ok, binary()} | :error
  def name(name), do: if(Arguments.fits?(?h, name), do: {:ok, name}, else: :error)

  @doc """
  Limits, each a number for both, or `{soft, hard}`.

      iex> Linx.Plan.ProcessOptions.rlimits(nofile: 1024, core: {0, :infinity})
      {:ok, [{:core, 0, :infinity}, {:nofile, 1024, 1024}]}
      iex> Linx.Plan.ProcessOptions.rlimits(files: 1024)
      :error
  """
  @spec rlimits(term()) :: {:ok, [{atom(), limit, limit}]} | :error
        when limit: non_neg_integer() | :infinity
  def rlimits(limits) do
    with true <- is_map(limits) or Keyword.keyword?(limits),
         rows = limits |> Enum.map(&rlimit/1) |> Enum.sort(),
         true <- :error not in rows and rows == Enum.uniq_by(rows, &elem(&1, 0)),
         do: {:ok, rows},
         else: (_bad -> :error)
  end

  defp rlimit({resource, {soft, hard}}) do
    if Arguments.fits?(?r, resource) and Arguments.fits?(?l, soft) and Arguments.fits?(?l, hard),
      do: {resource, soft, hard},
      else: :error
  end

  defp rlimit({resource, both}), do: rlimit({resource, {both, both}})

  @doc """
  CPUs: numbers and ranges of them.

      iex> Linx.Plan.ProcessOptions.cpus([0, 2..3])
      {:ok, [0, 2, 3]}
  """
  @spec cpus(term()) :: {:ok, [non_neg_integer()]} | :error
  def cpus(list) when is_list(list) do
    with false <- List.improper?(list),
         true <- Enum.all?(list, &cpu?/1),
         cpus = list |> Enum.flat_map(&List.wrap(numbers(&1))) |> Enum.uniq() |> Enum.sort(),
         true <- Arguments.fits?(?C, cpus),
         do: {:ok, cpus},
         else: (_bad -> :error)
  end

  def cpus(_other), do: :error

  # Before a range is made a list.
  defp cpu?(%Range{first: first, last: last}), do: first in 0..8191 and last in 0..8191
  defp cpu?(number), do: is_integer(number)

  defp numbers(%Range{} = range), do: Enum.to_list(range)
  defp numbers(number), do: number

  @doc """
  A scheduling policy with what belongs to it (sched_setattr(2)).

      iex> Linx.Plan.ProcessOptions.scheduler({:fifo, 10})
      {:ok, {:fifo, %{priority: 10}}}
      iex> Linx.Plan.ProcessOptions.scheduler(:batch)
      {:ok, {:batch, %{}}}
  """
  @spec scheduler(term()) :: {:ok, {atom(), map()}} | :error
  def scheduler({policy, priority}) when is_integer(priority),
    do: scheduler({policy, %{priority: priority}})

  def scheduler({policy, attributes}) when is_list(attributes) do
    if Keyword.keyword?(attributes), do: scheduler({policy, Map.new(attributes)}), else: :error
  end

  def scheduler({policy, attributes} = scheduler) do
    if Arguments.fits?(?e, policy) and Arguments.fits?(?E, attributes),
      do: {:ok, scheduler},
      else: :error
  end

  def scheduler(policy), do: scheduler({policy, %{}})

  @doc """
  A class of I/O scheduling with a level (ioprio_set(2)).

      iex> Linx.Plan.ProcessOptions.io_priority({:best_effort, 7})
      {:ok, {:best_effort, 7}}
  """
  @spec io_priority(term()) :: {:ok, {atom(), 0..7}} | :error
  def io_priority({class, level} = priority) do
    if Arguments.fits?(?g, class) and Arguments.fits?(?G, level),
      do: {:ok, priority},
      else: :error
  end

  def io_priority(_other), do: :error

  @doc """
  A score by which the kernel chooses what to kill when memory is used up (proc(5)).

      iex> Linx.Plan.ProcessOptions.score(1001)
      :error
  """
  @spec score(term()) :: {:ok, -1000..1000} | :error
  def score(score) when is_integer(score) and score in -1000..1000, do: {:ok, score}
  def score(_other), do: :error

  @doc """
  A personality, by name or number.

      iex> Linx.Plan.ProcessOptions.personality(:linux32)
      {:ok, 8}
  """
  @spec personality(term()) :: {:ok, non_neg_integer()} | :error
  def personality(name) when is_map_key(@personalities, name),
    do: {:ok, Map.fetch!(@personalities, name)}

  def personality(number),
    do: if(Arguments.fits?(?N, number), do: {:ok, number}, else: :error)

  @doc """
  Securebits; `:locked` locks those that are named beside it.

      iex> Linx.Plan.ProcessOptions.securebits([:noroot, :locked])
      {:ok, 0b11}
  """
  @spec securebits(term()) :: {:ok, non_neg_integer()} | :error
  def securebits(names) when is_list(names) do
    with false <- List.improper?(names),
         bits = names -- [:locked],
         true <- Enum.all?(bits, &is_map_key(@securebits, &1)) do
      mask = Enum.reduce(bits, 0, &(1 <<< @securebits[&1] ||| &2))
      {:ok, if(:locked in names, do: mask ||| mask <<< 1, else: mask)}
    else
      _bad -> :error
    end
  end

  def securebits(_other), do: :error
end
