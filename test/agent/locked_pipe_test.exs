# SPDX-License-Identifier: MIT

defmodule AgentTest.LockedPipeTest do
  use AgentTest.Case, async: true

  # A workload can keep a pipe of its own locked, and a process that uses the pipe then sleeps uninterruptibly.
  # A session can be ended also while its agent sleeps there (c_src/agent/guard.h).

  @grace_ms 200

  defp locked(stream, options, request, opts) do
    {listener, argv} = Beacon.program([path("locker") | options] ++ [to_string(stream)])

    request =
      Map.merge(
        %{
          argv: argv,
          stdio: [stdin: :pipe, stdout: :pipe, stderr: :pipe],
          proceed: true,
          flow: :demand,
          orphan_policy: {:kill, @grace_ms}
        },
        request
      )

    wire = requested(request, opts)
    if stream == :stdin, do: send_term(wire, {:stdin, "bait"})
    beacon = Beacon.await_lit(listener)
    word = Beacon.await_word(beacon)
    assert word in ["locked\n", "free\n"]
    # From now on the agent uses the pipe.
    touch =
      if stream == :stdin, do: {:stdin, pattern(100_000)}, else: {:demand, stream, 1_000_000}

    send_term(wire, touch)
    # Milliseconds for the agent to get to sleep in the locked pipe, of which there is no event.
    assert {:error, :timeout} = :gen_tcp.recv(beacon, 0, 50)
    {wire, beacon}
  end

  @variants [
    {"", [], %{}},
    {", which ignores SIGTERM", ["--ignore", "15"], %{}},
    {" by a child of its group, which ignores SIGTERM", ["--note", "/dev/null"], %{}},
    {" by a daemon that is to be killed as well", ["--daemon"], %{descendants: :kill}}
  ]

  for stream <- [:stdin, :stdout, :stderr], {how, options, request} <- @variants do
    test "a BEAM that goes while #{stream} is locked#{how} leaves nothing after the grace" do
      request = unquote(Macro.escape(request))
      {wire, beacon} = locked(unquote(stream), unquote(options), request, frames: :socket)
      close_commands(wire)
      close_frames(wire)
      Beacon.await_dark(beacon)
      # The workload's own child may be left to the subreaper, as a zombie.
      assert Enum.all?(await_gone(wire).orphans, &match?({_pid, 9}, &1))
    end

    test "another agent ends a session whose #{stream} is locked#{how}" do
      request = unquote(Macro.escape(request))
      {wire, beacon} = locked(unquote(stream), unquote(options), request, [])
      [workload] = Host.children(wire.agent)
      other = start(stdout: false)
      send_term(other, {:kill, %{target: workload, agent: wire.agent}})
      assert finish(other).frames == [{:status, :exited, 0}]
      Beacon.await_dark(beacon)
      for output <- [:stdout, :stderr], do: send_term(wire, {:close, output})
      assert final(finish(wire, drained: true, orphans: true)) == {:status, :signaled, 9}
    end
  end

  test "the orphan policy's SIGTERM comes first while a pipe is locked" do
    note = scratch("note")
    on_exit(fn -> File.rm(note) end)
    {wire, beacon} = locked(:stdout, ["--note", note], %{}, frames: :socket)
    close_commands(wire)
    close_frames(wire)
    Beacon.await_dark(beacon)
    await_gone(wire)
    assert File.read!(note) == "term\n"
  end

  # How often a process has fallen asleep (proc(5), status).
  defp sleeps(pid),
    do: pid |> Host.status() |> Map.fetch!("voluntary_ctxt_switches") |> String.to_integer()

  # Waits until a process sleeps that has fallen asleep more often than that.
  defp asleep(pid, before),
    do: (Host.stat(pid).state == "S" and sleeps(pid) > before) || asleep(pid, before)

  # The first process of an entry has the workload's stdio before the workload has a process. Others in the joined
  # pid namespace may take it, and lock the pipe; the guard that is started before a pipe is touched needs the
  # workload's pid.
  @tag :root
  test "no pipe of an entry is read before its workload has a process" do
    target = Target.unshare(~w(--fork --kill-child --pid))
    killer = Target.neighbour("killer")
    holder = Target.neighbour("holder")
    wire = start()
    Target.order(killer, "hold #{wire.agent}", "watching #{wire.agent}\n")
    request = %{target: target.pid, argv: actor(["say", "late"]), stdio: [stdout: :pipe]}
    send_term(wire, {:enter, Map.put(request, :proceed, true)})
    await_output(killer.wire, "held ")
    [first | _] = Host.children(wire.agent)
    asleep(wire.agent, -1)
    before = sleeps(wire.agent)
    Target.order(holder, "put #{first}", "put\n")

    # A frame that says nothing wakes the agent, which then looks at all that it polls before it sleeps again.
    send_term(wire, :nothing)
    asleep(wire.agent, before)
    assert File.ls!("/proc/#{wire.agent}/task") == ["#{wire.agent}"]
    assert so_far(wire, :frames) == []
    send_raw(killer.wire, "release\n")
    result = finish(wire, drained: true)
    assert result.stdout == "early\nlate\n"
    assert {:status, :spawned, _} = hd(result.frames)
  end
end
