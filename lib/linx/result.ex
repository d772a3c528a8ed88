# SPDX-License-Identifier: MIT

defmodule Linx.Result do
  @moduledoc """
  The output and the end of a program that `Linx.run/2` ran.

    * `:stdout`, `:stderr` - all that the program wrote, as binaries, or what the `Collectable` of `:into` or
      `:stderr_into` has made of it; `""` for an output that was not captured
    * `:status` - its exit status as shells have it: the exit code, or 128 + n when signal n ended it
    * `:outcome` - `{:exited, code}` or `{:signaled, signum}`, between which `:status` does not always distinguish
    * `:usage` - what the program and the children that it waited for used (wait4(2), getrusage(2)); see
      `t:Linx.Process.Info.usage/0`
    * `:duration` - from the start of the session to the end of the program and its output, in
      microseconds
  """

  @enforce_keys [:stdout, :stderr, :status, :outcome, :usage, :duration]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          stdout: binary() | Collectable.t(),
          stderr: binary() | Collectable.t(),
          status: 0..255,
          outcome: {:exited, 0..255} | {:signaled, 1..64},
          usage: Linx.Process.Info.usage() | nil,
          duration: non_neg_integer()
        }

  @doc """
  The exit status of an outcome, as shells have it.

      iex> Linx.Result.status({:exited, 3})
      3
      iex> Linx.Result.status({:signaled, 9})
      137
  """
  @spec status({:exited, 0..255} | {:signaled, 1..64}) :: 0..255
  def status({:exited, code}), do: code
  def status({:signaled, number}), do: 128 + number
end
