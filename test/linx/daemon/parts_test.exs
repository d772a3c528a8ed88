# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.PartsTest do
  use ExUnit.Case, async: true

  import :proper_types, only: [list: 1, oneof: 1, tuple: 1, integer: 2, binary: 0]

  alias Linx.Daemon.{Lines, Match, UTF8}
  alias Linx.Property

  doctest Linx.Daemon.Checks
  doctest Linx.Daemon.Lines
  doctest Linx.Daemon.Log
  doctest Linx.Daemon.Match
  doctest Linx.Daemon.Options
  doctest Linx.Daemon.Stdio
  doctest Linx.Daemon.Tally
  doctest Linx.Daemon.Usage
  doctest Linx.Daemon.UTF8

  # Bytes in which ends of lines, characters of several bytes and parts of such are frequent.
  defp chunk do
    oneof([
      binary(),
      oneof(["\n", "\r", "\r\n", "é", "😀", "a", "\xF0\x9F", "\x80", "abcdefgh", ""])
    ])
  end

  defp parts(chunks, max) do
    {lines, parts} =
      Enum.reduce(chunks, {%Lines{max: max}, []}, fn chunk, {lines, parts} ->
        {lines, parts} = Lines.reduce(lines, chunk, parts, &[&1 | &2])
        assert byte_size(lines.rest) <= max + 1
        {lines, parts}
      end)

    Enum.reverse(parts) ++ Lines.rest(lines)
  end

  # What the lines are, from all the bytes at once and without a bound.
  defp lines(bytes) do
    {finished, [last]} = bytes |> String.split("\n") |> Enum.split(-1)
    finished = for line <- finished, do: String.replace(line, ~r/\r\z/, "")
    finished ++ if(last == "", do: [], else: [last])
  end

  test "lines are those of all the bytes, however they are cut, and no part is too long" do
    Property.check(tuple([list(chunk()), integer(4, 40)]), 2_000, fn {chunks, max} ->
      parts = parts(chunks, max)
      assert Enum.all?(parts, fn {_, bytes} -> byte_size(bytes) <= max + 1 end)
      assert joined(parts) == chunks |> IO.iodata_to_binary() |> lines()
    end)
  end

  defp joined(parts) do
    {lines, rest} =
      Enum.reduce(parts, {[], ""}, fn
        {:piece, bytes}, {lines, open} -> {lines, open <> bytes}
        {:line, bytes}, {lines, open} -> {[open <> bytes | lines], ""}
      end)

    assert rest == ""
    Enum.reverse(lines)
  end

  test "a character is cut in two only when it is none" do
    Property.check(tuple([list(oneof(["é", "😀", "a", "€"])), integer(4, 12)]), 1_000, fn {text,
                                                                                          max} ->
      for {_, bytes} <- parts([Enum.join(text)], max), do: assert(String.valid?(bytes))
    end)
  end

  test "what is repaired is valid, keeps every character, and is no part of a larger binary" do
    Property.check(list(chunk()), 2_000, fn chunks ->
      bytes = IO.iodata_to_binary(chunks)
      repaired = UTF8.repair(bytes)
      assert String.valid?(repaired)
      assert :binary.referenced_byte_size(repaired) <= byte_size(repaired) * 2
      if String.valid?(bytes), do: assert(repaired == bytes)
      # As many replacements as bytes that are part of no character.
      assert byte_size(bytes) ==
               repaired |> String.codepoints() |> Enum.map(&original/1) |> Enum.sum()
    end)
  end

  defp original("\uFFFD"), do: 1
  defp original(character), do: byte_size(character)

  test "a match is found wherever the output is cut" do
    text = String.duplicate("x", 20_000) <> "ready to go" <> String.duplicate("y", 9)

    for at <- 19_990..20_012 do
      <<first::binary-size(at), second::binary>> = text
      match = Match.new(~r/ready to go/)

      found =
        with {:none, match} <- Match.push(match, :stdout, first),
             do: Match.push(match, :stdout, second)

      assert found == :match
    end
  end

  test "what is kept for a match is bounded" do
    match =
      Enum.reduce(1..100, Match.new(~r/never/), fn _, match ->
        {:none, match} = Match.push(match, :stdout, String.duplicate("x", 60_000))
        match
      end)

    assert :binary.referenced_byte_size(match.tails.stdout) == 16 * 1024
  end
end
