# SPDX-License-Identifier: MIT

defmodule Linx.Plan.EditTest do
  # The phases of a plan, and the edits of them.
  use ExUnit.Case, async: true

  import :proper_types, only: [integer: 2, list: 1, oneof: 1, tuple: 1]

  alias Linx.{Plan, Property}
  alias Linx.Plan.{Names, Phase, Phases}

  doctest Linx.Plan.Edit
  doctest Linx.Plan.Names
  doctest Linx.Plan.Phases

  defp plan(names, where \\ :seal),
    do: %Plan{argv: ["/bin/true"], phases: Enum.map(names, &%Phase{name: &1, where: where})}

  # Different names, and a place among them.
  defp names_and_place do
    name = oneof([integer(0, 30), tuple([integer(0, 3), integer(0, 3)])])
    tuple([list(name), integer(0, 1_000)])
  end

  defp with_place({numbers, place}) do
    names = numbers |> Enum.map(&name/1) |> Enum.uniq()
    if names == [], do: nil, else: {names, Enum.at(names, rem(place, length(names)))}
  end

  defp name({kind, term}), do: {:"kind#{kind}", term}
  defp name(number), do: :"phase#{number}"

  defp for_all(check) do
    Property.check(names_and_place(), 300, fn value ->
      with {names, name} <- with_place(value), do: check.(plan(names), names, name)
    end)
  end

  test "every phase of the table comes after those that it names, and says where and why" do
    for name <- Phases.names(), phase = Phases.make(name, []), {:after, before} <- phase.needs do
      assert Phases.rank(before) < Phases.rank(name), "#{before} before #{name}"
    end

    wheres = for name <- Phases.names(), do: Phases.make(name, []).where
    assert Enum.dedup(wheres) == Phases.wheres()
    for name <- Phases.names(), do: assert(Phases.make(name, []).why =~ ~r/^\w.*[^.]$/)
    assert Enum.uniq(Phases.names()) == Phases.names()
  end

  test "a phase that is deleted and put back at its place gives the same plan" do
    for_all(fn plan, names, name ->
      {:ok, phase} = Plan.fetch(plan, name)
      at = Enum.find_index(names, &(&1 == name))
      left = Plan.delete(plan, name)
      assert Plan.phases(left) == List.delete(names, name)

      if at > 0, do: assert(Plan.insert_after(left, Enum.at(names, at - 1), phase) == plan)

      if at + 1 < length(names),
        do: assert(Plan.insert_before(left, Enum.at(names, at + 1), phase) == plan)
    end)
  end

  test "a phase that is put in stands beside the other, where that one is, and moves none" do
    for_all(fn plan, names, name ->
      at = Enum.find_index(names, &(&1 == name))
      before = Plan.insert_before(plan, name, Plan.phase(:mine, []))
      behind = Plan.insert_after(plan, name, Plan.phase(:mine, []))
      assert Plan.phases(before) == List.insert_at(names, at, :mine)
      assert Plan.phases(behind) == List.insert_at(names, at + 1, :mine)
      assert {:ok, %Phase{where: :seal}} = Plan.fetch(before, :mine)
      own = Plan.insert_before(plan, name, Plan.phase(:mine, [], where: :setup))
      assert {:ok, %Phase{where: :setup}} = Plan.fetch(own, :mine)
    end)
  end

  test "replace, update and append change one phase alone" do
    for_all(fn plan, names, name ->
      replaced = Plan.replace(plan, name, Plan.phase(:mine, [{:nice, 1}]))
      assert Plan.phases(replaced) == Enum.map(names, &if(&1 == name, do: :mine, else: &1))
      assert Plan.replace(replaced, :mine, elem(Plan.fetch(plan, name), 1)) == plan

      appended = plan |> Plan.append(name, [{:nice, 1}]) |> Plan.append(name, [:loopback])
      assert {:ok, %Phase{commands: [{:nice, 1}, :loopback]}} = Plan.fetch(appended, name)
      assert Plan.delete(appended, name) == Plan.delete(plan, name)
      assert Plan.update(plan, name, & &1) == plan
    end)
  end

  test "a phase of the table that is put in stands in the table's order, whatever is there" do
    some = list(integer(0, length(Phases.names()) - 1))

    Property.check(some, 300, fn ranks ->
      phases = for rank <- Enum.uniq(ranks), do: Phases.make(Enum.at(Phases.names(), rank), [])

      ordered = Enum.reduce(phases, [], &Plan.Edit.put(&2, &1))

      assert Enum.map(ordered, & &1.name) ==
               Phases.names() -- Phases.names() -- Enum.map(phases, & &1.name)
    end)
  end

  test "an unknown name raises, and the error names the nearest" do
    plan = plan([:masked_paths, :mounts, {:mount, "/data"}])

    for edit <- [
          &Plan.insert_before(plan, &1, Plan.phase(:x, [])),
          &Plan.insert_after(plan, &1, Plan.phase(:x, [])),
          &Plan.replace(plan, &1, Plan.phase(:x, [])),
          &Plan.update(plan, &1, fn phase -> phase end),
          &Plan.delete(plan, &1),
          &Plan.append(plan, &1, [])
        ] do
      assert_raise ArgumentError, ~r/no phase :mount; the nearest is :mounts/, fn ->
        edit.(:mount)
      end

      assert_raise ArgumentError, ~r/nearest is :masked_paths/, fn -> edit.(:mask_paths) end

      assert_raise ArgumentError, ~r/nearest is {:mount, "\/data"}/, fn ->
        edit.({:mount, "/date"})
      end

      assert_raise ArgumentError, ~r/no phase "mounts"/, fn -> edit.("mounts") end
    end

    assert Linx.format_error({:no_phase, :mask, :masked_paths}) =~ "nearest is :masked_paths"
    assert Plan.fetch(plan, :mask) == {:error, {:no_phase, :mask, :masked_paths}}
    assert Plan.fetch(%Plan{}, :mask) == {:error, {:no_phase, :mask, nil}}
    assert_raise ArgumentError, ~r/nor any other/, fn -> Plan.delete(%Plan{}, :mask) end
  end

  test "a taken name, and what is no phase, raise" do
    plan = plan([:umask, :user])

    for edit <- [
          &Plan.insert_before(plan, :user, &1),
          &Plan.insert_after(plan, :user, &1),
          &Plan.replace(plan, :user, &1),
          fn phase -> Plan.update(plan, :user, fn _user -> phase end) end
        ] do
      assert_raise ArgumentError, ~r/has a phase :umask already/, fn ->
        edit.(Plan.phase(:umask, []))
      end

      assert_raise ArgumentError, ~r/a phase is a %Linx.Plan.Phase{}/, fn -> edit.(:no_phase) end
      assert_raise ArgumentError, ~r/name of a phase/, fn -> edit.(Plan.phase("umask", [])) end

      assert_raise ArgumentError, ~r/:where of a phase/, fn ->
        edit.(Plan.phase(:x, [], where: :here))
      end
    end

    assert_raise ArgumentError, ~r/no option :wher/, fn -> Plan.phase(:x, [], wher: :seal) end
  end

  test "inspect shows the program, the namespaces and the first phases, and no command" do
    assert inspect(%Plan{argv: ["/bin/sh"]}) == ~s(#Linx.Plan<["/bin/sh"], 0 phases>)

    spaces = %Phase{name: :namespaces, where: :agent, keys: %{namespaces: [:user, :pid]}}
    secret = %Phase{name: {:mount, "/data"}, where: :setup, commands: [{:file, "/x", 0, "hush"}]}
    plan = %Plan{argv: ["/bin/sh"], phases: [spaces, secret]}

    assert inspect(plan) ==
             ~s(#Linx.Plan<["/bin/sh"] in user pid, 2 phases: namespaces · mount /data>)

    assert inspect(secret) == ~s(#Linx.Plan.Phase<{:mount, "/data"}: setup, 1 commands>)

    assert inspect(plan(Enum.map(1..9, &:"p#{&1}"))) =~
             "9 phases: p1 · p2 · p3 · p4 · p5 · p6 · p7 · p8 · …>"
  end

  test "a name is an atom, or a tuple that begins with one, as text" do
    assert Names.text({:mount, <<255>>}) == "mount <<255>>"
    refute Names.name?({:a, :b, :c})
    refute Names.name?(nil)
  end
end
