# SPDX-License-Identifier: MIT

defmodule Linx.Process.Events do
  @moduledoc false
  # The messages that a session's owner receives, in each of the three forms of `:events`.

  @doc """
  Sends the owner an event of a session.

      iex> Linx.Process.Events.send(:plain, self(), self(), {:exited, 0})
      iex> receive do: (message -> message)
      {:linx_process, :exited, 0}
  """
  @spec send(:plain | :tagged | :none, pid(), pid(), Linx.Process.event()) :: tuple() | nil
  def send(:none, _owner, _session, _event), do: nil

  def send(:tagged, owner, session, event),
    do: Kernel.send(owner, {:linx_process, session, event})

  def send(:plain, owner, _session, event), do: Kernel.send(owner, plain(event))

  @doc "Whether an event is final: a session sends none after it."
  @spec final?(Linx.Process.event()) :: boolean()
  def final?(:aborted), do: true
  def final?({:error, _code, _stage}), do: true
  def final?({name, _value}), do: name in [:exited, :signaled]
  def final?(_event), do: false

  defp plain({:error, code, stage}), do: {:linx_process, :error, code, stage}
  defp plain({name, value}), do: {:linx_process, name, value}
  defp plain(name), do: {:linx_process, name}
end
