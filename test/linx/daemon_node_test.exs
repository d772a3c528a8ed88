# SPDX-License-Identifier: MIT

defmodule Linx.DaemonNodeTest do
  # Programs run in another VM. This VM becomes a node, so not async.
  use Linx.SessionCase, async: false

  alias Linx.Daemon
  alias Linx.Test.Nodes

  # Erlang logs the loss of a node that is killed.
  @moduletag :capture_log
  @patience 30_000

  setup_all do
    Nodes.start_distribution()
  end

  setup do
    Process.flag(:trap_exit, true)
    :ok
  end

  test "a daemon's program runs on the node that is named, and its log is here" do
    node = Nodes.start_node()
    test = self()
    script = "trap 'echo bye; exit' TERM; echo $PPID; while :; do sleep 0.01; done"

    {:ok, daemon} =
      Daemon.start_link(
        argv: ["sh", "-c", script],
        node: node,
        log: &send(test, {:line, &1}),
        wait_for: {:output, ~r/\d\n/}
      )

    assert_receive {:line, agent}, @patience
    {:ok, pid} = Daemon.os_pid(daemon)
    assert Host.alive?(pid)
    assert %{lines: 1, usage: %{maxrss_kb: _}} = Daemon.stats(daemon)
    GenServer.stop(daemon)
    assert_receive {:line, "bye"}
    await_gone(pid)
    await_gone(String.to_integer(agent))
    assert {:error, %Error{errno: :enoent}} = Daemon.start_link(argv: ["no such"], node: node)
  end

  test "a node that is lost is the end of the daemon, and one that is not there no start" do
    node = Nodes.start_node()
    {:ok, daemon} = Daemon.start_link(argv: ["sleep", "1000"], node: node, stop: {:sigterm, 0})
    {:ok, pid} = Daemon.os_pid(daemon)
    node |> :erpc.call(System, :pid, []) |> Host.signal("KILL")
    assert_receive {:EXIT, ^daemon, {:error, %Error{stage: :nodedown}}}, @patience
    await_gone(pid)
    gone = :"nobody@127.0.0.1"
    assert {:error, :nodedown} = Daemon.start_link(argv: ["sleep", "1000"], node: gone)
  end
end
