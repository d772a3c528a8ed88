# SPDX-License-Identifier: MIT

defmodule AgentTest.CapabilityPromiseTest do
  @moduledoc """
  The five sets of /proc/self/status after exec, beside what the commands' answers have promised.
  """

  use AgentTest.Case, async: true

  import Bitwise

  import :proper_types, only: [list: 1, oneof: 1, tuple: 1, frequency: 1, boolean: 0]

  alias Linx.Property

  @moduletag timeout: 600_000

  @fields ~w(CapInh CapPrm CapEff CapBnd CapAmb)
  @user 65_534

  @chown 1 <<< 0
  @setgid 1 <<< 6
  @setuid 1 <<< 7
  @setpcap 1 <<< 8
  @net_bind 1 <<< 10

  # linux/securebits.h
  @noroot 1 <<< 0
  @no_fixup 1 <<< 2
  @no_raise 1 <<< 6

  @sets {:cap_set_thread, @net_bind, @net_bind, @net_bind}
  @ambient {:cap_set_ambient, @net_bind}
  @ids {:set_credentials, 1000, 1000, []}
  @status ["/bin/cat", "/proc/self/status"]

  # Gives up no right to change ids, and asks for the same set each time.
  @with_ids {:cap_set_thread, @net_bind ||| @setuid ||| @setgid,
             @net_bind ||| @setuid ||| @setgid, @net_bind}

  defp five(result) do
    for line <- String.split(result.output, "\n", trim: true),
        [name, mask] <- [String.split(line, ":\t")],
        name in @fields,
        into: %{},
        do: {name, String.to_integer(mask, 16)}
  end

  defp initial do
    bounding = Host.mask("self", "CapBnd")

    %{
      "CapInh" => 0,
      "CapPrm" => bounding,
      "CapEff" => bounding,
      "CapBnd" => bounding,
      "CapAmb" => 0
    }
  end

  defp four(mask), do: Map.new(@fields -- ["CapBnd"], &{&1, mask})

  # Where a command can be: in `setup`, at the checkpoint, or in `final`.
  defp placed(commands, :setup), do: {%{setup: commands}, []}
  defp placed(commands, :final), do: {%{final: commands}, []}
  defp placed(commands, :checkpoint), do: {%{}, commands}

  defp status_after(commands, place, request \\ %{}, opts \\ []) do
    {lists, sent} = placed(commands, place)
    request = %{argv: @status} |> Map.merge(lists) |> Map.merge(request)
    run(request, [checkpoint: sent] ++ opts)
  end

  describe "as root" do
    @describetag :root

    test "sets, ambient and ids in every order: the program has them, or a command says no" do
      for place <- [:setup, :checkpoint, :final], order <- orders([@with_ids, @ambient, @ids]) do
        result = status_after(order, place)

        if index(order, @with_ids) < index(order, @ambient) do
          sets = five(result)
          assert Map.delete(sets, "CapBnd") == four(@net_bind), inspect(order)
          assert result.output =~ "Uid:\t1000\t1000\t1000\t1000"
        else
          # capabilities(7): what is not inheritable cannot be ambient.
          assert {:error, code, :cap_set_ambient} = stage(result)
          assert code == errno(:eperm)
          assert result.output == ""
        end
      end
    end

    test "ids, sets and ambient make the program that setpriv(1) makes" do
      options = ~w(--reuid 1000 --regid 1000 --clear-groups --inh-caps +net_bind_service
                   --ambient-caps +net_bind_service)

      {expected, 0} = System.cmd("setpriv", options ++ @status)
      assert five(%{output: expected})["CapEff"] == @net_bind

      for place <- [:setup, :checkpoint, :final] do
        result = status_after([@ids, @sets, @ambient], place)
        assert five(result) == five(%{output: expected})
        # Root's bounding set is limited by then.
        result = status_after([@with_ids, @ambient, @ids], place)
        sets = four(@net_bind) |> Map.put("CapBnd", elem(@with_ids, 2))
        assert five(result) == sets
      end
    end

    test "ids alone leave the program nothing" do
      for request <- [%{}, %{no_new_privs: true}] do
        result = status_after([@ids], :checkpoint, request)
        assert Map.delete(five(result), "CapBnd") == four(0)
        assert five(result)["CapBnd"] == initial()["CapBnd"]
      end
    end

    test "what ids keep for the commands after them is not permitted, effective or a program's to get" do
      wire = parked(%{argv: actor(["pause"]), ack: true})
      send_term(wire, @ids)
      assert_frame(wire, {:status, :applied, 1})
      assert Host.mask(wire.host_pid, "CapEff") == 0
      assert Host.mask(wire.host_pid, "CapAmb") == 0
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      await_output(wire, "ready\n")

      for field <- ~w(CapPrm CapEff CapInh CapAmb),
          do: assert(Host.mask(wire.host_pid, field) == 0)

      kill(wire)
    end

    @tag :setcap
    test "with no_new_privs a program's file gives another user nothing" do
      path = scratch("cat")
      on_exit(fn -> File.rm(path) end)
      File.cp!("/bin/cat", path)
      {_, 0} = System.cmd("setcap", ["cap_net_bind_service+ep", path])
      argv = [path, "/proc/self/status"]

      result = run(%{argv: argv, setup: [@ids]})
      assert five(result)["CapPrm"] == @net_bind
      result = run(%{argv: argv, setup: [@ids], no_new_privs: true})
      assert Map.delete(five(result), "CapBnd") == four(0)
    end

    test "empty sets leave a program of root's none, and no way to have them back" do
      for place <- [:setup, :checkpoint, :final], request <- [%{}, %{no_new_privs: true}] do
        result = status_after([{:cap_set_thread, 0, 0, 0}], place, request)
        assert five(result) == Map.new(@fields, &{&1, 0})
      end
    end

    test "sets limit a program of root's to them" do
      for inheritable <- [0, @chown, @chown ||| @net_bind] do
        both = @chown ||| @net_bind
        result = status_after([{:cap_set_thread, both, both, inheritable}], :checkpoint)

        assert five(result) == %{
                 "CapInh" => inheritable,
                 "CapPrm" => both,
                 "CapEff" => both,
                 "CapBnd" => both,
                 "CapAmb" => 0
               }
      end
    end

    test "an effective set that root's program would not have is refused" do
      for {effective, inheritable} <- [{0, 0}, {@chown, 0}, {@chown, @net_bind}] do
        sets = {:cap_set_thread, effective, @chown ||| @net_bind, inheritable}
        assert_refused([sets], :einval)
      end
    end

    test "sets that give up CAP_SETPCAP and are made smaller later are refused, unless ids follow" do
      larger = {:cap_set_thread, @chown, @chown ||| @setuid ||| @setgid, @chown}
      smaller = {:cap_set_thread, @chown, @chown, @chown}
      assert_refused([larger, smaller], :eperm)
      # Root no more, so that its bounding set does not matter.
      ids = {:cap_set_thread, @chown ||| @setuid, @chown ||| @setuid, @chown}

      able =
        {:cap_set_thread, @chown ||| @setuid ||| @setgid, @chown ||| @setuid ||| @setgid, @chown}

      ambient = {:cap_set_ambient, @chown}
      groups = {:set_credentials, 0, 0, []}
      result = status_after([able, ambient, groups, ids], :final)
      assert {:error, _, :cap_set_thread} = stage(result)
      result = status_after([able, ambient, @ids, smaller], :final)
      assert Map.delete(five(result), "CapBnd") == four(@chown)
    end

    test "permitted capabilities that another user's program would not have are refused" do
      assert_refused([@ids, @sets], :einval)
      assert_refused([@with_ids, @ids], :einval)
      # With an ambient set it is said what the program keeps.
      result = status_after([@ids, @sets, {:cap_set_ambient, 0}], :checkpoint)
      assert %{"CapPrm" => 0, "CapEff" => 0, "CapAmb" => 0, "CapInh" => @net_bind} = five(result)
    end

    test "sets that would take from an ambient set are refused" do
      for sets <- [
            {:cap_set_thread, 0, 0, 0},
            {:cap_set_thread, @net_bind, @net_bind, 0},
            {:cap_set_thread, @chown, @chown, @chown}
          ] do
        result = status_after([@sets, @ambient, sets], :checkpoint)
        assert stage(result) == {:error, errno(:einval), :cap_set_thread}
        result = status_after([@sets, @ambient, {:cap_set_ambient, 0}, sets], :checkpoint)
        refute stage(result) == {:error, errno(:einval), :cap_set_thread}
      end
    end

    test "filters come after all of it" do
      # A filter that denies the calls by which the sets are settled.
      filter = {:seccomp_install, Bpf.deny([:prctl, :capset, :capget], errno(:enosys))}

      for order <- [[filter, @ids, @sets, @ambient], [@with_ids, @ambient, filter, @ids]],
          place <- [:setup, :checkpoint, :final] do
        result = status_after(order, place)
        assert Map.delete(five(result), "CapBnd") == four(@net_bind)
        assert result.output =~ "Seccomp:\t2"
        assert result.output =~ "NoNewPrivs:\t1"
      end
    end

    test "a workload of root's whose sets are limited dies with its agent" do
      {listener, argv} = Beacon.actor(["pause"])
      wire = parked(%{argv: argv})
      for command <- [{:cap_set_thread, 0, 0, 0}, :proceed], do: send_term(wire, command)
      assert_frame(wire, {:status, :running})
      beacon = Beacon.await_lit(listener)
      assert %{orphans: [{_, 9}]} = kill_agent(wire, beacon)
    end
  end

  describe "with ambient capabilities of the agent's" do
    @describetag :root

    @own "+chown,+setuid,+setgid,+setpcap"
    @mask @chown ||| @setuid ||| @setgid ||| @setpcap

    defp with_ambient do
      ids = ~w(--reuid 65534 --regid 65534 --clear-groups)
      caps = ["--inh-caps", @own, "--ambient-caps", @own]
      [program: ["/usr/bin/setpriv"] ++ ids ++ caps ++ [agent()]]
    end

    test "a program has them, and none of them under ids that were set" do
      assert %{"CapAmb" => @mask} = five(status_after([], :setup, %{}, with_ambient()))
      result = status_after([@ids], :setup, %{}, with_ambient())
      assert %{"CapAmb" => 0, "CapPrm" => 0, "CapEff" => 0} = five(result)
      result = status_after([@ids, {:cap_set_ambient, @chown}], :setup, %{}, with_ambient())
      assert %{"CapAmb" => @chown, "CapPrm" => @chown, "CapEff" => @chown} = five(result)
    end
  end

  # Any commands, in any order, in `setup`, at the checkpoint and in `final`.

  # Most sets are such that exec may keep them.
  defp sets(mask) do
    let = fn make -> :proper_types.bind(mask, make, false) end

    frequency([
      {1, tuple([:cap_set_thread, mask, mask, mask])},
      {3, let.(&{:cap_set_thread, &1, &1, &1})},
      {2, let.(&{:cap_set_thread, &1, &1, 0})}
    ])
  end

  # An ordinary user may set no other ids, so there are few of those commands.
  defp command(%{uid: uid} = surroundings) do
    mask = oneof(surroundings.masks)
    ids = oneof(for id <- [0, 1, 1000], do: {:set_credentials, id, id, []})

    frequency([
      {30, sets(mask)},
      {20, tuple([:cap_set_ambient, mask])},
      {10, tuple([:cap_drop_bounding, oneof([0, @chown, @net_bind])])},
      {4, tuple([:keep_capabilities, boolean()])},
      {if(uid == 0, do: 6, else: 1),
       tuple([:securebits, oneof([0, @noroot, @no_fixup, @no_raise])])},
      {if(uid == 0, do: 20, else: 5), ids}
    ])
  end

  # What the answers promise, in the words of Linx.Capabilities and Linx.User: a state that each command changes.
  # `nil` is a promise that was not made.
  defp promise(commands, %{uid: uid, root: root?}, before) do
    start = %{uid: uid, root: root?, ids: false, sets: nil, ambient: nil}
    start = Map.put(start, :bounding, before["CapBnd"])
    commands |> Enum.reduce(start, &promised/2) |> limited()
  end

  defp promised({:cap_drop_bounding, mask}, state),
    do: %{state | bounding: state.bounding &&& bnot(mask)}

  defp promised({:cap_set_ambient, mask}, state), do: %{state | ambient: mask}
  defp promised({:keep_capabilities, _keep?}, state), do: state
  defp promised({:securebits, bits}, state), do: %{state | root: (bits &&& @noroot) == 0}
  defp promised({:set_credentials, uid, _, _}, state), do: %{state | uid: uid, ids: true}
  defp promised({:cap_set_thread, e, p, i}, state), do: limited(%{state | sets: {e, p, i}})

  defp limited(%{sets: {_, permitted, _}, uid: 0, root: true} = state),
    do: %{state | bounding: state.bounding &&& permitted}

  defp limited(state), do: state

  defp assert_kept(sets, promise, before, no_new_privs) do
    assert sets["CapBnd"] == promise.bounding
    assert sets["CapInh"] == inheritable(promise, before)
    assert sets["CapAmb"] == ambient(promise, before)
    # capabilities(7): exec of a file without capabilities makes the two equal.
    assert sets["CapEff"] == sets["CapPrm"]
    assert_permitted(sets, promise, before, no_new_privs)
  end

  defp inheritable(%{sets: {_, _, inheritable}}, _before), do: inheritable
  defp inheritable(_promise, before), do: before["CapInh"]

  defp ambient(%{ambient: ambient}, _before) when ambient != nil, do: ambient
  defp ambient(%{ids: true}, _before), do: 0
  defp ambient(%{sets: {_, p, i}}, before), do: before["CapAmb"] &&& p &&& i
  defp ambient(_promise, before), do: before["CapAmb"]

  defp assert_permitted(sets, %{sets: {e, p, _i}, ambient: nil}, _before, _no_new_privs) do
    assert sets["CapPrm"] == p
    assert sets["CapEff"] == e
  end

  defp assert_permitted(sets, %{sets: {e, p, _i}, ambient: ambient}, _before, _no_new_privs) do
    assert (sets["CapPrm"] &&& bnot(p)) == 0
    assert (sets["CapEff"] &&& bnot(e ||| ambient)) == 0
    assert (ambient &&& bnot(sets["CapPrm"])) == 0
  end

  defp assert_permitted(sets, %{uid: 0, root: true} = promise, before, no_new_privs) do
    root = promise.bounding ||| before["CapInh"]
    # What exec would add, no_new_privs takes away.
    root = if no_new_privs, do: root &&& before["CapPrm"], else: root
    assert sets["CapPrm"] == (root ||| sets["CapAmb"])
  end

  defp assert_permitted(sets, _promise, _before, _no_new_privs),
    do: assert(sets["CapPrm"] == sets["CapAmb"])

  # Who the agent is: the options that start it, the uid of a child that has applied no command, and whether exec
  # gives id 0 what it gives root.
  @all_caps "+chown,+setgid,+setuid,+setpcap,+net_bind_service"

  @ids_mask @setuid ||| @setgid
  @masks [0, @net_bind, @net_bind ||| @ids_mask, @net_bind ||| @ids_mask ||| @setpcap]

  defp surroundings(:root), do: %{opts: [], request: %{}, uid: 0, root: true, masks: @masks}

  defp surroundings(:user),
    do: %{opts: as_user(), request: %{}, uid: @user, root: true, masks: [0, 0, 0, @net_bind]}

  defp surroundings(:ambient) do
    masks = [0, @chown, @chown ||| @ids_mask, @mask]
    %{opts: with_ambient(), request: %{}, uid: @user, root: true, masks: masks}
  end

  defp surroundings(:noroot) do
    caps = ["--inh-caps", @all_caps, "--ambient-caps", @all_caps, "--securebits", "+noroot"]
    opts = [program: ["/usr/bin/setpriv"] ++ caps ++ [agent()]]
    %{opts: opts, request: %{}, uid: 0, root: false, masks: @masks}
  end

  defp surroundings(:user_namespace) do
    maps = "0 100000 1001\n"
    %{opts: [], request: %{namespaces: [:user]}, uid: 0, root: true, masks: @masks, map: maps}
  end

  defp surroundings(:user_namespace_without_maps) do
    request = %{namespaces: [:user]}
    %{opts: as_user(), request: request, uid: @user, root: true, masks: @masks}
  end

  defp as_user, do: [driver: ["--user", @user]]

  defp map(wire, %{map: rows}), do: map_ids(wire, rows)
  defp map(wire, _surroundings), do: wire

  defp before(surroundings) do
    request = Map.put(surroundings.request, :argv, @status)
    wire = request |> parked(surroundings.opts) |> map(surroundings)
    sets = Map.new(@fields, &{&1, Host.mask(wire.host_pid, &1)})
    send_term(wire, :abort)
    finish(wire)
    sets
  end

  # In a user namespace maps have to come before ids, so nothing is in `setup` there.
  defp play(%{map: _} = surroundings, lists, sent) do
    request = surroundings.request |> Map.put(:argv, @status) |> Map.put(:final, lists.final)
    wire = request |> parked(surroundings.opts) |> map(surroundings)
    for command <- lists.setup ++ sent ++ [:proceed], do: send_term(wire, command)
    finish(wire)
  end

  defp play(surroundings, lists, sent) do
    request = surroundings.request |> Map.put(:argv, @status) |> Map.merge(lists)
    run(request, [checkpoint: sent] ++ surroundings.opts)
  end

  defp check_surroundings(name, count) do
    surroundings = surroundings(name)
    before = before(surroundings)
    {:ok, tally} = Agent.start_link(fn -> {0, 0} end)
    placed = tuple([oneof([:setup, :checkpoint, :final]), command(surroundings)])
    # Few commands, because one of many would be refused.
    session = tuple([:proper_types.resize(3, list(placed)), boolean()])

    Property.check(session, count, fn {placed, no_new_privs} ->
      at = fn place -> for {^place, command} <- placed, do: command end
      lists = %{setup: at.(:setup), final: at.(:final), no_new_privs: no_new_privs}
      commands = lists.setup ++ at.(:checkpoint) ++ lists.final
      result = play(surroundings, lists, at.(:checkpoint))

      case stage(result) do
        {:status, :exited, 0} ->
          promise = promise(commands, surroundings, before)
          assert_kept(five(result), promise, before, no_new_privs)
          uid = promise.uid
          assert result.output =~ "Uid:\t#{uid}\t#{uid}\t#{uid}\t#{uid}\n"
          count(tally, commands, {1, 0})

        {:error, _code, stage} ->
          assert stage in Enum.map(commands, &elem(&1, 0))
          refute ran?(result)
          assert result.output == ""
          count(tally, commands, {0, 1})
      end
    end)

    # Neither all nor none of them were refused.
    {ran, refused} = Agent.get(tally, & &1)
    assert ran > 0 and refused > 0, "#{ran} ran, #{refused} were refused"
  end

  # Only sessions with two different commands count, because those have an order.
  defp count(tally, commands, {ran, refused}) do
    if commands |> Enum.uniq_by(&elem(&1, 0)) |> length() > 1,
      do: Agent.update(tally, fn {r, n} -> {r + ran, n + refused} end)
  end

  describe "after exec the five sets are what the answers have promised, or a command says no," do
    for name <- [:root, :user, :ambient, :noroot, :user_namespace] do
      @tag :root
      test "#{name}" do
        check_surroundings(unquote(name), 200)
      end
    end

    @tag :root
    @tag :userns
    test "user_namespace_without_maps" do
      check_surroundings(:user_namespace_without_maps, 200)
    end
  end

  defp index(list, element), do: Enum.find_index(list, &(&1 == element))

  defp orders([]), do: [[]]
  defp orders(list), do: for(first <- list, rest <- orders(list -- [first]), do: [first | rest])

  defp stage(result) do
    case final(result) do
      {:error, code, stage, _index} -> {:error, code, stage}
      other -> other
    end
  end

  defp assert_refused(commands, name) do
    for place <- [:setup, :checkpoint, :final] do
      result = status_after(commands, place)
      assert final(result) == {:error, errno(name), :cap_set_thread}
      refute ran?(result)
      assert result.output == ""
    end
  end
end
