# SPDX-License-Identifier: MIT

defmodule Linx.Process.Init do
  @moduledoc false
  # Whether the PID 1 of a pid namespace, which is a session's workload, reacts to a signal of this host.
  #
  # The kernel drops a signal for it, other than SIGKILL and SIGSTOP, unless the process has a handler for it or blocks
  # it (pid_namespaces(7), kernel/signal.c): one that blocks a signal takes it by sigwait(3) or signalfd(2).

  import Bitwise

  @type seen :: :alone | :waits | :reacts

  @doc """
  `:reacts` when one of the signals reaches the process, or nothing is known of it; otherwise `:waits` while it has
  children that live, to which the signals went as well and whose end may end it, and `:alone` when it has none.

      iex> Linx.Process.Init.look(String.to_integer(System.pid()), [15])
      :reacts
  """
  @spec look(pos_integer(), [1..64]) :: seen()
  def look(pid, signals) do
    with {:ok, status} <- File.read("/proc/#{pid}/status"),
         {:ok, mask} <- mask(status),
         true <- Enum.all?(signals, &((mask >>> (&1 - 1) &&& 1) == 0)),
         {:ok, children} <- children(pid) do
      if Enum.any?(children, &lives?/1), do: :waits, else: :alone
    else
      _not_known -> :reacts
    end
  end

  @doc """
  The signals that a process catches or blocks, as a mask, of the text of its `/proc/<pid>/status` (proc(5)).

      iex> Linx.Process.Init.mask("SigBlk:\\t0000000000000001\\nSigIgn:\\t0000000000000008\\nSigCgt:\\t0000000000004002\\n")
      {:ok, 0x4003}
      iex> Linx.Process.Init.mask("Name:\\tsh\\n")
      :error
  """
  @spec mask(String.t()) :: {:ok, non_neg_integer()} | :error
  def mask(status) do
    case Regex.scan(~r/^Sig(?:Blk|Cgt):\t([0-9a-f]{16})$/m, status, capture: :all_but_first) do
      [[blocked], [caught]] ->
        {:ok, String.to_integer(blocked, 16) ||| String.to_integer(caught, 16)}

      _other ->
        :error
    end
  end

  defp children(pid) do
    with {:ok, tasks} <- File.ls("/proc/#{pid}/task"), do: children(pid, tasks, [])
  end

  defp children(_pid, [], found), do: {:ok, found}

  defp children(pid, [task | tasks], found) do
    with {:ok, text} <- File.read("/proc/#{pid}/task/#{task}/children"),
         do: children(pid, tasks, String.split(text) ++ found)
  end

  defp lives?(child) do
    case File.read("/proc/#{child}/stat") do
      {:ok, stat} -> not Regex.match?(~r/\) [ZX] [^)]*$/s, stat)
      {:error, _gone} -> false
    end
  end
end
