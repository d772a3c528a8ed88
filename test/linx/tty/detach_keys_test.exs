# SPDX-License-Identifier: MIT

defmodule Linx.Tty.DetachKeysTest do
  use ExUnit.Case, async: true

  alias Linx.Tty.DetachKeys

  doctest DetachKeys

  test "keys are letters and control characters" do
    for {text, keys} <- [
          {"a", "a"},
          {"Z", "Z"},
          {"ctrl-a", <<1>>},
          {"ctrl-z", <<26>>},
          {"ctrl-@", <<0>>},
          {"ctrl-[", <<27>>},
          {"ctrl-\\", <<28>>},
          {"ctrl-]", <<29>>},
          {"ctrl-^", <<30>>},
          {"ctrl-_", <<31>>},
          {"ctrl-p,ctrl-q", <<16, 17>>},
          {"ctrl-a,d", <<1, ?d>>},
          {"a,a,b", "aab"}
        ],
        do: assert({:ok, %{keys: ^keys}} = DetachKeys.parse(text))
  end

  test "anything else is refused" do
    for text <-
          ["", ",", "a,", ",a", "ab", "1", " ", "a, b", "ctrl-", "ctrl-1", "ctrl-A", "ctrl-ab"] ++
            [
              "Ctrl-a",
              "ctrl a",
              "ctrl-p;ctrl-q",
              "^P",
              "DEL",
              "é",
              <<255>>,
              :a,
              1,
              ~c"a",
              [],
              true
            ],
        do: assert({text, DetachKeys.parse(text)} == {text, :error})
  end

  # All pieces, one after the other; where the keys were found, what came behind them too.
  defp type(detach, pieces) do
    Enum.reduce(pieces, {:pass, "", detach}, fn
      piece, {:pass, passed, detach} ->
        case DetachKeys.take(detach, piece) do
          {:pass, more, detach} -> {:pass, passed <> more, detach}
          {:detach, more, rest} -> {:detach, passed <> more, rest}
        end

      piece, {:detach, passed, rest} ->
        {:detach, passed, rest <> piece}
    end)
  end

  defp pieces(<<>>), do: []

  defp pieces(bytes) do
    size = :rand.uniform(byte_size(bytes))
    <<piece::binary-size(size), rest::binary>> = bytes
    [piece | pieces(rest)]
  end

  test "however it is typed, the keys are found where they are first, and no other byte is lost" do
    :rand.seed(:exsss, {1, 2, 3})

    for text <- ["a", "a,b", "a,a", "a,a,b", "a,b,a,b", "a,b,a,c", "a,a,a"], _ <- 1..400 do
      {:ok, %{keys: keys} = detach} = DetachKeys.parse(text)
      typed = for _ <- 1..:rand.uniform(12), into: "", do: <<Enum.random(~c"abc")>>
      found = type(detach, pieces(typed))

      case :binary.match(typed, keys) do
        {at, size} ->
          rest = binary_part(typed, at + size, byte_size(typed) - at - size)
          assert {text, typed, found} == {text, typed, {:detach, binary_part(typed, 0, at), rest}}

        :nomatch ->
          assert {:pass, passed, %{held: held}} = found
          assert {text, passed <> binary_part(keys, 0, held)} == {text, typed}
          # What is held back may still become the keys.
          assert {:detach, "", ""} =
                   DetachKeys.take(
                     %{detach | held: held},
                     binary_part(keys, held, byte_size(keys) - held)
                   )
      end
    end
  end

  test "a partial match is passed on with the next key" do
    {:ok, detach} = DetachKeys.parse("ctrl-p,ctrl-q")
    assert {:pass, "", detach} = DetachKeys.take(detach, <<16>>)
    assert {:pass, <<16, ?x>>, detach} = DetachKeys.take(detach, "x")
    assert {:pass, <<17>>, detach} = DetachKeys.take(detach, <<17>>)
    assert detach.held == 0
  end

  test "without keys everything passes" do
    assert DetachKeys.take(nil, <<16, 17>>) == {:pass, <<16, 17>>, nil}
  end
end
