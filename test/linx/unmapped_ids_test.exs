# SPDX-License-Identifier: MIT

defmodule Linx.UnmappedIdsTest do
  # In a user namespace without maps the workload would be the BEAM's user on the host.
  use Linx.SessionCase, async: true

  describe "as root" do
    @describetag :root

    test "a call with a fresh user namespace and no ids reads nothing of root's" do
      assert {:error, %Error{stage: :setresuid}} =
               Linx.run(["cat", "/etc/shadow"], namespaces: [:user])

      assert_raise Error, fn -> Linx.cmd("cat", ["/etc/shadow"], namespaces: [:user, :mount]) end

      assert_raise Error, fn ->
        ["cat", "/etc/shadow"] |> Linx.stream!(namespaces: [:user]) |> Enum.to_list()
      end
    end

    test "a session with a fresh user namespace that is let go without maps is an error" do
      {session, _host_pid} = parked(argv: actor(["exit", 0]), namespaces: [:user])
      :ok = Linx.Process.proceed(session)
      assert {:error, %Error{stage: :setresuid, errno: :einval}} = Linx.Process.wait(session)
      assert [{:error, 22, :setresuid}] = events_so_far(session)
    end

    test "a session that does not stop is an error before anything is started" do
      session = session(argv: actor(["exit", 0]), namespaces: [:user], auto_proceed: true)
      assert {:error, %Error{stage: :setresuid, errno: errno}} = Linx.Process.wait(session)
      assert errno in [:eperm, :einval]
      assert [{:error, _, :setresuid}] = events_so_far(session)
    end

    test "a call whose checkpoint writes the maps runs as root of its namespace" do
      become_root = fn _session, host_pid -> become_root(host_pid) end
      opts = [namespaces: [:user], checkpoint: become_root]
      assert {:ok, %{stdout: "0\n", status: 0}} = Linx.run(["id", "-u"], opts)
    end
  end

  @tag :rootless
  @tag :userns
  test "an ordinary user's call with a fresh user namespace runs, with its own ids alone" do
    assert {:ok, %{status: 0}} = Linx.run("true", namespaces: [:user])
  end
end
