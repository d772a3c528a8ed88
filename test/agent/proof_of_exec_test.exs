# SPDX-License-Identifier: MIT

defmodule AgentTest.ProofOfExecTest do
  use AgentTest.Case, async: true

  # The agent reads in /proc whether a program was executed. An agent whose /proc is missing, or another pid
  # namespace's, finds that out before it executes a program.

  @moduletag :root

  # The agent as a process of a pid namespace that has no /proc of its own. Its parent there ends with it.
  defp elsewhere(prepare, opts \\ []) do
    script = """
    #{prepare}
    "$0" & agent=$!
    exec 3<&- 4>&-
    wait $agent
    """

    flags = ["--pid", "--mount", "--fork", "--kill-child"]
    start([program: ["/usr/bin/unshare" | flags] ++ ["/bin/sh", "-c", script, agent()]] ++ opts)
  end

  defp assert_refused(wire, request) do
    send_term(wire, request)
    result = await_gone(wire)
    assert result.output == ""
    assert [{:error, code, stage}] = result.frames
    assert code > 0
    # The orphans are the shell's and unshare's; none is a workload that was killed.
    refute Enum.any?(result.orphans, &match?({_, 9}, &1))
    stage
  end

  for {what, prepare} <- [
        {"another pid namespace's", "true"},
        {"a directory without a process", "mount -t tmpfs none /proc"},
        {"not there", "umount -l /proc"}
      ] do
    # LeakSanitizer needs a /proc as well.
    @describetag :sanitizer_unfit

    test "a /proc that is #{what} is an error before anything is started" do
      for extra <- [%{proceed: true}, %{}, %{descendants: :kill, proceed: true}] do
        request = Map.merge(%{argv: actor(["say", "ran"])}, extra)
        wire = elsewhere(unquote(prepare))
        assert assert_refused(wire, {:spawn, request}) == :exec_outcome
      end
    end

    test "a /proc that is #{what} is an error before an entry" do
      # The target is the shell, the first process of the namespace; other steps of an entry need /proc as well.
      request = %{target: 1, argv: actor(["say", "ran"]), proceed: true, namespaces: [:net]}
      assert_refused(elsewhere(unquote(prepare)), {:enter, request})
    end
  end

  test "a /proc of its own is all that it takes in a pid namespace" do
    wire = elsewhere("mount -t proc none /proc")
    send_term(wire, {:spawn, %{argv: actor(["say", "ran"]), proceed: true}})
    result = await_gone(wire)
    assert final(result) == {:status, :exited, 0}
    assert result.output == "ran\n"
  end
end
