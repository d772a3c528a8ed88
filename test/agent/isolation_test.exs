# SPDX-License-Identifier: MIT

defmodule AgentTest.IsolationTest do
  use AgentTest.Case, async: true

  import Bitwise

  # A workload that waits, seen from the host.
  defp waiting(request \\ %{}, opts \\ []) do
    wire = running(Map.put_new(request, :argv, actor(["pause"])), opts)
    unless request[:stdio], do: await_output(wire, "ready\n")
    wire
  end

  describe "descriptors" do
    test "a workload holds exactly fds 0, 1 and 2" do
      for stdio <- [:inherit, :devnull, :pty] do
        wire = waiting(%{stdio: stdio})
        assert wire.host_pid |> Host.fds() |> Map.keys() == [0, 1, 2]
        kill(wire)
      end
    end

    test "a workload holds exactly fds 0, 1 and 2 whatever the agent inherited" do
      wire = waiting(%{}, driver: ["--open-fds", 50])
      assert wire.host_pid |> Host.fds() |> Map.keys() == [0, 1, 2]
      kill(wire)
    end

    @tag :root
    test "the agent keeps none of what it inherited either" do
      inherited = fn opts ->
        wire = parked(%{argv: actor(["pause"])}, opts)
        held = wire.agent |> Host.fds() |> Map.values() |> Enum.count(&(&1 == "/dev/null"))
        send_term(wire, :abort)
        finish(wire)
        held
      end

      assert inherited.(driver: ["--open-fds", 50]) == inherited.([])
    end

    test "descriptors beyond a lowered limit do not reach the workload either" do
      wire = waiting(%{}, driver: ["--open-fds", 50, "--nofile", 100])
      assert wire.host_pid |> Host.fds() |> Map.keys() == [0, 1, 2]
      kill(wire)
    end

    test "the same with a filter, a terminal and an entered target" do
      target = Target.plain()
      enter = {:enter, %{target: target.pid, argv: actor(["pause"]), stdio: :pty}}

      wire =
        running(enter, driver: ["--open-fds", 50], checkpoint: [{:seccomp_install, Bpf.allow()}])

      assert wire.host_pid |> Host.fds() |> Map.keys() == [0, 1, 2]
      kill(wire)
    end

    test "a workload cannot reach the control channel" do
      result = run(%{argv: actor(["write-to", 3, 4, 5, 6])})
      assert result.output == String.duplicate("write errno #{errno(:ebadf)}\n", 4)
      assert final(result) == {:status, :exited, 0}
    end
  end

  describe "an agent started with 0, 1 and 2 closed" do
    for closed <- [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]] do
      @tag :root
      test "puts none of its own there (#{inspect(closed)})" do
        closed = unquote(closed)
        wire = parked(%{argv: actor(["pause"])}, without(closed))

        for {fd, what} <- Host.fds(wire.agent), fd in closed do
          assert what == "/dev/null", "the agent's #{fd} is #{what}"
        end

        send_term(wire, :abort)
        finish(wire)
      end

      test "gives its workload none of its own (#{inspect(closed)})" do
        closed = unquote(closed)
        wire = running(%{argv: actor(["pause"])}, without(closed))
        fds = Host.fds(wire.host_pid)
        assert Enum.all?(Map.keys(fds), &(&1 in 0..2))
        for fd <- closed, do: assert(fds[fd] in [nil, "/dev/null"])
        kill(wire)
      end
    end

    defp without(fds),
      do: [driver: Enum.flat_map(fds, &["--close", &1]), stdout: 1 not in fds]

    test "still gives a terminal and /dev/null as stdio" do
      for stdio <- [:pty, :devnull] do
        driver = ["--close", 0, "--close", 1, "--close", 2]
        wire = waiting(%{stdio: stdio}, driver: driver, stdout: false)
        assert wire.host_pid |> Host.fds() |> Map.keys() == [0, 1, 2]
        kill(wire)
      end
    end

    test "runs a whole session with a terminal's output" do
      driver = ["--close", 0, "--close", 1, "--close", 2]
      result = run(%{argv: actor(["say", "hello"]), stdio: :pty}, driver: driver, stdout: false)
      assert result.pty == "hello\r\n"
    end
  end

  describe "signals" do
    test "no blocked and no ignored signal reaches the workload" do
      for driver <- [[], ["--ignore-signals", "--block-signals"]], stdio <- [:inherit, :pty] do
        wire = waiting(%{stdio: stdio}, driver: driver)
        assert Host.mask(wire.host_pid, "SigBlk") == 0
        assert Host.mask(wire.host_pid, "SigIgn") == 0
        assert Host.mask(wire.host_pid, "SigCgt") == 0
        assert Host.mask(wire.host_pid, "SigPnd") == 0
        assert Host.mask(wire.host_pid, "ShdPnd") == 0
        kill(wire)
      end
    end

    test "the driver's mask and dispositions do reach the agent" do
      wire = start(program: actor(["pause"]), driver: ["--ignore-signals", "--block-signals"])
      await_output(wire, "ready\n")
      uncatchable = 1 <<< 8 ||| 1 <<< 18
      assert Host.mask(wire.agent, "SigBlk") == Bitwise.bxor(Host.all_signals(), uncatchable)
      assert Host.mask(wire.agent, "SigIgn") == Bitwise.bxor(Host.all_signals(), uncatchable)
    end

    test "an entered workload has none blocked or ignored either" do
      target = Target.plain()
      driver = ["--ignore-signals", "--block-signals"]
      wire = running({:enter, %{target: target.pid, argv: actor(["pause"])}}, driver: driver)
      await_output(wire, "ready\n")
      assert Host.mask(wire.host_pid, "SigBlk") == 0
      assert Host.mask(wire.host_pid, "SigIgn") == 0
      kill(wire)
    end

    test "SIGCHLD ignored loses no exit status" do
      for driver <- [["--ignore-signal", 17], ["--ignore-signals", "--block-signals"]] do
        assert final(run(%{argv: actor(["exit", 7])}, driver: driver)) == {:status, :exited, 7}

        assert final(run(%{argv: actor(["die", 15])}, driver: driver)) ==
                 {:status, :signaled, 15}
      end
    end

    test "SIGPIPE ends a workload that writes into the void" do
      result =
        run(%{
          argv: [
            "/bin/sh",
            "-c",
            "#{path("actor")} flood 1 | head -c 1 >/dev/null; kill -PIPE $$"
          ]
        })

      assert final(result) == {:status, :signaled, 13}
    end
  end

  describe "the agent is out of reach" do
    test "a workload leads a session and a process group of its own" do
      for stdio <- [:inherit, :pty] do
        wire = waiting(%{stdio: stdio})
        stat = Host.stat(wire.host_pid)
        assert {stat.session, stat.pgrp} == {wire.host_pid, wire.host_pid}
        assert Host.stat(wire.agent).session != wire.host_pid
        kill(wire)
      end
    end

    test "kill(0, ...) in a workload does not reach it" do
      for signum <- [15, 1, 2, 10] do
        result = run(%{argv: actor(["kill-group", signum])})
        assert result.output == "kill ok\n"
        assert final(result) == {:status, :exited, 0}
      end
    end

    @tag :root
    test "an unprivileged workload cannot ptrace it, nor open its memory or descriptors" do
      user = ["--user", 65_534]
      assert run(%{argv: actor(["ptrace", "parent"])}, driver: user).output == "ptrace errno 1\n"

      for file <- ["fd/4", "fd/3", "mem"] do
        result = run(%{argv: actor(["open-of", "parent", file])}, driver: user)
        assert result.output =~ ~r/^open errno (1|13)\n$/
      end
    end
  end

  describe "the parked child" do
    @tag :root
    test "is non-dumpable, so another process of its user cannot ptrace it or open its memory" do
      user = ["--user", 65_534]
      wire = parked(%{argv: actor(["pause"])}, driver: user)
      spy = fn part -> start(program: actor(part), driver: user) |> await_gone() end
      assert spy.(["ptrace", wire.host_pid]).output == "ptrace errno #{errno(:eperm)}\n"
      assert spy.(["open-of", wire.host_pid, "mem"]).output =~ ~r/^open errno (1|13)\n$/
      assert spy.(["open-of", wire.host_pid, "fd/1"]).output =~ ~r/^open errno (1|13)\n$/
      send_term(wire, :abort)
      finish(wire)
    end

    @tag :root
    test "is a workload like any other once it has exec'd" do
      wire = waiting(%{}, driver: ["--user", 65_534])
      spy = start(program: actor(["ptrace", wire.host_pid]), driver: ["--user", 65_534])
      assert await_gone(spy).output == "ptrace ok\n"
      kill(wire)
      assert run(%{argv: actor(["attributes"])}).output =~ "dumpable 1\n"
    end
  end

  describe "what is inherited" do
    test "the workload dies with its agent" do
      assert run(%{argv: actor(["attributes"])}).output =~ "pdeathsig 9\n"
    end

    test "with :linger the workload does not die with its agent" do
      result = run(%{argv: actor(["attributes"]), orphan_policy: :linger})
      assert result.output =~ "pdeathsig 0\n"
    end

    test "the umask is the agent's" do
      for umask <- ["0022", "0077", "0000"] do
        wire = waiting(%{}, driver: ["--umask", umask])
        assert Host.status(wire.host_pid)["Umask"] == umask
        kill(wire)
      end
    end

    @tag :root
    test "user, group and supplementary groups are the agent's" do
      wire = waiting(%{}, driver: ["--groups", 1234, 2345])
      status = Host.status(wire.host_pid)
      assert status["Groups"] == "1234 2345"
      assert status["Uid"] == "0\t0\t0\t0"
      kill(wire)
      wire = waiting(%{}, driver: ["--user", 65_534])
      status = Host.status(wire.host_pid)

      assert {status["Uid"], status["Gid"], status["Groups"]} ==
               {"65534\t65534\t65534\t65534", "65534\t65534\t65534\t65534", ""}

      kill(wire)
    end

    @tag :root
    test "the capabilities are the agent's" do
      wire = waiting()

      for set <- ~w(CapEff CapPrm CapInh CapBnd CapAmb),
          do: assert(Host.mask(wire.host_pid, set) == Host.mask(wire.agent, set))

      kill(wire)
    end

    test "the namespaces are the agent's when none were asked for" do
      wire = waiting()
      assert Host.namespaces(wire.host_pid) == Host.namespaces()
      kill(wire)
    end
  end
end
