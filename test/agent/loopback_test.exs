# SPDX-License-Identifier: MIT

defmodule AgentTest.LoopbackTest do
  use AgentTest.Case, async: true

  # A fresh net namespace's loopback is down. The kernel gives it 127.0.0.1 when it goes up, which fib_trie
  # shows (proc(5)).

  @argv ["/bin/cat", "/proc/self/net/fib_trie"]
  @up "127.0.0.1"

  defp of_nobody(request), do: Map.merge(%{argv: @argv, namespaces: [:user, :net]}, request)

  @tag :userns
  test "it is down in a fresh net namespace, and up with the command" do
    for {setup, up?} <- [{[], false}, {[:loopback], true}, {[:loopback, :loopback], true}] do
      wire = parked(of_nobody(%{setup: setup}))
      map_own_ids(wire)
      send_term(wire, :proceed)
      assert {setup, finish(wire).output =~ @up} == {setup, up?}
    end
  end

  @tag :userns
  test "it goes up at the checkpoint and after it, too" do
    for {request, commands} <- [{%{}, [:loopback]}, {%{final: [:loopback]}, []}] do
      wire = parked(of_nobody(request))
      map_own_ids(wire)
      for command <- commands ++ [:proceed], do: send_term(wire, command)
      assert finish(wire).output =~ @up
    end
  end

  describe "of root" do
    @describetag :root
    @describetag :tmp_dir

    test "it is up from the first instruction of a workload without a checkpoint" do
      request = %{argv: @argv, namespaces: [:net], setup: [:loopback], proceed: true}
      assert finish(requested(request)).output =~ @up
    end

    test "a kernel without IPv4 is asked by netlink", %{tmp_dir: dir} do
      af_inet = 2
      eafnosupport = 97
      path = Path.join(dir, "filter")
      File.write!(path, Bpf.deny_argument(:socket, 0, af_inet, eafnosupport))
      opts = [driver: ["--filter", path]]
      request = %{argv: @argv, namespaces: [:net], setup: [:loopback], proceed: true}
      assert finish(requested(request, opts)).output =~ @up
      refute finish(requested(%{request | setup: []}, opts)).output =~ @up
    end

    test "without CAP_NET_ADMIN it is EPERM, by both ways", %{tmp_dir: dir} do
      path = Path.join(dir, "filter")
      File.write!(path, Bpf.deny_argument(:socket, 0, 2, 97))

      for opts <- [[], [driver: ["--filter", path]]] do
        setup = [{:cap_set_thread, 0, 0, 0}, :loopback]
        result = run(%{argv: @argv, namespaces: [:net], setup: setup}, opts)
        assert final(result) == {:error, errno(:eperm), :loopback, 1}
      end
    end

    test "without a fresh net namespace it is refused before the child exists" do
      for {list, namespaces} <- [{:setup, []}, {:final, []}, {:setup, [:uts, :pid, :user]}] do
        request =
          %{argv: @argv, namespaces: namespaces} |> Map.put(list, [{:set_umask, 0}, :loopback])

        result = finish(requested(request), exit: 3)
        assert result.frames == [{:error, errno(:eperm), :loopback, 1}]
      end
    end

    test "without a fresh net namespace it is refused at the checkpoint" do
      result = run(%{argv: @argv, namespaces: [:uts]}, checkpoint: [:loopback])
      refute ran?(result)
      assert final(result) == {:error, errno(:eperm), :loopback}
    end

    test "it goes up in a net namespace that is entered" do
      target = Target.unshare(["--net"])
      request = %{target: target.pid, argv: @argv}
      refute run({:enter, request}).output =~ @up
      assert run({:enter, Map.put(request, :setup, [:loopback])}).output =~ @up
      assert run({:enter, request}).output =~ @up
    end

    test "an entry that joins no other net namespace is refused" do
      target = Target.unshare(["--net", "--uts"])

      for {target, more} <- [
            {target, %{namespaces: [:uts]}},
            {Target.plain(), %{}},
            {Target.plain(), %{namespaces: [:net]}}
          ] do
        request = Map.merge(%{target: target.pid, argv: @argv, setup: [:loopback]}, more)
        result = finish(requested({:enter, request}), exit: 3)
        assert result.frames == [{:error, errno(:eperm), :loopback, 0}]
      end
    end
  end
end
