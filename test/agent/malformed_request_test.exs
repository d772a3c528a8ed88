# SPDX-License-Identifier: MIT

defmodule AgentTest.MalformedRequestTest do
  use AgentTest.Case, async: true

  # One frame, exit code 2, and no child.
  defp assert_malformed(body, what) do
    wire = start(stdout: false)
    send_raw(wire, packet(body))
    result = finish(wire, exit: 2)
    assert {what, result.frames} == {what, [{:error, errno(:einval), :malformed_request}]}
  end

  defp assert_malformed_term(term), do: assert_malformed(:erlang.term_to_binary(term), term)

  @bad_values [
    argv: [[], 1, :atom, 1.5, nil, %{}, {}, "/bin/true", '/bin/true'],
    argv: [[:a], [1], [1.5], [nil], [{}], [%{}], [[[]]], [["a"]], [[256]], [[-1]], [[?a, :b]]],
    argv: [
      ["a\0b"],
      ["/bin/true", "x\0"],
      ['a\0b'],
      [<<0>>],
      [<<1::3>>],
      ["a" | "b"],
      [[?a | ?b]]
    ],
    env: [1, :atom, "A=1", 'A=1', %{}, nil, {"A", "1"}],
    env: [[1], [:a], [{"A", "1"}], ["A=\0"], ["A\0=1"], ["A"], ["=1"], [""], ["A=1" | "B=2"]],
    cwd: [1, :root, nil, {}, %{}, 1.5, ["/", "tmp"], "/tm\0p", [?/, 256], [?/ | ?t], <<1::1>>],
    arg0: [1, nil, :a, ["a"], "a\0", [256], {}],
    files: [[], nil, :a, "/bin/true", '/bin/true', [1], [:a], ["a\0"], ["a" | "b"], %{}],
    namespaces: [:net, "net", 1, nil, %{}, {:net}],
    namespaces: [[:foo], ["net"], [1], [nil], [:net | :pid], [[:net]]],
    stdio: [:foo, "pty", 1, nil, %{stdin: :inherit}, {:stdin, :inherit}],
    stdio: [
      {:pty},
      {:pty, {24, 80}},
      {:pty, {24, 80, 0, 65_536}},
      {:pty, nil},
      {:tty, {24, 80, 0, 0}}
    ],
    stdio: [
      {:pty, {24, 80, 0, 0}, 1},
      {:pty, {24, 80, 0, 0}, :inside, 1},
      {"pty", {24, 80, 0, 0}}
    ],
    termios: [nil, [], [echo: true], %{"echo" => true}, %{echo: 1}, %{raw: nil}, %{icanon: true}],
    termios: [%{like: "short"}, %{like: String.duplicate("x", 61)}, %{like: nil}],
    term: [nil, :vt220, "vt\0"],
    stdio: [[:stdin], [{:stdin}], [{:stdin, :foo}], [{:stdin, :inherit, 1}], [{:other, :inherit}]],
    stdio: [[{:stdin, nil}], [{"stdin", :inherit}], [{:stdin, :inherit} | :x], [{:stdin, :pty}]],
    stdio: [[stdin: :devnull, stdin: :inherit]],
    stdio: [
      [stdin: {:connect_unix}],
      [stdin: {:connect_unix, 1}],
      [stdin: {:connect_unix, "a\0"}]
    ],
    stdio: [[stdin: {:connect_unix, :a}], [stdin: {:connect_unix, "a", 1}], [stdin: {:foo, "a"}]],
    no_new_privs: [1, 0, nil, "true", :yes, []],
    orphan_policy: [:kill, :foo, nil, 5000, {:kill}, {:kill, -1}, {:kill, 1.5}, {:kill, :a}],
    orphan_policy: [{:kill, 1, 2}, {:linger, 1}, {:kill, "1"}, {:kill, 0x10000000000000000}, []],
    proceed: [1, nil, "true", []],
    ack: [1, nil, "true", []]
  ]

  for {{key, values}, row} <- Enum.with_index(@bad_values), key != :argv do
    test "a bad #{inspect(key)} is malformed (#{row})" do
      for value <- unquote(Macro.escape(values)),
          do: assert_malformed_term({:spawn, %{unquote(key) => value, :argv => ["/bin/true"]}})
    end
  end

  for {{:argv, values}, row} <- Enum.with_index(@bad_values) do
    test "a bad :argv is malformed (#{row})" do
      for value <- unquote(Macro.escape(values)),
          do: assert_malformed_term({:spawn, %{argv: value}})
    end
  end

  test "a request without :argv is malformed" do
    assert_malformed_term({:spawn, %{}})
    assert_malformed_term({:enter, %{target: 1}})
  end

  test "an :enter without a positive :target is malformed" do
    for target <- [0, -1, 1.0, "1", nil, :self, [], [1], {1}, 0x10000000000000000],
        do: assert_malformed_term({:enter, %{target: target, argv: ["/bin/true"]}})

    assert_malformed_term({:enter, %{argv: ["/bin/true"]}})
  end

  test "a first frame that is no request is malformed" do
    good = %{argv: ["/bin/true"]}

    for term <- [
          :spawn,
          :proceed,
          good,
          {},
          {:spawn},
          {:spawn, good, 1},
          {good, :spawn},
          {:spwan, good},
          {"spawn", good},
          {'spawn', good},
          {:spawn, Map.to_list(good)},
          {:spawn, []},
          {:spawn, nil},
          [:spawn, good],
          [{:spawn, good}],
          "spawn",
          1,
          1.5,
          self()
        ],
        do: assert_malformed_term(term)
  end

  test "a frame that is no term is malformed" do
    good = :erlang.term_to_binary({:spawn, %{argv: ["/bin/true"]}})
    <<131, term::binary>> = good

    for {body, what} <- [
          {"", "empty"},
          {<<131>>, "version byte alone"},
          {<<130, term::binary>>, "another version"},
          {term, "no version"},
          {good <> <<0>>, "trailing byte"},
          {good <> good, "trailing term"},
          {:erlang.term_to_binary({:spawn, %{argv: List.duplicate("/bin/true", 99)}}, [
             :compressed
           ]), "compressed"},
          {<<131, 255>>, "unknown tag"},
          {:binary.copy(<<0>>, 100), "zeros"},
          {:binary.copy(<<255>>, 100), "ones"},
          {<<131, 104, 2, 119, 5, "spawn", 116, 0xFFFFFFFF::32>>,
           "map of four thousand millions"},
          {<<131, 105, 0xFFFFFFFF::32>>, "tuple of four thousand millions"},
          {<<131, 108, 0xFFFFFFFF::32, 106>>, "list of four thousand millions"},
          {<<131, 109, 0xFFFFFFFF::32, "x">>, "binary of four thousand millions"},
          {<<131, 111, 0xFFFFFFFF::32, 0, 1>>, "bignum of four thousand millions"},
          {<<131, 107, 0xFFFF::16, "x">>, "string longer than the frame"},
          {<<131, 119, 255, "x">>, "atom longer than the frame"},
          {<<131>> <> :binary.copy(<<104, 1>>, 100_000) <> <<106>>, "a hundred thousand deep"},
          {<<131>> <> :binary.copy(<<108, 1::32>>, 100_000) <> <<106>>, "deep lists"}
        ],
        do: assert_malformed(body, what)
  end

  test "a list with an improper tail is malformed, wherever it is" do
    for value <- [[1 | 2], [[1 | 2]], %{1 => ["a" | "b"]}, {[?a | <<>>]}] do
      assert_malformed_term({:spawn, %{argv: ["/bin/true"], no_such_key: value}})
    end
  end

  test "a repeated key is malformed" do
    <<131, key::binary>> = :erlang.term_to_binary(:argv)
    <<131, value::binary>> = :erlang.term_to_binary(["/bin/true"])
    <<131, spawn::binary>> = :erlang.term_to_binary(:spawn)
    pair = key <> value

    assert_malformed(
      <<131, 104, 2, spawn::binary, 116, 2::32, pair::binary, pair::binary>>,
      "twice"
    )
  end

  test "a request cut off at any byte is malformed" do
    request =
      {:spawn,
       %{
         argv: ["/bin/true", 'abc'],
         env: ["A=1"],
         cwd: "/",
         stdio: [stdin: :devnull, stdout: {:connect_unix, "/x"}],
         namespaces: [:net],
         orphan_policy: {:kill, 70_000},
         no_new_privs: true
       }}

    body = :erlang.term_to_binary(request)
    for size <- 0..(byte_size(body) - 1), do: assert_malformed(binary_part(body, 0, size), size)
  end

  # The request may still be valid with the changed byte; the session ends as documented in any case.
  test "a request with any one byte changed ends with one final frame" do
    body =
      :erlang.term_to_binary(
        {:spawn, %{argv: ["/no/such"], cwd: "/", env: ["A=1"], stdio: :devnull}}
      )

    for position <- 0..(byte_size(body) - 1), value <- [0, 255] do
      <<before::binary-size(position), _, rest::binary>> = body
      wire = start(stdout: false)
      send_raw(wire, packet(<<before::binary, value, rest::binary>>))

      case next_frame(wire) do
        {:error, code, :malformed_request} ->
          assert code == errno(:einval)
          finish(wire, exit: 2)

        {:status, :spawned, _} ->
          assert_frame(wire, {:status, :ready, _})
          send_term(wire, :proceed)
          assert {:error, _, stage} = final(finish(wire))
          assert stage in [:execve, :chdir]
      end
    end
  end

  test "a request larger than any exec takes is {:error, EMSGSIZE, :request_too_big}, unread" do
    for size <- [0xFFFFFFFF, 0x80000000, 64 * 1024 * 1024] do
      wire = start(stdout: false)
      send_raw(wire, <<size::32>>)
      result = finish(wire, exit: 2)
      assert result.frames == [{:error, errno(:emsgsize), :request_too_big}]
    end
  end

  test "a channel that closes before the request is whole ends the agent with exit code 1" do
    for bytes <- [
          "",
          <<0>>,
          <<0, 0, 0, 9>>,
          binary_part(frame({:spawn, %{argv: ["/bin/true"]}}), 0, 20)
        ] do
      wire = start(stdout: false)
      send_raw(wire, bytes)
      close_commands(wire)
      assert %{agent: {:exited, 1, _}, orphans: []} = await_gone(wire)
    end
  end
end
