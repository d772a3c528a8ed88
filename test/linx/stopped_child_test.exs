# SPDX-License-Identifier: MIT

defmodule Linx.StoppedChildTest do
  # A container whose first process stops every process that appears in it: a child that enters it never
  # reaches its checkpoint, and can be ended all the same.
  use Linx.SessionCase, async: true

  alias AgentTest.Target

  @moduletag :root

  # Milliseconds; the bound only guards against a hang.
  @patience 10_000
  @container ~w(--fork --kill-child --pid --mount-proc --mount)

  defp in_time(fun) do
    task = Task.async(fun)
    assert {:ok, answer} = Task.yield(task, @patience) || Task.shutdown(task, :brutal_kill)
    answer
  end

  defp entering(opts \\ []) do
    stopper = Target.neighbour("stopper", [], unshare: @container)
    opts = [argv: actor(["pause"]), stdio: :devnull, events: :none] ++ opts
    {:ok, session} = Linx.Process.enter(stopper.pid, opts)
    AgentTest.Wire.await_output(stopper.wire, " as 1\n")
    session
  end

  test "abort ends what does not come to its checkpoint" do
    session = entering()
    assert :ok = Linx.Process.abort(session)
    assert {:ok, :aborted} = in_time(fn -> Linx.Process.wait(session) end)
  end

  test "stop ends what does not come to its checkpoint" do
    for grace <- [0, 100] do
      session = entering()
      assert {:ok, :aborted} = in_time(fn -> Linx.Process.stop(session, grace) end)
    end
  end

  test "stop ends within its grace what does not come to exec" do
    for grace <- [0, 100] do
      session = entering(auto_proceed: true)

      assert {:ok, {:signaled, signal}} = in_time(fn -> Linx.Process.stop(session, grace) end)
      assert signal in [9, 15]
    end
  end

  test "SIGKILL ends what does not come to exec" do
    session = entering(auto_proceed: true)
    assert :ok = Linx.Process.signal(session, 9)
    assert {:ok, {:signaled, 9}} = in_time(fn -> Linx.Process.wait(session) end)
  end

  test "the session's own end is in time" do
    for opts <- [[], [auto_proceed: true]] do
      session = entering(opts)
      assert :ok = in_time(fn -> GenServer.stop(session) end)
    end
  end
end
