# SPDX-License-Identifier: MIT

defmodule Linx.Process.Supervised do
  @moduledoc false
  # The child specification of a session (`Linx.Process.child_spec/1`). Pure.

  alias Linx.Process.{Checks, Options}

  # What is for the supervisor, and not for the session.
  @own [:id, :restart, :shutdown, :significant]

  # Milliseconds that a session has, beside the grace of its option :stop, before its supervisor kills it: as long as it
  # takes, at most, to kill a workload whose agent does not react.
  @margin 10_000

  # The longest time, in milliseconds, that a supervisor can wait.
  @shutdown_max 0xFFFF_FFFF

  @doc "The specification of a child that the module starts by its function `start_supervised/1`."
  @spec child_spec([term()], module()) :: Supervisor.child_spec()
  def child_spec(opts, module) do
    {own, opts} = Enum.split_with(opts, &(is_tuple(&1) and elem(&1, 0) in @own))

    %{
      id: value(opts, :name, module),
      type: :worker,
      shutdown: shutdown(value(opts, :stop, nil))
    }
    |> Map.merge(Map.new(Enum.reverse(own)))
    |> Map.put(:start, {module, :start_supervised, [[{:linger, false} | unattended(opts)]]})
  end

  # Events would go to the supervisor, and without them there is no process to proceed from the checkpoint.
  defp unattended(opts) do
    if List.keymember?(opts, :owner, 0),
      do: opts,
      else: [{:events, :none} | opts] ++ [auto_proceed: true]
  end

  @doc "The milliseconds that a supervisor waits, by the option :stop. A value that does not fit is an error at the start."
  @spec shutdown(term()) :: pos_integer()
  def shutdown(stop) do
    case Checks.stop(stop) do
      {:ok, {_signal, grace}} -> min(grace + @margin, @shutdown_max)
      :error -> shutdown(%Options{}.stop)
    end
  end

  defp value(opts, name, default),
    do: with({^name, value} <- List.keyfind(opts, name, 0, default), do: value)
end
