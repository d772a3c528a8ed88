# SPDX-License-Identifier: MIT
defmodule AgentTest.SharingTest do
  use AgentTest.Case, async: true

  # The child shares the agent's memory until it execs, or has a copy where sharing is not safe
  # (c_src/launch/sharing.h).

  @moduletag :shares

  # "shared" or "apart".
  defp memory(wire) do
    holder = Target.neighbour("holder")
    order = "compare #{wire.agent} #{wire.host_pid}"
    [_, memory] = ~r/^compared (\w+)\.$/m |> Regex.run(Target.order(holder, order, ".\n"))
    memory
  end

  defp memory_of(request, opts \\ []) do
    wire = parked(request, opts)
    memory = memory(wire)
    send_term(wire, :abort)
    assert {:status, :aborted, _} = final(finish(wire))
    memory
  end

  defp argv, do: actor(["pause"])

  @tag :root
  test "a parked child of root's shares it" do
    for extra <- [
          %{},
          %{namespaces: [:pid, :mount, :uts, :ipc, :net]},
          %{namespaces: [:user, :pid]},
          %{setup: [{:cap_drop_bounding, 1}]},
          %{final: [{:set_credentials, 1, 1, []}]},
          %{stdio: :pty}
        ],
        do: assert({memory_of(Map.merge(%{argv: argv()}, extra)), extra} == {"shared", extra})
  end

  @tag :root
  test "filters in the request, and a time namespace, take a copy" do
    filter = {:seccomp_install, Bpf.allow()}

    for extra <- [%{setup: [filter]}, %{final: [filter]}, %{namespaces: [:time]}],
        do: assert({memory_of(Map.merge(%{argv: argv()}, extra)), extra} == {"apart", extra})
  end

  @tag :root
  test "an entry shares it, if those in the pid namespace cannot have CAP_SYS_PTRACE over it" do
    for {flags, memory} <- [
          {~w(--mount --uts --net), "shared"},
          {~w(--fork --kill-child --pid --mount), "apart"},
          {~w(--fork --kill-child --user --map-root-user --pid --mount), "shared"},
          {~w(--time --fork --kill-child), "apart"}
        ] do
      target = Target.unshare(flags)
      assert {memory_of({:enter, %{target: target.pid, argv: argv()}}), flags} == {memory, flags}
    end
  end

  @tag :root
  test "an ordinary user's child does, but in a user namespace, where it has to be dumpable" do
    user = [driver: ["--user", 61_005]]
    assert memory_of(%{argv: argv()}, user) == "shared"
    assert memory_of(%{argv: argv(), namespaces: [:user]}, user) == "apart"
  end

  test "a child that is killed before exec leaves the agent as it was" do
    for signal <- [3, 6, 9, 11] do
      wire = parked(%{argv: argv()})
      Host.signal(wire.host_pid, signal)
      assert final(finish(wire)) == {:status, :signaled, signal}
    end
  end

  @tag :root
  test "the workload's memory is its own" do
    wire = running(%{argv: argv()})
    await_output(wire, "ready\n")
    assert memory(wire) == "apart"
    kill(wire)
  end
end
