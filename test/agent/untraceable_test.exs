# SPDX-License-Identifier: MIT

defmodule AgentTest.UntraceableTest do
  use AgentTest.Case, async: true

  # The agent, and the child until it execs, can be traced by no process without CAP_SYS_PTRACE in the agent's
  # own user namespace: they are not dumpable (ptrace(2), PR_SET_DUMPABLE(2const)).

  describe "the agent's first act is not to be dumpable:" do
    # A sanitizer's run-time library reads files before main.
    @describetag :sanitizer_unfit

    test "no file was opened or read before, in each of the images that it executes" do
      for {request, images} <- [
            {%{argv: actor(["say", "x"]), proceed: true}, 1},
            {%{argv: actor(["say", "x"]), namespaces: [:user]}, 2}
          ] do
        wire = start(program: [path("holder"), "images", agent()])
        send_term(wire, {:spawn, request})
        proceed_mapped(wire, request)
        result = await_gone(wire)
        assert {:status, :exited, 0} = final(result)

        for image <- 1..images,
            do: assert(result.output =~ "image #{image}: 0 calls before\n")

        refute result.output =~ ~r/image #{images + 1}:|never/
      end
    end
  end

  defp proceed_mapped(_wire, %{proceed: true}), do: :ok

  defp proceed_mapped(wire, _request) do
    {:status, :spawned, host_pid} = next_frame(wire)
    assert_frame(wire, {:status, :ready, _})
    {uid, 0} = System.cmd("id", ["-u"])
    File.write!("/proc/#{host_pid}/uid_map", "0 #{String.trim(uid)} 1")
    {gid, 0} = System.cmd("id", ["-g"])
    File.write!("/proc/#{host_pid}/setgroups", "deny")
    File.write!("/proc/#{host_pid}/gid_map", "0 #{String.trim(gid)} 1")
    send_term(wire, :proceed)
  end

  describe "a child of root's that is parked in a user namespace of its own" do
    @describetag :root

    # Wants to trace the child, with all capabilities in its user namespace: with root's ids, or with those of
    # the namespace's root, which needs id maps.
    defp assert_out_of_reach(wire, ids \\ :outside) do
      tracer =
        case ids do
          :outside -> [path("tracer"), "inside", wire.host_pid]
          :inside -> ["/usr/bin/nsenter", "--user", "--target", wire.host_pid, path("tracer")]
        end

      tracer = start(program: tracer)
      await_output(tracer, "ready\n")
      said = Target.order(%{wire: tracer}, "#{wire.host_pid}", " #{wire.host_pid}")
      assert said =~ "refused #{wire.host_pid}"
      wire
    end

    test "cannot be traced from there at any moment" do
      request = %{argv: actor(["pause"]), namespaces: [:user], ack: true}
      wire = request |> parked() |> assert_out_of_reach()
      map_ids(wire, "0 100000 65536")
      for ids <- [:outside, :inside], do: assert_out_of_reach(wire, ids)

      for command <- [{:cap_drop_bounding, 1}, {:set_credentials, 5, 5, []}] do
        send_term(wire, command)
        assert_frame(wire, {:status, :applied, _})

        for ids <- [:outside, :inside], do: assert_out_of_reach(wire, ids)
      end

      send_term(wire, :abort)
      assert {:status, :aborted, _} = final(finish(wire))
    end

    test "cannot be traced when it was set up before the checkpoint" do
      for setup <- [[], [{:cap_drop_bounding, 1}]] do
        request = %{argv: actor(["pause"]), namespaces: [:user, :pid, :mount], setup: setup}
        wire = request |> parked() |> assert_out_of_reach()
        send_term(wire, :abort)
        assert {:status, :aborted, _} = final(finish(wire))
      end
    end
  end
end
