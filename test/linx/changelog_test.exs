# SPDX-License-Identifier: MIT

defmodule Linx.ChangelogTest do
  # A merge that keeps both sides can leave an item twice, or the end of one behind another.
  use ExUnit.Case, async: true

  @path Path.expand("../../CHANGELOG.md", __DIR__)

  # Characters after which two items are the same thing, said twice.
  @beginning 40

  test "each thing is in the changelog once" do
    beginnings = for item <- items(), do: String.slice(item, 0, @beginning)
    assert beginnings -- Enum.uniq(beginnings) == []
  end

  test "an item is a sentence, and no piece of another one" do
    for item <- items() do
      ticks = item |> String.graphemes() |> Enum.count(&(&1 == "`"))
      assert rem(ticks, 2) == 0, item
      refute item =~ ~r/`  `/, item
    end
  end

  # Lines that go on are part of their item, with the two spaces that they begin with.
  defp items do
    for section <- @path |> File.read!() |> String.split(~r/^##.*\n/m),
        item <- String.split(section, ~r/^(?=- )/m),
        String.starts_with?(item, "- "),
        do: item |> String.trim() |> String.replace("\n", "")
  end
end
