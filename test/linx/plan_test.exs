# SPDX-License-Identifier: MIT

defmodule Linx.PlanTest do
  # Plans of options.
  use ExUnit.Case, async: true

  import Bitwise
  import :proper_types, only: [integer: 2, tuple: 1]

  alias Linx.{Plan, Property}
  alias Linx.Plan.{Options, Phases}
  alias Linx.Test.PlanOptions

  doctest Linx.Plan
  doctest Linx.Plan.Build
  doctest Linx.Plan.CapabilitySets
  doctest Linx.Plan.Checks
  doctest Linx.Plan.Options
  doctest Linx.Plan.Merge
  doctest Linx.Plan.Request
  doctest Linx.Capabilities.Masks

  test "the phases are some of the table, in its order, and the order of options is without effect" do
    Property.check(tuple([PlanOptions.options(), integer(0, 1_000)]), 500, fn {options, seed} ->
      options = Enum.uniq_by(options, &elem(&1, 0))
      {:ok, plan} = Plan.new("true", options)
      assert Plan.phases(plan) == Enum.filter(Phases.names(), &(&1 in Plan.phases(plan)))
      :rand.seed(:exsss, seed)
      assert Plan.new("true", Enum.shuffle(options)) == {:ok, plan}
    end)
  end

  test "every option can make each of its phases, and the table of options has every phase that is made" do
    for {name, phases, check, expected} <- Options.table() do
      made =
        for value <- PlanOptions.values()[name],
            do: Plan.phases(Plan.new!("true", [{name, value}]))

      others = Enum.uniq(List.flatten(made)) -- phases
      assert others -- [:namespaces, :exec] == []
      for phase <- phases, do: assert(phase in List.flatten(made), "#{name} makes no #{phase}")
      assert is_list(check) or (is_function(check, 1) and is_binary(expected))
    end

    assert Enum.sort(Keyword.keys(PlanOptions.values())) ==
             Enum.sort(Enum.map(Options.table(), &elem(&1, 0)))
  end

  test "a value that does not fit, an option that there is not, and what is none, are errors" do
    for {name, values} <- [
          namespaces: [[:pids], :pid],
          time_offsets: [[realtime: 1], 7],
          loopback: [1],
          keyring: [:old],
          cwd: [7, "a\0"],
          env: [["A"], 7],
          clear_env: [nil],
          umask: [0o1000, "022"],
          nice: [20],
          user: ["", "a:b:c", {"a"}, {1, 2, 3}, {1, 2, [""]}, -1],
          capabilities: [:some, [:cap_kill], [keep: [:kill]], [keeps: []], [keep: :some], nil, []],
          no_new_privs: [nil],
          uid_map: [:root, [], [{0, 1, 0}], [{0, 0, 2}, {1, 9, 1}], [{0, 4_294_967_295, 1}]],
          gid_map: [[{0, 1}]],
          setgroups: [true],
          oom_score_adj: [-1001],
          rootfs: [
            "image",
            :none,
            {:overlay, upper: "/u"},
            {:overlay, lower: ["/a"], upper: "/u"},
            {:overlay, []}
          ],
          propagation: [:public],
          readonly: [nil],
          mounts: [
            [:proc],
            {:proc, "/proc"},
            [{:bind, "srv", "/srv", []}],
            [{:bind, "/srv", "srv", []}],
            [{:bind, "/srv", "/srv", [:rdonly]}],
            [{:bind, "/srv", "/srv", size: "1m"}],
            [{:bind, "/srv", "/srv", [recursive: 1]}],
            [{:bind, "/srv", "/srv", [:noatime, :relatime]}],
            [{:tmpfs, "/tmp", mode: "1777"}],
            [{:tmpfs, "/tmp", [:ro | :rw]}],
            [{:fs, "", "x", "/x", []}],
            [{:fs, "ext4", "x", "/x", data: [1]}],
            [{:overlay, "/x", lower: ["a", "/b"]}],
            [{:proc, "/proc"} | :more]
          ],
          dev: [true, :max],
          contents: [[], %{"a" => "1"}, %{"/a" => 1}, %{"/a" => {"1", 0o10000}}, %{a: "1"}],
          dirs: ["/a", ["a"], [{"/a", -1}], [{"/a", 0, 0}]],
          links: [%{"/a" => ""}, %{"a" => "/b"}, []],
          masked_paths: ["/a", ["a"], :all],
          readonly_paths: [["a\0"], nil],
          hostname: [:h, String.duplicate("h", 65), "a\0"],
          domainname: [nil],
          rlimits: [[files: 1], [nofile: -1], [nofile: {1}], [nofile: 1, nofile: 2], 7, [1]],
          scheduler: [:fast, {:fifo, 100}, {:batch, [nices: 1]}, {:fifo, :high}],
          cpu_affinity: [[], 0, [-1], [0..9000], ["0"]],
          io_priority: [:idle, {:idle, 8}, {:slow, 1}],
          personality: [:bsd, -1],
          securebits: [[:root], :noroot],
          seccomp: ["", "odd", String.duplicate("x", 8 * 4097), nil],
          search_path: [nil]
        ],
        value <- values do
      assert Plan.new("true", [{name, value}]) == {:error, {:"bad_#{name}", value}}
      words = Regex.escape("bad option #{inspect(name)}: ")
      assert_raise ArgumentError, ~r/#{words}/, fn -> Plan.new!("true", [{name, value}]) end
      assert Linx.format_error({:"bad_#{name}", value}) =~ Atom.to_string(name)
    end

    assert Plan.new("true", cgroup: "/x") == {:error, {:bad_option, {:cgroup, "/x"}}}
    assert Plan.new("true", stdio: :pipe) == {:error, {:bad_option, {:stdio, :pipe}}}
    assert Plan.new("true", [:umask]) == {:error, {:bad_options, [:umask]}}
    assert Plan.new(["a\0"]) == {:error, {:bad_argv, ["a\0"]}}
    assert Plan.new([]) == {:error, {:bad_argv, []}}
    assert {:ok, %Plan{argv: ["ls"]}} = Plan.new(~c"ls")
  end

  test "the words of errors are raised with new! and merge" do
    assert_raise ArgumentError, ~r/no option :cgroup of a plan/, fn ->
      Plan.new!("ls", cgroup: "/x")
    end

    assert_raise ArgumentError, ~r/bad argv/, fn -> Plan.new!([]) end
    assert_raise ArgumentError, ~r/keyword list/, fn -> Plan.new!("ls", 7) end

    assert_raise ArgumentError, ~r/:umask: permission bits/, fn ->
      Plan.merge(Plan.new!("ls"), umask: -1)
    end
  end

  test "namespaces are those that the other options need, unless they are given" do
    assert Plan.to_request(Plan.new!("ls", loopback: true, time_offsets: [boottime: 1])).namespaces ==
             [:net, :time]

    assert Plan.to_request(Plan.new!("ls", loopback: true, namespaces: [:pid])).namespaces == [
             :pid
           ]

    refute is_map_key(
             Plan.to_request(Plan.new!("ls", loopback: false, time_offsets: [])),
             :namespaces
           )
  end

  test "capabilities are dropped, set and made ambient, in this order, around the ids" do
    kill = 1 <<< 5
    all = (1 <<< 41) - 1
    final = &Plan.to_request(Plan.new!("ls", capabilities: &1, user: 7))[:final]

    assert final.(:none) == [
             {:cap_drop_bounding, all},
             {:set_user, "7", []},
             {:cap_set_thread, 0, 0, 0},
             {:cap_set_ambient, 0}
           ]

    assert final.(:all) == [{:set_user, "7", []}]
    assert final.(drop: []) == [{:set_user, "7", []}]

    assert final.(ambient: [:cap_kill]) == [
             {:cap_drop_bounding, all - kill},
             {:set_user, "7", []},
             {:cap_set_thread, kill, kill, kill},
             {:cap_set_ambient, kill}
           ]

    assert [{:cap_drop_bounding, ^kill}, _, {:cap_set_thread, kept, kept, 0}, _] =
             final.(drop: [:cap_kill])

    assert kept == all - kill
    assert [{:cap_drop_bounding, dropped} | _] = final.(keep: :default)
    assert length(Linx.Plan.CapabilitySets.names(all - dropped)) == 14
    assert Plan.new!("ls", capabilities: :default, user: 7).notes != []
    assert Plan.new!("ls", capabilities: :default, user: 0).notes == []
  end

  test "merged options take the place of those that are there, and phases of one's own stay" do
    plan =
      Plan.new!("ls", umask: 0, env: %{"A" => "1"}, namespaces: [:pid])
      |> Plan.insert_after(:umask, Plan.phase(:mine, [{:home, 0}]))
      |> Plan.append(:umask, [{:nice, 1}])

    merged = Plan.merge(plan, umask: 7, env: ["B=2"], loopback: true, nice: 2, keyring: :new)

    assert Plan.phases(merged) ==
             [:namespaces, :network, :keyring, :environment, :umask, :mine, :priority, :exec]

    assert Plan.to_request(merged) == %{
             argv: ["ls"],
             namespaces: [:pid, :net],
             keyring: :new,
             env: ["B=2"],
             setup: [:loopback],
             final: [{:nice, 1}, {:umask, 7}, {:home, 0}, {:nice, 2}]
           }

    scalars = PlanOptions.options(:lists)

    Property.check(tuple([scalars, scalars]), 300, fn {some, more} ->
      [some, more] = for options <- [some, more], do: Enum.uniq_by(options, &elem(&1, 0))
      merged = Plan.merge(Plan.new!("ls", some), more)
      assert Plan.merge(merged, more) == merged
      assert Plan.phases(merged) == Enum.filter(Phases.names(), &(&1 in Plan.phases(merged)))
      assert Plan.merge(Plan.new!("ls"), some) == Plan.new!("ls", some)
    end)
  end
end
