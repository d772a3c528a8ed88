# SPDX-License-Identifier: MIT

defmodule AgentTest.AllowanceTest do
  use AgentTest.Case, async: true

  import Bitwise

  # What a process may use and how it is scheduled: rlimit, scheduler, cpu_affinity, io_priority, personality; and its
  # rights: securebits, keep_capabilities, no_new_privs, and set_credentials with :keep.

  alias Linx.Test.Probe

  @resources ~w(cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime)a
  @infinity 0xFFFF_FFFF_FFFF_FFFF
  @sections [:limits, :scheduling, :capabilities, :security, :ids]

  # linux/securebits.h
  @noroot 1
  @no_setuid_fixup 4
  @no_ambient_raise 64

  defp facts(commands, request \\ %{}, opts \\ []) do
    result = result(commands, request, opts)
    assert final(result) == {:status, :exited, 0}
    Probe.facts(result.output)
  end

  defp result(commands, request \\ %{}, opts \\ []) do
    request = Map.merge(%{argv: Probe.argv(@sections), final: commands}, request)
    opts = Keyword.put_new(opts, :finish, [])
    run(request, opts)
  end

  defp refusal(commands), do: final(result(commands))

  defp malformed(command) do
    request = %{argv: Probe.argv(@sections), setup: [command]}
    result = finish(requested(request), exit: 2)
    assert {command, final(result)} == {command, {:error, errno(:einval), :malformed_request}}
  end

  describe "rlimit" do
    test "sets each limit by its name, to what the process has or less" do
      before = facts([])

      for resource <- @resources do
        [_soft, hard] = String.split(before["rlimit.#{resource}"])
        limit = if hard == "unlimited", do: :infinity, else: String.to_integer(hard)

        assert facts([{:rlimit, resource, limit, limit}])["rlimit.#{resource}"] ==
                 "#{hard} #{hard}"
      end

      for {resource, value} <- [core: 0, nofile: 64, memlock: 4096, cpu: 1000, stack: 1 <<< 22] do
        soft = max(value - 1, 0)
        facts = facts([{:rlimit, resource, soft, value}])
        assert facts["rlimit.#{resource}"] == "#{soft} #{value}"
      end
    end

    test "is applied in setup and at the checkpoint as well" do
      limit = {:rlimit, :core, 0, 4096}
      assert facts([], %{setup: [limit]})["rlimit.core"] == "0 4096"
      assert facts([], %{}, checkpoint: [limit])["rlimit.core"] == "0 4096"
      assert facts([limit, {:rlimit, :core, 0, 0}])["rlimit.core"] == "0 0"
    end

    test "of the greatest number is no limit" do
      before = facts([])
      # Only where the process has none, because raising takes a capability.
      for resource <- @resources, before["rlimit.#{resource}"] =~ ~r/unlimited$/ do
        facts = facts([{:rlimit, resource, @infinity, :infinity}])
        assert facts["rlimit.#{resource}"] == "unlimited unlimited"
      end
    end

    test "that is wrong fails at its place" do
      assert refusal([{:umask, 0}, {:rlimit, :core, 2, 1}]) ==
               {:error, errno(:einval), :rlimit, 1}

      # fs.nr_open (proc(5)) bounds what root may have as well.
      assert refusal([{:rlimit, :nofile, 0, :infinity}]) == {:error, errno(:eperm), :rlimit, 0}

      assert final(result([], %{}, checkpoint: [{:rlimit, :core, 2, 1}])) ==
               {:error, errno(:einval), :rlimit}
    end

    test "of a resource that there is none of, or of no number, is malformed" do
      for resource <- [:files, "nofile", 7, :NOFILE], do: malformed({:rlimit, resource, 0, 0})

      for value <- [-1, @infinity + 1, :unlimited, 1.5, nil],
          do: malformed({:rlimit, :core, 0, value})

      malformed({:rlimit, :core, 0})
    end

    @tag :rootless
    test "cannot be raised by an ordinary user, and can be lowered" do
      [soft, hard] = String.split(facts([])["rlimit.nofile"]) |> Enum.map(&String.to_integer/1)
      assert refusal([{:rlimit, :nofile, soft, hard + 1}]) == {:error, errno(:eperm), :rlimit, 0}
      assert facts([{:rlimit, :nofile, 8, 8}])["rlimit.nofile"] == "8 8"
    end

    # CAP_SYS_RESOURCE (capabilities(7)), which root of a container may lack.
    defp may_raise?, do: (Host.mask("self", "CapEff") &&& 1 <<< 24) != 0

    @tag :root
    test "is raised by root, before the ids go, and not after" do
      driver = [driver: ["--user", 65_534]]
      raise_to = {:rlimit, :sigpending, 1_000_000, 1_000_000}
      ids = {:set_credentials, 1000, 1000, []}
      result = result([raise_to, ids])

      if may_raise?() do
        assert Probe.facts(result.output)["rlimit.sigpending"] == "1000000 1000000"
      else
        assert final(result) == {:error, errno(:eperm), :rlimit, 0}
      end

      assert refusal([ids, raise_to]) == {:error, errno(:eperm), :rlimit, 1}
      assert final(result([raise_to], %{}, driver)) == {:error, errno(:eperm), :rlimit, 0}
    end

    @tag :root
    test "in a user namespace cannot be raised, not by root's either, and can be lowered" do
      for {command, expected} <- [
            {{:rlimit, :sigpending, 1_000_000_000, 1_000_000_000},
             {:error, errno(:eperm), :rlimit, 0}},
            {{:rlimit, :sigpending, 5, 5}, {:status, :exited, 0}}
          ] do
        wire = parked(%{argv: Probe.argv([:limits]), namespaces: [:user], final: [command]})
        map_ids(wire, "0 100000 65536\n")
        send_term(wire, :proceed)
        assert final(finish(wire)) == expected
      end
    end
  end

  describe "scheduler" do
    test "takes the policies that need no right, and keeps the niceness" do
      for {policy, number} <- [other: 0, batch: 3, idle: 5] do
        facts = facts([{:nice, 7}, {:scheduler, policy, %{}}])
        assert {facts["scheduler"], facts["nice"]} == {"#{number}", "7"}
      end

      assert facts([{:nice, 2}, {:scheduler, :batch, %{nice: 9}}])["nice"] == "9"
    end

    test "that needs a right is EPERM without it" do
      driver = if Host.root?(), do: [driver: ["--user", 65_534]], else: []
      # RLIMIT_RTPRIO is 0 (sched(7)).
      zero = {:rlimit, :rtprio, 0, 0}
      result = result([zero, {:scheduler, :fifo, %{priority: 1}}], %{}, driver)
      assert final(result) == {:error, errno(:eperm), :scheduler, 1}
    end

    test "of parameters that do not fit the policy is EINVAL" do
      for {policy, parameters} <- [
            {:other, %{priority: 5}},
            {:fifo, %{}},
            {:deadline, %{runtime: 2_000_000, deadline: 1_000_000}}
          ] do
        assert {policy, refusal([{:scheduler, policy, parameters}])} ==
                 {policy, {:error, errno(:einval), :scheduler, 0}}
      end
    end

    @tag :root
    test "may be one of real time for root" do
      assert facts([{:scheduler, :fifo, %{priority: 3}}])["scheduler"] == "1"
      flags = %{priority: 3, flags: [:reset_on_fork]}
      # SCHED_RESET_ON_FORK is a bit of what sched_getscheduler(2) returns.
      assert facts([{:scheduler, :rr, flags}])["scheduler"] == "#{0x40000000 + 2}"
    end

    test "of no policy, or another key, is malformed" do
      for policy <- [:realtime, 1, "batch"], do: malformed({:scheduler, policy, %{}})

      for parameters <- [
            [],
            %{nice: 20},
            %{priority: 100},
            %{priority: -1},
            %{flags: :reclaim},
            %{flags: [:other]},
            %{runtime: -1},
            %{util: 1},
            %{"nice" => 1}
          ],
          do: malformed({:scheduler, :other, parameters})
    end
  end

  describe "cpu_affinity" do
    # The first CPU that this process may use.
    defp cpu do
      [list] =
        Regex.run(~r/Cpus_allowed_list:\s*(\d+)/, File.read!("/proc/self/status"),
          capture: :all_but_first
        )

      String.to_integer(list)
    end

    test "leaves the workload the CPUs that are named" do
      assert facts([{:cpu_affinity, [cpu()]}])["cpus"] == "1"
      assert facts([{:cpu_affinity, [cpu(), cpu()]}])["cpus"] == "1"
    end

    test "of a CPU that the machine has not got is EINVAL, also beside one that it has" do
      for cpus <- [[8191], [cpu(), 8191], [cpu(), 1023]] do
        assert refusal([{:cpu_affinity, cpus}]) == {:error, errno(:einval), :cpu_affinity, 0}
      end
    end

    test "of no list of CPUs is malformed" do
      for cpus <- [[], [8192], [-1], 0, "0", [0 | 1]], do: malformed({:cpu_affinity, cpus})
    end
  end

  describe "io_priority" do
    # ioprio_set(2): the class is above the 13 bits of the level.
    test "is a class and a level in it" do
      for {class, level, found} <- [
            {:best_effort, 0, 0x4000},
            {:best_effort, 7, 0x4007},
            {:idle, 0, 0x6000},
            {:none, 0, nil}
          ] do
        facts = facts([{:io_priority, class, level}])
        if found, do: assert(facts["io_priority"] == "#{found}")
      end
    end

    test "of real time needs a right" do
      driver = if Host.root?(), do: [driver: ["--user", 65_534]], else: []
      result = result([{:io_priority, :realtime, 0}], %{}, driver)
      assert final(result) == {:error, errno(:eperm), :io_priority, 0}
    end

    @tag :root
    test "of real time is root's" do
      assert facts([{:io_priority, :realtime, 4}])["io_priority"] == "#{0x2004}"
    end

    test "of no class or level is malformed" do
      for {class, level} <- [{:rt, 0}, {1, 0}, {:idle, 8}, {:idle, -1}, {:idle, :low}],
          do: malformed({:io_priority, class, level})
    end
  end

  describe "personality" do
    test "is that of the program" do
      # ADDR_NO_RANDOMIZE, PER_LINUX32
      for persona <- [0x0040000, 0x0008, 0],
          do:
            assert(
              String.to_integer(facts([{:personality, persona}])["personality"], 16) == persona
            )
    end

    test "of the number that is a question to the kernel is malformed" do
      for persona <- [0xFFFF_FFFF, -1, 1 <<< 32, :linux32], do: malformed({:personality, persona})
    end
  end

  test "no_new_privs is set by its command, in each list and at the checkpoint" do
    assert facts([])["no_new_privs"] == "0"
    assert facts([:no_new_privs])["no_new_privs"] == "1"
    assert facts([], %{setup: [:no_new_privs]})["no_new_privs"] == "1"
    assert facts([], %{}, checkpoint: [:no_new_privs])["no_new_privs"] == "1"
    malformed({:no_new_privs, true})
  end

  describe "set_credentials with :keep" do
    test "leaves what is kept as it is" do
      before = facts([])
      kept = facts([{:set_credentials, :keep, :keep, :keep}])
      for fact <- ~w(uid gid groups), do: assert({fact, kept[fact]} == {fact, before[fact]})
    end

    @tag :root
    test "changes what is not kept" do
      driver = [driver: ["--groups", 7, 8]]

      for {command, expected} <- [
            {{1000, :keep, :keep}, {"1000 1000 1000", "0 0 0", "7 8"}},
            {{:keep, 1000, :keep}, {"0 0 0", "1000 1000 1000", "7 8"}},
            {{:keep, :keep, [5]}, {"0 0 0", "0 0 0", "5"}},
            {{1000, 1001, :keep}, {"1000 1000 1000", "1001 1001 1001", "7 8"}},
            {{1000, 1001, []}, {"1000 1000 1000", "1001 1001 1001", ""}}
          ] do
        {uid, gid, groups} = command
        facts = facts([{:set_credentials, uid, gid, groups}], %{}, driver)
        found = {facts["uid"], facts["gid"], String.trim(facts["groups"])}
        assert {command, found} == {command, expected}
      end
    end

    @tag :root
    test "in a user namespace keeps the ids that the child has taken there" do
      commands = [{:set_credentials, :keep, 5, :keep}]
      wire = parked(%{argv: Probe.argv([:ids]), namespaces: [:user], final: commands})
      map_ids(wire, "0 100000 65536\n")
      send_term(wire, :proceed)
      facts = Probe.facts(finish(wire).output)
      assert {facts["uid"], facts["gid"]} == {"0 0 0", "5 5 5"}
    end

    test "is no other word" do
      for {uid, gid, groups} <- [{:root, 0, []}, {0, :same, []}, {0, 0, :none}, {0, 0, [:keep]}],
          do: malformed({:set_credentials, uid, gid, groups})
    end
  end

  describe "securebits and keep_capabilities" do
    @describetag :root

    test "are those of the program, but for the flag that exec clears" do
      bits = @noroot ||| @no_setuid_fixup ||| @no_ambient_raise
      assert facts([{:securebits, bits}])["securebits"] == "#{bits}"
      assert facts([{:securebits, bits ||| 16}])["securebits"] == "#{bits}"
      assert facts([{:keep_capabilities, true}])["securebits"] == "0"
    end

    test "of a program of root's without the rights of root leave it none" do
      facts = facts([{:securebits, @noroot}])
      assert {facts["cap.permitted"], facts["uid"]} == {String.duplicate("0", 16), "0 0 0"}
    end

    test "do not let a promise be broken" do
      mask = 1 <<< 10
      sets = {:cap_set_thread, mask ||| 256, mask ||| 256, mask}

      # As root with its rights the program would have the bounding set; without them the ambient one alone.
      result = result([sets, {:securebits, @noroot}])
      assert final(result) == {:error, errno(:einval), :cap_set_thread}
      facts = facts([sets, {:cap_set_ambient, mask}, {:securebits, @noroot}])
      assert Probe.mask(facts, "cap.effective") == mask
    end

    test "a permitted set that is not to be kept is gone with uid 0, and what asks for it fails" do
      ids = {:set_credentials, 1000, 1000, []}
      sets = {:cap_set_thread, 1024, 1024, 1024}

      assert refusal([{:keep_capabilities, false}, ids, sets]) ==
               {:error, errno(:eperm), :cap_set_thread, 2}

      assert refusal([{:securebits, 0}, ids, sets]) == {:error, errno(:eperm), :cap_set_thread, 2}
      facts = facts([{:keep_capabilities, true}, ids, sets, {:cap_set_ambient, 1024}])
      assert Probe.mask(facts, "cap.effective") == 1024
    end

    test "without CAP_SETPCAP, with a locked bit and with an unknown one they are EPERM" do
      error = fn index -> {:error, errno(:eperm), :securebits, index} end
      assert refusal([{:cap_set_thread, 0, 0, 0}, {:securebits, @noroot}]) == error.(1)
      assert refusal([{:securebits, 2}, {:securebits, 3}]) == error.(1)
      assert refusal([{:securebits, 1 <<< 31}]) == error.(0)
      locked = [{:securebits, 32}, {:keep_capabilities, true}]
      assert refusal(locked) == {:error, errno(:eperm), :keep_capabilities, 1}
    end

    test "of no mask and no boolean are malformed" do
      for bits <- [-1, 1 <<< 32, :noroot], do: malformed({:securebits, bits})
      for keep <- [1, :yes, nil], do: malformed({:keep_capabilities, keep})
    end
  end
end
