# SPDX-License-Identifier: MIT

defmodule AgentTest.FaultTest do
  use AgentTest.Case, async: true

  # Machines with too few descriptors, too little memory, or a kernel or a container's filter that refuses a
  # system call. The session then ends as documented, and no workload runs that is less confined than requested.

  @emfile 24
  @enomem 12

  describe "too few descriptors" do
    # An agent with AddressSanitizer needs descriptors to load its libraries.
    @describetag :sanitizer_unfit

    # Every limit from the smallest that allows the channel to one that is enough.
    defp starved(request) do
      Enum.find(5..40, fn limit ->
        wire = start(driver: ["--nofile", limit], stdout: false)
        send_term(wire, request)
        run_or_fail(wire, limit)
      end)
    end

    defp run_or_fail(wire, limit) do
      case next_frame(wire) do
        {:error, code, stage} ->
          assert {limit, code} == {limit, @emfile}
          assert is_atom(stage)
          assert {:exited, code, _} = finish(wire, exit: exit_code(wire)).agent
          assert code in [3, 4]
          false

        {:status, :spawned, _} ->
          result = finish(wire, drained: true)
          assert final(result) in [{:status, :exited, 0}, {:error, @emfile, :stdio}]
          final(result) == {:status, :exited, 0}
      end
    end

    # Either of the two exit codes for a failure of the agent itself.
    defp exit_code(wire) do
      {:exited, code, _} = ended = await_agent_exit(wire)
      send(self(), {wire.ref, {:agent, ended}})
      code
    end

    test "are an error of the step that lacked one, until there are enough" do
      for stdio <- [:inherit, :devnull, :pty, [stdin: :pipe, stdout: :pipe, stderr: :pipe]] do
        request = {:spawn, %{argv: actor(["exit", 0]), proceed: true, stdio: stdio}}
        assert starved(request) in 6..40
      end
    end

    test "are an error of an entry as well" do
      target = Target.plain()
      request = {:enter, %{target: target.pid, argv: actor(["exit", 0]), proceed: true}}
      assert starved(request) in 6..40
    end
  end

  describe "too little memory" do
    @tag :sanitizer_unfit
    test "for the request is ENOMEM, preceded by its frame" do
      wire = start(driver: ["--memory", 8 * 1024 * 1024], stdout: false)
      send_raw(wire, <<12 * 1024 * 1024::32>>)
      send_raw(wire, :binary.copy(<<131>>, 1_000_000))
      # The exit code of an internal failure.
      assert [{:error, @enomem, stage}] = finish(wire, exit: 4).frames
      assert is_atom(stage)
    end
  end

  # Without /proc the agent cannot prove that exec has happened, so it reports no :running.
  # (LeakSanitizer needs a /proc as well.)
  @tag :root
  @tag :sanitizer_unfit
  test "an agent without /proc fails closed" do
    script = "umount -l /proc && exec #{agent()}"
    wire = start(program: ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script])
    send_term(wire, {:spawn, %{argv: actor(["pause"]), proceed: true}})
    result = await_gone(wire)
    assert result.frames == [{:error, errno(:enoent), :exec_outcome}]
    assert {:exited, 3, _} = result.agent
    assert result.orphans == []
  end

  @tag :root
  @tag :sanitizer_unfit
  test "an agent without /proc that needs a copy of its program fails closed" do
    for request <- [{:spawn, %{namespaces: [:mount]}}, {:enter, %{target: 1}}] do
      script = "umount -l /proc && exec #{agent()}"
      wire = start(program: ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script])
      send_term(wire, put_elem(request, 1, Map.put(elem(request, 1), :argv, actor(["pause"]))))
      result = await_gone(wire)
      assert result.frames == [{:error, errno(:enoent), :memfd}]
      assert {:exited, 3, _} = result.agent
    end
  end

  # vm.memfd_noexec is a pid namespace's (Linux 6.3).
  @tag :root
  @tag :sanitizer_unfit
  test "a host that forbids to execute memory is EACCES, and a session that needs none goes on" do
    script = "echo 2 >/proc/sys/vm/memfd_noexec && exec #{agent()}"
    fresh = ["/usr/bin/unshare", "--pid", "--mount-proc", "--fork", "--kill-child"]

    if File.exists?("/proc/sys/vm/memfd_noexec") do
      wire = start(program: fresh ++ ["/bin/sh", "-c", script])
      send_term(wire, {:spawn, %{argv: actor(["pause"]), namespaces: [:mount]}})
      assert await_gone(wire).frames == [{:error, errno(:eacces), :memfd}]
      wire = start(program: fresh ++ ["/bin/sh", "-c", script])
      send_term(wire, {:spawn, %{argv: actor(["exit", 7]), namespaces: [:uts], proceed: true}})
      assert final(await_gone(wire)) == {:status, :exited, 7}
    end
  end

  # With hidepid an ordinary user sees only its own processes there that are dumpable, and the child is not
  # before exec.
  @tag :root
  test "a /proc with hidepid proves the exec of an ordinary user's program" do
    user = ["/usr/bin/setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    mount = ~s(mount -t proc -o hidepid=2 proc /proc && exec "$@")
    fresh = ["/usr/bin/unshare", "--mount", "--pid", "--fork", "--kill-child"]
    copy = scratch("agent")
    File.cp!(agent(), copy)
    File.chmod!(copy, 0o755)
    on_exit(fn -> File.rm(copy) end)
    wire = start(program: fresh ++ ["/bin/sh", "-c", mount, "sh"] ++ user ++ [copy])
    send_term(wire, {:spawn, %{argv: ["/bin/sh", "-c", "exit 7"], proceed: true}})
    result = await_gone(wire)
    assert ran?(result)
    assert final(result) == {:status, :exited, 7}
  end

  describe "a system call that is refused" do
    @describetag :root
    @describetag :tmp_dir

    defp without(filter, dir) do
      path = Path.join(dir, "filter-#{System.unique_integer([:positive])}")
      File.write!(path, filter)
      [driver: ["--filter", path]]
    end

    defp error_of(request, opts) do
      wire = requested(request, opts)
      result = await_gone(wire)
      assert result.orphans == [] and result.rest == "" and result.output == ""
      assert [frame] = Enum.filter(result.frames, &final?/1)
      refute ran?(result)
      frame
    end

    test "close_range: the workload still has exactly fds 0, 1 and 2", %{tmp_dir: dir} do
      [driver: driver] = without(Bpf.deny([:close_range], errno(:enosys)), dir)
      wire = running(%{argv: actor(["pause"])}, driver: ["--open-fds", 50 | driver])
      await_output(wire, "ready\n")
      assert wire.host_pid |> Host.fds() |> Map.keys() == [0, 1, 2]
      kill(wire)
    end

    test "setns of several at once: an entry joins them one by one", %{tmp_dir: dir} do
      target = Target.unshare(Target.everything())
      # CLONE_NEW* of NEWNS, UTS, IPC, CGROUP, NET, TIME and PID (clone(2)).
      flags = 0x00020000 + 0x04000000 + 0x08000000 + 0x02000000 + 0x40000000 + 0x80 + 0x20000000
      opts = without(Bpf.deny_argument(:setns, 1, flags, errno(:einval)), dir)
      wire = running({:enter, %{target: target.pid, argv: actor(["pause"])}}, opts)
      assert Host.namespaces(wire.host_pid) == Host.namespaces(target.pid)
      kill(wire)
    end

    test "setns that does nothing and says it did: an entry fails closed", %{tmp_dir: dir} do
      target = Target.unshare(Target.everything())
      opts = without(Bpf.deny([:setns], 0), dir)

      for extra <- [
            %{},
            %{namespaces: [:net]},
            %{namespaces: [:pid]},
            %{namespaces: [:mount, :uts]}
          ] do
        request = Map.merge(%{target: target.pid, argv: actor(["say", "outside"])}, extra)
        assert {:error, code, stage} = error_of({:enter, request}, opts)
        assert code > 0
        assert to_string(stage) =~ ~r/^setns/
      end
    end

    test "setns: an entry is an error", %{tmp_dir: dir} do
      target = Target.unshare(["--net"])
      opts = without(Bpf.deny([:setns], errno(:eperm)), dir)
      request = %{target: target.pid, argv: actor(["say", "outside"])}
      assert {:error, code, stage} = error_of({:enter, request}, opts)
      assert code == errno(:eperm)
      assert to_string(stage) =~ ~r/^setns/
    end

    test "pidfd_open: an entry is an error", %{tmp_dir: dir} do
      target = Target.plain()
      opts = without(Bpf.deny([:pidfd_open], errno(:enosys)), dir)
      request = %{target: target.pid, argv: actor(["say", "outside"])}
      assert error_of({:enter, request}, opts) == {:error, errno(:enosys), :pidfd_open}
    end

    test "memfd_create: an entry does not go on with the host's binary", %{tmp_dir: dir} do
      target = Target.plain()
      opts = without(Bpf.deny([:memfd_create], errno(:enosys)), dir)
      request = %{target: target.pid, argv: actor(["say", "inside"])}
      assert {:error, code, _stage} = error_of({:enter, request}, opts)
      assert code == errno(:enosys)
    end

    # A child with a filter has memory of its own, and so is one that clone3 would make. Filters of container
    # hosts that are older than clone3 say EPERM to it.
    for name <- [:enosys, :eperm] do
      test "clone3, with #{name}: creation goes on without it, but for a time namespace",
           %{tmp_dir: dir} do
        opts = without(Bpf.deny([:clone3], errno(unquote(name))), dir)
        request = %{argv: actor(["say", "outside"]), namespaces: [:time]}
        assert error_of({:spawn, request}, opts) == {:error, errno(unquote(name)), :clone}
        filter = {:seccomp_install, Bpf.deny([:getpid], errno(:enosys))}

        for setup <- [[], [filter]] do
          request = %{argv: actor(["pause"]), namespaces: [:mount, :pid, :net], setup: setup}
          wire = running(request, opts)
          await_output(wire, "ready\n")
          ours = Host.namespaces()
          fresh = for {name, link} <- Host.namespaces(wire.host_pid), link != ours[name], do: name
          assert fresh == ~w(mnt net pid)
          kill(wire)
        end
      end
    end

    test "clone3: an entry goes on without it", %{tmp_dir: dir} do
      target = Target.unshare(["--pid", "--fork", "--kill-child"])

      for name <- [:enosys, :eperm] do
        opts = without(Bpf.deny([:clone3], errno(name)), dir)
        wire = running({:enter, %{target: target.pid, argv: actor(["pause"])}}, opts)
        assert Host.namespaces(wire.host_pid)["pid"] == Host.namespaces(target.pid)["pid"]
        kill(wire)
      end
    end

    test "clone3: the lack of a privilege is still EPERM", %{tmp_dir: dir} do
      filter = {:seccomp_install, Bpf.deny([:getpid], errno(:enosys))}

      for name <- [:enosys, :eperm], setup <- [[], [filter]] do
        [driver: driver] = without(Bpf.deny([:clone3], errno(name)), dir)
        opts = [driver: driver ++ ["--user", 65_534]]
        request = %{argv: actor(["say", "outside"]), namespaces: [:net], setup: setup}
        assert error_of({:spawn, request}, opts) == {:error, errno(:eperm), :clone}
      end
    end

    test "seccomp: filters are installed all the same", %{tmp_dir: dir} do
      opts = without(Bpf.deny([:seccomp], errno(:enosys)), dir)
      filter = {:seccomp_install, Bpf.deny([:getpid], errno(:enosys))}
      assert run(%{argv: actor(["getpid"])}, [checkpoint: [filter]] ++ opts).output =~ "errno 38"
      bad = {:seccomp_install, Bpf.invalid()}
      result = run(%{argv: actor(["getpid"])}, [checkpoint: [bad]] ++ opts)
      assert final(result) == {:error, errno(:einval), :seccomp_install}
    end

    test "keyctl, as containers do: the session goes on, but not one that asks for a keyring",
         %{tmp_dir: dir} do
      for name <- [:enosys, :eperm] do
        opts = without(Bpf.deny([:keyctl], errno(name)), dir)

        for more <- [%{}, %{namespaces: [:uts]}, %{namespaces: [:uts], keyring: :inherit}] do
          request = Map.merge(%{argv: actor(["exit", 7])}, more)
          assert final(run(request, opts)) == {:status, :exited, 7}
        end

        request = %{argv: actor(["exit", 7]), keyring: :new}

        assert error_of({:spawn, Map.put(request, :proceed, true)}, opts) ==
                 {:error, errno(name), :keyctl}
      end
    end

    test "the terminal's own way to open its other end: it is opened by name", %{tmp_dir: dir} do
      tiocgptpeer = 0x5441
      opts = without(Bpf.deny_argument(:ioctl, 1, tiocgptpeer, errno(:einval)), dir)
      result = run(%{argv: actor(["tty"]), stdio: :pty}, opts)
      assert result.pty =~ "isatty 1 1 1\r\ncontrolling ok\r\n"
    end

    test "memfd_create with flags of a newer kernel: an entry does without", %{tmp_dir: dir} do
      target = Target.plain()
      # MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC (memfd_create(2)).
      opts = without(Bpf.deny_argument(:memfd_create, 1, 0x13, errno(:einval)), dir)
      wire = parked({:enter, %{target: target.pid, argv: actor(["exit", 7])}}, opts)
      assert "/memfd:" <> _ = Host.exe(wire.host_pid)
      send_term(wire, :proceed)
      assert final(finish(wire)) == {:status, :exited, 7}
    end

    test "close_range, with no directory to look them up: no descriptor is left", %{tmp_dir: dir} do
      [driver: driver] = without(Bpf.deny([:close_range, :getdents64], errno(:enosys)), dir)
      wire = parked(%{argv: actor(["pause"])}, driver: ["--open-fds", 50 | driver])
      # Descriptors 3 and 4 are those of the parked child, which are closed at exec.
      assert wire.host_pid |> Host.fds() |> Map.keys() == [0, 1, 2, 3, 4]
      send_term(wire, :abort)
      assert {:status, :aborted, _} = final(finish(wire))
    end

    # The filter kills the child at any drop: so when one capability is refused, none was dropped before.
    test "a bounding set with an unknown bit is refused before the first drop", %{tmp_dir: dir} do
      pr_capbset_drop = 24
      opts = without(Bpf.deny_argument(:prctl, 0, pr_capbset_drop, :kill), dir)

      for {mask, ended} <- [
            {1, {:status, :signaled, 31}},
            {Bitwise.bsl(1, 63) + 1, {:error, errno(:einval), :cap_drop_bounding}},
            {Bitwise.bsl(1, 62) + 2, {:error, errno(:einval), :cap_drop_bounding}}
          ] do
        wire = parked(%{argv: actor(["exit", 0])}, opts)
        send_term(wire, {:cap_drop_bounding, mask})
        assert final(finish(wire)) == ended
      end
    end
  end
end
