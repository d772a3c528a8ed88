# SPDX-License-Identifier: MIT

defmodule Linx.Property do
  @moduledoc """
  Properties by PropEr. They use assertions as any test does. A failure shows the smallest input that PropEr
  found, with the assertion's message.
  """

  import ExUnit.Assertions

  @doc "Runs `check` with `count` values of `type`."
  def check(type, count, check) do
    property = :proper.forall(type, fn value -> holds?(check, value) end)
    result = :proper.quickcheck(property, [:quiet, numtests: count, max_size: 60])

    if result != true do
      [value] = :proper.counterexample()
      IO.puts("smallest input that fails: #{inspect(value, limit: :infinity)}")
      check.(value)
      flunk("PropEr answers #{inspect(result)}, but #{inspect(value)} passes by itself")
    end
  end

  defp holds?(check, value) do
    check.(value)
    true
  rescue
    _error -> false
  end
end
