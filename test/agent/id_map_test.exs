# SPDX-License-Identifier: MIT

defmodule AgentTest.IdMapTest do
  use AgentTest.Case, async: true

  # The keys uid_map, gid_map and setgroups: maps that need no word from the client.

  alias Linx.Test.Probe

  defp own(flag) do
    {id, 0} = System.cmd("id", [flag])
    id |> String.trim() |> String.to_integer()
  end

  defp one(inside \\ 0),
    do: %{uid_map: [{inside, own("-u"), 1}], gid_map: [{inside, own("-g"), 1}]}

  defp request(more, sections \\ [:ids, :capabilities, :ties, :security]) do
    Map.merge(%{argv: Probe.argv(sections), namespaces: [:user], proceed: true}, more)
  end

  defp facts(request, opts \\ []) do
    result = finish(requested(request, opts))
    assert final(result) == {:status, :exited, 0}
    Probe.facts(result.output)
  end

  defp refused(request) do
    [frame] = finish(requested(request), exit: 3).frames
    frame
  end

  defp words(text), do: text |> String.split() |> Enum.join(" ")

  @tag :userns
  test "one's own id is mapped without a checkpoint, and setgroups denied" do
    facts = facts(request(one()))
    assert words(facts["uid_map"]) == "0 #{own("-u")} 1"
    assert words(facts["gid_map"]) == "0 #{own("-g")} 1"
    assert {facts["uid"], facts["gid"], facts["setgroups"]} == {"0 0 0", "0 0 0", "deny"}
    assert facts["parent_death_signal"] == "9"
    assert Probe.mask(facts, "cap.effective") == Probe.mask(facts, "cap.bounding")
  end

  @tag :userns
  test "the child is what its first row says, where the maps have no 0" do
    for commands <- [%{}, %{setup: [{:umask, 0}]}, %{final: [{:umask, 0}]}] do
      facts = facts(request(Map.merge(one(1234), commands)))
      assert {facts["uid"], facts["gid"]} == {"1234 1234 1234", "1234 1234 1234"}
      assert words(facts["uid_map"]) == "1234 #{own("-u")} 1"
    end
  end

  @tag :userns
  test "commands of each list, and at the checkpoint, find the ids taken" do
    more = %{namespaces: [:user, :mount, :uts, :pid], setup: [{:hostname, "mapped"}]}
    request = one() |> Map.merge(more) |> request([:ids, :namespaces, :process])
    assert %{"hostname" => "mapped", "uid" => "0 0 0", "pid" => "1"} = facts(request)

    wire = parked(Map.merge(request, %{proceed: false, ack: true}))
    assert Host.status(wire.host_pid)["Uid"] == Enum.join(List.duplicate(own("-u"), 4), "\t")
    send_term(wire, {:hostname, "later"})
    assert_frame(wire, {:status, :applied, 1})
    send_term(wire, :proceed)
    assert Probe.facts(finish(wire).output)["hostname"] == "later"
  end

  @tag :userns
  test "at the checkpoint the child is not dumpable, and its maps are written for good" do
    wire = parked(request(Map.put(one(), :proceed, false)))
    # The files of a process that is not dumpable are root's (proc(5)).
    assert File.stat!("/proc/#{wire.host_pid}/uid_map").uid in [0, 65_534]

    for file <- ["uid_map", "gid_map"] do
      assert {:error, reason} = File.write("/proc/#{wire.host_pid}/#{file}", "0 0 1\n")
      assert reason in [:eperm, :eacces]
    end

    send_term(wire, :proceed)
    assert Probe.facts(finish(wire).output)["uid"] == "0 0 0"
  end

  @tag :userns
  test "they go with a time namespace's offsets, and with pipes" do
    more = %{namespaces: [:user, :time], time_offsets: [{:boottime, 1000, 0}]}
    argv = ["/bin/cat", "/proc/self/timens_offsets"]
    result = finish(requested(one() |> request() |> Map.merge(Map.put(more, :argv, argv))))
    assert result.output =~ ~r/boottime +1000/

    stdio = [stdin: :devnull, stdout: :pipe, stderr: :pipe]
    result = finish(requested(one() |> request() |> Map.put(:stdio, stdio)), drained: true)
    assert final(result) == {:status, :exited, 0}
  end

  test "what is no map is malformed" do
    good = [{0, 0, 1}]
    many = for id <- 0..340, do: {id * 2, id * 2, 1}

    for bad <- [
          [],
          many,
          [{0, 0, 0}],
          [{0, 0}],
          [{-1, 0, 1}],
          [{0, 0xFFFF_FFFF, 1}],
          [{1, 0, 0xFFFF_FFFF}],
          [{0xFFFF_FFFE, 0, 2}],
          [{0, 0xFFFF_FFFE, 2}],
          [[0, 0, 1]],
          "0 0 1",
          {0, 0, 1},
          [{0, 0, 1} | {1, 1, 1}]
        ],
        keys <- [%{uid_map: bad, gid_map: good}, %{uid_map: good, gid_map: bad}] do
      result = finish(requested(request(keys)), exit: 2)
      assert {keys, final(result)} == {keys, {:error, errno(:einval), :malformed_request}}
    end

    for value <- [true, :denied, "deny", nil] do
      result = finish(requested(request(Map.put(one(), :setgroups, value))), exit: 2)
      assert final(result) == {:error, errno(:einval), :malformed_request}
    end
  end

  test "maps without a fresh user namespace, or one of them, are refused before the child exists" do
    maps = one()
    error = &{:error, errno(:einval), &1}
    assert refused(request(Map.merge(maps, %{namespaces: [:mount]}))) == error.(:uid_map)
    assert refused(request(Map.delete(maps, :gid_map))) == error.(:uid_map)
    assert refused(request(Map.delete(maps, :uid_map))) == error.(:gid_map)
    assert refused(request(%{setgroups: :deny})) == error.(:setgroups)
    target = Target.plain()
    enter = maps |> request() |> Map.merge(%{target: target.pid, namespaces: []})
    assert refused({:enter, enter}) == error.(:uid_map)
  end

  describe "an ordinary user" do
    @describetag :rootless

    test "cannot map another's id, not by a helper that is not there either" do
      for map <- [[{0, 0, 1}], [{0, own("-u") + 1, 1}], [{0, own("-u"), 2}]] do
        result = finish(requested(request(%{one() | uid_map: map})))
        refute ran?(result)
        assert {:error, number, stage} = final(result)
        assert stage in [:newuidmap, :newgidmap]
        assert number in [errno(:eperm), errno(:enoent)]
      end
    end

    test "is not given setgroups, and may deny it" do
      result = finish(requested(request(Map.put(one(), :setgroups, :allow))))
      assert {:error, _number, stage} = final(result)
      assert stage in [:newuidmap, :newgidmap, :setgroups]
      assert facts(request(Map.put(one(), :setgroups, :deny)))["setgroups"] == "deny"
    end
  end

  describe "root" do
    @describetag :root

    @range %{uid_map: [{0, 100_000, 65_536}], gid_map: [{0, 200_000, 65_536}]}

    test "maps a range, without a checkpoint, and keeps setgroups" do
      commands = [{:set_credentials, 5, 6, [7, 8]}]
      facts = facts(request(Map.put(@range, :final, commands)))
      assert words(facts["uid_map"]) == "0 100000 65536"
      assert words(facts["gid_map"]) == "0 200000 65536"
      assert {facts["uid"], facts["gid"]} == {"5 5 5", "6 6 6"}
      assert {String.trim(facts["groups"]), facts["setgroups"]} == {"7 8", "allow"}
      facts = facts(request(@range))
      assert {facts["uid"], facts["gid"], String.trim(facts["groups"])} == {"0 0 0", "0 0 0", ""}
    end

    test "maps as many rows as there may be" do
      rows = for id <- 0..339, do: {id, 100 + 2 * id, 1}
      assert byte_size(Enum.map_join(rows, &"#{Enum.join(Tuple.to_list(&1), " ")}\n")) < 4096
      facts = facts(request(%{uid_map: rows, gid_map: rows}))
      assert words(facts["uid_map"]) == "0 100 1"
    end

    test "may deny setgroups, or allow it with one id" do
      assert facts(request(Map.put(@range, :setgroups, :deny)))["setgroups"] == "deny"
      allowed = Map.put(one(), :setgroups, :allow)
      assert facts(request(allowed))["setgroups"] == "allow"
      facts = facts(request(Map.put(allowed, :final, [{:set_credentials, 0, 0, [0]}])))
      assert String.trim(facts["groups"]) == "0"
    end

    test "rows that overlap are the kernel's EINVAL, and nothing has run" do
      rows = [{0, 100_000, 10}, {5, 200_000, 10}]

      for {keys, stage} <- [
            {%{@range | uid_map: rows}, :uid_map},
            {%{@range | gid_map: rows}, :gid_map}
          ] do
        result = finish(requested(request(keys)))
        refute ran?(result)
        assert final(result) == {:error, errno(:einval), stage}
      end
    end

    test "an agent of another user maps that one's ids alone" do
      keys = %{uid_map: [{0, 65_534, 1}], gid_map: [{0, 65_534, 1}]}
      driver = [driver: ["--user", 65_534]]
      facts = facts(request(keys), driver)
      assert {facts["uid"], words(facts["uid_map"])} == {"0 0 0", "0 65534 1"}
      result = finish(requested(request(@range), driver))
      assert {:error, number, :newuidmap} = final(result)
      assert number in [errno(:eperm), errno(:enoent)]
    end
  end
end
