# SPDX-License-Identifier: MIT

defmodule Linx.StreamExitTest do
  # Linx.stream/2, whose last element is how the program ended.
  use Linx.CallCase, async: true

  test "the last element is the exit status, behind all output" do
    assert Linx.stream("true") |> Enum.to_list() == [exit: 0]
    assert Linx.stream(sh("exit 3")) |> Enum.to_list() == [exit: 3]
    assert Linx.stream(actor(["die", 9])) |> Enum.to_list() |> List.last() == {:exit, 137}
    assert Linx.stream(["seq", "3"], lines: true) |> Enum.to_list() == ["1", "2", "3", {:exit, 0}]

    assert Linx.stream(sh("printf half; exit 1"), lines: true) |> Enum.to_list() == [
             "half",
             {:exit, 1}
           ]

    assert Linx.stream(sh("exit 4"), stdio: :devnull) |> Enum.to_list() == [exit: 4]

    both =
      Linx.stream(sh("echo out; echo err >&2; exit 5"), stdio: [stderr: :pipe]) |> Enum.to_list()

    assert {Enum.sort(Enum.drop(both, -1)), List.last(both)} ==
             {[stderr: "err\n", stdout: "out\n"], {:exit, 5}}
  end

  test "a program that cannot be run is the only element" do
    for {argv, opts} <- [
          {"no-such-program", []},
          {"/etc/passwd", []},
          {"true", [cd: "/no/such/directory"]},
          {"true", [checkpoint: fn _, _ -> {:error, :no} end]},
          {"true", [checkpoint: fn session, _ -> Linx.Process.abort(session) end]},
          {"true", [pool: :no_such_pool]}
        ] do
      assert [exit: {:error, reason}] = Linx.stream(argv, opts) |> Enum.to_list()
      assert Linx.run(argv, opts) == {:error, reason}
    end
  end

  test "a program that is ended for passing a bound is the last element" do
    assert [exit: {:error, %Error{stage: :timeout}}] =
             leaves_nothing_in_time(["ignore", 15], fn argv, limit ->
               argv |> Linx.stream(timeout: limit, kill_after: 10) |> Enum.take(-1)
             end)

    assert ["a", {:exit, {:error, %Error{stage: :lines}}}] =
             Linx.stream(sh("echo a; sleep 0.2; echo abcdef; exec sleep 600"), lines: 3)
             |> Enum.to_list()

    assert [exit: {:error, %Error{stage: :lines}}] =
             Linx.stream(sh("printf abcdef; exec sleep 600"), lines: 3) |> Enum.to_list()
  end

  test "the program has ended when the last element is there" do
    leaves_nothing(["flood", 1], fn argv ->
      argv
      |> Linx.stream(lines: 10)
      |> Enum.find(&match?({:exit, _}, &1))
    end)
  end

  test "it stops early without a last element, and is started anew each time" do
    stream = Linx.stream("yes", lines: true)
    assert Enum.take(stream, 2) == ["y", "y"]
    assert Enum.take(stream, 2) == ["y", "y"]
  end

  test "bad options and exceptions of the input are raised" do
    assert_raise ArgumentError, fn -> Linx.stream("true", ignore_exit: true) end
    assert_raise ArgumentError, fn -> Linx.stream("true", into: []) end
    input = Stream.map([1], fn _ -> raise "broken" end)

    assert_raise RuntimeError, "broken", fn ->
      Linx.stream("cat", input: input) |> Stream.run()
    end

    large = [String.duplicate("x", 17 * 1024 * 1024)]
    assert_raise ArgumentError, fn -> Linx.stream(["echo" | large]) |> Stream.run() end
  end
end
