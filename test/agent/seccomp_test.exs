# SPDX-License-Identifier: MIT

defmodule AgentTest.SeccompTest do
  use AgentTest.Case, async: true

  @sigsys 31

  defp with_filters(filters, request \\ %{argv: actor(["exit", 0])}) do
    run(request, checkpoint: Enum.map(filters, &{:seccomp_install, &1}))
  end

  test "a filter is in force in the workload" do
    filter = Bpf.deny([:getpid], errno(:enosys))
    result = with_filters([filter], %{argv: actor(["getpid"])})
    assert result.output == "getpid errno #{errno(:enosys)}\n"
    assert ran?(result)
  end

  test "several filters are all in force" do
    filters = [Bpf.deny([:getpid], errno(:enosys)), Bpf.deny([:chdir, :dup3], errno(:eperm))]
    assert with_filters(filters, %{argv: actor(["getpid"])}).output == "getpid errno 38\n"

    assert with_filters(filters, %{argv: actor(["try"])}).output ==
             "chdir errno 1\ndup3 errno 1\n"
  end

  test "a filter sets no_new_privs first when it is off" do
    wire = running(%{argv: actor(["pause"])}, checkpoint: [{:seccomp_install, Bpf.allow()}])
    await_output(wire, "ready\n")
    status = Host.status(wire.host_pid)
    assert {status["NoNewPrivs"], status["Seccomp"]} == {"1", "2"}
    kill(wire)
  end

  test "a filter is installed last, not at the checkpoint" do
    wire = parked(%{argv: actor(["exit", 0]), ack: true})
    send_term(wire, {:seccomp_install, Bpf.deny_all(:kill)})
    assert_frame(wire, {:status, :applied, 1})
    assert Host.status(wire.host_pid)["Seccomp"] == "0"
    send_term(wire, :abort)
    assert {:status, :aborted, _} = final(finish(wire))
  end

  test "4096 instructions are the most a filter may have" do
    result = with_filters([Bpf.allow(4096)], %{argv: actor(["exit", 3])})
    assert final(result) == {:status, :exited, 3}
  end

  for {what, filter} <- [
        {"4097 instructions", Bpf.allow(4097)},
        {"a program the kernel refuses", Bpf.invalid()},
        {"a program without a return", binary_part(Bpf.allow(2), 0, 8)},
        {"an unknown opcode", <<0xFFFF::16-native, 0::48>>}
      ] do
    test "#{what} is refused at once, with the command's name as the stage" do
      wire = parked(%{argv: actor(["exit", 0])})
      send_term(wire, {:seccomp_install, unquote(filter)})
      assert final(finish(wire)) == {:error, errno(:einval), :seccomp_install}
    end
  end

  test "a filter that is no array of instructions is refused at once" do
    for filter <- ["", "x", binary_part(Bpf.allow(2), 0, 15), Bpf.allow() <> <<0>>] do
      wire = parked(%{argv: actor(["exit", 0])})
      send_term(wire, {:seccomp_install, filter})
      assert {:error, code, stage} = final(finish(wire))
      assert code == errno(:einval) and stage in [:seccomp_install, :malformed_command]
    end
  end

  test "a refused filter ends the session whatever came before and after it" do
    wire = parked(%{argv: actor(["exit", 0]), ack: true})
    send_term(wire, {:seccomp_install, Bpf.allow()})
    assert_frame(wire, {:status, :applied, 1})
    send_raw(wire, frame({:seccomp_install, Bpf.invalid()}) <> frame(:proceed))
    result = finish(wire)
    assert final(result) == {:error, errno(:einval), :seccomp_install}
    refute ran?(result)
  end

  describe "a filter that denies" do
    test "execve is reported with its errno and stage" do
      for code <- [errno(:eperm), errno(:enosys), errno(:eacces)] do
        result = with_filters([Bpf.deny([:execve, :execveat], code)])
        assert final(result) == {:error, code, :execve}
        refute ran?(result)
      end
    end

    test "write as well as execve does not silence the report" do
      result = with_filters([Bpf.deny([:write, :execve, :execveat], errno(:eperm))])
      assert final(result) == {:error, errno(:eperm), :execve}
      refute ran?(result)
    end

    test "write leaves a missing executable's errno alone" do
      denied = [:write, :exit_group, :kill, :close, :dup2, :dup3, :fcntl]
      result = with_filters([Bpf.deny(denied, errno(:eperm))], %{argv: ["/no/such"]})
      assert final(result) == {:error, errno(:enoent), :execve}
      refute ran?(result)
    end

    # The child cannot even exit with a code that says why; the agent sees only that the workload never ran. (A
    # sanitizer calls exit again and again.)
    @tag :sanitizer_unfit
    test "everything, every way to exit included, ends with a final frame and no process" do
      for request <- [%{argv: actor(["exit", 0])}, %{argv: ["/no/such"]}] do
        result = with_filters([Bpf.deny_all(errno(:eperm))], request)

        assert elem(final(result), 0) == :error or
                 match?({:status, :signaled, _}, final(result))

        refute ran?(result)
      end
    end

    test "chdir and dup does not break the steps before exec" do
      denied = [:chdir, :dup, :dup2, :dup3, :fcntl, :close, :prctl, :seccomp, :close_range]
      request = %{argv: actor(["say", "fine"]), cwd: "/", stdio: [stdin: :devnull]}
      result = with_filters([Bpf.deny(denied, :kill)], request)
      assert result.output == "fine\n"
      assert final(result) == {:status, :exited, 0}
      request = %{argv: actor(["say", "fine"]), cwd: "/", stdio: :pty}
      assert with_filters([Bpf.deny(denied, errno(:eperm))], request).pty == "fine\r\n"
    end

    test "seccomp makes the next filter a reported failure, never a filter less" do
      filters = [Bpf.deny([:seccomp, :prctl], errno(:eperm)), Bpf.deny([:getpid], errno(:enosys))]
      result = with_filters(filters, %{argv: actor(["getpid"])})
      assert final(result) == {:error, errno(:eperm), :seccomp_install}
      refute ran?(result)
    end
  end

  describe "a filter that kills" do
    test "on execve ends as :signaled, and it was never :running" do
      for action <- [:kill, :trap] do
        result = with_filters([Bpf.deny([:execve, :execveat], action)])
        assert final(result) == {:status, :signaled, @sigsys}
        refute ran?(result)
      end
    end

    test "on everything ends as :signaled, and it was never :running" do
      for request <- [
            %{argv: actor(["exit", 0])},
            %{argv: ["/no/such"]},
            %{argv: actor(["exit", 0]), stdio: :pty}
          ] do
        result = with_filters([Bpf.deny_all(:kill)], request)
        assert final(result) == {:status, :signaled, @sigsys}
        refute ran?(result)
      end
    end

    test "in the workload is the workload's end" do
      result = with_filters([Bpf.deny([:getpid], :kill)], %{argv: actor(["getpid"])})
      assert final(result) == {:status, :signaled, @sigsys}
      assert ran?(result)
    end
  end
end
