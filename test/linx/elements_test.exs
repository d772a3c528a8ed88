# SPDX-License-Identifier: MIT

defmodule Linx.ElementsTest do
  # Linx.Process.stream/3: a running session's output as an enumerable.
  use Linx.SessionCase, async: true

  defp piped(argv, opts \\ []),
    do: session([argv: argv, stdio: :pipe, auto_proceed: true, events: :none] ++ opts)

  defp sh(script), do: ["/bin/sh", "-c", script]

  test "one stream has binaries, a list of them says which each is of" do
    script = sh("printf out; printf err >&2")
    session = piped(script)
    assert session |> Linx.Process.stream(:stdout) |> Enum.join() == "out"
    assert session |> Linx.Process.stream([:stderr]) |> Enum.to_list() == [stderr: "err"]

    for both <- [[:stdout, :stderr], [:stderr, :stdout]] do
      assert script |> piped() |> Linx.Process.stream(both) |> Enum.sort() ==
               [stderr: "err", stdout: "out"]
    end

    terminal = session(argv: sh("printf shown"), stdio: :pty, active: false, auto_proceed: true)
    assert terminal |> Linx.Process.stream(:pty) |> Enum.join() == "shown"
    terminal = session(argv: sh("printf shown"), stdio: :pty, active: false, auto_proceed: true)

    assert terminal |> Linx.Process.stream([:pty]) |> Enum.map(&elem(&1, 1)) |> Enum.join() ==
             "shown"
  end

  test "it can stop at any element, and the next enumeration goes on behind it" do
    session = piped(sh("seq 1000; exec sleep 600"))
    stream = Linx.Process.stream(session, :stdout, max_chunk: 10)
    first = Enum.take(stream, 3)
    assert Enum.all?(first, &(byte_size(&1) <= 10))
    second = Task.await(Task.async(fn -> Enum.take(stream, 5) end))
    assert [] = Enum.take(stream, 0)

    rest =
      Enum.reduce_while(stream, "", fn data, read ->
        if read <> data =~ ~r/\n1000\n$/, do: {:halt, read <> data}, else: {:cont, read <> data}
      end)

    assert IO.iodata_to_binary([first, second, rest]) == Enum.map_join(1..1000, &"#{&1}\n")
    assert Linx.Process.stop(session, 1_000) == {:ok, {:signaled, 15}}
    assert Enum.to_list(stream) == []
    assert Enum.to_list(stream) == []
    refute_messages()
  end

  test "an enumeration that raises, or whose process is killed, harms neither session nor stream" do
    session = piped(["/bin/cat"])
    stream = Linx.Process.stream(session, :stdout)
    :ok = Linx.Process.write(session, "one")

    assert_raise RuntimeError, "enough", fn ->
      Enum.each(stream, fn "one" -> raise "enough" end)
    end

    {pid, monitor} = spawn_monitor(fn -> Enum.to_list(stream) end)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^pid, :killed}, 30_000
    :ok = Linx.Process.write(session, "two")
    assert Enum.take(stream, 1) == ["two"]
    :ok = Linx.Process.close_stdin(session)
    assert Enum.to_list(stream) == []
    assert Linx.Process.wait(session) == {:ok, {:exited, 0}}
  end

  test "nothing is read before an element is asked for" do
    session = piped(["/usr/bin/env", "yes"])
    stream = Linx.Process.stream(session, :stdout)
    assert {:ok, "y\n"} = Linx.Process.read(session, :stdout, 2)
    assert ["y\n" <> _] = Enum.take(stream, 1)
    assert Linx.Process.close(session, :stdout) == :ok
    assert_raise ArgumentError, ~r/closed/, fn -> Enum.take(stream, 1) end
  end

  test "a session that fails, or is gone, raises" do
    failed = piped(["/no/such/program"])

    assert %Error{stage: :execve} =
             catch_error(failed |> Linx.Process.stream(:stdout) |> Enum.to_list())

    assert %Error{stage: :execve} =
             catch_error(failed |> Linx.Process.stream([:stdout, :stderr]) |> Enum.to_list())

    session = piped(["/bin/cat"])
    :ok = GenServer.stop(session)

    assert_raise RuntimeError, ~r/ended/, fn ->
      session |> Linx.Process.stream(:stdout) |> Enum.to_list()
    end

    session = piped(["/bin/cat"], active: true)

    assert_raise ArgumentError, fn ->
      session |> Linx.Process.stream(:stdout) |> Enum.to_list()
    end

    session = session(argv: ["/bin/cat"])

    assert_raise ArgumentError, fn ->
      session |> Linx.Process.stream(:stdout) |> Enum.to_list()
    end

    assert_raise ArgumentError, fn -> session |> Linx.Process.stream(:pty) |> Enum.to_list() end
  end

  test "what is no stream or option raises at once" do
    for {streams, opts} <- [
          {:stdin, []},
          {[], []},
          {[:stdout, :stdout], []},
          {[:stdout, :pty], []},
          {nil, []},
          {:stdout, [max_chunk: 0]},
          {:stdout, [max_chunk: :infinity]},
          {:stdout, [lines: true]},
          {:stdout, [max_chunk: 1, lines: true]},
          {:stdout, :max_chunk}
        ] do
      assert_raise ArgumentError, fn -> Linx.Process.stream(self(), streams, opts) end
    end
  end
end
