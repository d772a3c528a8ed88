defmodule Linx.CallCase do
  @moduledoc "A test of the calls that run a program in one go, and must leave nothing behind."

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
  Holds that `fun`, given an argv that plays a part, leaves nothing of it alive at its return, nor a
  message or a link with the caller. The call's answer is the answer.
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
  The same of a call with a time limit, the second argument of `fun`. It is longer the next time when it
  was too short for the program to begin, as it may be on a busy machine.
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

  @doc "The caller's messages, links and monitors: what a call must not change."
  def ties do
    for {key, value} <- Process.info(self(), [:messages, :links, :monitors]),
        do: {key, Enum.sort(value)}
  end

  @doc "The pids in a text of lines such as `child 17`."
  def pids(text),
    do: for([_, pid] <- Regex.scan(~r/^\w+ (\d+)$/m, text), do: String.to_integer(pid))

  def alive(pids), do: Enum.filter(pids, &Host.alive?/1)

  @doc "Runs `fun` in a process of its own; answers its pid and a monitor."
  def caller(fun), do: spawn_monitor(fun)

  @doc "Waits for a process to be gone."
  def await_down({pid, monitor}) do
    assert_receive {:DOWN, ^monitor, :process, ^pid, reason}, @patience
    reason
  end
end
