# SPDX-License-Identifier: MIT

defmodule AgentTest.SuidDumpableTest do
  # Changes a setting of the whole machine, for the time of each test.
  use AgentTest.Case, async: false

  # fs.suid_dumpable (proc_sys_fs(5)) says whether a process is dumpable after a change of its ids or its
  # user namespace; a dumpable one can be traced and read by its user, and by the owner of its user
  # namespace (ptrace(2)).

  @moduletag :root

  @sysctl "/proc/sys/fs/suid_dumpable"
  @user 61_003

  setup do
    before = File.read!(@sysctl)
    on_exit(fn -> File.write!(@sysctl, before) end)
    File.write!(@sysctl, "1")
  end

  defp lurer(inside) do
    map = "#{inside} #{@user} 1"
    driver = ["--user", @user, "--write", 2, "/dev/null"]
    Target.neighbour("lurer", [map, map], driver: driver)
  end

  # What another process of that user, with all capabilities in the user namespace, can read of the child.
  defp assert_out_of_reach(lurer, wire) do
    said = Target.order(lurer, "try #{wire.host_pid}", "tried #{wire.host_pid}\n")
    refute said =~ "open"
    for file <- ["environ", "mem", "fd"], do: assert(owner(wire, file) == 0, "owner of #{file}")
  end

  defp owner(wire, file), do: File.stat!("/proc/#{wire.host_pid}/#{file}").uid

  defp applied(wire, commands) do
    for command <- commands do
      send_term(wire, command)
      assert_frame(wire, {:status, :applied, _})
    end

    wire
  end

  defp aborted(wire) do
    send_term(wire, :abort)
    assert {:status, :aborted, _} = final(finish(wire))
  end

  for {what, inside, ids} <- [
        {"root", 0, []},
        {"the ids of a command", 0, [{:set_credentials, 0, 0, []}]},
        {"the ids of a command where 0 is not mapped", 1, [{:set_credentials, 1, 1, []}]}
      ] do
    test "no process inside can trace or read an entering child that is parked with #{what}" do
      lurer = lurer(unquote(inside))
      ids = unquote(Macro.escape(ids))

      # As a set-up before the checkpoint, and as a command at it.
      for {setup, commands} <- [{ids, []}, {[], ids}, {ids, [{:cap_drop_bounding, 0}]}] do
        request = %{target: lurer.pid, argv: actor(["pause"]), ack: true, setup: setup}
        wire = parked({:enter, request})
        applied(wire, commands)
        assert_out_of_reach(lurer, wire)
        aborted(wire)
      end
    end
  end

  test "no process inside can trace or read an entering child that is parked before its ids are set" do
    for inside <- [0, 1] do
      lurer = lurer(inside)
      wire = parked({:enter, %{target: lurer.pid, argv: actor(["pause"])}})
      assert_out_of_reach(lurer, wire)
      aborted(wire)
    end
  end

  test "no process of that user can trace or read a spawned child that is parked with other ids" do
    lurer = lurer(0)
    ids = {:set_credentials, @user, @user, []}
    request = %{argv: actor(["pause"]), ack: true}

    for {extra, commands} <- [{%{setup: [ids]}, []}, {%{}, [ids]}] do
      wire = request |> Map.merge(extra) |> parked() |> applied(commands)
      assert_out_of_reach(lurer, wire)
      aborted(wire)
    end
  end

  test "no process of that user can trace or read a spawned child that is parked as its namespace's root" do
    lurer = lurer(0)
    wire = parked(%{argv: actor(["pause"]), namespaces: [:user], ack: true})

    for map <- ["uid_map", "gid_map"],
        do: File.write!("/proc/#{wire.host_pid}/#{map}", "0 #{@user} 1")

    applied(wire, [{:cap_drop_bounding, 0}])
    assert_out_of_reach(lurer, wire)
    aborted(wire)
  end

  @tag :shares
  test "a child whose ids may change does not share the agent's memory" do
    holder = Target.neighbour("holder")
    wire = parked(%{argv: actor(["pause"])})
    order = "compare #{wire.agent} #{wire.host_pid}"
    assert Target.order(holder, order, ".\n") =~ "compared apart."
    aborted(wire)
  end
end
