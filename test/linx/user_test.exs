# SPDX-License-Identifier: MIT

defmodule Linx.UserTest do
  use Linx.SessionCase, async: true

  doctest Linx.User

  defp own(flag) do
    {id, 0} = System.cmd("id", [flag])
    id |> String.trim() |> String.to_integer()
  end

  defp map(host_pid, file) do
    for line <- "/proc/#{host_pid}/#{file}" |> File.read!() |> String.split("\n", trim: true),
        do: line |> String.split() |> Enum.map(&String.to_integer/1) |> List.to_tuple()
  end

  describe "read_uid_map and read_gid_map" do
    @tag :userns
    test "read what was written, and nothing before" do
      {session, host_pid} = parked(namespaces: [:user])
      assert Linx.User.read_uid_map(host_pid) == {:ok, []}
      assert Linx.User.read_gid_map(host_pid) == {:ok, []}
      row = {0, own("-u"), 1}
      :ok = Linx.User.setup_maps(host_pid, uid: [row])
      assert Linx.User.read_uid_map(host_pid) == {:ok, [row]}
      assert Linx.User.read_gid_map(host_pid) == {:ok, []}
      :ok = Linx.Process.abort(session)
    end

    test "name what is no process" do
      for read <- [&Linx.User.read_uid_map/1, &Linx.User.read_gid_map/1] do
        for pid <- [0, -1, "1", nil, self()], do: assert(read.(pid) == {:error, {:bad_pid, pid}})
        assert read.(0x7FFF_FFFF) == {:error, :no_process}
      end
    end
  end

  describe "setup_maps" do
    @tag :userns
    test "makes the caller root inside, and leaves its ids outside" do
      facts =
        probe([:ids], [namespaces: [:user]], fn _session, host_pid ->
          assert :ok =
                   Linx.User.setup_maps(host_pid,
                     uid: [{0, own("-u"), 1}],
                     gid: [{0, own("-g"), 1}]
                   )

          assert map(host_pid, "uid_map") == [{0, own("-u"), 1}]
          assert map(host_pid, "gid_map") == [{0, own("-g"), 1}]
        end)

      assert facts["uid"] == "0 0 0"
      assert facts["gid"] == "0 0 0"
    end

    @tag :userns
    test "writes only the maps it is given" do
      {session, host_pid} = parked(namespaces: [:user])
      assert :ok = Linx.User.setup_maps(host_pid, [])
      assert map(host_pid, "uid_map") == []
      assert :ok = Linx.User.setup_maps(host_pid, uid: [{0, own("-u"), 1}])
      assert map(host_pid, "gid_map") == []
      :ok = Linx.Process.abort(session)
    end

    @tag :rootless
    @tag :userns
    test "denies setgroups for a writer who may not keep it" do
      {session, host_pid} = parked(namespaces: [:user])
      :ok = become_root(host_pid)
      assert File.read!("/proc/#{host_pid}/setgroups") == "deny\n"
      :ok = Linx.Process.abort(session)
    end

    @tag :rootless
    @tag :userns
    test "without privilege another user's id is the kernel's refusal" do
      {session, host_pid} = parked(namespaces: [:user])

      assert {:error, %Error{stage: :uid_map, errno: :eperm}} =
               Linx.User.setup_maps(host_pid, uid: [{0, 0, 1}])

      assert {:error, %Error{stage: :gid_map, errno: :eperm}} =
               Linx.User.setup_maps(host_pid, gid: [{0, own("-g"), 1}], setgroups: :allow)

      :ok = Linx.Process.abort(session)
    end

    @tag :root
    test "leaves setgroups as it is for a privileged writer, unless told otherwise" do
      for {opts, expected} <- [
            {[], "allow\n"},
            {[setgroups: :allow], "allow\n"},
            {[setgroups: :deny], "deny\n"}
          ] do
        {session, host_pid} = parked(namespaces: [:user])
        assert :ok = Linx.User.setup_maps(host_pid, [uid: [{0, 0, 1}], gid: [{0, 0, 1}]] ++ opts)
        assert File.read!("/proc/#{host_pid}/setgroups") == expected
        :ok = Linx.Process.abort(session)
      end
    end

    @tag :root
    test "takes 340 rows, and the last ids there are" do
      # The numbers are short, because the kernel takes less than a page.
      rows = for n <- 0..339, do: {n, n, 1}
      {session, host_pid} = parked(namespaces: [:user])

      assert :ok =
               Linx.User.setup_maps(host_pid, uid: rows, gid: [{0, 0, 1}, {1, 0xFFFF_FFFE, 1}])

      assert map(host_pid, "uid_map") == rows
      assert map(host_pid, "gid_map") == [{0, 0, 1}, {1, 0xFFFF_FFFE, 1}]
      :ok = Linx.Process.abort(session)
    end

    @tag :root
    test "a map that is written twice is the kernel's refusal" do
      {session, host_pid} = parked(namespaces: [:user])
      :ok = Linx.User.setup_maps(host_pid, uid: [{0, 0, 1}])

      assert {:error, %Error{stage: :uid_map, errno: :eperm} = error} =
               Linx.User.setup_maps(host_pid, uid: [{0, 0, 1}])

      assert Exception.message(error) =~ "written once"
      :ok = Linx.Process.abort(session)
    end

    @tag :userns
    test "bad maps are refused whole, before anything is written" do
      {session, host_pid} = parked(namespaces: [:user])

      bad = [
        [],
        :all,
        %{},
        "0 0 1",
        [{0, 0}],
        [{0, 0, 0}],
        [{0, 0, -1}],
        [{-1, 0, 1}],
        [{0, -1, 1}],
        [{0, 0, 1.0}],
        [{0.0, 0, 1}],
        [{0, "0", 1}],
        [[0, 0, 1]],
        [{0, 0, 1} | {1, 1, 1}],
        [{0xFFFF_FFFF, 0, 1}],
        [{0, 0xFFFF_FFFF, 1}],
        [{1, 0, 0xFFFF_FFFF}],
        [{0, 1, 0xFFFF_FFFF}],
        [{0, 0, 1}, {0, 5, 1}],
        [{0, 0, 1}, {5, 0, 1}],
        [{0, 0, 10}, {9, 100, 1}],
        [{0, 100, 10}, {50, 109, 1}],
        [{5, 0, 1}, {0, 100, 6}],
        for(n <- 0..340, do: {n, n, 1}),
        # Fewer than 340 rows, but more bytes than a page.
        for(n <- 0..339, do: {1_000_000_000 + n, 1_000_000_000 + n, 1})
      ]

      good = [{0, own("-u"), 1}]

      for rows <- bad do
        assert {:error, {:bad_uid, ^rows}} = Linx.User.setup_maps(host_pid, uid: rows, gid: good)
        assert {:error, {:bad_gid, ^rows}} = Linx.User.setup_maps(host_pid, uid: good, gid: rows)
      end

      for value <- [true, "deny", :never],
          do:
            assert(
              {:error, {:bad_setgroups, ^value}} =
                Linx.User.setup_maps(host_pid, uid: good, setgroups: value)
            )

      assert {:error, {:bad_option, {:uids, ^good}}} = Linx.User.setup_maps(host_pid, uids: good)

      for opts <- [nil, %{uid: good}, [:uid], [{"uid", good}]],
          do: assert({:error, {:bad_options, ^opts}} = Linx.User.setup_maps(host_pid, opts))

      for pid <- [0, -1, nil, "1", session, 1.0],
          do: assert({:error, {:bad_pid, ^pid}} = Linx.User.setup_maps(pid, uid: good))

      for file <- ~w(uid_map gid_map), do: assert(map(host_pid, file) == [])
      assert File.read!("/proc/#{host_pid}/setgroups") == "allow\n"
      :ok = Linx.Process.abort(session)
    end

    test "a process that is gone is no process" do
      {session, host_pid} = running(argv: actor(["exit", 0]))
      {:ok, _} = Linx.Process.wait(session)

      assert {:error, :no_process} =
               Linx.User.setup_maps(host_pid, uid: [{0, 0, 1}], gid: [{0, 0, 1}])
    end
  end

  describe "own_stdio" do
    @tag :root
    test "is what set_credentials does, and says whose they are without it" do
      script = "echo hi >/dev/stderr && exec 3>/dev/stdout && echo there >&3"
      argv = ["/bin/sh", "-c", script]
      {session, _pid} = parked(argv: argv, stdio: :pipe)
      assert :ok = Linx.User.set_credentials(session, uid: 1234, gid: 2345)
      :ok = Linx.Process.proceed(session)
      assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
      assert {read_all(session, :stdout), read_all(session, :stderr)} == {"there\n", "hi\n"}

      {session, host_pid} = parked(argv: ["/bin/true"], stdio: :pipe)
      assert :ok = Linx.User.own_stdio(session, 4321)
      assert File.stat!("/proc/#{host_pid}/fd/1").uid == 4321
      :ok = Linx.Process.abort(session)
    end

    @tag :rootless
    test "of another user's is refused to an ordinary user" do
      {session, _pid} = parked(stdio: :pipe)
      assert {:error, %Error{stage: :own_stdio, errno: :eperm}} = Linx.User.own_stdio(session, 0)
    end

    test "takes an id" do
      {session, _pid} = parked()

      for bad <- [nil, -1, 0xFFFF_FFFF, "root", :root],
          do: assert({:error, {:bad_uid, ^bad}} = Linx.User.own_stdio(session, bad))

      :ok = Linx.Process.abort(session)
    end
  end

  describe "set_credentials" do
    @tag :root
    test "switches user and group, and leaves no group of root's" do
      facts =
        probe([:ids, :capabilities], [], fn session, _pid ->
          assert :ok = Linx.User.set_credentials(session, uid: 1234, gid: 2345)
        end)

      assert facts["uid"] == "1234 1234 1234"
      assert facts["gid"] == "2345 2345 2345"
      assert facts["groups"] == ""

      for set <- ~w(effective permitted inheritable ambient),
          do: assert(Probe.mask(facts, "cap." <> set) == 0)
    end

    @tag :root
    test "leaves a workload the sets it was given, and acts as the user at the checkpoint" do
      {session, host_pid} = parked()
      {:ok, before} = Linx.Capabilities.read(host_pid)
      assert :ok = Linx.User.set_credentials(session, uid: 1234, gid: 2345)
      {:ok, now} = Linx.Capabilities.read(host_pid)
      assert now == %{before | effective: MapSet.new()}
      :ok = Linx.Process.abort(session)

      {session, host_pid} = parked()
      names = [:cap_setuid, :cap_setgid, :cap_kill]
      :ok = Linx.Capabilities.set_thread_sets(session, effective: names, permitted: names)
      {:ok, before} = Linx.Capabilities.read(host_pid)
      assert :ok = Linx.User.set_credentials(session, uid: 1234, gid: 2345)
      assert {:ok, ^before} = Linx.Capabilities.read(host_pid)
      :ok = Linx.Process.abort(session)
    end

    @tag :root
    test "sets the supplementary groups to those given" do
      facts =
        probe([:ids], [], fn session, _pid ->
          assert :ok = Linx.User.set_credentials(session, uid: 1, gid: 2, groups: [3, 4])
        end)

      assert facts["groups"] == "3 4"
    end

    @tag :rootless
    test "an ordinary user is refused, and that is the end" do
      {session, _host_pid} = parked()

      assert {:error, %Error{errno: :eperm} = error} =
               Linx.User.set_credentials(session, uid: 0, gid: 0)

      assert {:error, ^error} = Linx.Process.wait(session)
    end

    test "bad ids are refused by value, and nothing is sent" do
      {session, _host_pid} = parked()

      for id <- [nil, -1, 0xFFFF_FFFF, 1.0, "root", :root, [0]] do
        assert {:error, {:bad_uid, ^id}} = Linx.User.set_credentials(session, uid: id, gid: 0)
        assert {:error, {:bad_gid, ^id}} = Linx.User.set_credentials(session, uid: 0, gid: id)
      end

      assert {:error, {:bad_uid, nil}} = Linx.User.set_credentials(session, gid: 0)
      assert {:error, {:bad_gid, nil}} = Linx.User.set_credentials(session, uid: 0)

      for groups <- [nil, 0, :all, [-1], [0 | 1], [0xFFFF_FFFF], ["users"], %{}],
          do:
            assert(
              {:error, {:bad_groups, ^groups}} =
                Linx.User.set_credentials(session, uid: 0, gid: 0, groups: groups)
            )

      assert {:error, {:bad_option, {:user, 0}}} = Linx.User.set_credentials(session, user: 0)
      assert {:error, {:bad_options, :root}} = Linx.User.set_credentials(session, :root)
      assert {:ok, %Info{state: :ready}} = Linx.Process.info(session)
      :ok = Linx.Process.abort(session)
    end
  end
end
