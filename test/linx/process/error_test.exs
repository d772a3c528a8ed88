# SPDX-License-Identifier: MIT

defmodule Linx.Process.ErrorTest do
  use ExUnit.Case, async: true

  alias Linx.Errno
  alias Linx.Agent.Wire
  alias Linx.Process.Error

  doctest Error

  @kinds ~w(not_found permission_denied not_executable bad_cwd bad_args resource_limit out_of_memory
            not_supported other)a

  test "an errno is named, by number or name" do
    assert Error.new(:execve, 13) == %Error{stage: :execve, errno: :eacces, code: 13}
    assert Error.new(:uid_map, :eperm) == %Error{stage: :uid_map, errno: :eperm, code: 1}
    assert Error.new(:execve, 9999) == %Error{stage: :execve, errno: :unknown, code: 9999}
    assert Error.new(:cap_set_thread, 1, 2).index == 2
  end

  test "every errno at every stage has a message and a kind" do
    for stage <- Wire.stages() ++ [:open_port, :malformed_frame, :uid_map, :setgroups, :gid_map],
        {name, code} <- Errno.all() do
      error = Error.new(stage, code)
      assert Error.kind(error) in @kinds
      message = Exception.message(error)
      assert message =~ Atom.to_string(stage)
      assert message =~ name |> Atom.to_string() |> String.upcase()
    end
  end

  test "each kind is the one a person would name" do
    for {stage, errno, kind} <- [
          {:execve, :enoent, :not_found},
          {:execve, :eacces, :permission_denied},
          {:execve, :enoexec, :not_executable},
          {:execve, :e2big, :bad_args},
          {:chdir, :enoent, :bad_cwd},
          {:chdir, :eacces, :bad_cwd},
          {:clone, :eagain, :resource_limit},
          {:clone, :enospc, :resource_limit},
          {:clone, :eperm, :permission_denied},
          {:clone, :enomem, :out_of_memory},
          {:clone, :enosys, :not_supported},
          {:pidfd_open, :esrch, :not_found},
          {:malformed_request, :einval, :bad_args},
          {:open_port, :emfile, :resource_limit},
          {:open_port, :system_limit, :resource_limit},
          {:connect_unix, :econnrefused, :other}
        ] do
      assert {stage, errno, Error.kind(Error.new(stage, errno))} == {stage, errno, kind}
    end

    assert Error.kind(Error.new(:agent_died, 2)) == :other
  end

  test "an agent that died is described by how" do
    assert Exception.message(Error.new(:agent_died, 137)) =~ "signal 9 (SIGKILL)"
    assert Exception.message(Error.new(:agent_died, 4)) =~ "exit code 4"
  end

  test "an element of a list is named by its position" do
    assert Exception.message(Error.new(:cap_set_thread, 1, 2)) =~
             "cap_set_thread (element 2) failed: EPERM"
  end

  test "it can be raised" do
    assert_raise Error, ~r/chdir failed/, fn -> raise Error.new(:chdir, 2) end
  end

  test "the message of what a host or its limits refuse says which" do
    for {stage, errno, word} <- [
          {:keyctl, :edquot, "/proc/sys/kernel/keys/maxkeys"},
          {:keyctl, :eperm, "keyring: :new"},
          {:keyctl, :enosys, "keyring: :new"},
          {:memfd, :eacces, "vm.memfd_noexec=2"},
          {:memfd, :enoent, "needs a /proc"},
          {:exec_outcome, :enoent, "needs a /proc"},
          {:loopback, :eperm, "net namespace"},
          {:unshare_cgroup, :eperm, ":user"},
          {:unshare_cgroup, :enospc, "max_*_namespaces"}
        ],
        do: assert(Exception.message(Error.new(stage, errno)) =~ word)
  end
end
