# SPDX-License-Identifier: MIT

defmodule Linx.CallTest do
  use ExUnit.Case, async: true

  alias Linx.{Call, Property}
  alias Linx.Call.{Executable, Lines}

  doctest Linx.Call
  doctest Linx.Call.Checks
  doctest Linx.Call.Environment
  doctest Linx.Call.Executable
  doctest Linx.Call.Lines
  doctest Linx.Call.Options
  doctest Linx.Call.Sink
  doctest Linx.Call.Stdio
  doctest Linx.ExitError
  doctest Linx.Result

  @bad [
    cd: [7, nil, "a\0b"],
    env: [
      7,
      [:a],
      %{"A" => 1},
      [{"A=B", "x"}],
      [{"", "x"}],
      [{"A", "x\0"}],
      [{nil, "b"}],
      [1 | 2]
    ],
    input: [7, :atom, &Kernel.self/0, {1, 2}, [:atom], ["a" | :b], [300]],
    timeout: [-1, 1.5, nil, :never, 0x1_0000_0000],
    kill_after: [-1, 1.5, nil, :infinity],
    max_chunk: [0, -1, 1.5, nil, :infinity],
    checkpoint: [7, &is_pid/1],
    stderr_to_stdout: [nil, 1],
    stdio: [
      :pty,
      :pipe,
      7,
      [{:stdin, :pipe}],
      [stdout: :nowhere],
      [{:fd3, :pipe}],
      [{"stdout", :pipe}],
      [stdin: :pipe, stdin: :pipe]
    ],
    namespaces: [[:moon], :user],
    no_new_privs: [1],
    arg0: [7],
    descendants: [:maybe],
    name: [nil],
    orphan_policy: [:never]
  ]

  @bad_in [
    cmd: [
      into: [7, nil, :list],
      lines: [0, -1, true, "1"],
      parallelism: [nil],
      use_stdio: [nil, 0],
      stdio: [[stderr: :pipe]]
    ],
    run: [
      max_output: [-1, nil, 1.5],
      into: [7, nil, :list, &Kernel.is_function/2],
      stderr_into: [7, nil, {1}, &Kernel.self/0]
    ],
    stream!: [lines: [0, -1, "1"], ignore_exit: [nil, 1]],
    stream: [lines: [0, -1, "1"]]
  ]

  test "a charlist is taken as a binary is, also as the program alone" do
    for {argv, expected} <- [
          {~c"ls", ["ls"]},
          {"ls", ["ls"]},
          {[~c"ls", ~c"-l", ~c""], ["ls", "-l", ""]}
        ] do
      assert {:ok, %{argv: ^expected}} = Call.parse(:run, argv, [])
    end

    assert {:ok, %{stdout: "/ 1\n"}} =
             Linx.run([~c"sh", ~c"-c", ~c"echo $(pwd) $LINX_A"], cd: ~c"/", env: %{LINX_A: ~c"1"})

    assert Enum.to_list(Linx.stream!([~c"echo", ~c"hi"])) == ["hi\n"]
  end

  defp parse(kind, opts), do: Call.parse(kind, ["true"], opts)

  for kind <- [:cmd, :run, :stream!, :stream] do
    test "every option of #{kind} is checked, and the error names it" do
      for {option, values} <- @bad ++ @bad_in[unquote(kind)], value <- values do
        assert {:error, {error, ^value} = reason} = parse(unquote(kind), [{option, value}])
        assert error == :"bad_#{option}"
        assert Linx.Reason.sentence(reason) =~ "option #{inspect(option)}"
      end
    end

    test "#{kind} knows its own options and a session's, and no others" do
      for option <- [
            :sorts,
            :argv,
            :linger,
            :auto_proceed,
            :stream_to,
            :active,
            :usage,
            :link,
            :files
          ] do
        assert {:error, {:bad_option, {^option, 1}} = reason} =
                 parse(unquote(kind), [{option, 1}])

        assert Linx.Reason.sentence(reason) =~ inspect(option)
      end

      foreign =
        Keyword.keys(Keyword.drop(@bad_in, [unquote(kind)]) |> Keyword.values() |> Enum.concat())

      own = Keyword.keys(@bad ++ @bad_in[unquote(kind)])

      for option <- Enum.uniq(foreign) -- own do
        assert {:error, {:bad_option, {^option, 1}}} = parse(unquote(kind), [{option, 1}])
      end

      assert {:error, {:bad_options, [1]} = reason} = parse(unquote(kind), [1])
      assert Linx.Reason.sentence(reason) =~ "keyword"
    end

    test "#{kind} takes strings without NUL for what to run" do
      for argv <- [[], [""] ++ [1], ["a", :b], ["a\0"], ["a" | "b"], [[256]], :a, nil] do
        assert {:error, {:bad_argv, ^argv} = reason} = Call.parse(unquote(kind), argv, [])
        assert Linx.Reason.sentence(reason) =~ "argv"
      end
    end
  end

  test "what a call reads is a pipe, and what it does not serve is none" do
    for {kind, opts, stdio, outputs} <- [
          {:cmd, [], [stdin: :devnull, stdout: :pipe, stderr: :inherit], [:stdout]},
          {:run, [], [stdin: :devnull, stdout: :pipe, stderr: :pipe], [:stdout, :stderr]},
          {:stream!, [], [stdin: :devnull, stdout: :pipe, stderr: :inherit], [:stdout]},
          {:run, [stderr_to_stdout: true], [stdin: :devnull, stdout: :pipe, stderr: :stdout],
           [:stdout]},
          {:cmd, [input: ""], [stdin: :pipe, stdout: :pipe, stderr: :inherit], [:stdout]},
          {:cmd, [use_stdio: false], [stdin: :inherit, stdout: :inherit, stderr: :inherit], []},
          {:run, [stdio: :devnull], [stdin: :devnull, stdout: :devnull, stderr: :devnull], []},
          {:stream!, [stdio: [stdout: :devnull, stderr: :pipe]],
           [stdin: :devnull, stdout: :devnull, stderr: :pipe], [:stderr]}
        ] do
      assert {:ok, call} = parse(kind, opts)
      assert {call.session.request.stdio, call.outputs} == {stdio, outputs}
    end

    for {kind, opts, error} <- [
          {:run, [stdio: :inherit, input: "x"], :bad_stdio},
          {:run, [stdio: [stdout: :devnull], into: []], :bad_into},
          {:run, [stdio: [stderr: :devnull], stderr_into: &is_binary/1], :bad_stderr_into},
          {:run, [stderr_to_stdout: true, stderr_into: []], :bad_stderr_into},
          {:run, [stdio: [stderr: :pipe], stderr_to_stdout: true], :bad_stdio},
          {:cmd, [use_stdio: false, input: "x"], :bad_use_stdio},
          {:cmd, [use_stdio: false, stderr_to_stdout: true], :bad_use_stdio},
          {:cmd, [use_stdio: false, stdio: :inherit], :bad_use_stdio},
          {:run, [checkpoint: fn _, _ -> :ok end, owner: self()], :bad_owner},
          {:run, [checkpoint: fn _, _ -> :ok end, events: :none], :bad_events}
        ] do
      assert {:error, {^error, _value} = reason} = parse(kind, opts)
      assert is_binary(Linx.Reason.sentence(reason))
    end
  end

  test "calls kill descendants, and send no events, unless told otherwise" do
    for kind <- [:cmd, :run, :stream!] do
      assert {:ok, %{session: session}} = parse(kind, kill_after: 70)
      assert session.request.descendants == :kill
      assert session.events == :none
      assert session.link == false
      assert session.request.orphan_policy == {:kill, 70}
      assert session.owner == nil

      assert {:ok, %{session: session}} =
               parse(kind, descendants: :leave, orphan_policy: :leave, owner: self())

      assert session.request.descendants == :leave
      assert session.request.orphan_policy == :leave
      assert session.owner == self()
      assert session.events == :plain
    end
  end

  test "of an option that is given twice the first one counts" do
    assert {:ok, %{timeout: 1}} = parse(:run, timeout: 1, timeout: 2)
  end

  test "the lines of any text are the same however it is cut" do
    text = :proper_types.list(:proper_types.oneof([?a, ?\r, ?\n]))
    cuts = :proper_types.list(:proper_types.pos_integer())

    Property.check({text, cuts}, 500, fn {text, cuts} ->
      text = List.to_string(text)
      {finished, left} = push_all(pieces(text, cuts), %Lines{})
      {ended, [last]} = text |> :binary.split("\n", [:global]) |> Enum.split(-1)
      assert finished == Enum.map(ended, &String.replace_suffix(&1, "\r", ""))
      assert Lines.rest(left) == if(last == "", do: [], else: [last])
    end)
  end

  test "a bound holds for lines in one piece and in many, and to the byte" do
    for {pieces, fits?} <- [
          {["123\n"], true},
          {["1234\n"], false},
          {["12", "3\n"], true},
          {["12", "34"], false},
          {["12", "34\n"], false},
          {["a\n1234\nb"], false},
          {["a\n123\nb"], true},
          {["a\n1234"], false},
          {["123\r\n"], true},
          {["123\r", "\n"], true},
          {["123", "\r", "", "\n"], true},
          {["a\n123\r", "\n"], true},
          {["123\r", "4"], false},
          {["123\r", "\r\n"], false},
          {["123\r"], false},
          {["12\r"], true}
        ] do
      result =
        Enum.reduce_while(pieces, %Lines{max: 3}, fn piece, lines ->
          case Lines.push(lines, piece) do
            {:ok, _finished, lines} -> {:cont, lines}
            :too_long -> {:halt, :too_long}
          end
        end)

      result = with %Lines{} <- result, do: Lines.rest(result)
      assert {pieces, result != :too_long} == {pieces, fits?}
    end
  end

  test "a program is looked for along PATH, and a path is a path" do
    assert {:ok, [argv: ["sh"], files: files]} = Executable.options(["sh"], node())

    assert files ==
             for(
               path <- String.split(System.get_env("PATH"), ":"),
               do: Path.join(Path.absname(path), "sh")
             )

    assert Executable.options(["/a/b", "c"], node()) == {:ok, [argv: ["/a/b", "c"]]}

    assert Executable.options(["./b", "c"], node()) ==
             {:ok, [argv: [Path.join(File.cwd!(), "b"), "c"]]}

    assert Executable.options([""], node()) == {:error, :enoent}
    assert Executable.options(["sh"], :nobody@nowhere) == {:error, :nodedown}
    assert Executable.refusal(<<255>>, :eacces, node()) == :enoent
    assert Executable.refusal("sh", :eacces, node()) == :eacces
    assert Executable.refusal("/no/such/program", :eacces, node()) == :eacces
    assert Executable.refusal(String.duplicate("x", 256), :enametoolong, node()) == :enoent
    assert Executable.refusal("no/such/program", :enametoolong, node()) == :enametoolong
  end

  defp pieces("", _cuts), do: []
  defp pieces(text, []), do: [text]

  defp pieces(text, [cut | cuts]) do
    cut = min(cut, byte_size(text))
    <<piece::binary-size(cut), rest::binary>> = text
    [piece | pieces(rest, cuts)]
  end

  defp push_all(pieces, lines) do
    Enum.reduce(pieces, {[], lines}, fn piece, {finished, lines} ->
      {:ok, more, lines} = Lines.push(lines, piece)
      {finished ++ more, lines}
    end)
  end
end
