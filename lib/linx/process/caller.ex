defmodule Linx.Process.Caller do
  @moduledoc false
  # The tie between the process that starts a session and a process that lives for it: the session's own,
  # or the one that stands in for a session on another node.

  @doc "Makes the caller's end known to this process, as `ended/2` tells it."
  @spec tie(pid(), boolean()) :: true | reference()
  def tie(caller, true), do: Process.link(caller)
  def tie(caller, false), do: Process.monitor(caller)

  @doc """
  Whether a message says that the caller has ended, and with what reason to follow it.

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
