# SPDX-License-Identifier: MIT

defmodule Linx.StdinTest do
  use Linx.SessionCase, async: true

  defp piped(argv), do: session(argv: argv, stdio: :pipe, auto_proceed: true)

  test "what is collected is written and then closed" do
    session = piped(["/bin/cat"])
    stdin = Linx.stdin(session)
    assert Enum.into(["one ", [~c"t", "wo"]], stdin) == stdin
    assert read_all(session, :stdout) == "one two"
    assert Linx.Process.wait(session) == {:ok, {:exited, 0}}
  end

  test "it stays open when that is asked for" do
    session = piped(["/bin/cat"])
    for text <- ["one ", "two"], do: Enum.into([text], Linx.stdin(session, close: false))
    Enum.into([], Linx.stdin(session))
    assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
    assert read_all(session, :stdout) == "one two"
  end

  test "what stops the collecting closes it as well" do
    session = piped(["/bin/cat"])

    assert_raise RuntimeError, "stop", fn ->
      Enum.into(
        Stream.map(1..2, &if(&1 == 2, do: raise("stop"), else: "text")),
        Linx.stdin(session)
      )
    end

    assert Linx.Process.wait(session) == {:ok, {:exited, 0}}
    assert Linx.Process.read(session, :stdout) == {:ok, "text"}
  end

  test "a workload that reads no more is an error" do
    session = piped(["/bin/true"])

    error = assert_raise Error, fn -> Enum.into(Stream.cycle(["text"]), Linx.stdin(session)) end
    assert error.errno == :epipe
  end

  test "a session without a pipe, a closed one and one that is gone are errors" do
    session = session(argv: actor(["pause"]), auto_proceed: true)
    assert_raise ArgumentError, fn -> Enum.into(["x"], Linx.stdin(session)) end
    session = piped(["/bin/cat"])
    :ok = Linx.Process.close_stdin(session)
    assert_raise ArgumentError, fn -> Enum.into(["x"], Linx.stdin(session)) end
    :ok = GenServer.stop(session)
    assert_raise ArgumentError, ~r/ended/, fn -> Enum.into(["x"], Linx.stdin(session)) end
    assert_raise KeyError, fn -> Linx.stdin(session, open: true) end
  end
end
