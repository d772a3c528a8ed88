# SPDX-License-Identifier: MIT

defmodule Linx.HostOptionsTest do
  use Linx.SessionCase, async: true

  doctest Linx.Rlimit
  doctest Linx.Sysctl
  doctest Linx.Process.IdMaps
  doctest Linx.Process.Limits

  # hostname, uid_map, gid_map, setgroups, oom_score_adj and rlimits, of sessions and calls; and the verbs of limits and
  # kernel parameters at the checkpoint.

  @sections ["ids", "namespaces", "limits", "scheduling"]

  defp own(flag) do
    {id, 0} = System.cmd("id", [flag])
    id |> String.trim() |> String.to_integer()
  end

  defp maps, do: [uid_map: [{0, own("-u"), 1}], gid_map: [{0, own("-g"), 1}]]

  # What a session and a call report.
  defp both(options) do
    {:ok, %{stdout: report}} = Linx.run(Probe.argv(@sections), options)
    [probe(@sections, options), Probe.facts(report)]
  end

  test "limits are those of the program" do
    for facts <- both(rlimits: [nofile: 64, core: {0, 4096}, cpu: {100, 200}]) do
      assert facts["rlimit.nofile"] == "64 64"
      assert facts["rlimit.core"] == "0 4096"
      assert facts["rlimit.cpu"] == "100 200"
    end
  end

  @tag :userns
  test "a workload in namespaces of its own has its maps and its host name without a checkpoint" do
    {:ok, host} = :inet.gethostname()

    for facts <- both([namespaces: [:user, :uts], hostname: "inside"] ++ maps()) do
      assert {facts["hostname"], facts["uid"], facts["gid"]} == {"inside", "0 0 0", "0 0 0"}
      assert String.split(facts["uid_map"]) == ["0", "#{own("-u")}", "1"]
      assert facts["setgroups"] == "deny"
    end

    assert :inet.gethostname() == {:ok, host}
  end

  @tag :userns
  test "maps that were given are there at the checkpoint, and written for good" do
    {session, host_pid} = parked([argv: ["/bin/true"], namespaces: [:user]] ++ maps())
    assert Linx.User.read_uid_map(host_pid) == {:ok, [{0, own("-u"), 1}]}

    assert {:error, %Linx.Process.Error{stage: :uid_map, errno: :eperm}} =
             Linx.User.setup_maps(host_pid, uid: [{0, own("-u"), 1}])

    :ok = Linx.Process.proceed(session)
    assert Linx.Process.wait(session) == {:ok, {:exited, 0}}
  end

  test "a workload is killed more readily than the BEAM" do
    for facts <- both(oom_score_adj: 987), do: assert(facts["oom_score_adj"] == "987")
  end

  test "a value that does not fit is an error before anything is started" do
    namespaces = [namespaces: [:user, :uts]]

    for {name, values} <- [
          hostname: [String.duplicate("n", 65), "a\0b", :name, nil, 1],
          uid_map: [[], [{0, 0}], [{0, 0, 0}], [{0, 0, 2}, {1, 5, 1}], {0, 0, 1}, nil],
          gid_map: [[], [{-1, 0, 1}], [{0, 0, 1}, {0, 5, 1}]],
          setgroups: [true, "deny"],
          oom_score_adj: [-1001, 1001, "5", nil],
          rlimits: [
            [files: 1],
            [nofile: -1],
            [nofile: {2, 1}],
            [nofile: {:infinity, 1}],
            [nofile: 1, nofile: 2],
            [nofile: 0x1_0000_0000_0000_0000],
            [:nofile],
            %{nofile: 1},
            [nofile: 1.0]
          ]
        ],
        value <- values do
      error = {:error, {:"bad_#{name}", value}}
      options = namespaces ++ Keyword.delete(maps(), name) ++ [{name, value}]
      assert Linx.Process.spawn([argv: ["/bin/true"]] ++ options) == error
      assert Linx.run("true", options) == error
    end
  end

  test "what lacks its namespace, or its other half, is an error before anything is started" do
    [{:uid_map, uid}, {:gid_map, gid}] = maps()

    for {options, bad} <- [
          {[hostname: "inside"], {:bad_hostname, "inside"}},
          {[hostname: "inside", namespaces: [:user]], {:bad_hostname, "inside"}},
          {maps(), {:bad_uid_map, uid}},
          {[uid_map: uid, namespaces: [:user]], {:bad_uid_map, uid}},
          {[gid_map: gid, namespaces: [:user]], {:bad_gid_map, gid}},
          {[setgroups: :deny, namespaces: [:user]], {:bad_setgroups, :deny}}
        ] do
      assert Linx.Process.spawn([argv: ["/bin/true"]] ++ options) == {:error, bad}
      assert Linx.run("true", options) == {:error, bad}
      assert Linx.format_error(bad) =~ "needs" or Linx.format_error(bad) =~ "goes with"
    end
  end

  test "a limit that the kernel refuses is an error of the session" do
    assert {:error, %Linx.Process.Error{stage: :rlimit, errno: :eperm, index: 0}} =
             Linx.run("true", rlimits: [nofile: :infinity])
  end

  @tag :userns
  test "limits and kernel parameters are set at the checkpoint" do
    argv = ["/bin/sh", "-c", "ulimit -n; cat /proc/sys/net/ipv4/ip_default_ttl"]
    options = [argv: argv, namespaces: [:user, :net], stdio: [stdout: :pipe]]
    {session, _host_pid} = parked(options ++ maps())
    assert :ok = Linx.Rlimit.set(session, nofile: 77, core: 0)
    assert :ok = Linx.Sysctl.set(session, %{"net.ipv4.ip_default_ttl" => 78})
    :ok = Linx.Process.proceed(session)
    assert Linx.Process.wait(session) == {:ok, {:exited, 0}}
    assert Linx.Process.read(session, :stdout) == {:ok, "77\n78\n"}
    assert Linx.Rlimit.set(session, core: 0) in [{:error, :running}, {:error, :no_process}]
  end

  test "what is no limit and no parameter is sent nowhere" do
    for limits <- [nil, [1], [core: :none], %{core: 0}],
        do: assert(Linx.Rlimit.set(self(), limits) == {:error, {:bad_rlimits, limits}})

    for {parameters, bad} <- [
          {1, 1},
          {[:a], :a},
          {%{a: 1}, {:a, 1}},
          {[{"", "1"}], {"", "1"}},
          {[{"net.x", "a\0"}], {"net.x", "a\0"}},
          {[{"net.x", 1}, {"net.y", 1.5}], {"net.y", 1.5}}
        ] do
      assert Linx.Sysctl.set(self(), parameters) == {:error, {:bad_sysctl, bad}}
    end
  end

  @tag :userns
  test "a parameter of the host ends the session" do
    {session, _host_pid} = parked([argv: ["/bin/true"], namespaces: [:user]] ++ maps())

    assert {:error, %Linx.Process.Error{stage: :sysctl, errno: :einval}} =
             Linx.Sysctl.set(session, [{"kernel.panic", 1}])
  end

  @tag :root
  test "root's workload has a range of ids, and its groups" do
    range = [uid_map: [{0, 100_000, 65_536}], gid_map: [{0, 200_000, 65_536}]]
    options = [namespaces: [:user], user: 5, group: 6, groups: [7]] ++ range

    for facts <- both(options) do
      assert {facts["uid"], facts["gid"], String.trim(facts["groups"])} == {"5 5 5", "6 6 6", "7"}
      assert facts["setgroups"] == "allow"
    end
  end
end
