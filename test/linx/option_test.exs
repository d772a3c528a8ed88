# SPDX-License-Identifier: MIT

defmodule Linx.OptionTest do
  # The tables of options, and that the docs and types of what takes them name every one.
  use ExUnit.Case, async: true

  doctest Linx.Option

  @sessions Linx.Process.Options.table()
  @calls Linx.Call.Options.table()

  defp names(table), do: table |> Enum.map(&elem(&1, 0)) |> Enum.uniq() |> Enum.sort()

  defp doc(module, name, arity) do
    {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(module)
    {_, _, _, %{"en" => text}, _} = List.keyfind(docs, {:function, name, arity}, 0)
    text
  end

  test "a row has takers, and words unless its check is a list of values" do
    for {name, takers, check, expected} <- @sessions ++ @calls do
      assert is_atom(name) and takers != []
      assert is_list(check) or (is_function(check, 1) and is_binary(expected))
      if is_list(check), do: assert(length(check) > 1)
    end
  end

  test "an option of a session goes into the request or is kept by the session, and is declared once" do
    for {name, [place | others], _check, _expected} <- @sessions do
      assert place in [:request, :session]
      assert others in [[], [:call]]
      if place == :session, do: assert(is_map_key(%Linx.Process.Options{}, name))
    end

    assert length(@sessions) == length(names(@sessions))
  end

  test "a call has a field for each of its options, and declares it once" do
    for {name, kinds, _check, _expected} <- @calls do
      assert kinds -- [:cmd, :shell, :run, :stream!, :stream] == []
      assert is_map_key(Map.from_struct(%Linx.Call{kind: :cmd, argv: ["a"]}), name)
    end

    pairs = for {name, kinds, _check, _expected} <- @calls, kind <- kinds, do: {kind, name}
    assert pairs == Enum.uniq(pairs)
  end

  test "the doc of spawn/1 and its type have every option of a session, and no other" do
    in_doc =
      for [_, name] <- Regex.scan(~r/^\s*\* `:(\w+)` - /m, doc(Linx.Process, :spawn, 1)), do: name

    assert Enum.sort(in_doc) == Enum.map(names(@sessions), &Atom.to_string/1)

    {:ok, types} = Code.Typespec.fetch_types(Linx.Process)

    {:type, {:option, {:type, _, :union, options}, []}} =
      Enum.find(types, &match?({:type, {:option, _, _}}, &1))

    in_type = for {:type, _, :tuple, [{:atom, _, name} | _]} <- options, do: name
    assert Enum.sort(in_type) == names(@sessions)
  end

  test "the docs of the calls have every option of theirs" do
    docs = %{
      cmd: doc(Linx, :cmd, 3),
      shell: doc(Linx, :shell, 2),
      run: doc(Linx, :run, 2),
      stream!: doc(Linx, :stream!, 2)
    }

    for {name, kinds, _check, _expected} <- @calls, kind <- kinds do
      # The other calls refer to the options that they share with cmd/3, and stream/2 to those of stream!/2.
      own =
        cond do
          :cmd in kinds and (kind == :shell or name != :lines) -> docs.cmd
          kind == :stream -> docs.stream!
          true -> docs[kind]
        end

      assert own =~ "* `#{inspect(name)}` - ", "#{kind}: #{name}"
    end
  end

  test "the docs of Linx.Daemon and its type have every option of a daemon" do
    {:docs_v1, _, _, _, %{"en" => text}, _, _} = Code.fetch_docs(Linx.Daemon)
    {:ok, types} = Code.Typespec.fetch_types(Linx.Daemon)

    {:type, {:option, {:type, _, :union, options}, []}} =
      Enum.find(types, &match?({:type, {:option, _, _}}, &1))

    in_type = for {:type, _, :tuple, [{:atom, _, name} | _]} <- options, do: name

    for name <- names(Linx.Daemon.Options.table()) do
      assert text =~ "* `#{inspect(name)}` - "
      assert name in in_type
    end
  end

  test "an option that a call decides itself is named in the doc of cmd/3" do
    for {name, takers, _check, _expected} <- @sessions, :call not in takers do
      assert Linx.Process.Options.decided_by_call?(name)
      assert doc(Linx, :cmd, 3) =~ "`#{inspect(name)}`"
    end
  end
end
