# SPDX-License-Identifier: MIT

defmodule AgentTest.UtsTest do
  use AgentTest.Case, async: true

  # hostname and domainname: the names of a UTS namespace (uts_namespaces(7)), and of no other.

  alias Linx.Test.Probe

  @names %{"hostname" => "inside", "domainname" => "example.test"}
  @commands [{:hostname, "inside"}, {:domainname, "example.test"}]

  defp argv, do: Probe.argv([:namespaces])
  defp names(result), do: result.output |> Probe.facts() |> Map.take(Map.keys(@names))
  defp host_names, do: Map.new(Map.keys(@names), &{&1, File.read!("/proc/sys/kernel/#{&1}")})

  @tag :userns
  test "they are set in a user namespace's own, in each list and at the checkpoint" do
    before = host_names()

    for place <- [:setup, :final, :checkpoint] do
      request = %{argv: argv(), namespaces: [:user, :uts]}
      request = if place == :checkpoint, do: request, else: Map.put(request, place, @commands)
      wire = parked(request)
      map_own_ids(wire)
      commands = if place == :checkpoint, do: @commands, else: []
      for command <- commands ++ [:proceed], do: send_term(wire, command)
      assert {place, names(finish(wire))} == {place, @names}
    end

    assert host_names() == before
  end

  @tag :userns
  test "without capabilities it is EPERM" do
    for {command, stage} <- [{{:hostname, "x"}, :hostname}, {{:domainname, "x"}, :domainname}] do
      wire = parked(%{argv: argv(), namespaces: [:user, :uts]})
      map_own_ids(wire)
      for sent <- [{:cap_set_thread, 0, 0, 0}, command], do: send_term(wire, sent)
      assert final(finish(wire)) == {:error, errno(:eperm), stage}
    end
  end

  @tag :userns
  test "without a UTS namespace of the session's they are refused before the child exists" do
    before = host_names()

    for command <- @commands, list <- [:setup, :final], namespaces <- [[], [:user, :net, :pid]] do
      request = Map.put(%{argv: argv(), namespaces: namespaces}, list, [{:umask, 0}, command])
      result = finish(requested(request), exit: 3)
      assert result.frames == [{:error, errno(:eperm), elem(command, 0), 1}]
    end

    assert host_names() == before
  end

  test "a name may be empty, and has 64 bytes at most" do
    for name <- [String.duplicate("n", 65), "a\0b", :name, ~c"name", 1],
        command <- [:hostname, :domainname] do
      request = %{argv: argv(), namespaces: [:user, :uts], setup: [{command, name}]}
      result = finish(requested(request), exit: 2)
      assert final(result) == {:error, errno(:einval), :malformed_request}
    end
  end

  describe "of root" do
    @describetag :root

    test "they are set without a checkpoint, in a namespace without a user namespace" do
      before = host_names()
      long = String.duplicate("n", 64)

      for {name, found} <- [{"inside", "inside"}, {long, long}, {"", ""}] do
        setup = [{:hostname, name}, {:domainname, "example.test"}]
        request = %{argv: argv(), namespaces: [:uts], setup: setup, proceed: true}

        assert finish(requested(request)).output |> Probe.facts() |> Map.fetch!("hostname") ==
                 found
      end

      assert host_names() == before
    end

    test "at the checkpoint of a session with the host's names they are refused" do
      before = host_names()
      result = run(%{argv: argv()}, checkpoint: [{:hostname, "taken"}])
      assert final(result) == {:error, errno(:eperm), :hostname}
      assert host_names() == before
    end

    test "in a user namespace with a range of ids, they are the namespace's" do
      wire = parked(%{argv: argv(), namespaces: [:user, :uts], final: @commands})
      map_ids(wire, "0 100000 65536\n")
      send_term(wire, :proceed)
      assert names(finish(wire)) == @names
    end

    test "a UTS namespace that is entered is renamed, and one that is not is not" do
      target = Target.unshare(["--uts"])
      request = %{target: target.pid, argv: argv(), setup: @commands}
      assert names(run({:enter, request})) == @names
      result = finish(requested({:enter, %{request | target: Target.plain().pid}}), exit: 3)
      assert result.frames == [{:error, errno(:eperm), :hostname, 0}]
    end
  end
end
