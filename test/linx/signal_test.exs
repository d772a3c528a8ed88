# SPDX-License-Identifier: MIT

defmodule Linx.SignalTest do
  use ExUnit.Case, async: true

  alias Linx.Signal

  doctest Signal

  test "every number from 1 to 64 has a name, and back" do
    assert Enum.map(Signal.all(), &elem(&1, 1)) == Enum.to_list(1..64)

    for {name, number} <- Signal.all() do
      assert Signal.name(number) == name
      assert Signal.number(name) == {:ok, number}
      assert Signal.number(number) == {:ok, number}
    end
  end

  test "real-time signals count from either end" do
    for n <- 1..30 do
      assert Signal.number(:"sigrtmin+#{n}") == {:ok, 34 + n}
      assert Signal.number(:"sigrtmax-#{n}") == {:ok, 64 - n}
    end

    assert Signal.number(:sigrtmin) == {:ok, 34}
    assert Signal.number(:sigrtmax) == {:ok, 64}
  end

  test "the names are those that the shell's kill has" do
    {listing, 0} = System.cmd("bash", ["-c", "kill -l"])

    for [_all, number, name] <- Regex.scan(~r/(\d+)\) (\S+)/, listing) do
      assert Signal.name(String.to_integer(number)) ==
               name |> String.downcase() |> String.to_atom()
    end
  end

  test "names and aliases are distinct" do
    names = Keyword.keys(Signal.all()) ++ Keyword.keys(Signal.aliases())
    assert Enum.uniq(names) == names
  end

  test "every name may be written without sig, and as a string in either case" do
    for {name, number} <- Signal.all() ++ Signal.aliases(), name not in [:sig32, :sig33] do
      "sig" <> short = text = Atom.to_string(name)

      for written <- [short, text],
          other <- [String.to_atom(written), written, String.upcase(written)],
          do: assert({other, Signal.number(other)} == {other, {:ok, number}})
    end

    assert Signal.number("SIG32") == {:ok, 32}
  end

  test "anything else is no signal" do
    for value <- [
          0,
          -1,
          65,
          9.0,
          'sigterm',
          :SIGTERM,
          "",
          "sig",
          "9",
          "32",
          :"32",
          "sigsigterm",
          "TERM ",
          <<255>>,
          "ſigterm",
          :sigrtmin31,
          nil,
          {9},
          [9]
        ] do
      assert Signal.number(value) == :error
    end
  end
end
