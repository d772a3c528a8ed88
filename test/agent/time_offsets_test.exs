# SPDX-License-Identifier: MIT

defmodule AgentTest.TimeOffsetsTest do
  use AgentTest.Case, async: true

  # time_namespaces(7): /proc/<pid>/timens_offsets has what was written, /proc/uptime is the clock CLOCK_BOOTTIME
  # of its reader's time namespace.

  @argv ["/bin/cat", "/proc/self/timens_offsets", "/proc/uptime"]

  # A number of seconds that the machine has not been up for, and one below what it has.
  @ahead 40_000_000
  @behind -2

  defp uptime do
    [seconds | _] = "/proc/uptime" |> File.read!() |> String.split(["."], parts: 2)
    String.to_integer(seconds)
  end

  defp read(output) do
    [monotonic, boottime, uptime] = String.split(output, "\n", trim: true)
    ["monotonic" | monotonic] = String.split(monotonic)
    ["boottime" | boottime] = String.split(boottime)
    [uptime | _] = String.split(uptime, ".")
    numbers = fn list -> list |> Enum.map(&String.to_integer/1) |> List.to_tuple() end

    %{
      monotonic: numbers.(monotonic),
      boottime: numbers.(boottime),
      uptime: String.to_integer(uptime)
    }
  end

  # A session in a user namespace, of root's or an ordinary user's, through the checkpoint.
  defp in_user_namespace(offsets, more \\ %{}) do
    request = %{argv: @argv, namespaces: [:user, :time], time_offsets: offsets}
    wire = parked(Map.merge(request, more))
    map_own_ids(wire)
    send_term(wire, :proceed)
    finish(wire).output |> read()
  end

  @tag :userns
  test "the workload's clocks are set by them, in a user namespace" do
    seen = in_user_namespace([{:boottime, @ahead, 0}, {:monotonic, 5, 500_000_000}])
    assert seen.boottime == {@ahead, 0}
    assert seen.monotonic == {5, 500_000_000}
    assert seen.uptime in (uptime() + @ahead - 60)..(uptime() + @ahead)
  end

  @tag :userns
  test "one alone leaves the other clock, and a negative one puts it back" do
    seen = in_user_namespace([{:boottime, @behind, 250_000_000}])
    assert seen.boottime == {@behind, 250_000_000}
    assert seen.monotonic == {0, 0}
    assert seen.uptime < uptime()
    seen = in_user_namespace([{:monotonic, @ahead, 1}])
    assert seen.monotonic == {@ahead, 1}
    assert seen.boottime == {0, 0}
    assert seen.uptime <= uptime()
  end

  @tag :userns
  test "all namespaces at once have them, too" do
    namespaces = [:user, :mount, :uts, :ipc, :cgroup, :net, :time, :pid]
    seen = in_user_namespace([{:boottime, @ahead, 0}], %{namespaces: namespaces})
    assert seen.uptime >= @ahead
  end

  @tag :userns
  test "an offset that would put a clock below zero, or too far, is ERANGE, and no workload runs" do
    for offset <- [
          {:boottime, -4_000_000_000, 0},
          {:monotonic, -4_000_000_000, 999_999_999},
          {:boottime, 0x7FFF_FFFF_FFFF_FFFF, 0},
          {:monotonic, -0x8000_0000_0000_0000, 0},
          {:boottime, 9_223_372_036, 0}
        ] do
      wire = requested(%{argv: @argv, namespaces: [:user, :time], time_offsets: [offset]})
      result = finish(wire)
      refute ran?(result)
      assert {offset, final(result)} == {offset, {:error, 34, :time_offsets}}
    end
  end

  test "without a fresh time namespace they are refused before the child exists" do
    for namespaces <- [[], [:user], [:uts, :pid]] do
      request = %{argv: @argv, namespaces: namespaces, time_offsets: [{:boottime, 1, 0}]}

      assert finish(requested(request), exit: 3).frames == [
               {:error, errno(:einval), :time_offsets}
             ]
    end

    target = Target.plain()

    request = %{
      target: target.pid,
      argv: @argv,
      namespaces: [:time],
      time_offsets: [{:boottime, 1, 0}]
    }

    wire = requested({:enter, request})
    assert finish(wire, exit: 3).frames == [{:error, errno(:einval), :time_offsets}]
  end

  test "no offset is none" do
    assert final(run(%{argv: actor(["exit", 7]), time_offsets: []})) == {:status, :exited, 7}
  end

  test "another shape is malformed" do
    for offsets <- [
          :boottime,
          [:boottime],
          [boottime: 1],
          [{:realtime, 1, 0}],
          [{"boottime", 1, 0}],
          [{:boottime, 1, 1_000_000_000}],
          [{:boottime, 1, -1}],
          [{:boottime, 1.5, 0}],
          [{:boottime, 0x8000_0000_0000_0000, 0}],
          [{:boottime, 1, 0, 0}],
          [{:boottime, 1, 0}, {:boottime, 1, 0}],
          [{:boottime, 1, 0} | {:monotonic, 1, 0}]
        ] do
      wire = requested(%{argv: @argv, namespaces: [:user, :time], time_offsets: offsets})
      result = finish(wire, exit: 2)
      assert {offsets, result.frames} == {offsets, [{:error, errno(:einval), :malformed_request}]}
    end
  end

  describe "of root" do
    @describetag :root

    test "they are there without a checkpoint and without a user namespace" do
      offsets = [{:monotonic, @ahead, 0}, {:boottime, @ahead, 0}]

      request = %{
        argv: @argv,
        namespaces: [:time, :pid, :mount],
        time_offsets: offsets,
        proceed: true
      }

      seen = finish(requested(request)).output |> read()
      assert seen.uptime >= @ahead
      assert seen.monotonic == {@ahead, 0}
    end

    test "the namespace is the workload's own and fresh, and there at the checkpoint" do
      request = %{argv: actor(["pause"]), namespaces: [:time], time_offsets: [{:boottime, 1, 0}]}
      wire = parked(request)
      time = Host.namespaces(wire.host_pid)["time"]
      assert time != Host.namespaces(wire.agent)["time"]
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      assert Host.namespaces(wire.host_pid)["time"] == time
      kill(wire)
    end

    test "what enters the session has its clocks" do
      request = %{
        argv: actor(["pause"]),
        namespaces: [:time],
        time_offsets: [{:boottime, @ahead, 0}]
      }

      made = running(request)
      seen = run({:enter, %{target: made.host_pid, argv: @argv}}).output |> read()
      assert seen.uptime >= @ahead
      kill(made)
    end

    @tag :userns
    test "an ordinary user has them in a user namespace" do
      request = %{argv: @argv, namespaces: [:user, :time], time_offsets: [{:boottime, @ahead, 0}]}
      wire = parked(request, driver: ["--user", 65_534])
      map_ids(wire, "0 65534 1\n")
      send_term(wire, :proceed)
      assert read(finish(wire).output).uptime >= @ahead
    end

    test "a user without the privilege is EPERM, and no workload runs" do
      request = %{argv: @argv, namespaces: [:time], time_offsets: [{:boottime, 1, 0}]}
      result = run(request, driver: ["--user", 65_534])
      refute ran?(result)
      assert final(result) == {:error, errno(:eperm), :time_offsets}
    end

    # A time namespace that clone3 makes is ENOSYS there; this one is made by unshare(2).
    @tag :tmp_dir
    test "they need no clone3", %{tmp_dir: dir} do
      path = Path.join(dir, "filter")
      File.write!(path, Bpf.deny([:clone3], errno(:enosys)))
      request = %{argv: @argv, namespaces: [:time], time_offsets: [{:boottime, @ahead, 0}]}
      seen = run(request, driver: ["--filter", path]).output |> read()
      assert seen.uptime >= @ahead
    end
  end
end
