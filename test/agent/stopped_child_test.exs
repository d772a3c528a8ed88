# SPDX-License-Identifier: MIT

defmodule AgentTest.StoppedChildTest do
  use AgentTest.Case, async: true

  # A child that was stopped does not reach its checkpoint and applies no command. It can be ended all the
  # same.

  @container ~w(--fork --kill-child --pid --mount-proc --mount)

  describe "in a container whose first process stops whatever appears" do
    @describetag :root

    defp stopper(arguments \\ []), do: Target.neighbour("stopper", arguments, unshare: @container)

    defp entering(stopper, request \\ %{}) do
      requested({:enter, Map.merge(%{target: stopper.pid, argv: actor(["pause"])}, request)})
    end

    # Waits until the container's first process has stopped this many others.
    defp await_stopped(stopper, count), do: await_output(stopper.wire, " as #{count}\n")

    test ":abort ends an entry that does not come to its checkpoint" do
      stopper = stopper()

      for count <- 1..10 do
        wire = entering(stopper)
        await_stopped(stopper, count)
        send_term(wire, :abort)
        assert {:status, :aborted, _} = final(finish(wire))
      end
    end

    test ":abort that is there before the child is ends the entry" do
      stopper = stopper()

      for _ <- 1..10 do
        wire = entering(stopper)
        send_term(wire, :abort)
        assert {:status, :aborted, _} = final(finish(wire))
      end
    end

    test "SIGKILL to the group ends an entry that does not come to its checkpoint nor stops there" do
      stopper = stopper()

      for count <- 1..10 do
        wire = entering(stopper, %{proceed: true})
        await_stopped(stopper, count)
        send_term(wire, {:signal, 9, :group})
        assert final(finish(wire)) == {:status, :signaled, 9}
      end
    end

    test ":abort ends an entry that has a command to acknowledge" do
      stopper = stopper(["wait"])
      wire = parked({:enter, %{target: stopper.pid, argv: actor(["pause"]), ack: true}})
      Target.order(stopper, "go", "stopped #{wire.child_pid} as ")
      send_term(wire, {:cap_drop_bounding, 1})
      send_term(wire, :abort)
      assert final(finish(wire)) == {:status, :aborted, wire.child_pid}
    end

    test "SIGKILL ends an entry that was let go and does not come to exec" do
      stopper = stopper(["wait"])
      wire = parked({:enter, %{target: stopper.pid, argv: actor(["pause"])}})
      Target.order(stopper, "go", "stopped #{wire.child_pid} as ")
      send_term(wire, :proceed)
      send_term(wire, {:signal, 9, :group})
      assert final(finish(wire)) == {:status, :signaled, 9}
    end

    test "a BEAM that goes leaves nothing of an entry in any of these states" do
      stopper = stopper()

      wires =
        for _ <- 1..5, request <- [%{}, %{proceed: true}, %{orphan_policy: {:kill, 100}}] do
          wire = entering(stopper, request)
          close_commands(wire)
          wire
        end

      for wire <- wires, do: assert(%{orphans: []} = await_gone(wire))
    end
  end

  describe "a spawned child that is stopped at its checkpoint" do
    test "is ended by :abort while a command is out" do
      wire = parked(%{argv: actor(["pause"]), ack: true})
      Host.signal(wire.host_pid, "STOP")
      for mask <- [0, 1], do: send_term(wire, {:cap_set_ambient, mask})
      send_term(wire, :abort)
      assert final(finish(wire)) == {:status, :aborted, wire.child_pid}
    end

    test "is ended by a BEAM that goes while a command is out" do
      wire = parked(%{argv: actor(["pause"]), ack: true})
      Host.signal(wire.host_pid, "STOP")
      send_term(wire, {:cap_set_ambient, 0})
      close_commands(wire)
      assert %{orphans: []} = await_gone(wire)
    end
  end
end
