# SPDX-License-Identifier: MIT

defmodule Linx.Process.Verbs do
  @moduledoc false
  # The commands that were sent at the checkpoint and have no result yet. Pure, and part of
  # `Linx.Process.Session`.
  #
  # The agent applies them in the order in which they are sent, and numbers each that it has applied.

  alias Linx.Process.Error

  # A command without a caller, such as a size that was kept until the checkpoint, has nil in the queue.
  defstruct callers: :queue.new(), applied: 0

  @type caller :: GenServer.from() | nil
  @type t :: %__MODULE__{callers: :queue.queue(caller()), applied: non_neg_integer()}

  @doc "Adds a command that is sent now."
  @spec push(t(), caller()) :: t()
  def push(verbs, from), do: %{verbs | callers: :queue.in(from, verbs.callers)}

  @doc """
  Notes that the agent has applied its `n`th command; `:error` when another one is next.

      iex> alias Linx.Process.Verbs
      iex> verbs = Verbs.push(%Verbs{}, {self(), :tag})
      iex> Verbs.applied(verbs, 2)
      :error
      iex> {:ok, {_verbs, effects}} = Verbs.applied(verbs, 1)
      iex> effects
      [{:reply, {self(), :tag}, :ok}]
  """
  @spec applied(t(), pos_integer()) :: {:ok, {t(), [Linx.Process.Session.effect()]}} | :error
  def applied(%{applied: applied} = verbs, n) do
    with true <- n == applied + 1,
         {{:value, from}, callers} <- :queue.out(verbs.callers) do
      {:ok, {%{verbs | callers: callers, applied: n}, reply(from, :ok)}}
    else
      _not_due -> :error
    end
  end

  @doc """
  Replies to every caller, because the session has ended. An error of the session is the oldest command's,
  because the agent applies one at a time; the commands behind it were not applied.
  """
  @spec finish(t(), Linx.Process.result()) :: {t(), [Linx.Process.Session.effect()]}
  def finish(verbs, result) do
    results = Stream.concat([first_result(result)], Stream.cycle([{:error, :no_process}]))

    replies =
      for {from, result} <- Enum.zip(:queue.to_list(verbs.callers), results),
          reply <- reply(from, result),
          do: reply

    {%{verbs | callers: :queue.new()}, replies}
  end

  defp first_result({:error, %Error{} = error}), do: {:error, error}
  defp first_result({:ok, _outcome}), do: {:error, :no_process}

  defp reply(nil, _result), do: []
  defp reply(from, result), do: [{:reply, from, result}]
end
