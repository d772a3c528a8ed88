# SPDX-License-Identifier: MIT

defmodule Linx.UsageTest do
  use Linx.SessionCase, async: true

  alias Linx.Process, as: P

  test "what the workload used is told before its end, and stays known" do
    session = session(argv: actor(["burn", 50]), usage: true, auto_proceed: true)
    assert {:ok, {:exited, 0}} = P.wait(session)
    assert [{:ready, _}, :running, {:usage, usage}, {:exited, 0}] = events_so_far(session)
    assert usage.utime_us + usage.stime_us >= 50_000
    assert usage.core_dumped == false
    assert {:ok, %Info{usage: ^usage}} = P.info(session)
  end

  test "plain events have it too" do
    {:ok, session} =
      P.spawn(argv: actor(["touch", 64]), stdio: :devnull, usage: true, auto_proceed: true)

    assert_receive {:linx_process, :usage, %{maxrss_kb: maxrss}}, 30_000
    # The kernel counts in batches per processor, so a little may be missing (proc(5), VmRSS).
    assert maxrss >= 63 * 1024
    assert {:ok, {:exited, 0}} = P.wait(session)
  end

  test "without being asked for there is none" do
    session = session(argv: ["/bin/true"], auto_proceed: true)
    assert {:ok, {:exited, 0}} = P.wait(session)
    assert [{:ready, _}, :running, {:exited, 0}] = events_so_far(session)
    assert {:ok, %Info{usage: nil}} = P.info(session)
  end
end
