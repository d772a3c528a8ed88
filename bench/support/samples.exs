# SPDX-License-Identifier: MIT

defmodule Bench.Samples do
  @moduledoc "Takes samples of several subjects in turn, and says what they amount to."

  @doc """
  How many rounds there are where `rounds` make a good median: a hundredth of them, and at least one, when
  BENCH_QUICK is set, with which `make test` finds out that all of it runs.
  """
  def rounds(rounds) do
    if System.get_env("BENCH_QUICK", "") == "", do: rounds, else: max(div(rounds, 100), 1)
  end

  @doc """
  Calls every subject once a round, in an order of the round's own, after some rounds to warm up.

  `subjects` maps names to functions that return a number. The result maps names to all the
  numbers of one subject.
  """
  def interleave(subjects, rounds, warm_up \\ nil) do
    for _ <- 1..(warm_up || div(rounds, 10) + 1), {_name, run} <- subjects, do: run.()

    rounds = for _ <- 1..rounds, {name, run} <- Enum.shuffle(subjects), do: {name, run.()}
    Enum.group_by(rounds, &elem(&1, 0), &elem(&1, 1))
  end

  @doc "How long a function takes, in nanoseconds, and what it returns."
  def time(run) do
    start = System.monotonic_time(:nanosecond)
    answer = run.()
    {System.monotonic_time(:nanosecond) - start, answer}
  end

  @doc "The median of some numbers, and between which of them four fifths are."
  def summary(numbers) do
    sorted = numbers |> Enum.sort() |> List.to_tuple()
    at = fn percent -> elem(sorted, div((tuple_size(sorted) - 1) * percent, 100)) end
    %{median: at.(50), low: at.(10), high: at.(90)}
  end

  @doc "The median alone."
  def median(numbers), do: summary(numbers).median
end
