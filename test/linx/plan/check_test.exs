# SPDX-License-Identifier: MIT

defmodule Linx.Plan.CheckTest do
  # The contradictions that a plan can have.
  use ExUnit.Case, async: true

  import Bitwise
  import :proper_types, only: [integer: 2]

  alias Linx.{Plan, Property}
  alias Linx.Test.PlanOptions
  alias Linx.Plan.{Arguments, Commands, Phase, Phases, Problem}

  doctest Arguments
  doctest Commands
  doctest Linx.Plan.Use
  doctest Linx.Plan.Blame

  @kill 1 <<< 5

  defp plan(phases), do: %Plan{argv: ["/bin/true"], phases: phases}
  defp seal(name, commands), do: %Phase{name: name, where: :seal, commands: commands}
  defp early(name, commands), do: %Phase{name: name, where: :setup, commands: commands}
  defp agent(keys), do: %Phase{name: :namespaces, where: :agent, keys: keys}

  # The phase and the position of each problem, with its words.
  defp problems(plan) do
    case Plan.check(plan) do
      :ok ->
        []

      {:error, problems} ->
        for %Problem{phase: phase, position: position} = problem <- problems,
            do: {phase, position, to_string(problem)}
    end
  end

  defp assert_problem(plan, phase, position, words) do
    found = problems(plan)
    assert Enum.any?(found, &match?({^phase, ^position, _words}, &1)), inspect(found)
    assert Enum.any?(found, fn {_, _, text} -> text =~ words end), inspect(found)
  end

  test "a plan of options that go together has none" do
    options = [
      namespaces: [:pid],
      loopback: true,
      time_offsets: [boottime: 1],
      cwd: "/",
      env: %{"A" => nil, "B" => "1"},
      user: 7,
      umask: 0,
      nice: 1,
      capabilities: [keep: [:cap_kill], ambient: [:cap_kill]],
      no_new_privs: true,
      keyring: :new,
      search_path: true,
      seccomp: <<0::64>>
    ]

    assert [{:time, _, _}, {:network, _, _}] = problems(Plan.new!("true", options))
    assert problems(Plan.new!("true", Keyword.delete(options, :namespaces))) == []
    assert problems(Plan.new!("true")) == []
  end

  describe "a shape that no request can have" do
    test "is a program that is none, or phases that are none" do
      assert [{nil, nil, words}] = problems(%Plan{argv: [], phases: []})
      assert words =~ "argv"
      assert [{nil, nil, _}] = problems(%Plan{argv: [~c"ls"], phases: []})
      assert [{nil, nil, _}] = problems(%Plan{argv: ["ls"], phases: [seal(:a, []) | :b]})
      assert [{nil, nil, _}] = problems(%Plan{argv: ["ls"], process: [:stdio]})
      assert_problem(plan([:no_phase]), nil, nil, ~r/a phase has a name/)
      assert_problem(plan([%Phase{name: :a}]), :a, nil, ~r/a phase has a name, a :where/)
      assert_problem(plan([%Phase{name: "a", where: :seal}]), nil, nil, ~r/a phase has a name/)
      assert_problem(plan([%{seal(:a, []) | commands: [1 | 2]}]), :a, nil, ~r/a phase has/)
      assert_problem(plan([%{seal(:a, []) | keys: []}]), :a, nil, ~r/a phase has/)
    end

    test "is a name that two phases have" do
      assert_problem(
        plan([seal(:a, []), seal(:b, []), seal(:a, [])]),
        :a,
        nil,
        ~r/two phases of that name/
      )
    end

    test "is a command that the agent does not take" do
      for {command, words} <- [
            {{:veil, 1}, ~r/no command {:veil, 1}/},
            {:umask, ~r/umask has 1 argument, and 0 are given/},
            {{:umask, 1, 2}, ~r/and 2 are given/},
            {{:umask, 0o1000}, ~r/argument 1 of umask is permission bits/},
            {{:loopback}, ~r/no command {:loopback}/},
            {{:cap_set_thread, 0, 0, -1}, ~r/argument 3 of cap_set_thread is a mask/},
            {"umask", ~r/no command "umask"/},
            {{}, ~r/no command {}/}
          ] do
        assert_problem(plan([seal(:a, [{:nice, 1}, command])]), :a, 2, words)
      end
    end

    test "is a command of a phase that has no list" do
      assert_problem(
        plan([%Phase{name: :a, where: :agent, commands: [{:nice, 1}]}]),
        :a,
        1,
        ~r/at :setup and :seal/
      )

      assert_problem(
        plan([%Phase{name: :a, where: :exec, commands: [{:nice, 1}]}]),
        :a,
        1,
        ~r/this one is at :exec/
      )
    end

    test "is a key that is none, of another value, or there twice" do
      for {key, value} <- [
            hold: true,
            argv: ["ls"],
            setup: [],
            cwd: ~c"/",
            cwd: "a\0",
            env: ["A"],
            env_set: [A: 1],
            env_unset: ["A=1"],
            env_unset: [""],
            namespaces: [:pids],
            namespaces: [:pid, :pid],
            time_offsets: [boottime: 1],
            time_offsets: [{:boottime, 1, -1}],
            no_new_privs: 1,
            keyring: :old,
            search_path: nil
          ] do
        assert_problem(
          plan([%Phase{name: :a, where: :agent, keys: %{key => value}}]),
          :a,
          nil,
          ~r/key :#{key}/
        )
      end

      twice = [agent(%{cwd: "/"}), %Phase{name: :b, where: :exec, keys: %{cwd: "/"}}]
      assert_problem(plan(twice), :b, nil, ~r/phase namespaces has the key :cwd as well/)
    end
  end

  test "a phase stands behind none that is done later" do
    assert_problem(
      plan([seal(:a, []), early(:b, [])]),
      :b,
      nil,
      ~r/at :setup is done before what is at :seal/
    )

    assert problems(plan([early(:b, []), seal(:a, [])])) == []
  end

  test "a phase stands behind those that it needs, and needs none that is not there" do
    needs = &Plan.phase(:mine, [], where: :seal, needs: [&1])
    assert_problem(plan([needs.({:after, :a}), seal(:a, [])]), :mine, nil, ~r/after the phase a/)
    assert problems(plan([seal(:a, []), needs.({:after, :a})])) == []
    assert problems(plan([needs.({:after, :user})])) == []

    assert_problem(
      plan([seal(:umask, []), needs.({:after, :umaks})]),
      :mine,
      nil,
      ~r/no phase :umaks; the nearest is :umask/
    )

    assert_problem(plan([needs.(:root)]), :mine, nil, ~r/cannot need :root/)
    assert_problem(plan([needs.({:namespace, :uts})]), :mine, nil, ~r/a uts namespace of its own/)
    assert_problem(plan([needs.({:slot, 3})]), :mine, nil, ~r/slot 3 is not filled/)

    given_up = seal(:capabilities, [{:cap_set_thread, @kill, @kill, 0}])

    assert_problem(
      plan([given_up, needs.({:capability, :cap_chown})]),
      :mine,
      nil,
      ~r/takes cap_chown/
    )

    assert problems(plan([given_up, needs.({:capability, :cap_kill})])) == []
  end

  test "of two neighbours in the table one can change places with the other unless it needs it" do
    phases = for name <- Phases.names(), do: Phases.make(name, [])
    assert problems(plan(phases)) == []

    Property.check(integer(0, length(phases) - 2), 200, fn at ->
      [one, other] = Enum.slice(phases, at, 2)
      swapped = phases |> List.replace_at(at, other) |> List.replace_at(at + 1, one)
      related? = {:after, one.name} in other.needs or one.where != other.where
      assert problems(plan(swapped)) != [] == related?
    end)
  end

  test "a command or a key has the namespace that it needs" do
    for {phase, namespace} <- [
          {early(:a, [:loopback]), :net},
          {early(:a, [{:mount_open, 0, "tmpfs", "x", []}, {:root, 0, :private}]), :mount},
          {%Phase{name: :a, where: :setup, keys: %{time_offsets: [{:boottime, 1, 0}]}}, :time}
        ] do
      position = if phase.commands != [], do: 1
      assert_problem(plan([phase]), :a, position, ~r/a #{namespace} namespace of its own/)
      assert_problem(plan([agent(%{namespaces: [:user]}), phase]), :a, position, ~r/#{namespace}/)
      assert problems(plan([agent(%{namespaces: [namespace]}), phase])) == []
    end
  end

  test "a working directory does not depend on the BEAM's" do
    assert_problem(Plan.new!("true", cwd: "tmp"), :cwd, nil, ~r/absolute path, got: "tmp"/)
  end

  describe "capabilities" do
    test "that are kept are not dropped from the bounding set" do
      commands = [{:cap_drop_bounding, @kill}, {:cap_set_thread, @kill, @kill, 0}]
      assert_problem(plan([seal(:a, commands)]), :a, 2, ~r/kill: kept, and dropped/)
    end

    test "that are effective are permitted" do
      assert_problem(
        plan([seal(:a, [{:cap_set_thread, 3, @kill, 0}])]),
        :a,
        1,
        ~r/chown dac_override: what is effective/
      )
    end

    test "that are ambient are permitted and inheritable, whichever is set first" do
      ambient = {:cap_set_ambient, @kill}

      for sets <- [{:cap_set_thread, 0, 0, @kill}, {:cap_set_thread, @kill, @kill, 0}] do
        assert_problem(plan([seal(:a, [sets, ambient])]), :a, 2, ~r/kill: what is ambient/)
        assert_problem(plan([seal(:a, [ambient, sets])]), :a, 2, ~r/kill: what is ambient/)
      end

      assert_problem(
        Plan.new!("true", capabilities: [keep: :none, ambient: [:cap_kill]]),
        :ambient,
        1,
        ~r/what is ambient has to be permitted/
      )
    end

    test "of another user's program are ambient" do
      sets = {:cap_set_thread, @kill, @kill, 0}

      for ids <- [{:set_user, "www", []}, {:set_credentials, 7, 7, []}] do
        assert_problem(plan([seal(:a, [ids, sets])]), :a, 2, ~r/ambient capabilities alone/)
        assert problems(plan([seal(:a, [ids, sets, {:cap_set_ambient, 0}])])) == []
      end

      assert problems(plan([seal(:a, [{:set_user, "root", []}, sets])])) == []
    end

    test "are there for the bounding set" do
      plan = Plan.new!("true", capabilities: [keep: [:cap_kill]], umask: 0)
      {:ok, bounding_set} = Plan.fetch(plan, :bounding_set)
      moved = plan |> Plan.delete(:bounding_set) |> Plan.insert_after(:capabilities, bounding_set)
      assert_problem(moved, :bounding_set, nil, ~r/takes cap_setpcap, which an earlier phase/)
    end
  end

  test "ids are set once" do
    commands = [{:set_user, "www", []}, {:set_credentials, 7, 7, []}]
    assert_problem(plan([seal(:a, commands)]), :a, 2, ~r/earlier phase has set ids/)
  end

  test "a slot is filled before it is used, once, and used" do
    own = agent(%{namespaces: [:mount]})
    open = {:mount_open, 3, "tmpfs", "x", []}
    attach = &{:attach, 3, "/a", [], &1}
    slots = fn commands -> plan([own, early(:a, commands)]) end
    assert problems(slots.([open, attach.([])])) == []
    assert problems(slots.([open, attach.([:keep]), attach.([:keep])])) == []
    assert problems(slots.([open, attach.([]), open, attach.([])])) == []
    assert_problem(slots.([attach.([])]), :a, 1, ~r/slot 3 is empty/)
    assert_problem(slots.([open, attach.([]), attach.([])]), :a, 3, ~r/slot 3 is empty/)
    assert_problem(slots.([open, open, attach.([])]), :a, 2, ~r/slot 3 is filled already/)
    assert_problem(slots.([open]), :a, 1, ~r/filled and not used/)
  end

  test "all problems are found, in the order of the phases" do
    plan =
      Plan.new!("true",
        namespaces: [:pid],
        loopback: true,
        cwd: "tmp",
        capabilities: [keep: :none, ambient: [:cap_kill]]
      )

    assert Enum.map(problems(plan), &elem(&1, 0)) == [:network, :cwd, :ambient]
  end

  test "to take a phase with a problem away adds none to an earlier one" do
    Property.check(PlanOptions.options(), 500, fn options ->
      options = Enum.uniq_by(options, &elem(&1, 0))
      plan = Plan.new!("true", options ++ [capabilities: [keep: :none, ambient: [:cap_kill]]])

      for {name, _position, _words} <- problems(plan), name in Plan.phases(plan) do
        earlier = Enum.take_while(Plan.phases(plan), &(&1 != name))

        # What was opened for the phase is not used without it.
        of_earlier = fn plan ->
          for {phase, _, words} = problem <- problems(plan),
              phase in earlier,
              not (words =~ "not used"),
              do: problem
        end

        assert of_earlier.(Plan.delete(plan, name)) -- of_earlier.(plan) == []
      end
    end)
  end

  test "with look: true the machine is asked" do
    assert {:error, [%Problem{phase: :cwd}]} =
             Plan.check(Plan.new!("true", cwd: "/no/such"), look: true)

    assert Plan.check(Plan.new!("true", cwd: "/no/such")) == :ok
    assert {:error, [%Problem{phase: :exec}]} = Plan.check(Plan.new!("/no/such"), look: true)
    assert Plan.check(Plan.new!("/bin/sh", cwd: "/"), look: true) == :ok

    unless AgentTest.Host.root?() do
      assert {:error, [%Problem{phase: :namespaces, message: message}]} =
               Plan.check(Plan.new!("/bin/sh", namespaces: [:net]), look: true)

      assert message =~ "CAP_SYS_ADMIN"
    end
  end

  test "every letter of the agent's table has words, and values that fit" do
    letters = Commands.all() |> Map.values() |> List.flatten() |> Enum.uniq()
    assert letters -- Arguments.letters() == []
    for letter <- Arguments.letters(), do: assert(is_binary(Arguments.words(letter)))

    assert map_size(Commands.all()) ==
             length(Linx.Agent.Wire.stages() |> Enum.filter(&is_map_key(Commands.all(), &1)))
  end

  test "a bad plan has words" do
    {:error, problems} = Plan.check(Plan.new!("true", cwd: "tmp"))

    assert Linx.format_error({:bad_plan, problems}) =~
             ~r/contradicts itself: phase cwd: a working/

    assert Linx.format_error({:bad_plan, 7}) =~ "a Linx.Plan"
  end
end
