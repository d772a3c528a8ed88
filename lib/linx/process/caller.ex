# SPDX-License-Identifier: MIT

defmodule Linx.Process.Caller do
  @moduledoc false
  # Makes the process that starts a session, the caller, known to a process that ends with it: the session's
  # own, or for a session on another node its `Linx.Process.Remote`.

  @doc "Links to the caller or monitors it, so that its end is a message, which `ended/2` recognises."
  @spec tie(pid(), boolean()) :: true | reference()
  def tie(caller, true), do: Process.link(caller)
  def tie(caller, false), do: Process.monitor(caller)

  @doc """
  Whether a message says that the caller has ended, and the reason with which to stop then.

      iex> Linx.Process.Caller.ended({:EXIT, self(), :normal}, self())
      {:stop, :normal}
      iex> Linx.Process.Caller.ended({:written, nil}, self())
      nil
  """
  @spec ended(term(), pid()) :: {:stop, term()} | nil
  def ended({:EXIT, caller, reason}, caller), do: {:stop, reason}
  def ended({:DOWN, _ref, :process, caller, reason}, caller), do: {:stop, {:shutdown, reason}}
  def ended(_message, _caller), do: nil
end
