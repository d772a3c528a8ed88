# SPDX-License-Identifier: MIT

defmodule AgentTest.MovingTargetTest do
  use AgentTest.Case, async: true

  # A process that is about to be entered changes its namespaces in the middle of that. Who owns a mount
  # namespace chooses the program that runs in it, and it must not run with rights that the owner lacks.

  @moduletag :root

  # The id of an ordinary user of which no other process runs on the machine.
  @user 61_004

  defp mover do
    Target.neighbour("mover", [], driver: ["--user", @user, "--write", 2, "/dev/null"])
  end

  # The outcome of an entry whose target moves when the agent is about to open that file of its /proc/<pid>.
  defp entered(mover, request, file) do
    holder = Target.neighbour("holder")
    wire = start([])
    hold = "hold #{wire.agent} /#{mover.pid}/#{file}"
    Target.order(holder, hold, "watching #{wire.agent}\n")

    request =
      Map.merge(%{target: mover.pid, argv: actor(["say", "inside"]), proceed: true}, request)

    send_term(wire, {:enter, request})
    await_output(holder.wire, "held #{wire.agent}\n")
    Target.order(mover, "move", "moved\n")
    send_raw(holder.wire, "release\n")
    await_gone(wire)
  end

  defp assert_refused(result, frame) do
    assert Enum.filter(result.frames, &final?/1) == [frame]
    assert {result.output, result.orphans, ran?(result)} == {"", [], false}
  end

  for file <- ~w(ns/cgroup ns/ipc ns/uts ns/net ns/time ns/mnt ns/pid) do
    test "a target that leaves the user namespace when #{file} is opened is not entered" do
      assert_refused(
        entered(mover(), %{}, unquote(file)),
        {:error, errno(:exdev), :open_ns_user}
      )
    end
  end

  test "a target that moves before its user namespace is looked at is entered where it is then" do
    result = entered(mover(), %{argv: actor(["attributes"])}, "ns/user")
    assert {:error, code, stage} = final(result)
    # The namespace maps no group.
    assert {code, stage} == {errno(:einval), :setresgid}
  end

  for file <- ~w(ns/uts ns/mnt) do
    test "its mount namespace is not joined without its user namespace, with #{file} opened last" do
      request = %{namespaces: [:uts, :mount]}

      assert_refused(
        entered(mover(), request, unquote(file)),
        {:error, errno(:eperm), :open_ns_mount}
      )
    end
  end

  describe "a mount namespace of another user namespace" do
    test "is not joined by root without that" do
      mover = mover()
      Target.order(mover, "move", "moved\n")

      for namespaces <- [[:mount], [:mount, :pid], [:net, :mount]], proceed <- [true, false] do
        request = %{target: mover.pid, argv: actor(["say", "inside"]), namespaces: namespaces}
        result = await_gone(requested({:enter, Map.put(request, :proceed, proceed)}))
        assert_refused(result, {:error, errno(:eperm), :open_ns_mount})
      end
    end

    test "is joined with a user namespace below that, whose ids are the owner's" do
      flags = ~w(--user --map-root-user --mount unshare --user --map-root-user)
      target = Target.unshare(flags, ["pause"], driver: ["--user", @user])
      assert Host.namespaces(target.pid)["mnt"] != Host.namespaces()["mnt"]
      request = %{target: target.pid, argv: actor(["attributes"])}
      assert run({:enter, request}).output =~ "uid 0 0 gid 0 0\n"
    end

    test "of root's own is joined alone" do
      target = Target.unshare(~w(--mount --uts))
      request = %{target: target.pid, argv: actor(["say", "inside"]), namespaces: [:mount]}
      assert run({:enter, request}).output == "inside\n"
    end
  end
end
