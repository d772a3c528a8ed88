# SPDX-License-Identifier: MIT

defmodule AgentTest.UnmappedIdsTest do
  use AgentTest.Case, async: true

  # A fresh user namespace whose maps lack the agent's ids. A workload that keeps them has the access of the
  # agent's user to the host's files.

  @user 61_002

  defp sent(maps, request, opts) do
    request = Map.merge(%{argv: actor(["attributes"]), namespaces: [:user]}, request)
    {commands, opts} = Keyword.pop(opts, :checkpoint, [])
    wire = parked(request, opts)
    for {file, rows} <- maps, do: File.write!("/proc/#{wire.host_pid}/#{file}", rows)
    for command <- commands ++ [:proceed], do: send_term(wire, command)
    wire
  end

  defp outcome(maps, request \\ %{}, opts \\ []) do
    result = finish(sent(maps, request, opts))
    refute ran?(result)
    assert result.output == ""
    final(result)
  end

  describe "a spawn with :user by a privileged agent" do
    @describetag :root

    test "without maps is an error at :proceed" do
      assert outcome([]) == {:error, errno(:einval), :setresuid}
      namespaces = ~w(user mount uts ipc cgroup net time pid)a
      assert outcome([], %{namespaces: namespaces}) == {:error, errno(:einval), :setresuid}
    end

    test "without maps is an error after any command that sets no ids" do
      for command <- [{:cap_drop_bounding, 0}, {:seccomp_install, Bpf.allow()}] do
        assert outcome([], %{}, checkpoint: [command]) == {:error, errno(:einval), :setresuid}
        assert outcome([], %{seal: [command]}) == {:error, errno(:einval), :setresuid}
      end
    end

    test "with a map of users alone is an error" do
      assert outcome(uid_map: "0 #{@user} 1") == {:error, errno(:einval), :setresgid}
      assert outcome(uid_map: "0 0 1") == {:error, errno(:einval), :setresgid}
    end

    test "with a map of groups alone is an error" do
      assert outcome(gid_map: "0 #{@user} 1") == {:error, errno(:einval), :setresuid}
    end

    test "with maps that lack 0 is an error" do
      maps = [uid_map: "1 #{@user} 1", gid_map: "1 #{@user} 1"]
      assert {:error, code, stage} = outcome(maps)
      assert {code, stage in [:setresuid, :setresgid]} == {errno(:einval), true}
      # The agent's own ids are mapped then, but no command has set them.
      maps = [uid_map: "1000 0 1", gid_map: "1000 0 1"]
      assert {:error, code, stage} = outcome(maps)
      assert {code, stage in [:setresuid, :setresgid]} == {errno(:einval), true}
    end

    test "with maps of 0 runs as 0, without the agent's supplementary groups" do
      maps = [uid_map: "0 #{@user} 1", gid_map: "0 #{@user} 1"]
      groups = ["--groups", 1234, 2345]
      wire = sent(maps, %{argv: actor(["pause"])}, driver: groups)
      await_output(wire, "ready\n")
      status = Host.status(wire.host_pid)
      assert status["Uid"] == Enum.join(List.duplicate(@user, 4), "\t")
      assert status["Gid"] == Enum.join(List.duplicate(@user, 4), "\t")
      assert status["Groups"] == ""
      assert_frame(wire, {:status, :running})
      kill(wire)
    end

    test "without CAP_SETGID keeps no groups of the agent's: it is an error" do
      program = ["/usr/bin/setpriv", "--bounding-set=-setgid", "--groups", "0,4", agent()]
      wire = start(program: program)
      send_term(wire, {:spawn, %{argv: actor(["exit", 0]), namespaces: [:user]}})
      assert finish(wire, exit: 3).frames == [{:error, errno(:eperm), :setgroups}]
    end

    test "with maps of 0 and setgroups denied runs without the agent's supplementary groups" do
      maps = [setgroups: "deny", uid_map: "0 #{@user} 1", gid_map: "0 #{@user} 1"]
      groups = ["--groups", 1234, 2345]
      wire = sent(maps, %{argv: actor(["pause"])}, driver: groups)
      await_output(wire, "ready\n")
      assert Host.status(wire.host_pid)["Groups"] == ""
      assert_frame(wire, {:status, :running})
      kill(wire)
    end

    test "with ids set by command runs as those" do
      maps = [uid_map: "5 #{@user} 1", gid_map: "5 #{@user} 1"]
      command = {:set_credentials, 5, 5, []}
      wire = sent(maps, %{}, checkpoint: [command])
      assert finish(wire).output =~ "uid 5 5 gid 5 5\n"
    end

    test "that does not stop at the checkpoint is refused before anything is started" do
      for extra <- [
            %{},
            %{namespaces: [:user, :pid, :mount]},
            %{setup: [{:cap_drop_bounding, 0}]}
          ] do
        request =
          Map.merge(%{argv: actor(["say", "ran"]), namespaces: [:user], proceed: true}, extra)

        result = finish(requested(request), exit: 3)
        assert [{:error, code, :setresuid}] = result.frames
        assert code in [errno(:eperm), errno(:einval)]
        assert result.output == ""
      end
    end
  end

  describe "a spawn with :user by an ordinary user" do
    # Such a workload can only keep its own ids.
    @describetag :userns

    defp as_user, do: if(Host.root?(), do: [driver: ["--user", @user]], else: [])

    test "runs without maps" do
      request = %{argv: actor(["say", "ran"]), namespaces: [:user]}
      assert finish(requested(Map.put(request, :proceed, true), as_user())).output == "ran\n"
      assert run(request, as_user()).output == "ran\n"
    end
  end
end
