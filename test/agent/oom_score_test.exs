# SPDX-License-Identifier: MIT

defmodule AgentTest.OomScoreTest do
  use AgentTest.Case, async: true

  # The key oom_score_adj: the workload has it, and the agent its own one.

  alias Linx.Test.Probe

  defp score(pid), do: File.read!("/proc/#{pid}/oom_score_adj") |> String.trim()

  test "a value that is not below one's own is the workload's from its first instruction" do
    own = String.to_integer(score("self"))

    for value <- [own, own + 1, 1000], more <- [%{proceed: true}, %{}, %{setup: [{:umask, 0}]}] do
      request = Map.merge(%{argv: Probe.argv([:scheduling]), oom_score_adj: value}, more)
      wire = if more[:proceed], do: requested(request), else: parked(request)

      if not Map.has_key?(more, :proceed) do
        assert score(wire.host_pid) == "#{value}"
        assert score(wire.agent) == "#{own}"
        send_term(wire, :proceed)
      end

      result = finish(wire)
      assert final(result) == {:status, :exited, 0}
      assert Probe.facts(result.output)["oom_score_adj"] == "#{value}"
    end
  end

  @tag :userns
  test "a workload in a user namespace has it as well" do
    for namespaces <- [[:user], [:user, :pid, :mount]] do
      wire =
        parked(%{argv: Probe.argv([:scheduling]), namespaces: namespaces, oom_score_adj: 999})

      map_own_ids(wire)
      send_term(wire, :proceed)
      assert Probe.facts(finish(wire).output)["oom_score_adj"] == "999"
    end
  end

  @tag :root
  test "less than that takes CAP_SYS_RESOURCE" do
    driver = [driver: ["--user", 65_534]]
    result = finish(requested(%{argv: actor(["exit", 0]), oom_score_adj: -500}, driver), exit: 3)
    assert result.frames == [{:error, errno(:eacces), :oom_score_adj}]
  end

  test "of no number from -1000 to 1000 is malformed" do
    for value <- [-1001, 1001, "5", 1.0, nil] do
      result = finish(requested(%{argv: actor(["exit", 0]), oom_score_adj: value}), exit: 2)
      assert final(result) == {:error, errno(:einval), :malformed_request}
    end
  end

  @tag :root
  test "a process that enters another has it, too" do
    target = Target.unshare(["--uts", "--pid", "--fork"])
    request = %{target: target.pid, argv: Probe.argv([:scheduling]), oom_score_adj: 900}
    assert Probe.facts(run({:enter, request}).output)["oom_score_adj"] == "900"
  end
end
