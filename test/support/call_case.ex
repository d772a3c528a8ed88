# SPDX-License-Identifier: MIT

defmodule Linx.CallCase do
  @moduledoc "A test of the calls of `Linx`, which must leave nothing behind."

  use ExUnit.CaseTemplate

  alias AgentTest.{Beacon, Host}

  using do
    quote do
      import Linx.CallCase
      import AgentTest.Programs, only: [actor: 1]
      alias AgentTest.{Beacon, Host}
      alias Linx.Process.Error
    end
  end

  @patience 30_000

  @doc "A shell script as an argv."
  def sh(script), do: ["/bin/sh", "-c", script]

  @doc """
  Asserts that `fun`, given the argv of an actor, leaves no process of it alive when it returns, and no message,
  link or monitor of the caller. Returns what `fun` returns.
  """
  def leaves_nothing(part, fun) do
    {listener, argv} = Beacon.actor(part)
    before = ties()
    answer = fun.(argv)
    assert ties() == before
    socket = Beacon.await_lit(listener)
    refute Beacon.lit?(socket)
    answer
  end

  @doc """
  As `leaves_nothing/2`, for a call with a time limit, the second argument of `fun`. It is tried again with
  a longer limit when the limit was too short for the program to begin, as it may be on a busy machine.
  """
  def leaves_nothing_in_time(part, fun, [limit | longer] \\ limits()) do
    {listener, argv} = Beacon.actor(part)
    before = ties()
    answer = fun.(argv, limit)
    assert ties() == before

    case :gen_tcp.accept(listener, 0) do
      {:ok, socket} ->
        refute Beacon.lit?(socket)
        answer

      {:error, :timeout} ->
        assert longer != [], "the program did not begin within #{limit} ms"
        leaves_nothing_in_time(part, fun, longer)
    end
  end

  @doc "Time limits for a program to begin within, in milliseconds."
  def limits, do: [1_000, 10_000, 60_000]

  @doc "The caller's messages, links and monitors, which a call must not change."
  def ties do
    for {key, value} <- Process.info(self(), [:messages, :links, :monitors]),
        do: {key, Enum.sort(value)}
  end

  @doc "The pids in a text of lines such as `child 17`."
  def pids(text),
    do: for([_, pid] <- Regex.scan(~r/^\w+ (\d+)$/m, text), do: String.to_integer(pid))

  def alive(pids), do: Enum.filter(pids, &Host.alive?/1)

  @doc "Runs `fun` in a process of its own; returns its pid and a monitor."
  def caller(fun), do: spawn_monitor(fun)

  @doc "Waits for the end of a process."
  def await_down({pid, monitor}) do
    assert_receive {:DOWN, ^monitor, :process, ^pid, reason}, @patience
    reason
  end
end
