# SPDX-License-Identifier: MIT

defmodule Linx.CallPtyTest do
  # Calls whose program has a terminal.
  use Linx.CallCase, async: true

  test "the program has a terminal, and what it shows there is the output" do
    script = sh("test -t 0 && test -t 1 && test -t 2 && echo yes; echo err >&2; exit 3")
    assert {:ok, result} = Linx.run(script, pty: true)
    assert {result.stdout, result.stderr, result.status} == {"yes\r\nerr\r\n", "", 3}
    assert result.usage.maxrss_kb > 0
    [program | args] = script
    assert Linx.cmd(program, args, pty: true) == {"yes\r\nerr\r\n", 3}
    assert Linx.cmd(program, args, pty: true, into: [], lines: 80) == {["yes", "err"], 3}

    assert script |> Linx.stream(pty: true, lines: true) |> Enum.to_list() == [
             "yes",
             "err",
             exit: 3
           ]

    assert Linx.shell("test -t 1 && echo yes", pty: true) == {"yes\r\n", 0}
    assert {:ok, %{stdout: "no\n"}} = Linx.run(sh("test -t 1 || echo no"), pty: false)
  end

  test "its options are those of a session's terminal" do
    assert {:ok, %{stdout: "50 132\r\n"}} = Linx.run(["stty", "size"], pty: [size: {50, 132}])
    assert {:ok, %{stdout: "24 80\r\n"}} = Linx.run(["stty", "size"], pty: true)
    assert {:ok, %{stdout: "a\nb\n"}} = Linx.run(["printf", "a\\nb\\n"], pty: [mode: :raw])
  end

  test "all of a large output is there, into whatever it goes" do
    expected = Enum.map_join(1..100_000, &"#{&1}\r\n")
    assert {:ok, %{stdout: ^expected}} = Linx.run(["seq", "100000"], pty: true)

    assert {:ok, %{stdout: chunks}} =
             Linx.run(["seq", "100000"], pty: true, into: [], max_chunk: 1000)

    assert IO.iodata_to_binary(chunks) == expected
    assert chunks |> Enum.map(&byte_size/1) |> Enum.max() <= 1000
    assert Linx.stream!(["seq", "100000"], pty: true) |> Enum.join() == expected
    test = self()

    assert {:ok, %{stdout: "1\r\n"}} =
             Linx.run(["seq", "1"], pty: true, into: &send(test, {:shown, &1}))

    assert_received {:shown, "1" <> _}
  end

  test "bounds hold, and the error has what was shown" do
    assert {:error, %Error{stage: :max_output, stdout: "y\r\ny\r", stderr: nil}} =
             Linx.run("yes", pty: true, max_output: 5)

    assert {:error, %Error{stage: :timeout}} =
             leaves_nothing_in_time(
               ["ignore", 15],
               &Linx.run(&1, pty: true, timeout: &2, kill_after: 10)
             )

    # A program that reads from it waits for a person.
    assert {:error, %Error{stage: :timeout}} = Linx.run("cat", pty: true, timeout: 300)

    assert {:error, %Error{stage: :execve, errno: :enoent}} =
             Linx.run("no-such-program", pty: true)
  end

  test "what does not go together with a terminal is a bad option" do
    for opts <- [
          [pty: :yes],
          [pty: nil],
          [pty: [size: {1, -1}]],
          [pty: [sizes: 1]],
          [pty: true, input: "x"],
          [pty: true, stdio: [stdout: :devnull]],
          [pty: [size: {50, 132}], stderr_to_stdout: true]
        ] do
      pty = opts[:pty]
      assert {:error, {:bad_pty, ^pty} = reason} = Linx.run("true", opts)
      assert Linx.format_error(reason) =~ "option :pty"
    end

    assert {:error, {:bad_stderr_into, []}} = Linx.run("true", pty: true, stderr_into: [])

    assert_raise ArgumentError, ~r/:pty/, fn ->
      Linx.cmd("true", [], pty: true, use_stdio: false)
    end
  end

  test "it leaves no message, link or monitor" do
    before = ties()
    assert {:ok, _} = Linx.run("true", pty: true)
    assert {"", 0} = Linx.cmd("true", [], pty: true, checkpoint: fn _, _ -> :ok end)
    assert Linx.stream!("yes", pty: true) |> Enum.take(1) |> length() == 1
    assert ties() == before
  end
end
