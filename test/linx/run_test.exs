# SPDX-License-Identifier: MIT

defmodule Linx.RunTest do
  use Linx.CallCase, async: true

  test "stdout and stderr are apart, and everything about the end is told" do
    assert {:ok, result} = Linx.run(sh("echo out; echo err >&2; exit 3"))

    assert %Linx.Result{stdout: "out\n", stderr: "err\n", status: 3, outcome: {:exited, 3}} =
             result

    assert is_integer(result.duration) and result.duration > 0
    assert result.usage.maxrss_kb > 0
    assert result.usage.utime_us + result.usage.stime_us <= result.duration * System.schedulers()

    assert {:ok, %{status: 137, outcome: {:signaled, 9}}} = Linx.run(actor(["die", 9]))
    assert {:ok, %{status: 0, stdout: "", stderr: ""}} = Linx.run("true")
  end

  test "stderr joins stdout, or goes elsewhere, when that is asked for" do
    script = sh("echo out; echo err >&2")
    assert {:ok, %{stdout: "out\nerr\n", stderr: ""}} = Linx.run(script, stderr_to_stdout: true)
    assert {:ok, %{stdout: "out\n", stderr: ""}} = Linx.run(script, stdio: [stderr: :devnull])
    assert {:ok, %{stdout: "", stderr: ""}} = Linx.run(script, stdio: :devnull)

    path =
      Path.join(
        System.tmp_dir!(),
        "linx-run-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    on_exit(fn -> File.rm(path) end)

    assert {:ok, %{stdout: "", stderr: "err\n"}} =
             Linx.run(script, stdio: [stdout: {:file, path, :write}])

    assert File.read!(path) == "out\n"
    assert {:ok, %{stdout: "out\n"}} = Linx.run("cat", stdio: [stdin: {:file, path, :read}])
  end

  test "much on both at once is whole, and in order" do
    script = "seq 200000 & seq 200000 >&2; wait"
    assert {:ok, %{stdout: stdout, stderr: stderr, status: 0}} = Linx.run(sh(script))
    expected = Enum.map_join(1..200_000, &"#{&1}\n")
    assert stdout == expected
    assert stderr == expected
  end

  test "input goes in while output comes out" do
    input = :binary.copy(:crypto.strong_rand_bytes(65_536), 512)
    assert {:ok, %{stdout: ^input}} = Linx.run("cat", input: input)
  end

  test "an output within the bound is a result, one past it an error, to the byte" do
    head = &["head", "-c", "#{&1}", "/dev/zero"]
    assert {:ok, %{stdout: stdout}} = Linx.run(head.(1000), max_output: 1000)
    assert byte_size(stdout) == 1000
    assert {:error, %Error{stage: :max_output} = error} = Linx.run(head.(1001), max_output: 1000)
    assert Error.kind(error) == :resource_limit
    assert Exception.message(error) =~ ":max_output"
    assert {:ok, _} = Linx.run("true", max_output: 0)
    assert {:ok, _} = Linx.run(head.(1001), max_output: :infinity)

    # The bound is that of both outputs together.
    both = sh("head -c 600 /dev/zero; head -c 600 /dev/zero >&2")
    assert {:error, %Error{stage: :max_output}} = Linx.run(both, max_output: 1000)
    assert {:ok, _} = Linx.run(both, max_output: 1200)
  end

  test "a program that says too much is killed with all it has started" do
    for part <- [["flood", 1], ["daemon", "keep"], ["leave-child"], ["ignore", 15]] do
      assert {:error, %Error{stage: :max_output}} =
               leaves_nothing(part, &Linx.run(&1, max_output: 1, kill_after: 600_000))
    end
  end

  test "a program that takes too long is ended with all it has started" do
    for part <- [["pause"], ["ignore", 15]] do
      assert {:error, %Error{stage: :timeout} = error} =
               leaves_nothing_in_time(part, &Linx.run(&1, timeout: &2, kill_after: 10))

      assert Exception.message(error) =~ ":timeout"
    end

    # The limit holds also for a program that has closed its outputs and runs on.
    assert {:error, %Error{stage: :timeout}} =
             Linx.run(sh("exec >&- 2>&-; exec sleep 600"), timeout: 1_000)
  end

  test "what cannot be started is an error, and tells why" do
    for {argv, opts, stage, errno, kind} <- [
          {"no-such-program", [], :execve, :enoent, :not_found},
          {"/no/such/program", [], :execve, :enoent, :not_found},
          {"/etc/passwd", [], :execve, :eacces, :permission_denied},
          {"true", [cd: "/no/such/directory"], :chdir, :enoent, :bad_cwd},
          {"true", [stdio: [stdin: {:file, "/no/such/file", :read}]], :file_open, :enoent,
           :not_found}
        ] do
      assert {:error, %Error{stage: ^stage, errno: ^errno} = error} = Linx.run(argv, opts)
      assert Error.kind(error) == kind

      assert {:error, %Error{stage: ^stage, errno: ^errno}} =
               Linx.run(
                 argv,
                 [input: Stream.cycle(["x"])] ++
                   if(opts[:stdio],
                     do: [stdio: [stdout: {:file, "/no/such/file", :read}]],
                     else: opts
                   )
               )
    end

    assert {:error, {:bad_timeout, -1}} = Linx.run("true", timeout: -1)
    assert {:error, {:bad_argv, []}} = Linx.run([])
    assert {:error, :nodedown} = Linx.run("true", node: :nobody@nowhere)
  end

  test "an agent that is missing, or dies, is an error" do
    agent = fn -> Linx.run("true", timeout: 20_000) end
    assert {:ok, %{status: 0}} = agent.()

    # The code is 1 when the BEAM was writing to the agent at that moment, because the port breaks then and its
    # exit code is lost.
    assert {:error, %Error{stage: :agent_died, code: code}} =
             Linx.run(sh("kill -KILL $PPID; exec sleep 600"), timeout: 20_000)

    assert code in [1, 137]
  end

  test "the checkpoint's refusal is returned, and nothing has run" do
    path =
      Path.join(
        System.tmp_dir!(),
        "linx-run-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    before = ties()
    refuse = fn _session, _host_pid -> {:error, :unwilling} end
    assert {:error, :unwilling} = Linx.run(["touch", path], checkpoint: refuse)
    refute File.exists?(path)

    abort = fn session, _host_pid -> Linx.Process.abort(session) end
    assert {:error, :aborted} = Linx.run(["touch", path], checkpoint: abort)
    refute File.exists?(path)

    # The error of a session that fails before its checkpoint is returned.
    assert {:error, %Error{stage: :file_open}} =
             Linx.run("true",
               stdio: [stdin: {:file, "/no/such/file", :read}],
               checkpoint: fn _, _ -> flunk("there is no checkpoint") end
             )

    kill = fn _session, host_pid -> Host.signal(host_pid, "KILL") && :ok end
    assert {:ok, %{outcome: {:signaled, 9}}} = Linx.run(["touch", path], checkpoint: kill)
    assert ties() == before
  end

  test "a named session can be told to end by others" do
    name = :"linx_run_#{System.unique_integer([:positive])}"
    {listener, argv} = Beacon.actor(["pause"])
    task = Task.async(fn -> Linx.run(argv, name: name) end)
    Beacon.await_lit(listener)
    :ok = Linx.Process.signal(name, :sigusr1)
    assert {:ok, %{outcome: {:signaled, 10}}} = Task.await(task, 30_000)
  end

  test "events go to an owner who is named" do
    assert {:ok, %{status: 0}} = Linx.run("true", owner: self(), events: :tagged)
    assert_receive {:linx_process, _session, {:ready, _host_pid}}, 30_000
    assert_receive {:linx_process, _session, {:exited, 0}}, 30_000
  end
end
