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

  # prlimit(1) executes the agent, so the agent keeps its pid.
  for {limit, what} <- [
        {"--as=1048576", "an address space of 1 MiB"},
        {"--stack=65536", "a stack of 64 KiB"}
      ],
      namespaces <- [[], [:pid, :mount]] do
    @tag :root
    @tag :sanitizer_unfit
    test "#{what} is enough for a session with namespaces: #{inspect(namespaces)}" do
      request = %{argv: actor(["exit", 7]), namespaces: unquote(namespaces)}
      program = ["/usr/bin/prlimit", unquote(limit), agent()]
      assert final(run(request, program: program)) == {:status, :exited, 7}
    end
  end

  # Larger than what the child has room for before it allocates more, and kept apart from what follows it.
  @tag :root
  test "large commands in a row arrive whole, whether the memory is shared or not" do
    groups = Enum.to_list(1..60_000)
    dropped = [{:cap_drop_bounding, 0}]
    request = %{argv: actor(["pause"]), ack: true}
    wire = parked(request)

    for command <-
          [{:set_credentials, 0, 0, groups}] ++
            dropped ++ [{:set_credentials, 0, 0, Enum.reverse(groups)}] do
      send_term(wire, command)
      assert_frame(wire, {:status, :applied, _})
    end

    assert Host.status(wire.host_pid)["Groups"] == Enum.map_join(groups, " ", &to_string/1)

    send_term(wire, :abort)
    assert {:status, :aborted, _} = final(finish(wire))
  end
end
