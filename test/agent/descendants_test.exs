# SPDX-License-Identifier: MIT

defmodule AgentTest.DescendantsTest do
  use AgentTest.Case, async: true

  # The driver is the agent's subreaper: the processes that it reaps are those that the agent left behind.

  describe "descendants: :kill" do
    defp killed(part, request \\ %{}, opts \\ []) do
      {listener, argv} = Beacon.actor(part)
      wire = running(Map.merge(%{argv: argv, descendants: :kill}, request), opts)
      beacon = Beacon.await_lit(listener)
      {wire, beacon}
    end

    test "ends and reaps a daemon that forked twice and has a session of its own" do
      for part <- [["daemon"], ["daemon", "keep"]] do
        {wire, beacon} = killed(part)
        Beacon.await_dark(beacon)
        result = finish(wire)
        assert final(result) == {:status, :exited, 0}
        assert result.orphans == []
      end
    end

    test "ends and reaps many at once, whatever they ignore" do
      {wire, beacon} = killed(["brood", 40, 7])
      Beacon.await_dark(beacon)
      result = finish(wire)
      assert final(result) == {:status, :exited, 7}
      {wire, beacon} = killed(["leave-child"])
      Beacon.await_dark(beacon)
      assert final(finish(wire)) == {:status, :exited, 0}
    end

    test "happens also when the workload is killed" do
      {wire, beacon} = killed(["family", 1, 2, 15])
      await_output(wire, "child ready\n")
      send_term(wire, {:signal, 9})
      Beacon.await_dark(beacon)
      assert final(finish(wire)) == {:status, :signaled, 9}
    end

    test "ends a daemon that holds the output's pipe, so that the pipe ends" do
      {wire, beacon} = killed(["daemon", "keep"], %{stdio: [stdout: :pipe, stderr: :pipe]})
      Beacon.await_dark(beacon)
      result = finish(wire, drained: true)
      assert {:eof, :stdout} in result.frames and {:eof, :stderr} in result.frames
      assert result.stdout =~ ~r/^daemon \d+\n$/
    end

    test "ends a daemon that holds the terminal" do
      {wire, beacon} = killed(["daemon", "keep"], %{stdio: :pty})
      Beacon.await_dark(beacon)
      assert finish(wire).pty =~ ~r/^daemon \d+\r\n$/
    end

    test "happens when the BEAM's end closes as well" do
      {wire, beacon} = killed(["family", 15], %{orphan_policy: {:kill, 50}})
      await_output(wire, "child ready\n")
      close_commands(wire)
      Beacon.await_dark(beacon)
      assert %{orphans: []} = await_gone(wire)
    end

    @tag :root
    test "works with a pid namespace, and with an entered target" do
      {wire, beacon} = killed(["daemon", "keep"], %{namespaces: [:pid]})
      Beacon.await_dark(beacon)
      assert final(finish(wire)) == {:status, :exited, 0}
      target = Target.plain()
      {listener, argv} = Beacon.actor(["daemon", "keep"])
      wire = running({:enter, %{target: target.pid, argv: argv, descendants: :kill}})
      Beacon.await_dark(Beacon.await_lit(listener))
      assert finish(wire).orphans == []
    end

    # What such a workload leaves becomes a child of the namespace's PID 1, and not of the agent.
    for {what, script} <- [
          {"what runs in the background", ~s["$@" & exit 3]},
          {"whose parent has ended too", ~s[("$@" & exit); exit 3]},
          {"in a group of its own", ~s[set -m; "$@" & exit 3]},
          {"of many, whatever they ignore", ~s[trap '' TERM HUP; "$@" & "$@" & "$@" & exit 3]}
        ] do
      @tag :root
      test "ends what is left in a pid namespace that was entered: #{what}" do
        target = Target.unshare(Target.everything())
        {listener, argv} = Beacon.actor(["pause"])
        argv = ["/bin/sh", "-c", unquote(script), "sh" | argv]
        wire = running({:enter, %{target: target.pid, argv: argv, descendants: :kill}})
        result = finish(wire)
        assert final(result) == {:status, :exited, 3}
        refute_lit(listener)
        refute Enum.any?(Host.children(target.pid), &Host.alive?/1)
        assert Host.alive?(target.pid)
      end
    end

    @tag :root
    test "ends what is left in an entered pid namespace when the workload is killed" do
      target = Target.unshare(Target.everything())
      {listener, argv} = Beacon.actor(["family", 1, 2, 15])
      wire = running({:enter, %{target: target.pid, argv: argv, descendants: :kill}})
      beacon = Beacon.await_lit(listener)
      await_output(wire, "child ready\n")
      send_term(wire, {:signal, 9})
      Beacon.await_dark(beacon)
      assert final(finish(wire)) == {:status, :signaled, 9}
      refute Enum.any?(Host.children(target.pid), &Host.alive?/1)
    end

    @tag :root
    test "ends what descends from that, in a session of its own" do
      target = Target.unshare(Target.everything())
      {listener, argv} = Beacon.actor(["pause"])
      script = ~s[(setsid "$@" & wait) & exec sleep 600]
      argv = ["/bin/sh", "-c", script, "sh" | argv]
      wire = running({:enter, %{target: target.pid, argv: argv, descendants: :kill}})
      beacon = Beacon.await_lit(listener)
      send_term(wire, {:signal, 9})
      Beacon.await_dark(beacon)
      assert final(finish(wire)) == {:status, :signaled, 9}
    end

    # Each process that has connected is dead; one that has not was dead before.
    defp refute_lit(listener) do
      case :gen_tcp.accept(listener, 0) do
        {:ok, socket} ->
          Beacon.await_dark(socket)
          refute_lit(listener)

        {:error, :timeout} ->
          :ok
      end
    end

    test "does not end what is no descendant" do
      bystander = Target.plain()
      {wire, beacon} = killed(["brood", 3])
      Beacon.await_dark(beacon)
      finish(wire)
      assert Host.alive?(bystander.pid)
    end
  end

  describe "descendants: :leave" do
    for {what, request} <- [{"asked for", %{descendants: :leave}}, {"by default", %{}}] do
      test "#{what} lets them live on, and they are no obstacle to the session's end" do
        wire = running(Map.put(unquote(Macro.escape(request)), :argv, actor(["daemon", "keep"])))
        assert {:exited, 0, _} = await_agent_exit(wire)
        [_, pid] = Regex.run(~r/daemon (\d+)/, await_output(wire, "\n"))
        pid = String.to_integer(pid)
        assert Host.alive?(pid)
        Host.signal(pid, 9)
        result = finish(wire, orphans: true)
        assert final(result) == {:status, :exited, 0}
        assert result.orphans == [{pid, 9}]
      end
    end

    test "lets a grandchild keep the pipe; the final frame comes, and {:close, _} ends it" do
      wire = running(%{argv: actor(["daemon", "keep"]), stdio: [stdout: :pipe]})
      assert_frame(wire, {:status, :exited, 0})
      [_, pid] = Regex.run(~r/daemon (\d+)/, await_pipe(wire, :stdout, "\n"))
      send_term(wire, {:close, :stdout})
      assert {:exited, 0, _} = await_agent_exit(wire)
      Host.signal(pid, 9)
      finish(wire, orphans: true, drained: true)
    end

    test "lets a grandchild keep the pipe: its end is the stream's end" do
      wire = running(%{argv: actor(["daemon", "keep"]), stdio: [stdout: :pipe]})
      assert_frame(wire, {:status, :exited, 0})
      [_, pid] = Regex.run(~r/daemon (\d+)/, await_pipe(wire, :stdout, "\n"))
      Host.signal(pid, 9)
      assert_frame(wire, {:eof, :stdout})
      finish(wire, orphans: true, drained: true)
    end
  end

  test "another value is malformed" do
    for value <- [true, nil, :foo, "kill", 9] do
      wire = requested(%{argv: actor(["exit", 0]), descendants: value})
      assert finish(wire, exit: 2).frames == [{:error, errno(:einval), :malformed_request}]
    end
  end

  describe "{:signal, n, scope}" do
    test ":workload is the workload alone" do
      wire = running(%{argv: actor(["family"])})
      await_output(wire, "child ready\n")
      [child] = Host.children(wire.host_pid)
      send_term(wire, {:signal, 15, :workload})
      assert {:exited, 0, _} = await_agent_exit(wire)
      assert Host.alive?(child)
      Host.signal(child, 9)
      assert final(finish(wire, orphans: true)) == {:status, :signaled, 15}
    end

    test ":group is its process group" do
      {listener, argv} = Beacon.actor(["family"])
      wire = running(%{argv: argv})
      beacon = Beacon.await_lit(listener)
      await_output(wire, "child ready\n")
      send_term(wire, {:signal, 15, :group})
      Beacon.await_dark(beacon)
      assert final(finish(wire, orphans: true)) == {:status, :signaled, 15}
    end

    test ":tree is everything below it, in whatever group" do
      script = "setsid sleep 1000 & setsid #{path("actor")} family & echo ready; wait"
      wire = running(%{argv: ["/bin/sh", "-c", script], descendants: :kill})
      await_output(wire, "child ready\n")
      await_output(wire, "ready\n")
      send_term(wire, {:signal, 15, :tree})
      assert final(finish(wire)) == {:status, :signaled, 15}
    end

    test ":tree of a signal that is caught reaches the daemons too" do
      script = "setsid #{path("actor")} catch 10 & trap : USR1; echo parent; wait; wait"
      wire = running(%{argv: ["/bin/sh", "-c", script], descendants: :kill})
      await_output(wire, "ready\n")
      await_output(wire, "parent\n")
      send_term(wire, {:signal, 10, :tree})
      await_output(wire, "got 10\n")
      send_term(wire, {:signal, 9, :tree})
      assert final(finish(wire)) == {:status, :signaled, 9}
    end

    test "another scope is ignored" do
      wire = running(%{argv: actor(["catch", 10])})
      await_output(wire, "ready\n")
      for scope <- [:foo, nil, "group", 1], do: send_term(wire, {:signal, 9, scope})
      send_term(wire, {:signal, 10})
      await_output(wire, "got 10\n")
      kill(wire)
    end
  end
end
