# SPDX-License-Identifier: MIT

defmodule Linx.ActiveTest do
  use Linx.SessionCase, async: true

  alias Linx.Process, as: P

  defp piped(argv, opts),
    do:
      [argv: argv, stdio: :pipe, auto_proceed: true, events: :none]
      |> Keyword.merge(opts)
      |> session()

  defp shell(script, opts), do: piped(["/bin/sh", "-c", script], opts)

  defp next(session) do
    assert_receive {:linx_process, ^session, message}, 30_000
    message
  end

  # The messages that the session sent before it replied to a later request.
  defp nothing_more(session) do
    assert {:error, :timeout} = P.wait(session, 20)
    refute_received {:linx_process, ^session, _}
  end

  # All messages until both streams have ended; `ended` have ended already.
  defp collect(session, ended \\ 0, messages \\ [])
  defp collect(_session, 2, messages), do: Enum.reverse(messages)

  defp collect(session, ended, messages) do
    case next(session) do
      {:eof, _} = message -> collect(session, ended + 1, [message | messages])
      message -> collect(session, ended, [message | messages])
    end
  end

  defp data(messages, stream), do: for({^stream, data} <- messages, into: "", do: data)

  test "active: true sends all that comes, each stream's in order and then its end" do
    session = shell("for n in 1 2 3; do echo out $n; echo err $n >&2; done", active: true)
    messages = collect(session)
    assert data(messages, :stdout) == "out 1\nout 2\nout 3\n"
    assert data(messages, :stderr) == "err 1\nerr 2\nerr 3\n"

    for stream <- [:stdout, :stderr],
        do:
          assert(
            {:eof, stream} == List.last(for m <- messages, stream in Tuple.to_list(m), do: m)
          )

    assert {:ok, {:exited, 0}} = P.wait(session)
    refute_received {:linx_process, ^session, _}
  end

  test "much of it comes whole" do
    session = piped(actor(["write", 1, 20_000_000]), active: true)
    output = session |> collect() |> data(:stdout)
    assert byte_size(output) == 20_000_000

    assert output ==
             :binary.copy("abcdefghijklmnopqrstuvw", 869_566) |> binary_part(0, 20_000_000)
  end

  test "the streams go to stream_to, the events to the owner" do
    test = self()

    receiver =
      spawn_link(fn ->
        assert_receive {:linx_process, session, {:stdout, "hello\n"}}, 30_000
        assert_receive {:linx_process, ^session, {:eof, :stdout}}, 30_000
        send(test, {:received, session})
      end)

    session = piped(["/bin/echo", "hello"], stream_to: receiver, events: :tagged)
    assert_receive {:received, ^session}, 30_000
    assert {:ok, {:exited, 0}} = P.wait(session)
    assert [{:ready, _}, :running, {:exited, 0}] = events_so_far(session)
  end

  test "active: :once sends one message, and the next when asked again" do
    session = shell("echo one; read _; echo two; read _", active: :once)
    assert {:stdout, "one\n"} = next(session)
    :ok = P.write(session, "\n")
    nothing_more(session)
    assert :ok = P.set_active(session, :stdout, :once)
    assert {:stdout, "two\n"} = next(session)
    :ok = P.close_stdin(session)
    assert {:eof, :stderr} = next(session)
    assert :ok = P.set_active(session, :once)
    assert {:eof, :stdout} = next(session)
    assert {:ok, {:exited, 1}} = P.wait(session)
  end

  test "a count is counted down, then said to be over" do
    session = shell("for n in 1 2 3 4 5; do echo $n; read _; done", active: 2)
    assert {:stdout, "1\n"} = next(session)
    :ok = P.write(session, "\n")
    assert {:stdout, "2\n"} = next(session)
    assert {:passive, :stdout} = next(session)
    :ok = P.write(session, "\n")
    nothing_more(session)
    assert :ok = P.set_active(session, :stdout, 1)
    assert {:stdout, "3\n"} = next(session)
    assert {:passive, :stdout} = next(session)
    assert :ok = P.set_active(session, :stdout, false)
    :ok = P.write(session, "\n")
    assert {:ok, "4\n"} = P.read(session, :stdout)
    assert {:ok, {:signaled, 15}} = P.stop(session)
  end

  test "counts add up" do
    session = shell("for n in 1 2 3 4 5; do read _; echo $n; done", active: 1)
    assert :ok = P.set_active(session, :stdout, 2)

    for n <- 1..3 do
      :ok = P.write(session, "\n")
      assert {:stdout, "#{n}\n"} == next(session)
    end

    assert {:passive, :stdout} = next(session)
    assert {:ok, {:signaled, 15}} = P.stop(session)
  end

  test "a stream in active mode is not read, and one that is read can be made active" do
    session = shell("read _; echo one; read _; echo two", active: true)
    assert {:error, :active} = P.read(session, :stdout)
    assert {:error, :active} = P.read_any(session)
    assert :ok = P.set_active(session, :stdout, false)
    assert {:error, :active} = P.read_any(session)
    :ok = P.write(session, "\n")
    assert {:ok, "one\n"} = P.read(session, :stdout)
    assert :ok = P.set_active(session, :stdout, true)
    :ok = P.write(session, "\n")
    assert {:stdout, "two\n"} = next(session)
  end

  test "what was buffered is sent first" do
    session = piped(actor(["write", 1, 1000]), [])
    assert {:ok, "abc"} = P.read(session, :stdout, 3)
    {:ok, some} = P.read(session, :stdout, 500)
    assert :ok = P.set_active(session, true)
    rest = session |> collect() |> data(:stdout)

    assert "abc" <> some <> rest ==
             :binary.copy("abcdefghijklmnopqrstuvw", 44) |> binary_part(0, 1000)
  end

  test "a stopped consumer holds the workload up, and costs a window" do
    session = piped(actor(["flood", 2]), active: :once)
    assert {:stdout, "ready\n"} = next(session)
    assert {:stderr, _} = next(session)
    nothing_more(session)
    {:binary, binaries} = Process.info(session, :binary)

    assert Enum.sum(for {_, size, _} <- Enum.uniq_by(binaries, &elem(&1, 0)), do: size) <
             1_500_000

    assert {:ok, {:signaled, 15}} = P.stop(session)
  end

  describe "a receiver that dies" do
    test "closes its streams, and so ends who writes to them" do
      receiver = spawn(fn -> receive do: ({:linx_process, _, {:stdout, _}} -> :ok) end)
      session = piped(["/usr/bin/yes"], stream_to: receiver, active: 1)
      await_down(receiver)
      # The stream is passive by then, so it has no receiver and is not closed.
      assert {:error, :timeout} = P.wait(session, 20)
      assert :ok = P.set_active(session, :stdout, true)
      assert {:ok, {:signaled, 13}} = P.wait(session)
    end

    test "that was dead from the start closes them too" do
      receiver = spawn(fn -> :ok end)
      await_down(receiver)
      session = piped(["/usr/bin/yes"], stream_to: receiver)
      assert {:ok, {:signaled, 13}} = P.wait(session)
    end

    @tag :capture_log
    test "does not keep a session that would go" do
      {receiver, :ok} = stranger(fn -> :ok end)
      session = piped(["/usr/bin/yes"], stream_to: receiver, linger: false, link: false)
      ref = Process.monitor(session)
      Process.exit(receiver, :kill)
      assert_receive {:DOWN, ^ref, :process, ^session, {:signaled, 13}}, 30_000
    end
  end

  test "streams follow the owner" do
    test = self()
    session = shell("read _; echo one; exec cat", active: true)

    owner =
      spawn(fn ->
        receive do:
                  ({:linx_process, session, {:stdout, data}} -> send(test, {:got, session, data}))

        receive do: (:die -> :ok)
      end)

    assert :ok = P.set_owner(session, owner)
    :ok = P.write(session, "\n")
    assert_receive {:got, ^session, "one\n"}, 30_000
    refute_received {:linx_process, ^session, _}
    # Its end closes the stream that it received; the shell's cat gets SIGPIPE at its next line.
    send(owner, :die)
    await_closed(session)
    _ = P.write(session, "two\n")
    assert {:ok, {:signaled, 13}} = P.wait(session)
  end

  test "after the end of the workload its output goes to the next owner" do
    owner = spawn(fn -> receive do: (:die -> :ok) end)
    session = piped(["/bin/sh", "-c", "echo one; echo two >&2"], owner: owner, active: false)
    assert {:ok, {:exited, 0}} = P.wait(session)
    assert :ok = P.set_owner(session, self())
    assert {:ok, %{owner: me, state: :ended}} = P.info(session)
    assert me == self()
    assert :ok = P.set_active(session, true)
    assert_receive {:linx_process, ^session, {:stdout, "one\n"}}, 30_000
    assert_receive {:linx_process, ^session, {:stderr, "two\n"}}, 30_000
    assert_receive {:linx_process, ^session, {:eof, :stdout}}, 30_000
    send(owner, :die)
  end

  test "a stream that is active at the end of the workload follows the next owner" do
    first = spawn(fn -> receive do: (:die -> :ok) end)
    session = shell("exec 3<&0; (read _ <&3; echo late) &", owner: first, active: true)
    assert {:ok, {:exited, 0}} = P.wait(session)
    assert :ok = P.set_owner(session, self())
    send(first, :die)
    await_down(first)
    assert :ok = P.write(session, "\n")
    assert_receive {:linx_process, ^session, {:stdout, "late\n"}}, 30_000
    assert_receive {:linx_process, ^session, {:eof, :stdout}}, 30_000
  end

  # Waits until the receiver's end has closed the stream. The session and the test are notified in any order.
  defp await_closed(session) do
    if P.read(session, :stdout) != {:error, :closed}, do: await_closed(session)
  end

  test "an owner who dies does not matter to streams that are read" do
    owner = spawn(fn -> receive do: (:die -> :ok) end)
    session = piped(["/bin/cat"], owner: owner)
    send(owner, :die)
    await_down(owner)
    assert :ok = P.write(session, "still here")
    assert {:ok, "still here"} = P.read(session, :stdout)
    :ok = P.close_stdin(session)
    assert {:ok, {:exited, 0}} = P.wait(session)
  end

  test "a session that failed says so on its streams" do
    session = piped(["/no/such/program"], active: true)
    assert {:failed, first, %Error{stage: :execve, errno: :enoent}} = next(session)
    assert {:failed, second, %Error{stage: :execve}} = next(session)
    assert Enum.sort([first, second]) == [:stderr, :stdout]
  end

  test "a session that does not linger sends everything before it goes" do
    for _ <- 1..20 do
      script = "read _; echo out; echo err >&2"
      session = shell(script, active: true, linger: false, link: false)
      ref = Process.monitor(session)
      :ok = P.close_stdin(session)
      assert_receive {:DOWN, ^ref, :process, ^session, :normal}, 30_000
      messages = collect(session)
      assert {data(messages, :stdout), data(messages, :stderr)} == {"out\n", "err\n"}
    end
  end

  test "a terminal is a stream as well" do
    session =
      session(
        argv: actor(["say", "hello"]),
        stdio: :pty,
        active: true,
        auto_proceed: true,
        events: :none
      )

    assert session |> collect(1) |> data(:pty) == "hello\r\n"
    assert {:ok, {:exited, 0}} = P.wait(session)
    refute_messages()
  end

  test "bad modes are refused by value" do
    {session, _} = parked(stdio: :pipe)

    for mode <- [nil, :twice, 0, -1, 1.0, "1", 0x8000_0000] do
      assert {:error, {:bad_active, ^mode}} = P.set_active(session, mode)
      assert {:error, {:bad_active, ^mode}} = P.spawn(argv: ["/bin/true"], active: mode)
    end

    assert {:error, {:bad_stream, :stdin}} = P.set_active(session, :stdin, true)
    assert {:error, :not_piped} = P.set_active(session, :pty, true)
    assert {:error, {:bad_stream_to, :me}} = P.spawn(argv: ["/bin/true"], stream_to: :me)
  end
end
