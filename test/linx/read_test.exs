# SPDX-License-Identifier: MIT

defmodule Linx.ReadTest do
  use Linx.SessionCase, async: true

  alias Linx.Process, as: P

  @mib 1024 * 1024

  defp piped(argv, opts \\ []),
    do: session([argv: argv, stdio: :pipe, auto_proceed: true] ++ opts)

  defp shell(script, opts \\ []), do: piped(["/bin/sh", "-c", script], opts)

  # What the actor's `write` writes and its `read` expects.
  defp pattern(size) do
    block = for n <- 0..22, into: <<>>, do: <<?a + n>>
    block |> :binary.copy(div(size, 23) + 1) |> binary_part(0, size)
  end

  defp read_line(session, read \\ "") do
    if String.ends_with?(read, "\n") do
      read
    else
      {:ok, byte} = P.read(session, :stdout, 1)
      read_line(session, read <> byte)
    end
  end

  test "stdout and stderr come apart, each to its own end" do
    session = shell("echo out; echo err >&2; echo more")
    assert read_all(session, :stdout) == "out\nmore\n"
    assert read_all(session, :stderr) == "err\n"
    assert :eof = P.read(session, :stdout)
    assert {:ok, {:exited, 0}} = P.wait(session)
  end

  test "a read returns what there is, up to as much as was asked for" do
    session = piped(actor(["write", 1, 10]))
    assert {:ok, {:exited, 0}} = P.wait(session)
    assert {:ok, "abc"} = P.read(session, :stdout, 3)
    assert {:ok, "defghij"} = P.read(session, :stdout, 100)
    assert :eof = P.read(session, :stdout, 100)
  end

  test "output of any size arrives whole and in order, in pieces of any size" do
    for {size, max} <- [
          {1, 1},
          {1000, 7},
          {65_536, 65_536},
          {65_537, 65_536},
          {5 * @mib, 4096},
          {5 * @mib, 100_000},
          {32 * @mib, @mib},
          {32 * @mib, 64 * @mib}
        ] do
      session = piped(actor(["write", 1, size]))
      assert read_all(session, :stdout, max) == pattern(size)
      assert {:ok, {:exited, 0}} = P.wait(session)
    end
  end

  test "what was written is readable after the workload's end, and after its events" do
    session = shell("echo out; echo err >&2; exit 3")
    assert {:ok, {:exited, 3}} = P.wait(session)
    assert {:exited, 3} = List.last(events_so_far(session))
    assert {:ok, %Info{state: :ended, agent_pid: agent}} = P.info(session)
    assert is_integer(agent)
    assert {:ok, "err\n"} = P.read(session, :stderr)
    assert {:ok, "out\n"} = P.read(session, :stdout)
    assert :eof = P.read_any(session)
    assert {:ok, %Info{agent_pid: nil}} = P.info(session)
    await_gone(agent)
    assert {:ok, {:exited, 3}} = P.wait(session)
  end

  test "a workload that exits at once is never cut short" do
    for n <- 1..50 do
      session = piped(["/bin/echo", "#{n}"], linger: rem(n, 2) == 0, link: false)
      assert read_all(session, :stdout) == "#{n}\n"
    end
  end

  test "a workload that is killed keeps what it wrote" do
    session = piped(actor(["pause"]))
    assert :ok = P.signal(session, 9)
    assert {:ok, {:signaled, 9}} = P.wait(session)
    assert read_all(session, :stdout) in ["", "ready\n"]
    session = shell("echo last words; kill -9 $$")
    assert {:ok, {:signaled, 9}} = P.wait(session)
    assert read_all(session, :stdout) == "last words\n"
  end

  test "a workload that closes its output lives on" do
    session = piped(actor(["close", 1, 2]))
    assert {:ok, "ready\n"} = P.read(session, :stdout)
    assert :eof = P.read(session, :stdout)
    assert :eof = P.read_any(session)
    assert {:error, :timeout} = P.wait(session, 0)
    assert {:ok, {:signaled, 15}} = P.stop(session)
  end

  test "a grandchild that keeps the pipe keeps the stream, and not the session's end" do
    session = shell("echo begun; exec 3<&0; /bin/sh -c 'read _; echo late' <&3 & exit 4")
    assert {:ok, {:exited, 4}} = P.wait(session)
    assert {:ok, "begun\n"} = P.read(session, :stdout)
    assert {:error, :timeout} = P.read(session, :stdout, 10, 0)
    assert :ok = P.write(session, "go\n")
    assert {:ok, "late\n"} = P.read(session, :stdout)
    assert :eof = P.read(session, :stdout)
  end

  describe "a reader that stops" do
    test "holds the workload up, and costs no memory" do
      session = piped(actor(["flood", 1]))
      assert read_line(session) == "ready\n"
      {:ok, data} = P.read(session, :stdout, @mib)
      assert byte_size(data) > 0
      # The session replies to this request after it has handled all that was sent to it before.
      assert {:error, :timeout} = P.wait(session, 50)
      assert held(session) <= 3 * @mib
      {:ok, %{agent_pid: agent}} = P.info(session)
      assert {:ok, {:signaled, 15}} = P.stop(session)
      assert is_integer(agent)
      assert :ok = P.close(session, :stdout)
      assert :eof = P.read(session, :stderr)
      await_gone(agent)
    end

    @tag :sanitizer_unfit
    test "costs the agent no memory either" do
      session = piped(actor(["flood", 1]))
      {:ok, %{agent_pid: agent}} = P.info(session)
      assert read_line(session) == "ready\n"
      assert {:error, :timeout} = P.wait(session, 50)
      assert %{"VmRSS" => rss} = status(agent)
      assert rss < 4096
    end
  end

  # The bytes of all binaries that the session's process refers to, garbage included.
  defp held(session) do
    {:binary, binaries} = Process.info(session, :binary)
    Enum.sum(for {_id, size, _references} <- Enum.uniq_by(binaries, &elem(&1, 0)), do: size)
  end

  defp status(pid) do
    for line <- File.stream!("/proc/#{pid}/status"),
        [_, name, kb] <- [Regex.run(~r/^(\w+):\s+(\d+) kB$/, line)],
        into: %{},
        do: {name, String.to_integer(kb)}
  end

  describe "head -1 on an endless producer" do
    test "closing the stream ends the producer with SIGPIPE" do
      session = piped(["/usr/bin/yes"])
      assert read_line(session) == "y\n"
      assert :ok = P.close(session, :stdout)
      assert {:ok, {:signaled, 13}} = P.wait(session)
      assert {:error, :closed} = P.read(session, :stdout)
      assert :eof = P.read(session, :stderr)
    end

    test "a session that stops takes the producer along" do
      session = piped(["/usr/bin/yes"])
      assert read_line(session) == "y\n"
      {:ok, host_pid} = P.host_pid(session)
      :ok = GenServer.stop(session)
      assert Host.stat(host_pid) == nil
    end
  end

  describe "a timeout" do
    test "loses nothing that comes later" do
      {session, _host_pid} = running(argv: actor(["write-late", 1, 100_000]), stdio: :pipe)
      assert read_line(session) == "ready\n"
      for _ <- 1..3, do: assert({:error, :timeout} = P.read(session, :stdout, 10_000, 0))
      assert {:error, :timeout} = P.read_any(session, 10_000, 1)
      :ok = P.signal(session, :sigusr1)
      assert read_all(session, :stdout, 1000) == pattern(100_000)
    end

    test "asks for no more than the longest of those who waited" do
      {session, _host_pid} = running(argv: actor(["flood", 2]), stdio: :pipe)
      for _ <- 1..100, do: P.read(session, :stdout, 65_536, 0)
      for _ <- 1..100, do: P.read(session, :pty, 65_536, 0)
      assert {:ok, data} = P.read(session, :stderr, 10)
      assert byte_size(data) == 10
      assert {:error, :timeout} = P.wait(session, 20)
      assert held(session) <= 4 * 65_536
    end
  end

  describe "read_any" do
    test "takes whichever has something, says which, and ends when both have" do
      session = shell("echo out; read _; echo err >&2; exec 1>&-; read _; echo more >&2")
      assert {:ok, {:stdout, "out\n"}} = P.read_any(session)
      assert {:error, :timeout} = P.read_any(session, 10, 0)
      assert :ok = P.write(session, "\n")
      assert {:ok, {:stderr, "err\n"}} = P.read_any(session)
      assert :ok = P.write(session, "\n")
      assert {:ok, {:stderr, "more\n"}} = P.read_any(session)
      assert :eof = P.read_any(session)
      assert :eof = P.read_any(session)
    end

    test "starves neither of two busy streams" do
      session = shell("/usr/bin/yes out & exec /usr/bin/yes err >&2")

      # Ends only when it has read enough of both streams.
      alternate(session, %{stdout: 50, stderr: 50})
      assert {:ok, {:signaled, 15}} = P.stop(session)
    end

    test "is content with one stream" do
      session = session(argv: ["/bin/echo", "x"], stdio: [stdout: :pipe], auto_proceed: true)
      assert {:ok, {:stdout, "x\n"}} = P.read_any(session)
      assert :eof = P.read_any(session)
    end
  end

  defp alternate(_session, %{stdout: out, stderr: err}) when out <= 0 and err <= 0, do: :ok

  defp alternate(session, left) do
    {:ok, {stream, _data}} = P.read_any(session, 4096)
    alternate(session, Map.update!(left, stream, &(&1 - 1)))
  end

  describe "readers" do
    test "are served in the order they came" do
      {session, _host_pid} = running(argv: actor(["write-late", 1, 1000]), stdio: :pipe)
      assert read_line(session) == "ready\n"

      readers =
        for _ <- 1..10 do
          task = Task.async(fn -> P.read(session, :stdout, 100) end)
          await_waiting(task.pid)
          task
        end

      :ok = P.signal(session, :sigusr1)
      answers = for {:ok, data} <- Task.await_many(readers, 30_000), do: data
      assert Enum.join(answers) <> read_all(session, :stdout) == pattern(1000)
    end

    test "that die leave what they asked for to the next" do
      {session, _host_pid} = running(argv: actor(["write-late", 1, 1000]), stdio: :pipe)
      assert read_line(session) == "ready\n"

      for _ <- 1..10 do
        pid = spawn(fn -> P.read(session, :stdout, 100) end)
        await_waiting(pid)
        Process.exit(pid, :kill)
        await_waiters(session, 0)
      end

      :ok = P.signal(session, :sigusr1)
      assert read_all(session, :stdout) == pattern(1000)
    end
  end

  # Waits until the process waits for a session's reply.
  defp await_waiting(pid) do
    case Process.info(pid, [:status, :current_function]) do
      [status: :waiting, current_function: {:gen, _, _}] -> :ok
      _other -> await_waiting(pid)
    end
  end

  describe "a session that does not linger" do
    test "goes when its output was read to the end, and not before" do
      # As many bytes as the smallest pipe holds (pipe(7)), so that the workload ends without a read.
      session = piped(actor(["write", 1, 4_000]), linger: false, link: false)
      ref = Process.monitor(session)
      assert {:exited, 0} = session |> all_events() |> List.last()
      assert {:ok, {:exited, 0}} = P.wait(session)
      {:ok, first} = P.read(session, :stdout, 10)
      assert first <> read_all(session, :stdout) == pattern(4_000)
      assert_receive {:DOWN, ^ref, :process, ^session, :normal}, 30_000
    end

    @tag :capture_log
    test "goes when its output is closed" do
      session = shell("echo unread; exit 5", linger: false, link: false)
      ref = Process.monitor(session)
      assert {:exited, 5} = session |> all_events() |> List.last()
      assert :ok = P.close(session, :stdout)
      assert_receive {:DOWN, ^ref, :process, ^session, {:exited, 5}}, 30_000
    end

    @tag :capture_log
    test "goes when its reader died before the end" do
      session = shell("echo read; exit 6", linger: false, link: false)
      ref = Process.monitor(session)
      {reader, {:ok, "read\n"}} = stranger(fn -> P.read(session, :stdout) end)
      assert {:exited, 6} = session |> all_events() |> List.last()
      refute_received {:DOWN, ^ref, :process, ^session, _}
      Process.exit(reader, :kill)
      assert_receive {:DOWN, ^ref, :process, ^session, {:exited, 6}}, 30_000
    end

    test "goes at once when there was no output" do
      session = piped(["/bin/true"], linger: false, link: false)
      assert await_down(session) in [:normal, :noproc]
    end
  end

  test "what a workload writes and is written is not in the log" do
    log =
      ExUnit.CaptureLog.capture_log(fn ->
        session = shell("cat; exit 9", linger: false, link: false)
        ref = Process.monitor(session)
        # Reads a part of it, so that the session holds the rest.
        :ok = P.write(session, "a secret that was written")
        {:ok, "a "} = P.read(session, :stdout, 2)
        {:error, :timeout} = P.read(session, :stderr, 10, 0)
        :ok = P.close_stdin(session)
        "secret that was written" = read_all(session, :stdout, 5)
        :eof = P.read(session, :stderr)
        assert_receive {:DOWN, ^ref, :process, ^session, {:exited, 9}}, 30_000
      end)

    assert log =~ "exited with code 9"
    refute log =~ "secret"
  end

  defp all_events(session) do
    case next_event(session) do
      {name, _value} = event when name in [:exited, :signaled] -> [event]
      event -> [event | all_events(session)]
    end
  end

  describe "what else a read may return" do
    test "a stream that is no pipe" do
      session =
        session(
          argv: actor(["pause"]),
          stdio: [stdout: :devnull, stderr: :pipe],
          auto_proceed: true
        )

      assert {:error, :not_piped} = P.read(session, :stdout)
      assert {:error, :not_piped} = P.read(session, :pty)
      {session, _} = parked()
      assert {:error, :not_piped} = P.read_any(session)
      assert {:error, :not_piped} = P.close(session, :stdout)
      assert {:error, :not_piped} = P.set_active(session, true)
    end

    test "bad arguments are refused by value" do
      {session, _} = parked(stdio: :pipe)

      for stream <- [:stdin, :std, nil, 1, "stdout"],
          do: assert({:error, {:bad_stream, ^stream}} = P.read(session, stream))

      for max <- [0, -1, 1.5, nil, :infinity, "1"] do
        assert {:error, {:bad_max_bytes, ^max}} = P.read(session, :stdout, max)
        assert {:error, {:bad_max_bytes, ^max}} = P.read_any(session, max)
      end

      for timeout <- [-1, nil, 1.5, 0x1_0000_0000] do
        assert {:error, {:bad_timeout, ^timeout}} = P.read(session, :stdout, 1, timeout)
        assert {:error, {:bad_timeout, ^timeout}} = P.read_any(session, 1, timeout)
      end

      assert {:error, {:bad_stream, :all}} = P.close(session, :all)
    end

    test "a session that failed has not come to the end of its output" do
      session = piped(["/no/such/program"])
      assert {:error, %Error{stage: :execve, errno: :enoent} = error} = P.read(session, :stdout)
      assert {:error, ^error} = P.read_any(session)
      assert {:error, ^error} = P.wait(session)
    end

    @tag :capture_log
    test "an agent that dies has not either" do
      {session, _} = running(argv: actor(["flood", 1]), stdio: :pipe)
      reader = Task.async(fn -> read_to_end(session) end)
      {:ok, %{agent_pid: agent}} = P.info(session)
      Host.signal(agent, :KILL)
      assert {:error, %Error{stage: :agent_died}} = Task.await(reader, 30_000)
    end

    test "an aborted workload wrote nothing" do
      {session, _} = parked(stdio: :pipe)
      reader = Task.async(fn -> P.read(session, :stdout) end)
      :ok = P.abort(session)
      assert :eof = Task.await(reader, 30_000)
      assert :eof = P.read_any(session)
    end

    test "a session that is gone" do
      {session, _} = parked(stdio: :pipe, link: false)
      reader = Task.async(fn -> P.read(session, :stdout) end)
      await_waiting(reader.pid)
      Process.exit(session, :kill)
      assert {:error, :no_process} = Task.await(reader, 30_000)
      assert {:error, :no_process} = P.read(session, :stdout)
    end
  end

  defp read_to_end(session) do
    with {:ok, _data} <- P.read(session, :stdout, @mib), do: read_to_end(session)
  end

  describe "a terminal" do
    test "is read like any other stream when that is asked for, and then sends no events" do
      session = session(argv: actor(["say", "hello"]), stdio: :pty, active: false)
      await_ready(session)
      :ok = P.proceed(session)
      assert {:ok, {:exited, 0}} = P.wait(session)
      assert read_all(session, :pty) == "hello\r\n"
      assert [:running, {:exited, 0}] = events_so_far(session)
    end

    test "keeps what was not read until it is" do
      session =
        session(argv: actor(["write", 1, 3000]), stdio: :pty, active: false, auto_proceed: true)

      assert {:ok, {:exited, 0}} = P.wait(session)
      assert {:ok, first} = P.read(session, :pty, 100)
      assert first <> read_all(session, :pty) == pattern(3000)
    end
  end
end
