# SPDX-License-Identifier: MIT

defmodule Linx.ErrnoTest do
  use ExUnit.Case, async: true

  alias Linx.Errno

  doctest Errno

  test "every number from 1 to 133 but the two that Linux leaves out has a name, and back" do
    assert Enum.map(Errno.all(), &elem(&1, 1)) == Enum.to_list(1..133) -- [41, 58]

    for {name, code} <- Errno.all() do
      assert Errno.name(code) == name
      assert Errno.code(name) == code
      assert Errno.describe(name) == Errno.describe(code)
      refute Errno.describe(code) =~ "Unknown"
    end
  end

  test "names and aliases are distinct, and an alias has the number of its name" do
    names = Enum.map(Errno.all(), &elem(&1, 0)) ++ Keyword.keys(Errno.aliases())
    assert Enum.uniq(names) == names
    for {other, name} <- Errno.aliases(), do: assert(Errno.code(other) == Errno.code(name))
  end

  test "the table agrees with what the BEAM calls an error" do
    for {name, code} <- [enoent: 2, eacces: 13, eexist: 17, enotdir: 20, eloop: 40] do
      assert Errno.code(name) == code
      assert name |> :file.format_error() |> List.to_string() != "unknown POSIX error"
    end
  end

  test "a number that is no errno is unknown, and described as such" do
    for code <- [-1, 0, 41, 58, 134, 524, 1_000_000] do
      assert Errno.name(code) == :unknown
      assert Errno.describe(code) == "Unknown error #{code}"
    end

    assert Errno.code(:unknown) == nil
    assert Errno.describe(:enonsense) == "Unknown error :enonsense"
  end
end
