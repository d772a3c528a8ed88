# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.Usage do
  @moduledoc false
  # What a running process has used so far, from /proc (proc_pid_stat(5), proc_pid_status(5)).

  # Clock ticks in a second: the kernel's USER_HZ, which is 100 on every architecture that Erlang runs on.
  @ticks 100

  @type t :: %{
          utime_us: non_neg_integer(),
          stime_us: non_neg_integer(),
          maxrss_kb: non_neg_integer(),
          minflt: non_neg_integer(),
          majflt: non_neg_integer()
        }

  @doc """
  The usage of a process; nil when it has none, because it has ended.

      iex> usage = Linx.Daemon.Usage.read(String.to_integer(System.pid()))
      iex> usage.maxrss_kb > 0
      true
      iex> Linx.Daemon.Usage.read(0)
      nil
  """
  @spec read(non_neg_integer()) :: t() | nil
  def read(pid) do
    with {:ok, stat} <- File.read("/proc/#{pid}/stat"),
         {:ok, status} <- File.read("/proc/#{pid}/status"),
         [_all, kilobytes] <- Regex.run(~r/^VmHWM:\s+(\d+) kB$/m, status) do
      # The name of the program, in parentheses, may have any character.
      fields = stat |> String.split(")") |> List.last() |> String.split()
      number = fn n -> fields |> Enum.at(n - 3) |> String.to_integer() end

      %{
        utime_us: div(number.(14) * 1_000_000, @ticks),
        stime_us: div(number.(15) * 1_000_000, @ticks),
        maxrss_kb: String.to_integer(kilobytes),
        minflt: number.(10),
        majflt: number.(12)
      }
    else
      _gone_or_a_zombie -> nil
    end
  end
end
