# SPDX-License-Identifier: MIT

defmodule Linx.Plan.RunTest do
  # Plans that are run: by sessions and by calls, and the errors of their phases.
  use Linx.SessionCase, async: true

  import Bitwise
  import :proper_types, only: [integer: 2, tuple: 1]

  alias Linx.{Plan, Property}
  alias Linx.Plan.{Phase, Problem}
  alias Linx.Process.Options
  alias Linx.Test.PlanOptions

  # What the options say is what the program has.
  @script "umask; pwd; echo $A; nice"
  @options [umask: 0o027, cwd: "/", env: %{"A" => "1"}, nice: 3, search_path: true]
  @said "0027\n/\n1\n3\n"

  defp plan(options \\ @options), do: Plan.new!(["sh", "-c", @script], options)

  defp output(session, said \\ "") do
    case Linx.Process.read(session, :stdout) do
      {:ok, more} -> output(session, said <> more)
      :eof -> said
    end
  end

  describe "a plan is run" do
    test "by a session, alone, as an option, and with a program of its own" do
      with_stdio = %{plan() | process: [stdio: :pipe, auto_proceed: true]}

      for opts <- [
            with_stdio,
            [plan: with_stdio],
            [plan: plan(), stdio: :pipe, auto_proceed: true],
            [argv: ["sh", "-c", @script], plan: with_stdio],
            [plan: %{with_stdio | argv: ["false"]}, argv: ["sh", "-c", @script]]
          ] do
        {:ok, session} = Linx.Process.spawn(opts)
        assert output(session) == @said
        assert Linx.Process.wait(session) == {:ok, {:exited, 0}}
      end
    end

    test "by every call, in the place of its program and beside it" do
      plan = plan()
      assert {:ok, %{stdout: @said}} = Linx.run(plan)
      assert {:ok, %{stdout: @said}} = Linx.run(plan, timeout: 60_000)
      assert {:ok, %{stdout: "0027\n"}} = Linx.run(["sh", "-c", "umask"], plan: plan)
      assert Linx.cmd(plan) == {@said, 0}
      assert Linx.cmd(%{plan | argv: ["sh"]}, ["-c", @script], timeout: 60_000) == {@said, 0}
      assert Linx.cmd("sh", ["-c", "umask"], plan: plan) == {"0027\n", 0}
      assert Linx.shell("umask", plan: plan) == {"0027\n", 0}
      assert plan |> Linx.stream!(lines: true) |> Enum.take(2) == ["0027", "/"]
      assert plan |> Linx.stream() |> Enum.to_list() |> List.last() == {:exit, 0}
      assert {:ok, %{stdout: "in"}} = Linx.run(Plan.new!("cat", umask: 0), input: "in")

      assert {:ok, %{stdout: @said}} = Linx.run(%{plan | process: [name: :planned]})
    end

    test "by a session under a supervisor" do
      plan = %{
        plan()
        | process: [stdio: :pipe, owner: self(), events: :tagged, stream_to: self()]
      }

      session = start_supervised!({Linx.Process, [plan: plan, restart: :temporary]})
      assert_receive {:linx_process, ^session, {:ready, _pid}}, 30_000
      :ok = Linx.Process.proceed(session)
      assert_receive {:linx_process, ^session, {:stdout, "0027\n" <> _more}}, 30_000
    end

    test "by a daemon, beside its program" do
      pid = self()
      log = fn line -> send(pid, {:line, line}) end

      start_supervised!(
        {Linx.Daemon, argv: ["sh", "-c", @script], plan: plan(), log: log, restart: :temporary}
      )

      for line <- String.split(@said, "\n", trim: true),
          do: assert_receive({:line, ^line}, 30_000)
    end

    @tag :root
    test "in the namespaces of a process" do
      {target, _pid} = running(namespaces: [:uts, :net])
      plan = %{plan() | process: [stdio: :pipe, auto_proceed: true]}
      {:ok, session} = Linx.Process.enter(target, plan)
      assert output(session) == @said
      assert {:ok, %{stdout: @said}} = Linx.run(plan(), enter: target)

      for plan <- [plan(time_offsets: [boottime: 1])] do
        assert {:error, {:bad_plan, [%Problem{phase: :time} = problem]}} =
                 Linx.Process.enter(target, plan)

        assert to_string(problem) =~ "enters namespaces"
      end
    end

    @tag :root
    test "with namespaces, ids and capabilities" do
      script =
        "id -u; id -G; grep CapEff /proc/self/status; grep -c : /proc/net/dev; grep NoNewPrivs /proc/self/status"

      plan =
        Plan.new!(["/bin/sh", "-c", script],
          user: {1234, 44, [7]},
          capabilities: [ambient: [:cap_kill]],
          namespaces: [:net],
          loopback: true,
          no_new_privs: true
        )

      assert {:ok, %{stdout: said}} = Linx.run(plan)
      assert said == "1234\n44 7\nCapEff:\t0000000000000020\n1\nNoNewPrivs:\t1\n"
    end
  end

  describe "nothing is started" do
    test "for a plan that contradicts itself" do
      bad = plan(cwd: "tmp")

      for result <- [
            Linx.Process.spawn(bad),
            Linx.Process.spawn(plan: bad),
            Linx.Process.enter(1, bad),
            Linx.run(bad),
            Linx.run("true", plan: bad)
          ] do
        assert {:error, {:bad_plan, [%Problem{phase: :cwd, option: :cwd}]}} = result
      end

      assert_raise ArgumentError, ~r/phase cwd: a working directory/, fn -> Linx.cmd(bad) end
      assert_raise ArgumentError, ~r/phase cwd: a working directory/, fn -> Linx.stream!(bad) end
      assert_raise ArgumentError, ~r/phase cwd: a working directory/, fn -> Linx.stream(bad) end
    end

    test "for what is no plan, or is one with an option that it decides" do
      assert Linx.Process.spawn(plan: :none) == {:error, {:bad_plan, :none}}
      assert Linx.run("true", plan: nil) == {:error, {:bad_plan, nil}}

      for option <- [cwd: "/", env: %{}, umask: 0, namespaces: [:net], user: 0, loopback: false] do
        assert Linx.run(plan(), [option]) == {:error, {:bad_option, option}}
        assert Linx.Process.spawn([option, plan: plan()]) == {:error, {:bad_option, option}}
        assert Linx.format_error({:bad_option, option}) =~ "cannot be given here"
      end

      assert Linx.run(plan(), cd: "/") == {:error, {:bad_option, {:cd, "/"}}}
      assert Linx.format_error({:bad_option, {:cd, "/"}}) =~ "cannot be given here"

      assert {:error, {:bad_option, {:linger, true}}} =
               Linx.run(%{plan() | process: [linger: true]})

      assert {:error, {:bad_argv, []}} = Linx.run(%{plan() | argv: []})
      assert {:error, {:bad_options, 7}} = Linx.run(plan(), 7)
    end

    # A value of each option of a session that is part of the request.
    @values [
      files: ["/bin/true"],
      arg0: "name",
      search_path: true,
      namespaces: [:net],
      loopback: true,
      hostname: "inside",
      uid_map: [{0, 0, 1}],
      gid_map: [{0, 0, 1}],
      setgroups: :deny,
      oom_score_adj: 0,
      time_offsets: [boottime: 1],
      env: %{"A" => "1"},
      clear_env: true,
      cwd: "/",
      stdio: :devnull,
      no_new_privs: true,
      keyring: :new,
      user: "root",
      group: "root",
      groups: [0],
      rlimits: [core: 0],
      nice: 1,
      umask: 0,
      orphan_policy: :leave,
      descendants: :kill,
      usage: true
    ]

    test "with an option beside a plan that would take a part of it away" do
      plan = plan(umask: 0o077, user: "root", loopback: true, no_new_privs: true)
      wanted = Plan.to_request(plan)
      requests = for {name, [:request | _], _, _} <- Options.table(), name != :argv, do: name
      assert Enum.sort(requests) == Enum.sort(Keyword.keys(@values))

      for {name, _value} = option <- @values do
        case Options.parse(:spawn, [option, plan: plan], self()) do
          {:ok, options} ->
            {:spawn, request} = :erlang.binary_to_term(IO.iodata_to_binary(options.encoded))
            assert Map.take(request, Map.keys(wanted)) == wanted, inspect(name)

          {:error, reason} ->
            assert {name, reason} == {name, {:bad_option, option}}
        end
      end
    end

    test "for a plan that is too big" do
      big = plan(env: ["A=" <> String.duplicate("x", 17_000_000)])
      assert {:error, {:bad_plan, [%Problem{phase: :environment} = problem]}} = Linx.run(big)
      assert to_string(problem) =~ "16 MiB"
      assert {:error, {:bad_plan, [%Problem{}]}} = Linx.Process.spawn(big)
    end
  end

  test "what has no problem is a request that the agent takes" do
    Property.check(PlanOptions.options(), 60, fn options ->
      plan = Plan.new!("/bin/true", Enum.uniq_by(options, &elem(&1, 0)))
      opts = [plan: plan, stdio: :devnull, events: :none]

      case Plan.check(plan) do
        {:error, problems} ->
          assert Linx.Process.spawn(opts) == {:error, {:bad_plan, problems}}

        :ok ->
          {:ok, session} = Linx.Process.spawn(opts)
          # It may have failed already.
          assert Linx.Process.abort(session) in [:ok, {:error, :no_process}]

          case Linx.Process.wait(session) do
            {:ok, :aborted} ->
              :ok

            {:error, error} ->
              assert error.stage in [:clone, :time_offsets], Exception.message(error)
          end
      end
    end)
  end

  describe "an error names" do
    # The harmless command and the one that fails have the same name, so that the stage says nothing.
    @harmless {:cap_set_ambient, 0}
    @failing {:cap_set_ambient, 1 <<< 40}

    test "the phase and the position of the command that failed, in either list, where explain has it" do
      Property.check(tuple([integer(0, 3), integer(0, 3), integer(0, 7)]), 25, fn {few, more, at} ->
        phases =
          for {name, where, count} <- [
                {:a, :setup, few},
                {:b, :setup, more},
                {:c, :seal, more},
                {{:d, 1}, :seal, few}
              ],
              do: %Phase{name: name, where: where, commands: List.duplicate(@harmless, count)}

        places =
          for phase <- phases, position <- 0..length(phase.commands), do: {phase.name, position}

        {name, position} = Enum.at(places, rem(at, length(places)))

        plan =
          %Plan{argv: ["/bin/true"], phases: phases}
          |> Plan.update(name, &%{&1 | commands: List.insert_at(&1.commands, position, @failing)})

        assert {:error, %Error{} = error} = Linx.run(plan)
        assert {error.stage, error.errno} == {:cap_set_ambient, :eperm}
        assert {error.phase, error.position} == {name, position + 1}
      end)
    end

    test "what the command is about, and all of it in its message" do
      assert {:error, error} = Linx.run(plan(@options ++ [user: "no such user"]))
      assert {error.stage, error.phase, error.position} == {:set_user, :user, 1}
      assert error.subject == "no such user"

      assert Exception.message(error) =~
               ~s(set_user "no such user" (phase user, step 1\) failed for "sh": ENOENT)

      assert inspect(error) =~ ~s(phase: :user, position: 1, subject: "no such user")
    end

    test "the phase of a key, which has no position" do
      assert {:error, error} = Linx.run(plan(cwd: "/no/such"))
      assert {error.phase, error.position, error.subject} == {:cwd, nil, "/no/such"}
      assert Exception.message(error) =~ ~s[chdir "/no/such" (phase cwd) failed for "sh": ENOENT]
      refute Exception.message(error) =~ "BEAM's working directory"

      assert {:error, error} = Linx.run(Plan.new!("/no/such", umask: 0))
      assert {error.stage, error.phase, error.position} == {:execve, :exec, nil}
    end

    test "no phase for a command of the checkpoint, nor of a session without a plan" do
      {:ok, session} =
        Linx.Process.spawn(plan: Plan.new!("/bin/true", capabilities: :none), events: :tagged)

      await_ready(session)
      assert {:error, error} = Linx.Capabilities.set_ambient(session, [:cap_kill])
      assert {error.stage, error.phase} == {:cap_set_ambient, nil}

      assert {:error, %Error{phase: nil, position: nil}} = Linx.run("true", cd: "/no/such")
    end
  end
end
