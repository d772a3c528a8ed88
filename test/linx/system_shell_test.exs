# SPDX-License-Identifier: MIT

defmodule Linx.SystemShellTest do
  # Each call is made by `Linx.shell/2` and by `System.shell/2`. What they return or raise is the same, but for the
  # differences in the doc of `Linx.cmd/3`.
  use Linx.CallCase, async: true

  test "commands, as the shell reads them" do
    same([
      "",
      " ",
      ":",
      "echo hello",
      "echo 'a  b' \"c'd\" $((1 + 2)) `echo id` $(echo sub) ~root *.exs",
      "echo one; echo two && echo three || echo four",
      "seq 5 | grep 3",
      "echo a # a comment",
      "# a comment alone",
      "echo a \\\n b",
      "cat <<END\none\n$((1 + 1))\nEND",
      "cat <<END\nno newline\nEND\n",
      "f() { echo $1; }; f x",
      "A=1; (A=2); echo $A",
      "cd /tmp; pwd",
      "echo é 日本",
      "echo a) ; (echo b",
      "echo $0 $#",
      "echo ${A-unset}",
      "exec echo replaced",
      "exec >&-; exit 3",
      "trap 'echo trapped' EXIT; exit 4",
      "read x; echo \"[$x]\" $?",
      "cat",
      "wc -c",
      "tty",
      "tr '\\0' ' ' < /proc/self/cmdline"
    ])
  end

  test "syntax errors, and commands that do not exist" do
    for command <- ["(", ")", "if", "echo 'a", "linx-no-such-command", "/no/such/program", "."] do
      same([{command, [stderr_to_stdout: true]}])
    end
  end

  test "exit statuses and signals" do
    same([
      "exit 0",
      "exit 3",
      "exit 255",
      "false",
      "false | true",
      "true | false",
      "(exit 7)",
      "sh -c 'kill -TERM $$'",
      "sh -c 'kill -KILL $$'",
      "kill -KILL $$",
      "echo before; kill -TERM $$; sleep 5"
    ])
  end

  test "options" do
    collector = %Linx.Test.Collector{pid: self(), fun: & &1}

    same([
      {"pwd", [cd: "/"]},
      {"echo $A", [env: [{"A", "1"}]]},
      {"echo ${HOME-unset}", [env: %{"HOME" => nil}]},
      {"echo $0", [arg0: "other"]},
      {"echo out; echo err >&2; exit 1", [stderr_to_stdout: true]},
      {"seq 3", [into: []]},
      {"echo a", [into: "before "]},
      {"echo a", [into: collector]},
      {"echo a", [parallelism: true]},
      {"echo a", [no_such_option: 1]},
      {"echo a", [parallelism: nil]},
      {"echo a", [arg0: 7]}
    ])
  end

  test "what is no command" do
    same([nil, :ls, ~c"ls", ["ls"], 7, "echo a\0b", "\0"])
  end

  test "a large command, and one that is too large" do
    same(["echo " <> String.duplicate("x", 100_000)])
    # Of the port the errno is the exit status, as of any program that execve(2) refuses.
    command = "echo " <> String.duplicate("x", 200_000)
    assert {"", 7} = System.shell(command)
    assert_raise ErlangError, ~r/:e2big/, fn -> Linx.shell(command) end
  end

  test "stdin is empty, the input, or what :close_stdin says" do
    assert Linx.shell("readlink /proc/self/fd/0") == {"/dev/null\n", 0}
    assert Linx.shell("readlink /proc/self/fd/0", close_stdin: true) == {"/dev/null\n", 0}
    assert Linx.shell("cat; echo end", input: "in ") == {"in end\n", 0}
    assert Linx.shell("cat", input: &Enum.into(["a", "b"], &1)) == {"ab", 0}

    for opts <- [[input: "x"], [stdio: [stdin: :inherit]]] do
      assert_raise ArgumentError, ~r/close_stdin.*not together/, fn ->
        Linx.shell("cat", [close_stdin: true] ++ opts)
      end
    end

    assert_raise ArgumentError, fn -> Linx.shell("cat", close_stdin: 1) end
    assert_raise ArgumentError, fn -> Linx.cmd("cat", [], close_stdin: true) end
  end

  test "the options of calls" do
    assert {"ready\n", :timeout} =
             Enum.find_value(limits(), fn limit ->
               result = Linx.shell("echo ready; exec sleep 600", timeout: limit, kill_after: 0)
               if result != {"", :timeout}, do: result
             end)

    assert Linx.shell("seq 3", into: [], lines: 80) == {["1", "2", "3"], 0}
    assert_raise ArgumentError, fn -> Linx.shell("seq 3", max_output: 1) end
  end

  test "what the command leaves running is ended with it" do
    {listener, argv} = Beacon.actor(["pause"])
    command = Enum.map_join(argv, " ", &"'#{&1}'") <> " & echo started"
    {output, 0} = Linx.shell(command)
    assert output =~ "started"

    with {:ok, socket} <- :gen_tcp.accept(listener, 0), do: Beacon.await_dark(socket)
  end

  defp same(calls) do
    for call <- calls do
      {command, opts} = if is_tuple(call), do: call, else: {call, [stderr_to_stdout: true]}
      system = outcome(&System.shell/2, command, opts)
      assert {command, opts, outcome(&Linx.shell/2, command, opts)} == {command, opts, system}
    end
  end

  defp outcome(fun, command, opts) do
    {:returned, fun.(command, opts)}
  rescue
    error -> {:raised, with(%ErlangError{original: reason} <- error, do: reason) |> exception()}
  end

  defp exception(%module{}), do: module
  defp exception(reason), do: reason
end
