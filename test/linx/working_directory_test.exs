# SPDX-License-Identifier: MIT

defmodule Linx.WorkingDirectoryTest do
  use Linx.SessionCase, async: true

  # The promise is the agent's (test/agent/reachable_directory_test.exs); here it is each call's and option's.

  @moduletag :root

  setup do
    other = AgentTest.Target.unshare(["--mount"])
    {:ok, outside: "/proc/#{other.pid}/root/usr"}
  end

  test "no call runs a program outside its root", %{outside: outside} do
    result = Linx.run(["/bin/pwd"], cd: outside)
    assert {:error, %Error{stage: :chdir, errno: :enoent}} = result
    assert_raise Error, ~r/chdir/, fn -> Linx.cmd("/bin/pwd", [], cd: outside) end
    assert_raise Error, ~r/chdir/, fn -> Enum.to_list(Linx.stream!(["/bin/pwd"], cd: outside)) end
  end

  test "no session does", %{outside: outside} do
    for opts <- [[], [namespaces: [:mount]], [auto_proceed: true]] do
      session = session([argv: ["/bin/pwd"], cwd: outside] ++ opts)
      unless opts[:auto_proceed], do: proceed(session)
      assert {:error, %Error{stage: :chdir, errno: :enoent}} = Linx.Process.wait(session)
    end
  end

  defp proceed(session) do
    assert_receive {:linx_process, ^session, {:ready, _pid}}, 30_000
    :ok = Linx.Process.proceed(session)
  end
end
