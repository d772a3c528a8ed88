# SPDX-License-Identifier: MIT

defmodule AgentTest.DeathTest do
  use AgentTest.Case, async: true

  # After each of these deaths no process of the session is alive, because the beacon's connection has ended,
  # and none is a zombie, because the driver, the agent's parent and subreaper, has no child left.

  @isolated ~w(mount uts ipc net pid)a

  defp request(part, extra \\ %{}) do
    {listener, argv} = Beacon.actor(part)
    {listener, Map.merge(%{argv: argv}, extra)}
  end

  defp beam_gone(wire, beacon) do
    close_commands(wire)
    Beacon.await_dark(beacon)
    await_gone(wire)
  end

  describe "kill -9 of the agent" do
    test "while its child is parked leaves nothing" do
      for extra <- [%{}, %{stdio: :pty}] do
        {_, request} = request(["pause"], extra)
        wire = parked(request)
        Host.signal(wire.agent, 9)
        result = await_gone(wire)
        assert {:signaled, 9, _} = result.agent
        assert [{pid, _}] = result.orphans
        assert pid == wire.host_pid
        refute ran?(result)
      end
    end

    @tag :root
    test "while its child is parked in fresh namespaces leaves nothing" do
      wire = parked(%{argv: actor(["pause"]), namespaces: @isolated})
      Host.signal(wire.agent, 9)
      assert %{agent: {:signaled, 9, _}, orphans: [_]} = await_gone(wire)
      assert Host.stat(wire.host_pid) == nil
    end

    test "while the workload runs leaves nothing" do
      {listener, request} = request(["pause"])
      wire = running(request)
      beacon = Beacon.await_lit(listener)
      assert %{orphans: [{_, 9}]} = kill_agent(wire, beacon)
    end

    @tag :root
    test "while a workload with children runs in a pid namespace leaves nothing" do
      {listener, request} = request(["family", "15"], %{namespaces: @isolated})
      wire = running(request)
      beacon = Beacon.await_lit(listener)
      await_output(wire, "child ready\n")
      kill_agent(wire, beacon)
    end

    test "mid-output leaves nothing" do
      {listener, request} = request(["flood", 1], %{stdio: :pty})
      wire = running(request)
      beacon = Beacon.await_lit(listener)
      await_pty(wire, "ready")
      kill_agent(wire, beacon)
    end

    test "leaves nothing of an entry either, parked or running" do
      target = Target.plain()
      {_, request} = request(["pause"], %{target: target.pid})
      wire = parked({:enter, request})
      Host.signal(wire.agent, 9)
      assert %{agent: {:signaled, 9, _}} = await_gone(wire)
      {listener, request} = request(["pause"], %{target: target.pid})
      wire = running({:enter, request})
      beacon = Beacon.await_lit(listener)
      kill_agent(wire, beacon)
    end

    @tag :root
    test "leaves nothing of a workload whose identity was changed at the checkpoint" do
      {listener, request} = request(["pause"], %{namespaces: [:user]})
      wire = parked(request)

      for map <- ["uid_map", "gid_map"],
          do: File.write!("/proc/#{wire.host_pid}/#{map}", "0 100000 1\n")

      # All other capabilities are dropped, because exec would give them back, and a process that gains
      # capabilities by exec loses its parent-death signal (PR_SET_PDEATHSIG(2const)).
      last =
        "/proc/sys/kernel/cap_last_cap" |> File.read!() |> String.trim() |> String.to_integer()

      send_term(wire, {:cap_drop_bounding, Bitwise.bsl(1, last + 1) - 2})
      send_term(wire, {:cap_set_thread, 1, 1, 1})
      send_term(wire, {:cap_set_ambient, 1})
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      beacon = Beacon.await_lit(listener)
      assert %{orphans: [{_, 9}]} = kill_agent(wire, beacon)
    end

    # A change of ids clears the parent-death signal, which is set again before exec. The child is stopped in
    # between, and its parent dies.
    @tag :root
    test "before the child can ask to be told of it leaves nothing" do
      request = %{argv: actor(["say", "orphan"]), stdio: [stdin: :pipe], ack: true}
      wire = parked(request)
      send_term(wire, {:set_credentials, 65_534, 65_534, []})
      assert_frame(wire, {:status, :applied, 1})
      Host.signal(wire.host_pid, 19)
      send_term(wire, :proceed)
      # The frame for the command behind :proceed shows that the agent has passed :proceed on.
      send_term(wire, {:stdin, "x"})
      await_written(wire, :stdin, 1)
      Host.signal(wire.agent, 9)
      assert {:signaled, 9, _} = await_agent_exit(wire)
      # The child may be dead already; it must not go on to exec.
      System.cmd("kill", ["-CONT", "#{wire.host_pid}"], stderr_to_stdout: true)
      assert %{output: "", orphans: [{_, _}]} = await_gone(wire)
    end

    test "under :linger leaves the workload alone" do
      wire = running(%{argv: actor(["pause"]), orphan_policy: :linger})
      await_output(wire, "ready\n")
      Host.signal(wire.agent, 9)
      assert {:signaled, 9, _} = await_agent_exit(wire)
      assert Host.alive?(wire.host_pid)
      Host.signal(wire.host_pid, 9)
      assert await_gone(wire).orphans == [{wire.host_pid, 9}]
    end

    test "at any moment on the way to exec leaves nothing" do
      for _ <- 1..30 do
        {_, request} = request(["pause"], %{proceed: true})
        wire = requested(request)
        assert_frame(wire, {:status, :spawned, _})
        Host.signal(wire.agent, 9)
        await_gone(wire)
      end
    end
  end

  describe "kill -9 of the workload" do
    test "is reported, running and mid-output" do
      for {part, stdio} <- [{["pause"], :inherit}, {["flood", 1], :pty}] do
        {listener, request} = request(part, %{stdio: stdio})
        wire = running(request)
        beacon = Beacon.await_lit(listener)
        Host.signal(wire.host_pid, 9)
        Beacon.await_dark(beacon)
        assert final(finish(wire)) == {:status, :signaled, 9}
      end
    end

    test "on its way to exec is reported, and as :running only when it was" do
      for _ <- 1..30 do
        wire = parked(%{argv: actor(["pause"])})
        send_term(wire, :proceed)
        Host.signal(wire.host_pid, 9)
        assert final(finish(wire)) == {:status, :signaled, 9}
      end
    end

    @tag :root
    test "in a pid namespace takes its descendants along" do
      {listener, request} = request(["family", "15"], %{namespaces: @isolated})
      wire = running(request)
      beacon = Beacon.await_lit(listener)
      await_output(wire, "child ready\n")
      Host.signal(wire.host_pid, 9)
      Beacon.await_dark(beacon)
      assert final(finish(wire)) == {:status, :signaled, 9}
    end
  end

  describe "the BEAM's end closing" do
    test "ends a parked child at once, whatever the policy" do
      for policy <- [{:kill, 0}, {:kill, 3_600_000}, :linger] do
        wire = parked(%{argv: actor(["say", "never"]), orphan_policy: policy}, commands: :port)
        close_commands(wire)
        assert %{agent: {:exited, 1, _}, orphans: [], output: ""} = await_gone(wire)
      end
    end

    test "before the child is ready leaves nothing" do
      for _ <- 1..20 do
        wire = start(commands: :port)
        send_term(wire, {:spawn, %{argv: actor(["pause"])}})
        close_commands(wire)
        assert %{orphans: []} = await_gone(wire)
      end
    end

    test "on the way to exec leaves nothing" do
      for _ <- 1..20 do
        {_, request} = request(["pause"], %{orphan_policy: {:kill, 3_600_000}})
        wire = parked(request, commands: :port)
        send_term(wire, :proceed)
        close_commands(wire)
        assert %{orphans: []} = await_gone(wire)
      end
    end

    test "ends a running workload with SIGTERM, and is told of while the frames are still read" do
      {listener, request} = request(["pause"], %{orphan_policy: {:kill, 3_600_000}})
      wire = running(request, commands: :socket)
      beacon = Beacon.await_lit(listener)
      close_commands(wire)
      Beacon.await_dark(beacon)
      result = await_gone(wire)
      assert List.last(result.frames) in [{:status, :signaled, 15}, {:status, :running}]
      assert result.orphans == []
    end

    test "gives the workload the grace to end in its own way" do
      script = "trap 'echo cleaned; exit 3' TERM; sleep 600 & echo ready; wait"
      policy = {:kill, 3_600_000}
      wire = running(%{argv: ["/bin/sh", "-c", script], orphan_policy: policy}, commands: :port)
      await_output(wire, "ready\n")
      close_commands(wire)
      result = await_gone(wire)
      assert result.output == "ready\ncleaned\n"
    end

    test "ends a workload that ignores SIGTERM with SIGKILL when the grace is over" do
      for grace <- [0, 1, 100] do
        {listener, request} = request(["ignore", 1, 2, 3, 15], %{orphan_policy: {:kill, grace}})
        wire = running(request, commands: :port)
        beacon = Beacon.await_lit(listener)
        await_output(wire, "ready\n")
        assert %{orphans: []} = beam_gone(wire, beacon)
      end
    end

    test "ends the whole process group" do
      for part <- [["stubborn-child"], ["family", 15], ["stubborn-child", 15]] do
        {listener, request} = request(part, %{orphan_policy: {:kill, 200}})
        wire = running(request, commands: :port)
        beacon = Beacon.await_lit(listener)
        await_output(wire, "child ready\n")
        beam_gone(wire, beacon)
      end
    end

    test "gives the grace to the whole process group" do
      {listener, request} = request(["outlive-child", 15], %{orphan_policy: {:kill, 3_600_000}})
      wire = running(request, commands: :port)
      beacon = Beacon.await_lit(listener)
      await_output(wire, "child ready\n")
      assert beam_gone(wire, beacon).output =~ "child ended 15\n"
    end

    test "absent a policy, is SIGTERM first" do
      {listener, request} = request(["pause"])
      wire = running(request, commands: :port)
      beacon = Beacon.await_lit(listener)
      assert %{orphans: []} = beam_gone(wire, beacon)
    end

    test "ends a workload that floods a terminal that is not read" do
      {listener, request} = request(["flood", 1], %{stdio: :pty})
      wire = running(request, commands: :port)
      beacon = Beacon.await_lit(listener)
      assert %{orphans: []} = beam_gone(wire, beacon)
    end

    test "ends a stopped workload" do
      {listener, request} = request(["pause"], %{orphan_policy: {:kill, 3_600_000}})
      wire = running(request, commands: :port)
      beacon = Beacon.await_lit(listener)
      await_output(wire, "ready\n")
      Host.signal(wire.host_pid, 19)
      beam_gone(wire, beacon)
    end

    @tag :root
    test "ends everything in a pid namespace" do
      {listener, request} =
        request(["family", 15], %{namespaces: @isolated, orphan_policy: {:kill, 50}})

      wire = running(request, commands: :port)
      beacon = Beacon.await_lit(listener)
      await_output(wire, "child ready\n")
      assert %{orphans: []} = beam_gone(wire, beacon)
    end

    test "ends an entered workload, and leaves the target alone" do
      target = Target.plain()
      {listener, request} = request(["pause"], %{target: target.pid})
      wire = running({:enter, request}, commands: :port)
      beacon = Beacon.await_lit(listener)
      beam_gone(wire, beacon)
      assert Host.alive?(target.pid)
    end
  end

  describe ":linger" do
    test "lets the workload live on to its end, and the agent reaps it" do
      {listener, request} = request(["catch", 10], %{orphan_policy: :linger})
      wire = running(request, commands: :port)
      beacon = Beacon.await_lit(listener)
      await_output(wire, "ready\n")
      close_commands(wire)
      Host.signal(wire.host_pid, 10)
      await_output(wire, "got 10\n")
      assert Beacon.lit?(beacon)
      Host.signal(wire.host_pid, 9)
      assert %{orphans: []} = await_gone(wire)
    end

    test "takes a terminal's output and drops it, so that the workload does not hang or die" do
      {listener, request} =
        request(["write-late", 1, 1_000_000], %{orphan_policy: :linger, stdio: :pty})

      wire = running(request, commands: :port)
      beacon = Beacon.await_lit(listener)
      await_pty(wire, "ready\r\n")
      close_commands(wire)
      Host.signal(wire.host_pid, 10)
      Beacon.await_dark(beacon)
      assert %{orphans: []} = await_gone(wire)
    end
  end
end
