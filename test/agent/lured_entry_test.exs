# SPDX-License-Identifier: MIT

defmodule AgentTest.LuredEntryTest do
  use AgentTest.Case, async: true

  # An ordinary user makes a user namespace and waits for root to enter it. A process that keeps ids which the
  # namespace does not map has root's access to the host's files.

  @moduletag :root

  # The id of an ordinary user of which no other process runs on the machine.
  @user 61_001
  @groups ["--groups", 1234, 2345]
  @stages [:setresuid, :setresgid]

  defp lurer(uid_map, gid_map, arguments \\ [], opts \\ []) do
    driver = ["--user", @user, "--write", 2, "/dev/null"]
    Target.neighbour("lurer", [uid_map, gid_map | arguments], [driver: driver] ++ opts)
  end

  # `1 <his id> 1`, `0 <his id> 1`: what an ordinary user may write.
  defp map(inside), do: "#{inside} #{@user} 1"

  defp refused(request, opts \\ []) do
    request = Map.put_new(request, :argv, actor(["say", "inside"]))
    wire = requested({:enter, request}, [driver: @groups] ++ opts)
    let_go(wire, request)
    result = await_gone(wire)
    assert [frame] = Enum.filter(result.frames, &final?/1)
    assert {result.output, result.orphans, ran?(result)} == {"", [], false}
    frame
  end

  # A session may fail before its checkpoint or at :proceed.
  defp let_go(_wire, %{proceed: true}), do: :ok

  defp let_go(wire, request) do
    case next_frame(wire) do
      {:status, :spawned, _} -> let_go(wire, request)
      {:status, :ready, _} -> send_term(wire, :proceed)
      frame -> assert final?(frame)
    end
  end

  defp assert_took_nothing(lurer) do
    said = Target.order(lurer, "report", " sweeps\n")
    refute said =~ "took"
  end

  describe "an entry into a user namespace that does not map the agent's ids" do
    test "is an error, and the program never runs" do
      lurer = lurer(map(1), map(1))

      for extra <- [%{}, %{proceed: true}, %{no_new_privs: true}, %{namespaces: [:user]}] do
        assert {:error, code, stage} = refused(Map.put(extra, :target, lurer.pid))
        assert {code, stage in @stages} == {errno(:einval), true}
      end
    end

    test "is an error with a pid namespace besides" do
      lurer = lurer(map(1), map(1), ["pid"], forked: true)

      for extra <- [%{}, %{proceed: true}] do
        assert {:error, code, stage} = refused(Map.put(extra, :target, lurer.pid))
        assert {code, stage in @stages} == {errno(:einval), true}
      end
    end

    test "is an error when no map is written at all" do
      lurer = lurer("-", "-")
      assert {:error, code, stage} = refused(%{target: lurer.pid})
      assert {code, stage in @stages} == {errno(:einval), true}
    end

    test "is an error at setresgid when id 0 is mapped, but no group" do
      lurer = lurer(map(0), "-")

      for extra <- [%{}, %{proceed: true}] do
        request = Map.put(extra, :target, lurer.pid)
        assert refused(request) == {:error, errno(:einval), :setresgid}
      end
    end

    test "is an error at setresgid when id 0 is mapped, but another group" do
      lurer = lurer(map(0), map(1))
      assert refused(%{target: lurer.pid}) == {:error, errno(:einval), :setresgid}
    end

    test "is an error when capabilities were set, for they are no ids" do
      lurer = lurer(map(1), map(1))
      request = %{target: lurer.pid, setup: [{:cap_drop_bounding, 1}]}

      assert {:error, code, stage} =
               refused(request) |> Tuple.to_list() |> Enum.take(3) |> List.to_tuple()

      assert {code, stage in @stages} == {errno(:einval), true}
    end

    test "lets its owner trace and read nothing, however often it happens" do
      lurer = lurer(map(1), map(1))

      stages =
        for _ <- 1..100 do
          wire = requested({:enter, %{target: lurer.pid, argv: actor(["nap", 5]), proceed: true}})
          wire |> await_gone() |> final() |> elem(2)
        end

      assert_took_nothing(lurer)
      assert Enum.uniq(stages) -- @stages == []
    end

    test "lets its owner trace and read nothing while it is parked" do
      lurer = lurer(map(1), map(1))
      ids = [{:set_credentials, 1, 1, []}]
      wire = parked({:enter, %{target: lurer.pid, argv: actor(["pause"]), setup: ids}})
      said = Target.order(lurer, "try #{wire.host_pid}", "tried #{wire.host_pid}\n")
      refute said =~ "open"
      send_term(wire, :abort)
      assert {:status, :aborted, _} = final(finish(wire))
    end
  end

  describe "an entry whose ids were set by command" do
    # All that shows the workload's ids on the host.
    defp assert_is_the_user(pid) do
      status = Host.status(pid)
      assert status["Uid"] == Enum.join(List.duplicate(@user, 4), "\t")
      assert status["Gid"] == Enum.join(List.duplicate(@user, 4), "\t")
      assert status["Groups"] == ""
    end

    test "runs as those, also where 0 is not mapped and setgroups is denied" do
      lurer = lurer(map(1), map(1))
      ids = {:set_credentials, 1, 1, []}

      for {key, commands} <- [setup: [], seal: [], checkpoint: [ids]] do
        request = %{target: lurer.pid, argv: actor(["pause"])}
        request = if commands == [], do: Map.put(request, key, [ids]), else: request
        wire = running({:enter, request}, checkpoint: commands, driver: @groups)
        await_output(wire, "ready\n")
        assert_is_the_user(wire.host_pid)
        kill(wire)
      end
    end

    test "runs as those where the host's root has written the maps" do
      lurer = lurer("-", "-")
      for file <- ["uid_map", "gid_map"], do: File.write!("/proc/#{lurer.pid}/#{file}", map(7))

      request = %{
        target: lurer.pid,
        argv: actor(["pause"]),
        setup: [{:set_credentials, 7, 7, []}]
      }

      wire = running({:enter, request}, driver: @groups)
      await_output(wire, "ready\n")
      assert_is_the_user(wire.host_pid)
      kill(wire)
    end
  end

  describe "an entry into a rootless container" do
    test "runs as its root, without the agent's supplementary groups" do
      for arguments <- [[], ["pid"]] do
        lurer = lurer(map(0), map(0), arguments, forked: arguments != [])
        enter = fn part -> {:enter, %{target: lurer.pid, argv: actor(part)}} end
        assert run(enter.(["attributes"]), driver: @groups).output =~ "uid 0 0 gid 0 0\n"
        wire = running(enter.(["pause"]), driver: @groups)
        await_output(wire, "ready\n")
        assert_is_the_user(wire.host_pid)
        kill(wire)
      end
    end

    test "holds none of the agent's supplementary groups while it is parked" do
      lurer = lurer(map(0), map(0))
      request = %{target: lurer.pid, argv: actor(["pause"])}
      wire = parked({:enter, request}, driver: @groups)
      assert Host.status(wire.host_pid)["Groups"] == ""
      send_term(wire, :abort)
      finish(wire)
    end

    test "cannot read what only a supplementary group of the agent's may read" do
      file = scratch("of-a-group")
      File.write!(file, "secret")
      File.chgrp!(file, 1234)
      File.chmod!(file, 0o040)
      on_exit(fn -> File.rm(file) end)
      lurer = lurer(map(0), map(0))
      request = %{target: lurer.pid, argv: ["/bin/cat", file]}
      result = run({:enter, request}, driver: @groups ++ ["--write", 2, "/dev/null"])
      assert result.output == ""
      assert final(result) == {:status, :exited, 1}
    end
  end
end
