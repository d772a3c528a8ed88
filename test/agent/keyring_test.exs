# SPDX-License-Identifier: MIT

defmodule AgentTest.KeyringTest do
  use AgentTest.Case, async: true

  # keyrings(7): a process that has a session keyring possesses the keys in it, whatever its ids.

  @key "linx-test-key"
  @edquot 122

  # The agent's session keyring has one key, which the workload looks for.
  defp inherits?(request, opts \\ []) do
    {request, mode} =
      if is_map(request), do: {request, :spawn}, else: {elem(request, 1), elem(request, 0)}

    request = {mode, Map.put(request, :argv, actor(["find-key", @key]))}
    opts = Keyword.update(opts, :driver, ["--key", @key], &(&1 ++ ["--key", @key]))

    case run(request, opts).output do
      "key ok\n" -> true
      "key errno 126\n" -> false
    end
  end

  test "a workload that is not confined has the agent's session keyring" do
    for request <- [
          %{},
          %{proceed: true},
          %{setup: [{:set_umask, 0o77}], no_new_privs: true},
          %{namespaces: []}
        ],
        do: assert({request, inherits?(request)} == {request, true})
  end

  test "the key :keyring decides" do
    refute inherits?(%{keyring: :new})
    refute inherits?(%{keyring: :new, proceed: true})
    assert inherits?(%{keyring: :inherit})
    filter = {:seccomp_install, Bpf.deny([:getpid], errno(:enosys))}
    assert inherits?(%{keyring: :inherit, setup: [filter]})
  end

  test "another value of the key is malformed" do
    for value <- [:old, true, nil, "new", []] do
      wire = requested(%{argv: actor(["exit", 0]), keyring: value})
      assert finish(wire, exit: 2).frames == [{:error, errno(:einval), :malformed_request}]
    end
  end

  test "behind a filter it is a new one, whenever the filter was given" do
    filter = {:seccomp_install, Bpf.deny([:getpid], errno(:enosys))}
    refute inherits?(%{setup: [filter]})
    refute inherits?(%{final: [filter]})
    refute inherits?(%{final: [{:set_umask, 0o77}, filter], proceed: true})
    refute inherits?(%{}, checkpoint: [filter])
  end

  test "a session that enters a process has a new one" do
    target = Target.plain()
    refute inherits?({:enter, %{target: target.pid}})
    assert inherits?({:enter, %{target: target.pid, keyring: :inherit}})
  end

  describe "of root" do
    @describetag :root

    test "with other ids it is a new one, whenever they were set" do
      for ids <- [{:set_credentials, 1234, 1234, []}, {:set_user, "1234:1234", []}] do
        refute inherits?(%{setup: [ids]})
        refute inherits?(%{final: [ids]})
        refute inherits?(%{final: [{:set_umask, 0o77}, ids], proceed: true})
        refute inherits?(%{}, checkpoint: [ids])
        # The control: the key would be found with these ids.
        assert inherits?(%{keyring: :inherit, setup: [ids]})
      end
    end

    test "in a fresh namespace it is a new one" do
      for namespace <- [:mount, :uts, :ipc, :cgroup, :net, :time, :pid],
          do: assert({namespace, inherits?(%{namespaces: [namespace]})} == {namespace, false})
    end

    # The quota is the user's, so that each test has a user that no other has. The kernel holds only a process that
    # has a session keyring to it.
    defp sessions(count, uid, request) do
      for _ <- 1..count do
        requested(Map.merge(%{argv: actor(["pause"]), proceed: true}, request),
          driver: ["--key", @key, "--user", uid]
        )
      end
    end

    @tag :sanitizer_unfit
    test "300 sessions of an ordinary user run at the same time" do
      wires = sessions(300, 54_301, %{})
      for wire <- wires, do: await_output(wire, "ready\n")
      for wire <- wires, do: send_term(wire, {:signal, 9})
      for wire <- wires, do: assert(final(finish(wire)) == {:status, :signaled, 9})
    end

    @tag :sanitizer_unfit
    test "past the user's quota a session that needs a keyring is EDQUOT, and no workload runs" do
      max =
        "/proc/sys/kernel/keys/maxkeys" |> File.read!() |> String.trim() |> String.to_integer()

      wires = sessions(max + 1, 54_302, %{keyring: :new})

      ends =
        for wire <- wires do
          case Enum.find_value(1..3, fn _ -> decided(next_frame(wire)) end) do
            :running ->
              :ran

            error ->
              refute ran?(finish(wire))
              error
          end
        end

      assert Enum.uniq(ends) -- [:ran] == [{:error, @edquot, :keyctl}]
      assert :ran in ends
    end

    defp decided({:status, :running}), do: :running
    defp decided({:error, _errno, _stage} = error), do: error
    defp decided(_frame), do: nil
  end
end
