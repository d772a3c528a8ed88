# SPDX-License-Identifier: MIT

defmodule AgentTest.HardeningTest do
  use AgentTest.Case, async: true

  # What a workload, a process in the same namespaces or the kernel's settings could make a careless agent do.

  defp hostile(part), do: [path("hostile"), part]

  test "a workload that makes packets of its output takes no byte from the frames" do
    request = %{
      argv: hostile("packets"),
      stdio: [stdout: :pipe, stderr: :pipe],
      flow: :demand,
      demand: [stderr: 6]
    }

    for _ <- 1..5 do
      wire = running(request)
      await_pipe(wire, :stderr, "ready\n")
      send_term(wire, {:demand, :stdout, 1_048_576})
      seen = await_bytes(wire, :stdout, 16 * 4096)
      assert seen == String.duplicate("a", 15 * 4096) <> String.duplicate("b", 4096)
      send_term(wire, {:close, :stderr})
      send_term(wire, {:signal, 9})
      assert final(finish(wire, drained: true)) == {:status, :signaled, 9}
    end
  end

  test "packets of any size are relayed whole" do
    for size <- [1000, 3000, 4090, 4096], extra <- [%{}, %{flow: :demand}] do
      file = scratch("packets")
      text = pattern(100 * size)
      File.write!(file, text)
      argv = ["/bin/dd", "if=#{file}", "bs=#{size}", "oflag=direct", "status=none"]
      request = Map.merge(%{argv: argv, stdio: [stdout: :pipe]}, extra)
      wire = running(request)
      if extra != %{}, do: send_term(wire, {:demand, :stdout, 1_048_576})
      result = finish(wire, drained: true)
      File.rm!(file)
      assert byte_size(result.stdout) == byte_size(text), "packets of #{size}, #{inspect(extra)}"
      assert result.stdout == text
    end
  end

  # In a pid namespace without a /proc of its own, /proc/2 is a kernel thread of the host, whose children are 3,
  # 4 and so on. The agent is process 2 of the namespace, in which those numbers are other processes.
  @tag :root
  test "descendants are the agent's own, also where /proc is another pid namespace's" do
    script = """
    "$0" & agent=$!
    sleep 1000 & one=$!
    sleep 1000 & other=$!
    exec 3<&- 4>&-
    echo ready
    wait $agent
    kill $one $other && echo spared
    """

    program = ["/usr/bin/unshare", "--pid", "--fork", "/bin/sh", "-c", script, agent()]
    wire = start(program: program)
    await_output(wire, "ready\n")
    send_term(wire, {:spawn, %{argv: actor(["exit", 0]), descendants: :kill, proceed: true}})
    assert await_gone(wire).output == "ready\nspared\n"
  end

  @tag :root
  @tag :sanitizer_unfit
  test "a file size limit that the sealed copy does not fit in is an error with its frame" do
    program = ["/bin/sh", "-c", "ulimit -f 1 && exec \"$0\"", agent()]
    wire = start(program: program)
    send_term(wire, {:spawn, %{argv: actor(["exit", 0]), namespaces: [:pid]}})
    efbig = 27
    assert [{:error, ^efbig, :memfd}] = finish(wire, exit: 3).frames
  end

  # The fallback for close_range(2) reads /proc/self/fd, which in a mount namespace that was joined may be any
  # directory that its owner has mounted.
  @tag :root
  @tag :tmp_dir
  test "a false /proc in what is entered keeps no inherited descriptor open", %{tmp_dir: dir} do
    script = "mount -t tmpfs none /proc && mkdir -p /proc/self/fd && exec #{path("actor")} pause"
    target = start(program: ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script])
    await_output(target, "ready\n")
    filter = Path.join(dir, "filter")
    File.write!(filter, Bpf.deny([:close_range], errno(:enosys)))
    request = {:enter, %{target: target.agent, argv: actor(["pause"]), proceed: true}}
    wire = requested(request, driver: ["--open-fds", 20, "--filter", filter])
    await_output(wire, "ready\n")
    assert {:status, :spawned, host_pid} = next_frame(wire)
    assert host_pid |> Host.fds() |> Map.keys() == [0, 1, 2]
    Host.signal(host_pid, 9)
    finish(wire)
    Host.signal(target.agent, 9)
    await_gone(target)
  end

  # Every change of ids clears the parent-death signal (PR_SET_PDEATHSIG(2const)), and a stopped process does
  # not see the end of a pipe.
  @tag :root
  test "a parked child that was stopped dies with the agent, also when its identity was changed" do
    for setup <- [[], [{:set_credentials, 65_534, 65_534, []}]] do
      wire = parked(%{argv: actor(["pause"]), setup: setup})
      Host.signal(wire.host_pid, 19)
      Host.signal(wire.agent, 9)
      assert %{orphans: [{_, 9}]} = await_gone(wire)
    end
  end

  test "output that cannot be asked for any more does not stop a workload that lingers" do
    request = %{
      argv: actor(["write", 1, 1_000_000]),
      stdio: [stdout: :pipe, stderr: :pipe],
      flow: :demand,
      orphan_policy: :linger
    }

    wire = running(request)
    close_commands(wire)
    assert %{orphans: []} = await_gone(wire)
  end
end
