# SPDX-License-Identifier: MIT

defmodule AgentTest.RootlessTest do
  use AgentTest.Case, async: true

  # The namespaces that an ordinary user can have, inside a user namespace of its own. The tests hold for root
  # as well, so that both runs of the suite have them.

  @moduletag :userns

  @namespaces ~w(user mount uts ipc cgroup net time pid)a

  # user_namespaces(7), "Defining user and group ID mappings": one's own ids, without setgroups.
  defp map_denied(pid) do
    {uid, 0} = System.cmd("id", ["-u"])
    {gid, 0} = System.cmd("id", ["-g"])
    File.write!("/proc/#{pid}/setgroups", "deny")
    File.write!("/proc/#{pid}/uid_map", "0 #{String.trim(uid)} 1\n")
    File.write!("/proc/#{pid}/gid_map", "0 #{String.trim(gid)} 1\n")
  end

  defp isolated(part, request \\ %{}) do
    wire = parked(Map.merge(%{argv: actor(part), namespaces: @namespaces}, request))
    map_denied(wire.host_pid)
    send_term(wire, :proceed)
    assert_frame(wire, {:status, :running})
    wire
  end

  test "all eight namespaces are fresh" do
    wire = isolated(["pause"])
    await_output(wire, "ready\n")
    ours = Host.namespaces()
    for {name, link} <- Host.namespaces(wire.host_pid), do: assert(ours[name] != link, name)
    kill(wire)
  end

  test "the child is parked as nobody in particular until its ids are mapped, then id 0" do
    wire = parked(%{argv: actor(["attributes"]), namespaces: @namespaces})
    map_denied(wire.host_pid)
    send_term(wire, :proceed)
    result = finish(wire)
    assert result.output =~ "uid 0 0 gid 0 0\n"
    assert result.output =~ "pid 1 session 1 group 1\n"
    assert result.output =~ "pdeathsig 9\n"
  end

  test "the workload has every capability, and can mount" do
    dir = scratch("rootless")
    File.mkdir!(dir)
    on_exit(fn -> File.rmdir!(dir) end)
    wire = isolated(["mount", dir])
    assert await_output(wire, "ready\n") =~ "mount ok\n"
    refute File.read!("/proc/self/mountinfo") =~ dir
    assert Host.mask(wire.host_pid, "CapEff") == Host.mask(wire.host_pid, "CapBnd")
    kill(wire)
  end

  test "a second agent enters all eight" do
    made = isolated(["pause"])
    await_output(made, "ready\n")
    wire = running({:enter, %{target: made.host_pid, argv: actor(["pause"])}})
    await_output(wire, "ready\n")
    assert Host.namespaces(wire.host_pid) == Host.namespaces(made.host_pid)
    kill(wire)
    result = run({:enter, %{target: made.host_pid, argv: actor(["attributes"])}})
    assert result.output =~ "uid 0 0 gid 0 0\n"
    kill(made)
  end

  test "an agent enters what unshare made" do
    flags = ~w(--user --map-root-user --fork --kill-child --pid --mount-proc --mount --uts --net)
    target = Target.unshare(flags)
    wire = running({:enter, %{target: target.pid, argv: actor(["pause"])}})
    await_output(wire, "ready\n")
    assert Host.namespaces(wire.host_pid) == Host.namespaces(target.pid)
    kill(wire)
  end

  test "kill -9 of the agent leaves nothing" do
    {listener, argv} = Beacon.actor(["family", 15])
    wire = isolated([], %{argv: argv})
    beacon = Beacon.await_lit(listener)
    await_output(wire, "child ready\n")
    kill_agent(wire, beacon)
  end

  test "capabilities can be dropped and filters installed inside" do
    filter = Bpf.deny([:getpid], errno(:enosys))
    setup = [{:cap_drop_bounding, 1}]
    wire = isolated(["getpid"], %{setup: setup, seal: [{:seccomp_install, filter}]})
    assert finish(wire).output == "getpid errno 38\n"
  end

  test "dropping ids at the seal leaves a workload without capabilities" do
    wire = parked(%{argv: actor(["pause"]), namespaces: @namespaces})
    send_term(wire, {:cap_drop_bounding, 1})
    map_denied(wire.host_pid)
    send_term(wire, {:cap_set_thread, 0, 0, 0})
    send_term(wire, :proceed)
    assert_frame(wire, {:status, :running})
    await_output(wire, "ready\n")
    assert Bitwise.band(Host.mask(wire.host_pid, "CapBnd"), 1) == 0
    kill(wire)
  end
end
