# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Explain do
  @moduledoc false
  # A plan as numbered text. Pure.

  alias Linx.Option
  alias Linx.Plan.{Names, Phase, Words}

  # Characters of a name, with the space behind it.
  @column 16

  @titles %{
    agent: " by the agent, on the host\n",
    setup: " by the child, before the checkpoint\n",
    seal: " ── checkpoint ──\n by the child, after :proceed\n",
    exec: nil
  }

  @doc "The text."
  @spec text([binary()], [Phase.t()], [String.t()]) :: iodata()
  def text(argv, phases, notes) do
    [headline(argv, phases), "\n\n", sections(Enum.with_index(phases, 1), argv), notes(notes)]
  end

  defp headline(argv, phases) do
    namespaces = for phase <- phases, {:namespaces, kinds} <- phase.keys, kind <- kinds, do: kind
    inside = if namespaces == [], do: "", else: [", in ", Enum.join(namespaces, " ")]
    [Enum.map_join(argv, " ", &argument/1), inside]
  end

  # As a shell would need it, so that the reader sees where one ends.
  defp argument(argument) do
    if argument =~ ~r{^[\w@%+=:,./-]+$},
      do: argument,
      else: inspect(argument, printable_limit: 200)
  end

  # What is done at exec stands under the last title.
  defp sections(numbered, argv) do
    {text, _title} =
      Enum.map_reduce(numbered, nil, fn {phase, _number} = row, title ->
        own = @titles[phase.where]
        own = if own == nil and title == nil, do: @titles.seal, else: own
        new? = own not in [nil, title]
        {[if(new?, do: own, else: ""), entry(row, argv)], own || title}
      end)

    text
  end

  defp entry({phase, number}, argv) do
    [first | rest] = lines(phase, argv)
    name = Names.text(phase.name)
    why = if phase.why, do: ["because: " <> phase.why], else: []
    number = String.pad_leading("#{number}", 3)

    [
      [number, " ", String.pad_trailing(name, @column - 1), " ", first] |> line(),
      for(text <- rest ++ why, do: line([String.duplicate(" ", @column + 4), text]))
    ]
  end

  defp line(text), do: [text |> IO.iodata_to_binary() |> String.trim_trailing(), "\n"]

  defp lines(phase, argv) do
    keys = phase.keys |> Enum.sort() |> Enum.map(&Words.key/1) |> Enum.filter(& &1)
    commands = Enum.map(phase.commands, &Words.command/1)

    case program(phase, argv) ++ keys ++ commands do
      [] -> [""]
      lines -> Enum.map(lines, &one_line/1)
    end
  end

  # A path may have a newline.
  defp one_line(text) do
    if String.printable?(text) and not String.contains?(text, ["\n", "\r"]),
      do: text,
      else: Option.shorten(text)
  end

  defp program(%{name: :exec, keys: keys}, [program | _arguments]) do
    found = if keys[:search_path], do: ", found along PATH inside", else: ""
    [argument(program) <> found]
  end

  defp program(_phase, _argv), do: []

  defp notes([]), do: []
  defp notes(notes), do: ["\n notes\n", for(note <- notes, do: ["  - ", note, "\n"])]
end
