# SPDX-License-Identifier: MIT

defmodule Linx.PtyTest do
  use Linx.SessionCase, async: true

  @mib 1024 * 1024

  # What the actor's `write` writes and its `read` expects.
  defp pattern(size) do
    block = for n <- 0..22, into: <<>>, do: <<?a + n>>
    block |> :binary.copy(div(size, 23) + 1) |> binary_part(0, size)
  end

  defp all_output(session, shown \\ []) do
    case next_event(session) do
      {:pty_out, data} -> all_output(session, [shown | data])
      event -> {IO.iodata_to_binary(shown), event}
    end
  end

  test "the workload has a terminal, on all three fds and as its controlling one" do
    {session, _host_pid} = running(argv: actor(["tty"]), stdio: :pty)
    {output, {:exited, 0}} = all_output(session)
    assert output == "isatty 1 1 1\r\ncontrolling ok\r\nforeground 1\r\n"
    assert {:ok, %Info{pty?: true}} = Linx.Process.info(session)
  end

  test "a shell can be talked to" do
    {session, _host_pid} = running(argv: ["/bin/sh", "-i"], stdio: :pty, env: ["PS1=> ", "ENV="])
    await_output(session, "> ")
    assert :ok = Linx.Process.pty_write(session, ["echo $((6*7))", ?\n])
    await_output(session, "42\r\n")
    assert :ok = Linx.Process.pty_write(session, "exit 3\n")
    assert {:ok, {:exited, 3}} = Linx.Process.wait(session)
  end

  test "control characters do what they do on a terminal" do
    {session, _host_pid} = running(argv: ["/bin/cat"], stdio: :pty)
    assert :ok = Linx.Process.pty_write(session, <<3>>)
    assert {:ok, {:signaled, 2}} = Linx.Process.wait(session)
  end

  test "a megabyte of input waits for a late reader, none lost" do
    {session, _host_pid} = running(argv: actor(["read-late", @mib]), stdio: :pty)
    await_output(session, "ready")
    assert :ok = Linx.Process.pty_write(session, pattern(@mib))
    assert :ok = Linx.Process.signal(session, :sigusr1)
    {output, {:exited, 0}} = all_output(session)
    assert output =~ "read #{@mib}"
  end

  test "input of any size and any shape of iodata arrives in order" do
    size = 9 * @mib
    <<first::binary-size(7), second::binary-size(@mib), rest::binary>> = pattern(size)
    {session, _host_pid} = running(argv: actor(["read-late", size]), stdio: :pty)
    await_output(session, "ready")
    assert :ok = Linx.Process.pty_write(session, [])
    assert :ok = Linx.Process.pty_write(session, String.to_charlist(first))
    assert :ok = Linx.Process.pty_write(session, [[second | ""], []])
    writer = Task.async(fn -> Linx.Process.pty_write(session, rest) end)
    assert :ok = Linx.Process.signal(session, :sigusr1)
    assert :ok = Task.await(writer, 30_000)
    {output, {:exited, 0}} = all_output(session)
    assert output =~ "read #{size}"
  end

  test "a signal passes a workload that never reads what was written to it" do
    {session, _host_pid} = running(argv: actor(["ignore", 1]), stdio: :pty)
    await_output(session, "ready")
    # More bytes than agent and session hold together, so that this call waits.
    writer = Task.async(fn -> Linx.Process.pty_write(session, :binary.copy("x", 16 * @mib)) end)
    assert {:error, :timeout} = Linx.Process.wait(session, 0)
    assert :ok = Linx.Process.signal(session, :sigterm)
    assert {:ok, {:signaled, 15}} = Linx.Process.wait(session)
    assert {:error, :no_process} = Task.await(writer, 30_000)
  end

  test "output of any size is delivered before the end is" do
    for size <- [0, 1, 4096, 65_536, 5 * @mib] do
      {session, _host_pid} = running(argv: actor(["write", 1, size]), stdio: :pty)
      {output, {:exited, 0}} = all_output(session)
      assert output == pattern(size)
    end
  end

  test "what a short workload wrote is there before its end, every time" do
    for _ <- 1..50 do
      session = session(argv: actor(["say", "last words"]), stdio: :pty, auto_proceed: true)
      assert {:ok, {:exited, 0}} = Linx.Process.wait(session)

      assert [{:ready, _}, :running | events] = events_so_far(session)
      assert {pieces, [{:exited, 0}]} = Enum.split(events, -1)
      assert Enum.map_join(pieces, fn {:pty_out, data} -> data end) == "last words\r\n"
    end
  end

  test "a terminal that is closed and opened again keeps working" do
    {session, _host_pid} = running(argv: actor(["reopen-tty"]), stdio: :pty)
    await_output(session, "ready")
    :ok = Linx.Process.pty_write(session, "still here\n")
    {output, {:exited, 0}} = all_output(session)
    assert output =~ "line still here"
  end

  test "the size is applied at the checkpoint, and changes while the workload runs" do
    {session, _host_pid} = parked(argv: actor(["winsize"]), stdio: :pty)
    assert :ok = Linx.Process.pty_set_winsize(session, {24, 80, 0, 0})
    assert :ok = Linx.Process.proceed(session)
    :running = next_event(session)
    assert await_output(session, "ready") =~ "winsize 24 80 0 0"
    assert :ok = Linx.Process.pty_set_winsize(session, %{rows: 7, cols: 8, ypixel: 9})
    await_output(session, "winsize 7 8 0 9")
    assert :ok = Linx.Process.pty_set_winsize(session, {65_535, 1, 2, 3})
    await_output(session, "winsize 65535 1 2 3")
    assert :ok = Linx.Process.pty_set_winsize(session, {0, 0, 0, 0})
    await_output(session, "winsize 0 0 0 0")
  end

  # What stty(1) says of the terminal that a workload begins with, and its TERM.
  defp seen(opts) do
    script = "stty -a; stty size; echo term=$TERM."
    {session, _host_pid} = running([argv: ["/bin/sh", "-c", script]] ++ opts)
    all_output(session) |> elem(0) |> String.split(~r/[\s;]+/)
  end

  test "the terminal is what the options say before the workload exists" do
    plain = seen(stdio: :pty)

    assert ["24", "80"] in Enum.chunk_every(plain, 2, 1, :discard)

    for word <- ~w(iutf8 echo icanon isig opost icrnl), do: assert(word in plain)

    quiet = seen(stdio: {:pty, echo: false, size: {50, 132}})
    assert ["50", "132"] in Enum.chunk_every(quiet, 2, 1, :discard)
    for word <- ~w(iutf8 -echo icanon isig opost), do: assert(word in quiet)

    raw = seen(stdio: {:pty, mode: :raw, size: %{rows: 7, cols: 8}})
    assert ["7", "8"] in Enum.chunk_every(raw, 2, 1, :discard)
    for word <- ~w(iutf8 -echo -icanon -isig -opost -icrnl), do: assert(word in raw)

    for word <- ~w(echo -icanon -isig),
        do: assert(word in seen(stdio: {:pty, mode: :raw, echo: true}))
  end

  test "a terminal without echo does not show what is written to it first" do
    {session, _host_pid} = running(argv: ["/bin/cat"], stdio: {:pty, echo: false})
    :ok = Linx.Process.pty_write(session, "secret\n")
    :ok = Linx.Process.pty_write(session, <<4>>)
    assert {"secret\r\n", {:exited, 0}} = all_output(session)
  end

  test "a raw terminal passes every byte" do
    bytes = for byte <- 0..255, into: <<>>, do: <<byte>>

    {session, _host_pid} =
      running(argv: ["/bin/sh", "-c", "head -c 256 | cat"], stdio: {:pty, mode: :raw})

    :ok = Linx.Process.pty_write(session, bytes)
    assert {^bytes, {:exited, 0}} = all_output(session)
  end

  test "TERM is what the environment says, or that of a terminal emulator" do
    assert "term=xterm-256color." in seen(stdio: :pty, env: ["PATH=/usr/bin:/bin"])
    assert "term=vt220." in seen(stdio: {:pty, term: "vt220"}, env: ["PATH=/usr/bin:/bin"])
    assert "term=dumb." in seen(stdio: :pty, env: ["PATH=/usr/bin:/bin", "TERM=dumb"])
    assert "term=dumb." in seen(stdio: :pty, env: [TERM: "dumb"])
    assert "term=." in seen(stdio: :pty, env: [TERM: nil])
  end

  test "a size that comes between the checkpoint and the workload is not lost" do
    for _ <- 1..10 do
      {session, _host_pid} = parked(argv: actor(["winsize"]), stdio: :pty)
      :ok = Linx.Process.proceed(session)
      assert :ok = Linx.Process.pty_set_winsize(session, {33, 44, 0, 0})
      :running = next_event(session)
      await_output(session, "winsize 33 44 0 0")
    end
  end

  test "the handle of the terminal is the session" do
    {session, _host_pid} = parked(stdio: :pty)
    assert {:ok, ^session} = Linx.Process.pty_master(session)
    assert {:error, :not_running} = Linx.Process.pty_write(session, "early")
    :ok = Linx.Process.abort(session)
  end

  test "without a terminal there is none to talk to" do
    {session, _host_pid} = parked()
    assert {:error, :no_pty} = Linx.Process.pty_write(session, "x")
    assert {:error, :no_pty} = Linx.Process.pty_set_winsize(session, {1, 1, 0, 0})
    assert {:error, :no_pty} = Linx.Process.pty_master(session)
    :ok = Linx.Process.proceed(session)
    :running = next_event(session)
    assert {:error, :no_pty} = Linx.Process.pty_write(session, "x")
  end

  test "bad input and bad sizes are refused by value, and end nothing" do
    {session, _host_pid} = running(stdio: :pty)

    for data <- [nil, :x, 1, {"x"}, %{}, [256], [-1], ["x" | :y], [1.5], self(), <<1::1>>],
        do: assert({:error, {:bad_data, ^data}} = Linx.Process.pty_write(session, data))

    for size <- [
          nil,
          {24, 80},
          {24, 80, 0},
          {24, 80, 0, 0, 0},
          {-1, 80, 0, 0},
          {65_536, 80, 0, 0},
          {24, 80, 0, 65_536},
          {24.0, 80, 0, 0},
          {"24", 80, 0, 0},
          [24, 80, 0, 0],
          %{rows: 24},
          %{rows: 24, cols: 80, xpixel: nil},
          %{rows: 24, cols: -1},
          %{rows: 24, cols: 80, columns: 80},
          %{"rows" => 24, "cols" => 80}
        ],
        do: assert({:error, {:bad_winsize, ^size}} = Linx.Process.pty_set_winsize(session, size))

    assert {:error, :timeout} = Linx.Process.wait(session, 0)
  end
end
