# SPDX-License-Identifier: MIT

defmodule AgentTest.UsageTest do
  use AgentTest.Case, async: true

  @counts ~w(utime_us stime_us maxrss_kb minflt majflt inblock oublock nvcsw nivcsw)a

  defp usage(request, opts \\ []) do
    result = run(Map.put(request, :usage, true), opts)
    assert [{:usage, usage}, final] = Enum.take(result.frames, -2)
    assert final?(final)
    assert Enum.count(result.frames, &match?({:usage, _}, &1)) == 1
    usage
  end

  test "is one map of ten facts, just before the final frame" do
    usage = usage(%{argv: actor(["exit", 0])})
    assert usage |> Map.keys() |> Enum.sort() == Enum.sort([:core_dumped | @counts])
    for key <- @counts, do: assert(is_integer(usage[key]) and usage[key] >= 0)
    assert usage.core_dumped == false
  end

  test "counts the processor time of the workload" do
    usage = usage(%{argv: actor(["burn", 60])})
    assert usage.utime_us + usage.stime_us >= 55_000
  end

  test "counts the processor time of children that were waited for" do
    usage = usage(%{argv: ["/bin/sh", "-c", "#{path("actor")} burn 60; exit 0"]})
    assert usage.utime_us + usage.stime_us >= 55_000
  end

  test "knows the memory and its page faults" do
    usage = usage(%{argv: actor(["touch", 32])})
    assert usage.maxrss_kb >= 30 * 1024
    assert usage.minflt > 0
  end

  test "comes with a signal's end, an abort, and a failure to exec too" do
    usage(%{argv: actor(["die", 15])})
    usage(%{argv: ["/no/such"]})
    wire = parked(%{argv: actor(["exit", 0]), usage: true})
    send_term(wire, :abort)
    assert {:status, :aborted, _} = List.last(finish(wire).frames)
  end

  # AddressSanitizer disables core dumps.
  @tag :tmp_dir
  @tag :sanitizer_unfit
  test "says what the wait status says of a core dump", %{tmp_dir: dir} do
    for driver <- [[], ["--core"]] do
      # The same program without an agent shows whether this machine writes core dumps (core(5)).
      driver = driver ++ ["--cwd", dir]
      alone = await_gone(start(program: actor(["die", 6]), driver: driver))
      dumped = Bitwise.band(alone.wait_status, 0x80) != 0
      assert usage(%{argv: actor(["die", 6])}, driver: driver).core_dumped == dumped
    end
  end

  test "absent, is not sent" do
    for request <- [%{}, %{usage: false}] do
      result = run(Map.put(request, :argv, actor(["exit", 0])))
      refute Enum.any?(result.frames, &match?({:usage, _}, &1))
    end
  end

  test "another value is malformed" do
    for value <- [1, nil, "true", []] do
      wire = requested(%{argv: actor(["exit", 0]), usage: value})
      assert finish(wire, exit: 2).frames == [{:error, errno(:einval), :malformed_request}]
    end
  end
end
