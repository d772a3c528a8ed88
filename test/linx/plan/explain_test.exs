# SPDX-License-Identifier: MIT

defmodule Linx.Plan.ExplainTest do
  # A plan as text.
  use ExUnit.Case, async: true

  alias Linx.{Plan, Property}
  alias Linx.Plan.{Commands, Words}
  alias Linx.Test.PlanOptions

  doctest Linx.Plan.Words

  defp text(plan), do: plan |> Plan.explain() |> IO.iodata_to_binary()

  test "a whole plan" do
    plan =
      Plan.new!(["/bin/sh", "-c", "make test"],
        namespaces: [:user, :net, :time],
        time_offsets: [boottime: 86_400, monotonic: -0.5],
        loopback: true,
        keyring: :new,
        cwd: "/job",
        env: %{"CI" => "1", "TOKEN" => "hush", "HOME" => nil},
        user: {"www", "adm", [7]},
        umask: 0o022,
        nice: 10,
        capabilities: [keep: [:cap_kill, :cap_chown]],
        no_new_privs: true,
        seccomp: <<0::128>>
      )

    plan =
      plan
      |> Plan.insert_after(:network, Plan.phase({:step, "/own"}, [{:home, 7}, {:own_stdio, 7}]))

    assert text(plan) ==
             """
             /bin/sh -c "make test", in user net time

              by the agent, on the host
               1 namespaces      fresh: user net time
                                 because: the child is created in them
              by the child, before the checkpoint
               2 time            boottime +86400 s, monotonic -1 s and 500000000 ns
                                 because: a time namespace takes offsets only until it has a member
               3 network         the loopback interface is up
                                 because: it takes capabilities that are given up later
               4 step /own       HOME of uid 7
                                 pipes and the terminal belong to uid 7
              ── checkpoint ──
              by the child, after :proceed
               5 keyring         a new one
                                 because: with the rights from before the ids
               6 cwd             /job
                                 because: tried again as the user, where only the user may enter it
               7 environment     set: CI TOKEN
                                 removed: HOME
                                 because: a HOME that is looked up is that of the workload's own root
               8 umask           0022
                                 because: it would change the modes of what comes before
               9 priority        niceness 10
                                 because: to raise it takes a capability
              10 bounding_set    all dropped but chown kill
                                 because: it takes CAP_SETPCAP, which is given up later
              11 user            www:adm, with the groups 7
                                 because: groups, then the gid, then the uid, because the last takes the right to the others
              12 capabilities    chown kill
                                 because: all that takes one has been done
              13 ambient         none
                                 because: what is ambient has to be permitted and inheritable, and a change of ids clears it
              14 no_new_privs    no program gains rights by its file
                                 because: no program of the set-up needs more than it has
              15 seccomp         a filter of 2 instructions
                                 because: judged by the kernel here, and installed right before exec
              16 exec            /bin/sh
                                 because: nothing of the set-up comes after it

              notes
               - another user's program has the ambient capabilities and those of its file; none is ambient
             """
  end

  test "every command of the request is a line of its phase, in its order, and nothing else is" do
    Property.check(PlanOptions.options(), 300, fn options ->
      plan = Plan.new!("true", Enum.uniq_by(options, &elem(&1, 0)))
      text = text(%{plan | notes: []})

      of_phases =
        for [_all, line] <- Regex.scan(~r/^(?:[ \d]{3} .{15} | {20})(.*)$/mu, text), do: line

      steps = Enum.reject(of_phases, &String.starts_with?(&1, "because: "))
      request = Plan.to_request(plan)
      commands = Map.get(request, :setup, []) ++ Map.get(request, :final, [])
      words = Enum.map(commands, &Words.command/1)
      assert Enum.filter(steps, &(&1 in words)) == words

      keys = request |> Map.drop([:setup, :final, :argv]) |> Enum.map(&Words.key/1)
      program = ["true" <> if(request[:search_path], do: ", found along PATH inside", else: "")]
      assert Enum.sort(steps) == Enum.sort(words ++ Enum.filter(keys, & &1) ++ program)
    end)
  end

  test "every command of the agent's table has a line, whatever its arguments are" do
    for {name, letters} <- Commands.all(), value <- [0, -1, "x", [], :a, {:b}, nil] do
      arguments = Enum.map(letters, fn _letter -> value end)
      command = if arguments == [], do: name, else: List.to_tuple([name | arguments])
      assert is_binary(Words.command(command))
      subject = Words.subject(command)
      assert subject == nil or is_binary(subject)
    end
  end

  test "a value of the environment, and bytes that break a line, are not shown" do
    plan = Plan.new!(["a\nb"], env: ["TOKEN=hush"], cwd: "/a\nb")
    assert text(plan) =~ "these alone: TOKEN\n"
    refute text(plan) =~ "hush"
    assert text(plan) =~ ~S("a\nb")
    assert text(plan) =~ ~S("/a\nb")
  end

  test "steps at exec stand behind the checkpoint, also where no other one does" do
    assert text(Plan.new!("true")) =~
             ~r/── checkpoint ──\n by the child, after :proceed\n  1 exec /

    assert text(%Plan{argv: ["true"]}) == "true\n\n"
  end
end
