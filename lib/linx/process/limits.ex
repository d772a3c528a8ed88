# SPDX-License-Identifier: MIT

defmodule Linx.Process.Limits do
  @moduledoc false
  # What resource limits have to be (getrlimit(2)). Pure.

  @resources ~w(cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime)a

  # RLIM_INFINITY
  @max 0xFFFF_FFFF_FFFF_FFFF

  @doc """
  The commands that set limits, `t:Linx.Rlimit.limits/0`.

      iex> Linx.Process.Limits.commands(core: 0, stack: {1_000_000, :infinity})
      {:ok, [{:rlimit, :core, 0, 0}, {:rlimit, :stack, 1_000_000, :infinity}]}
      iex> Linx.Process.Limits.commands(core: {2, 1})
      :error
  """
  @spec commands(term()) :: {:ok, [tuple()]} | :error
  def commands(limits) when is_list(limits), do: commands(limits, [])
  def commands(_other), do: :error

  defp commands([], commands), do: {:ok, Enum.reverse(commands)}

  defp commands([{resource, value} | rest], commands) when resource in @resources do
    with {soft, hard} <- pair(value),
         true <- limit?(soft) and limit?(hard) and number(soft) <= number(hard),
         false <- List.keymember?(commands, resource, 1) do
      commands(rest, [{:rlimit, resource, soft, hard} | commands])
    else
      _bad -> :error
    end
  end

  defp commands(_other, _commands), do: :error

  defp pair({soft, hard}), do: {soft, hard}
  defp pair(limit), do: {limit, limit}

  defp limit?(:infinity), do: true
  defp limit?(limit), do: is_integer(limit) and limit in 0..@max

  defp number(:infinity), do: @max
  defp number(limit), do: limit
end
