# SPDX-License-Identifier: MIT

defmodule AgentTest.EnterRefusalTest do
  use AgentTest.Case, async: true

  # One error frame, and no child: nothing runs in the wrong namespaces.
  defp refused(request, opts \\ []) do
    request = Map.merge(%{argv: actor(["say", "inside"])}, request)
    wire = requested({:enter, request}, opts)
    result = finish(wire, exit: 3)
    assert result.output == ""
    assert [{:error, code, stage}] = result.frames
    {code, stage}
  end

  defp gone_pid do
    wire = start(program: actor(["exit", 0]))
    await_gone(wire)
    wire.agent
  end

  test "a target that is gone is ESRCH" do
    assert refused(%{target: gone_pid()}) == {errno(:esrch), :pidfd_open}
  end

  test "a target that is gone is an error whatever was asked for" do
    for namespaces <- [[], [:net], [:mount, :pid]] do
      assert refused(%{target: gone_pid(), namespaces: namespaces}) ==
               {errno(:esrch), :pidfd_open}
    end
  end

  test "a target that no pid can be is an error" do
    for target <- [0x7FFFFFFF, 0x7FFFFFFE, 4_194_305] do
      assert {_, :pidfd_open} = refused(%{target: target})
    end
  end

  test "a zombie is an error: it has no namespaces left" do
    holder = Target.plain(["zombie"], until: "\n")
    "zombie " <> pid = String.trim(holder.output)
    pid = String.to_integer(pid)
    assert Host.stat(pid).state == "Z"

    for namespaces <- [%{}, %{namespaces: [:net]}, %{namespaces: [:mount, :pid, :user]}] do
      {code, stage} = refused(Map.put(namespaces, :target, pid))
      assert code in [errno(:esrch), errno(:enoent)]
      assert stage == :setns or stage == :pidfd_open or to_string(stage) =~ "_ns_"
    end
  end

  test "the id of a thread that is no process is an error" do
    holder = Target.plain(["thread"], until: "\n")
    "tid " <> tid = String.trim(holder.output)
    {code, stage} = refused(%{target: String.to_integer(tid)})
    assert stage == :pidfd_open
    assert code in [errno(:einval), errno(:enoent)]
  end

  @tag :root
  test "namespaces that the user may not join are an error, never left out" do
    target = Target.unshare(Target.everything())
    user = ["--user", 65_534]

    for request <- [%{}, %{namespaces: [:net]}, %{namespaces: [:mount, :pid]}] do
      {code, stage} = refused(Map.put(request, :target, target.pid), driver: user)
      assert code in [errno(:eperm), errno(:eacces)]
      assert stage in [:setns, :pidfd_open] or to_string(stage) =~ ~r/^(open_ns|setns)_/
    end
  end

  @tag :root
  test "a target that ends while its entry is parked does not harm the entry" do
    target = Target.unshare(["--net", "--mount", "--uts"])
    wire = parked({:enter, %{target: target.pid, argv: actor(["say", "on"])}})
    inside = Host.namespaces(wire.host_pid)
    Host.signal(target.pid, 9)
    await_gone(target.wire)
    assert Host.namespaces(wire.host_pid) == inside
    send_term(wire, :proceed)
    assert finish(wire).output == "on\n"
  end

  # pid_namespaces(7): nothing can be created in a namespace whose first process is dead.
  @tag :root
  test "a target whose pid namespace ended is an error or ends the entry, never a run elsewhere" do
    target = Target.unshare(Target.everything())

    wire = parked({:enter, %{target: target.pid, argv: actor(["say", "inside"])}})

    Host.signal(target.pid, 9)
    await_gone(target.wire)
    result = finish(wire)
    assert final(result) == {:status, :signaled, 9}
    refute ran?(result)
    {code, stage} = refused(%{target: target.pid})
    assert {code, stage} == {errno(:esrch), :pidfd_open}
  end
end
