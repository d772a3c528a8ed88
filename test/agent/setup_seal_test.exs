# SPDX-License-Identifier: MIT

defmodule AgentTest.SetupSealTest do
  use AgentTest.Case, async: true

  import Bitwise

  @chown 1 <<< 0
  @setuid 1 <<< 7

  defp malformed(request) do
    wire = requested(Map.put(request, :argv, actor(["exit", 0])))
    assert finish(wire, exit: 2).frames == [{:error, errno(:einval), :malformed_request}]
  end

  describe "final" do
    test "is the name of seal; both at once are malformed" do
      for key <- [:final, :seal] do
        wire = running(%{key => [{:set_umask, 0o077}], argv: actor(["pause"])})
        assert Host.status(wire.host_pid)["Umask"] == "0077"
        kill(wire)
      end

      malformed(%{final: [], seal: []})
      malformed(%{final: [:proceed]})
    end
  end

  describe "set_umask" do
    test "is what the workload has, at the checkpoint and in both lists" do
      request = %{argv: actor(["pause"])}

      for {mask, more, commands} <- [
            {0o027, %{setup: [{:set_umask, 0o077}, {:set_umask, 0o027}]}, []},
            {0o777, %{seal: [{:set_umask, 0o777}]}, []},
            {0, %{setup: [{:set_umask, 0o777}]}, [{:set_umask, 0}]}
          ] do
        wire = running(Map.merge(request, more), checkpoint: commands)
        status = Host.status(wire.host_pid)["Umask"]
        assert String.to_integer(status, 8) == mask
        kill(wire)
      end
    end

    test "takes permission bits alone" do
      for mode <- [-1, 0o1000, "022", :all],
          key <- [:setup, :seal],
          do: malformed(%{key => [{:set_umask, mode}]})

      wire = parked(%{argv: actor(["pause"])})
      send_term(wire, {:set_umask, 0o1000})
      assert final(finish(wire)) == {:error, errno(:einval), :malformed_command}
    end
  end

  describe "setup" do
    @tag :root
    test "is applied before :ready, and holds in the workload" do
      wire = parked(%{argv: actor(["pause"]), setup: [{:cap_drop_bounding, @chown}]})
      assert (Host.mask(wire.host_pid, "CapBnd") &&& @chown) == 0
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      await_output(wire, "ready\n")
      assert (Host.mask(wire.host_pid, "CapBnd") &&& @chown) == 0
      kill(wire)
    end

    @tag :root
    test "is applied in order" do
      setup = [
        {:cap_set_thread, @chown, @chown ||| @setuid, @chown},
        {:cap_set_ambient, @chown},
        {:cap_set_thread, 0, @chown, @chown}
      ]

      wire = parked(%{argv: actor(["pause"]), setup: setup})
      assert Host.mask(wire.host_pid, "CapEff") == 0
      assert Host.mask(wire.host_pid, "CapPrm") == @chown
      assert Host.mask(wire.host_pid, "CapAmb") == @chown
      send_term(wire, :abort)
      finish(wire)
      # In the other order the last element needs a capability that the first one has given up.
      wire = requested(%{argv: actor(["pause"]), setup: Enum.reverse(setup)})
      assert final(finish(wire)) == {:error, errno(:eperm), :cap_set_thread, 2}
    end

    test "that fails is an error with the stage and the index, and there was no :ready" do
      good = {:cap_set_ambient, 0}
      bad = {:cap_set_ambient, 1 <<< 63}

      for index <- [0, 1, 5] do
        setup = List.duplicate(good, index) ++ [bad, good]
        wire = requested(%{argv: actor(["say", "never"]), setup: setup})
        result = finish(wire)
        assert final(result) == {:error, errno(:einval), :cap_set_ambient, index}
        refute Enum.any?(result.frames, &match?({:status, :ready, _}, &1))
        assert result.output == ""
      end
    end

    test "with a filter the kernel refuses fails before :ready" do
      setup = [{:cap_set_ambient, 0}, {:seccomp_install, Bpf.invalid()}]
      wire = requested(%{argv: actor(["say", "never"]), setup: setup})
      assert final(finish(wire)) == {:error, errno(:einval), :seccomp_install, 1}
    end

    test "with a filter that denies everything does not hinder the checkpoint" do
      setup = [{:seccomp_install, Bpf.deny([:getpid], errno(:enosys))}]
      wire = parked(%{argv: actor(["getpid"]), setup: setup, ack: true})
      assert Host.status(wire.host_pid)["Seccomp"] == "0"
      send_term(wire, {:cap_set_ambient, 0})
      assert_frame(wire, {:status, :applied, _})
      send_term(wire, :proceed)
      assert finish(wire).output == "getpid errno 38\n"
    end

    test "goes with proceed: true" do
      setup = [{:seccomp_install, Bpf.deny([:getpid], errno(:enosys))}]
      wire = requested(%{argv: actor(["getpid"]), setup: setup, proceed: true})
      assert finish(wire).output == "getpid errno 38\n"
    end

    test "of no commands is none" do
      assert final(run(%{argv: actor(["exit", 3]), setup: [], seal: []})) ==
               {:status, :exited, 3}
    end
  end

  describe "seal" do
    @tag :root
    test "is not applied at the checkpoint, and holds in the workload" do
      wire = parked(%{argv: actor(["pause"]), seal: [{:cap_drop_bounding, @chown}]})
      assert (Host.mask(wire.host_pid, "CapBnd") &&& @chown) == @chown
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      await_output(wire, "ready\n")
      assert (Host.mask(wire.host_pid, "CapBnd") &&& @chown) == 0
      kill(wire)
    end

    @tag :root
    @tag :tmp_dir
    test "comes with the working directory already in place", %{tmp_dir: dir} do
      File.chmod!(dir, 0o700)
      argv = ["/bin/sh", "-c", "readlink /proc/self/cwd; id -u"]
      change = [{:set_credentials, 65_534, 65_534, []}]
      result = run(%{argv: argv, cwd: dir, seal: change})
      assert result.output == "#{dir}\n65534\n"
      result = run(%{argv: argv, cwd: dir, setup: change})
      assert final(result) == {:error, errno(:eacces), :chdir}
    end

    test "that fails is an error with the stage and the index, and it was never :running" do
      good = {:cap_set_ambient, 0}

      for index <- [0, 3] do
        seal = List.duplicate(good, index) ++ [{:cap_set_ambient, 1 <<< 63}]
        result = run(%{argv: actor(["say", "never"]), seal: seal})
        assert final(result) == {:error, errno(:einval), :cap_set_ambient, index}
        assert Enum.any?(result.frames, &match?({:status, :ready, _}, &1))
        refute ran?(result)
        assert result.output == ""
      end
    end

    test "with a filter that denies what follows in it still applies what follows" do
      denied = [:prctl, :chdir, :dup2, :dup3, :close, :fcntl]
      seal = [{:seccomp_install, Bpf.deny(denied, :kill)}, {:cap_set_ambient, 0}]
      result = run(%{argv: actor(["say", "fine"]), cwd: "/", seal: seal})
      assert result.output == "fine\n"
    end

    test "comes after the checkpoint's commands" do
      seal = [{:seccomp_install, Bpf.deny([:chdir], errno(:eperm))}]
      filter = Bpf.deny([:dup3], errno(:eperm))
      wire = parked(%{argv: actor(["try"]), seal: seal})
      send_term(wire, {:seccomp_install, filter})
      send_term(wire, :proceed)
      assert finish(wire).output == "chdir errno 1\ndup3 errno 1\n"
    end
  end

  for key <- [:setup, :seal] do
    test "a bad #{inspect(key)} is malformed" do
      for value <- [
            :foo,
            nil,
            1,
            {:cap_set_ambient, 0},
            "x",
            [:foo],
            [{:foo, 1}],
            [{:cap_set_ambient}],
            [{:cap_set_ambient, -1}],
            [{:cap_set_ambient, 0} | :x],
            [{:cap_set_ambient, 0}, {:cap_drop_bounding, "1"}],
            [{:seccomp_install, :x}],
            [{:cap_set_thread, 0, 0}],
            [:proceed],
            [:abort],
            [{:signal, 9}],
            [{:pty_in, "x"}],
            [[{:cap_set_ambient, 0}]]
          ],
          do: malformed(%{unquote(key) => value})
    end
  end

  describe "{:set_credentials, uid, gid, groups}" do
    @describetag :root

    test "changes all of a user's and a group's ids, and every supplementary group" do
      wire = parked(%{argv: actor(["pause"]), ack: true}, driver: ["--groups", 1234, 2345])
      send_term(wire, {:set_credentials, 65_534, 65_533, [7, 8]})
      assert_frame(wire, {:status, :applied, 1})
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      await_output(wire, "ready\n")
      status = Host.status(wire.host_pid)
      assert status["Uid"] == "65534\t65534\t65534\t65534"
      assert status["Gid"] == "65533\t65533\t65533\t65533"
      assert status["Groups"] == "7 8"
      assert Host.mask(wire.host_pid, "CapEff") == 0
      assert Host.mask(wire.host_pid, "CapPrm") == 0
      kill(wire)
    end

    test "with no groups keeps none of root's" do
      result =
        run(%{argv: ["/usr/bin/id", "-G"], setup: [{:set_credentials, 65_534, 65_534, []}]},
          driver: ["--groups", 0, 4]
        )

      assert result.output == "65534\n"
    end

    test "leaves a workload that dies with its agent" do
      {listener, argv} = Beacon.actor(["pause"])
      wire = running(%{argv: argv, setup: [{:set_credentials, 65_534, 65_534, []}]})
      beacon = Beacon.await_lit(listener)
      kill_agent(wire, beacon)
    end

    test "without the privilege is refused" do
      request = %{argv: actor(["exit", 0]), setup: [{:set_credentials, 0, 0, []}]}
      wire = requested(request, driver: ["--user", 65_534])
      assert final(finish(wire)) == {:error, errno(:eperm), :set_credentials, 0}
    end

    test "that is wrong is malformed" do
      for value <- [
            {:set_credentials, -1, 0, []},
            {:set_credentials, 0, 0xFFFFFFFF, []},
            {:set_credentials, 0, 0, nil},
            {:set_credentials, 0, 0, [-1]},
            {:set_credentials, 0, 0, ["0"]},
            {:set_credentials, 0, 0},
            {:set_credentials, "root", 0, []}
          ],
          do: malformed(%{setup: [value]})
    end
  end
end
