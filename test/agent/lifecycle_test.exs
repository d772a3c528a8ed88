# SPDX-License-Identifier: MIT

defmodule AgentTest.LifecycleTest do
  use AgentTest.Case, async: true

  test "a session is spawned, ready, running, exited, and the agent's exit code is 0" do
    for commands <- [:port, :socket, :fifo] do
      result = run(%{argv: actor(["exit", 0])}, commands: commands)

      assert [
               {:status, :spawned, host_pid},
               {:status, :ready, child_pid},
               {:status, :running},
               {:status, :exited, 0}
             ] = result.frames

      assert host_pid == child_pid
      assert {:exited, 0, _} = result.agent
    end
  end

  test "an agent that is the BEAM's own Port program needs no other process" do
    opts = [:nouse_stdio, {:packet, 4}, :binary, :exit_status]
    port = Port.open({:spawn_executable, agent()}, opts)
    Port.command(port, :erlang.term_to_binary({:spawn, %{argv: actor(["exit", 5])}}))
    take = fn -> receive(do: ({^port, {:data, body}} -> :erlang.binary_to_term(body))) end
    assert {:status, :spawned, _} = take.()
    assert {:status, :ready, _} = take.()
    Port.command(port, :erlang.term_to_binary(:proceed))
    assert take.() == {:status, :running}
    assert take.() == {:status, :exited, 5}
    assert_receive {^port, {:exit_status, 0}}, 30_000
  end

  test ":spawned carries the child's pid on the host, and it is the agent's child" do
    wire = parked(%{argv: actor(["exit", 0])})
    assert Host.stat(wire.host_pid).ppid == wire.agent
    assert Host.children(wire.agent) == [wire.host_pid]
    send_term(wire, :abort)
    finish(wire)
  end

  test "the process that was parked is the one that becomes the workload" do
    wire = parked(%{argv: actor(["pause"])})
    assert Host.exe(wire.host_pid) != path("actor")
    send_term(wire, :proceed)
    assert_frame(wire, {:status, :running})
    assert Host.exe(wire.host_pid) == path("actor")
    kill(wire)
  end

  test "a parked child has not run a line of the workload" do
    wire = parked(%{argv: actor(["say", "early"])})
    send_term(wire, :abort)
    assert %{output: ""} = finish(wire)
  end

  test "every exit code arrives as it was" do
    for code <- [0, 1, 2, 3, 4, 42, 126, 127, 128, 137, 255] do
      assert final(run(%{argv: actor(["exit", code])})) == {:status, :exited, code}
    end
  end

  test "a workload that dies of a signal is :signaled, with or without a core" do
    for signum <- [1, 2, 3, 6, 9, 11, 13, 14, 15, 31, 34, 64] do
      result = run(%{argv: actor(["die", signum])})
      assert final(result) == {:status, :signaled, signum}
      assert ran?(result)
    end
  end

  test "an exit code above 128 is no signal" do
    assert final(run(%{argv: ["/bin/sh", "-c", "exit 143"]})) == {:status, :exited, 143}
  end

  test "a stopped workload has not ended" do
    wire = running(%{argv: actor(["pause"])})
    await_output(wire, "ready\n")
    for signum <- [19, 18, 19, 15, 18], do: send_term(wire, {:signal, signum})
    assert final(finish(wire)) == {:status, :signaled, 15}
  end

  test "SIGSTOP and SIGCONT of a parked child change nothing" do
    wire = parked(%{argv: actor(["exit", 3])})
    Host.signal(wire.host_pid, 19)
    Host.signal(wire.host_pid, 18)
    send_term(wire, :proceed)
    assert final(finish(wire)) == {:status, :exited, 3}
  end

  test ":abort ends a parked session as :aborted, and nothing is left" do
    wire = parked(%{argv: actor(["exit", 0])})
    send_term(wire, :abort)
    result = finish(wire)
    assert final(result) == {:status, :aborted, wire.child_pid}
    refute ran?(result)
    assert Host.stat(wire.host_pid) == nil
  end

  test ":proceed and :abort that follow each other in one write are taken in order" do
    wire = parked(%{argv: actor(["exit", 6])})
    send_raw(wire, frame(:abort) <> frame(:proceed))
    assert {:status, :aborted, _} = final(finish(wire))
    wire = parked(%{argv: actor(["exit", 6])})
    send_raw(wire, frame(:proceed) <> frame(:abort))
    assert final(finish(wire)) == {:status, :exited, 6}
  end

  test "a child killed while parked is :signaled and was never :running" do
    for signum <- [9, 15, 11] do
      wire = parked(%{argv: actor(["exit", 0])})
      Host.signal(wire.host_pid, signum)
      result = finish(wire)
      assert final(result) == {:status, :signaled, signum}
      refute ran?(result)
    end
  end

  test "an agent whose session has ended leaves no zombie" do
    result = run(%{argv: actor(["exit", 0])})
    [{:status, :spawned, host_pid} | _] = result.frames
    assert Host.stat(host_pid) == nil
  end

  test "proceed: true goes straight from :ready to exec" do
    wire = requested(%{argv: actor(["exit", 9]), proceed: true})
    result = finish(wire)

    assert [
             {:status, :spawned, pid},
             {:status, :ready, pid},
             {:status, :running},
             {:status, :exited, 9}
           ] = result.frames
  end

  test "proceed: false parks" do
    wire = parked(%{argv: actor(["exit", 9]), proceed: false})
    send_term(wire, :proceed)
    assert final(finish(wire)) == {:status, :exited, 9}
  end

  test "commands that come with the request wait for their turn" do
    wire = start()
    request = {:spawn, %{argv: actor(["pause"])}}
    send_raw(wire, [request, {:cap_drop_bounding, 0}, :proceed] |> Enum.map_join(&frame/1))
    assert_frame(wire, {:status, :spawned, _})
    assert_frame(wire, {:status, :ready, _})
    assert_frame(wire, {:status, :running})
    send_term(wire, {:signal, 15})
    assert final(finish(wire)) == {:status, :signaled, 15}
  end

  test "a client that asked for nothing beyond the base gets nothing beyond it" do
    for stdio <- [:inherit, :devnull, :pty], argv <- [actor(["say", "hi"]), ["/no/such"]] do
      frames = run(%{argv: argv, stdio: stdio}, checkpoint: [{:cap_set_ambient, 0}]).frames
      assert Enum.all?(frames, &base?/1)
    end
  end

  defp base?({:status, status, n})
       when status in [:spawned, :ready, :exited, :signaled, :aborted],
       do: is_integer(n)

  defp base?({:status, :running}), do: true
  defp base?({:error, code, stage}), do: is_integer(code) and is_atom(stage)
  defp base?({:pty_out, bytes}), do: is_binary(bytes) and bytes != ""
  defp base?(_), do: false

  test "without :ack no command is acknowledged" do
    result = run(%{argv: actor(["exit", 0])}, checkpoint: [{:cap_drop_bounding, 0}])
    assert [{_, :spawned, _}, {_, :ready, _}, {_, :running}, {_, :exited, 0}] = result.frames
  end
end
