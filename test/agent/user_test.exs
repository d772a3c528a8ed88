# SPDX-License-Identifier: MIT

defmodule AgentTest.UserTest do
  use AgentTest.Case, async: true

  import Bitwise

  # set_user, home, nice and umask, in a root whose /etc/passwd and /etc/group are the test's, and an attacker's.

  alias Linx.Test.Probe

  @moduletag :root

  @passwd """
  root:x:0:0:root:/root:/bin/sh
  broken:x:+5:5::/broken:/bin/sh
  huge:x:4294967295:5::/huge:/bin/sh
  wrapped:x:4294968297:5::/huge:/bin/sh
  broken:x:1001:1002::/home/broken:/bin/sh
  user:x:1000:100:comment:/home/user:/bin/sh
  user:x:2000:200::/second:/bin/sh
  same:x:1000:300::/same:/bin/sh
  bare:x:1003:103
  last:x:1004:104::/last:
  """

  @group """
  root:x:0:root
  users:x:100:
  audio:x:44:other,user
  video:x:45:user,same
  audio:x:46:user
  negative:x:-1:user
  other:x:47:users,use,userr
  """

  # A directory that is to be the root, with the files that are given under their paths.
  defp root(files) do
    root = scratch("root")
    on_exit(fn -> File.rm_rf!(root) end)
    File.mkdir_p!(Path.join(root, "etc"))
    File.cp!(path("probe"), Path.join(root, "probe"))

    for {path, content} <- files do
      path = Path.join(root, path)
      File.mkdir_p!(Path.dirname(path))
      place(path, content)
    end

    root
  end

  defp place(path, {:link, target}), do: File.ln_s!(target, path)
  defp place(path, :directory), do: File.mkdir_p!(path)
  defp place(path, :fifo), do: {"", 0} = System.cmd("mkfifo", [path])
  defp place(path, {:node, arguments}), do: {"", 0} = System.cmd("mknod", [path | arguments])

  defp place(path, {:size, size}) do
    File.touch!(path)
    {"", 0} = System.cmd("truncate", ["-s", "#{size}", path])
  end

  defp place(path, content), do: File.write!(path, content)

  @files %{"etc/passwd" => @passwd, "etc/group" => @group}

  # What the probe says of a session in that root, or its final frame when there is a failure.
  defp inside(root, commands, request \\ %{}) do
    argv = ["/probe", "ids", "env", "files", "scheduling"]

    wire =
      parked(
        Map.merge(%{argv: argv, namespaces: [:mount], env: [], final: commands}, request),
        driver: ["--groups", 7, 8]
      )

    arguments = ["root", "#{wire.host_pid}", root]
    assert {"", 0} = System.cmd(path("visitor"), arguments, stderr_to_stdout: true)
    send_term(wire, :proceed)
    result = finish(wire)

    case final(result) do
      {:status, :exited, 0} -> Probe.facts(result.output)
      failure -> failure
    end
  end

  defp ids(facts) when is_tuple(facts), do: facts

  defp ids(facts) do
    groups =
      facts["groups"] |> String.split([",", " "], trim: true) |> Enum.map(&String.to_integer/1)

    [uid, uid, uid] = String.split(facts["uid"])
    [gid, gid, gid] = String.split(facts["gid"])
    {String.to_integer(uid), String.to_integer(gid), Enum.sort(groups)}
  end

  defp home(facts), do: for("HOME=" <> home <- Probe.list(facts, "env"), do: home)

  defp malformed(request) do
    wire = requested(Map.put(request, :argv, actor(["exit", 0])))
    result = finish(wire, exit: 2)
    assert {request, final(result)} == {request, {:error, errno(:einval), :malformed_request}}
  end

  defp refused(error), do: {:error, errno(error), :set_user, 0}

  test "a user is one of the workload's root, by name or id, with its groups" do
    root = root(@files)

    for {user, groups, expected, home} <- [
          {"user", [], {1000, 100, [44, 45, 46]}, "/home/user"},
          {"1000", [], {1000, 100, [44, 45, 46]}, "/home/user"},
          {"same", [], {1000, 300, [45]}, "/same"},
          {"user:audio", [], {1000, 44, []}, "/home/user"},
          {"user:77", [], {1000, 77, []}, "/home/user"},
          {"user", ["video", "99"], {1000, 100, [44, 45, 45, 46, 99]}, "/home/user"},
          {"user:77", ["video", "99", "audio"], {1000, 77, [44, 45, 99]}, "/home/user"},
          {"5555", [], {5555, 0, []}, "/"},
          {"5555:77", ["88"], {5555, 77, [88]}, "/"},
          {"broken", [], {1001, 1002, []}, "/home/broken"},
          {"bare", [], {1003, 103, []}, "/"},
          {"last", [], {1004, 104, []}, "/last"},
          {"root", [], {0, 0, [0]}, "/root"},
          {"4294967294:4294967294", [], {0xFFFF_FFFE, 0xFFFF_FFFE, []}, "/"}
        ] do
      facts = inside(root, [{:set_user, user, groups}])
      {uid, gid, found} = ids(facts)

      assert {user, {uid, gid, Enum.uniq(found)}} ==
               {user, put_elem(expected, 2, Enum.uniq(elem(expected, 2)))}

      assert {user, home(facts)} == {user, [home]}
    end
  end

  test "an empty user leaves the uid, and without a group the gid" do
    root = root(@files)
    assert ids(inside(root, [{:set_user, ":audio", []}])) == {0, 44, []}
    assert ids(inside(root, [{:set_user, "", ["audio", "5"]}])) == {0, 0, [5, 44]}
    assert ids(inside(root, [{:set_user, "", []}])) == {0, 0, []}
    assert home(inside(root, [{:set_user, ":audio", []}])) == []
  end

  test "a name without an entry, and what is no user" do
    root = root(@files)

    for user <- [
          "nobody",
          "huge",
          "wrapped",
          "use",
          "user ",
          "USER",
          "user:nogroup",
          "user:negative"
        ],
        do: assert({user, inside(root, [{:set_user, user, []}])} == {user, refused(:enoent)})

    for groups <- [["nogroup"], ["audio", "nogroup"], ["negative"]],
        do: assert(inside(root, [{:set_user, "user", groups}]) == refused(:enoent))

    for {user, groups} <- [
          {"user:", []},
          {":", []},
          {"4294967295", []},
          {"99999999999999999999", []},
          {"user:4294967295", []},
          {"user", ["4294967295"]},
          {"user", [""]}
        ],
        do: assert({user, inside(root, [{:set_user, user, groups}])} == {user, refused(:einval)})

    for value <- [
          {:set_user, :root, []},
          {:set_user, "root"},
          {:set_user, "a\0", []},
          {:set_user, "a", "b"}
        ] do
      malformed(%{final: [value]})
      malformed(%{setup: [value]})
    end
  end

  test "without the files ids alone can be had" do
    for files <- [%{}, %{"etc/passwd" => "", "etc/group" => ""}, %{"etc" => "a file"}] do
      root = if files["etc"], do: root(%{}) |> tap(&without_etc/1), else: root(files)
      assert ids(inside(root, [{:set_user, "5:6", ["7"]}])) == {5, 6, [7]}
      assert ids(inside(root, [{:set_user, "5", []}])) == {5, 0, []}
      assert inside(root, [{:set_user, "root", []}]) == refused(:enoent)
      assert inside(root, [{:set_user, "5:root", []}]) == refused(:enoent)
    end
  end

  defp without_etc(root) do
    File.rm_rf!(Path.join(root, "etc"))
    File.write!(Path.join(root, "etc"), "")
  end

  test "HOME is left where there is one" do
    root = root(@files)

    for {env, expected} <- [
          {["HOME=/own", "A=1"], ["/own"]},
          {["HOME=", "A=1"], ["/home/user"]},
          {["A=1", "HOME=", "HOME=/second"], ["/home/user"]},
          {["HOMER=1", "XHOME=2"], ["/home/user"]}
        ] do
      facts = inside(root, [{:set_user, "user", []}], %{env: env})
      assert {env, home(facts)} == {env, expected}
      kept = Enum.reject(env, &String.starts_with?(&1, "HOME="))
      assert kept -- Probe.list(facts, "env") == []
    end

    two = [{:set_user, "user", []}, {:set_user, "", []}, {:home, 1004}]
    assert home(inside(root, two)) == ["/last"]
    assert home(inside(root, [{:home, 77}])) == ["/"]
    assert ids(inside(root, [{:home, 1000}])) == {0, 0, [7, 8]}
  end

  test "the environment of the agent is not changed, in whichever list the command is" do
    for list <- [:setup, :final] do
      request =
        %{argv: [path("probe"), "env", "ids"], proceed: true}
        |> Map.put(list, [{:set_user, "4321:4321", []}])

      facts =
        request
        |> run(env: [{'HOME', false}, {'LINX_MARK', '1'}])
        |> Map.fetch!(:output)
        |> Probe.facts()

      assert {4321, 4321, []} == ids(facts)
      assert home(facts) == ["/"]
      assert "LINX_MARK=1" in Probe.list(facts, "env")
    end
  end

  test "at the checkpoint, and after other ids, the kernel has the last word" do
    root = root(@files)

    assert ids(inside(root, [{:set_user, "same", []}, {:nice, 1}])) == {1000, 300, [45]}

    other =
      run(%{argv: [path("probe"), "ids"], final: [{:set_user, "1001:1001", []}]},
        checkpoint: [{:set_credentials, 1000, 1000, []}]
      )

    assert final(other) == {:error, errno(:eperm), :set_user, 0}

    group =
      run(%{argv: [path("probe"), "ids"], final: [{:set_user, "1000:1001", []}]},
        checkpoint: [{:set_credentials, 1000, 1000, []}]
      )

    assert final(group) == {:error, errno(:eperm), :set_user, 0}

    same =
      run(%{argv: [path("probe"), "ids"], final: [{:set_user, "1000:1000", []}]},
        checkpoint: [{:set_credentials, 1000, 1000, [5]}]
      )

    assert ids(Probe.facts(same.output)) == {1000, 1000, [5]}
    parked = run(%{argv: [path("probe"), "ids"]}, checkpoint: [{:set_user, "1000:1000", ["5"]}])
    assert ids(Probe.facts(parked.output)) == {1000, 1000, [5]}
    failed = run(%{argv: [path("probe"), "ids"]}, checkpoint: [{:set_user, "no such user", []}])
    assert final(failed) == {:error, errno(:enoent), :set_user}
  end

  test "an ordinary user may ask for itself, with groups that it has" do
    as = fn user, groups ->
      request = %{argv: [path("probe"), "ids"], final: [{:set_user, user, groups}]}
      result = run(request, driver: ["--groups", 7, 8, "--user", 61_001])
      with {:status, :exited, 0} <- final(result), do: ids(Probe.facts(result.output))
    end

    {uid, gid, own} = as.("", [])
    assert uid == 61_001
    assert as.("61001:#{gid}", []) == {uid, gid, own}
    for group <- own, do: assert(as.("61001:#{gid}", ["#{group}"]) == {uid, gid, own})
    assert as.("61001:#{gid}", ["9"]) == refused(:eperm)
    assert as.("61002:#{gid}", []) == refused(:eperm)

    assert as.("61001:#{gid + 1}", []) == refused(:eperm)
    assert as.("0:#{gid}", []) == refused(:eperm)
    assert as.("root", []) == refused(:eperm)
  end

  describe "in a user namespace" do
    defp mapped(rows, user, groups, deny? \\ false) do
      request = %{
        argv: [path("probe"), "ids"],
        namespaces: [:user],
        final: [{:set_user, user, groups}]
      }

      wire = parked(request)
      if deny?, do: File.write!("/proc/#{wire.host_pid}/setgroups", "deny")
      if rows, do: map_ids(wire, rows)
      send_term(wire, :proceed)
      result = finish(wire)
      with {:status, :exited, 0} <- final(result), do: ids(Probe.facts(result.output))
    end

    test "ids are those inside, and must be mapped" do
      rows = "0 100000 65536"
      assert mapped(rows, "5:6", ["7"]) == {5, 6, [7]}
      assert mapped(rows, "70000:6", []) == refused(:einval)
      assert mapped(rows, "5:70000", []) == refused(:einval)
      assert mapped(rows, "5:6", ["70000"]) == refused(:einval)
      assert mapped(nil, "5:6", []) == refused(:einval)
      assert mapped(nil, "0:0", []) == refused(:einval)
    end

    test "that denies setgroups the supplementary groups stay" do
      rows = "0 100000 65536"
      assert mapped(rows, "5:6", [], true) == {5, 6, []}
      assert mapped(rows, "5:6", ["6"], true) == {5, 6, []}
      assert mapped(rows, "5:6", ["7"], true) == refused(:eperm)
    end
  end

  test "capabilities that were asked for stay over the change, in either order" do
    net_raw = 1 <<< 13

    caps = [{:cap_set_thread, net_raw, net_raw, net_raw}, {:cap_set_ambient, net_raw}]

    for commands <- [caps, []] do
      result =
        run(%{argv: [path("probe"), "capabilities"], final: [{:set_user, "1000:1000", []}]},
          checkpoint: Enum.map(commands, &widen/1)
        )

      facts = Probe.facts(result.output)
      expected = if commands == [], do: 0, else: net_raw
      assert Probe.mask(facts, "cap.effective") == expected
      assert Probe.mask(facts, "cap.permitted") == expected
    end
  end

  # set_user needs these until it is applied.
  defp widen({:cap_set_thread, _, _, inheritable}) do
    ids = 1 <<< 6 ||| 1 <<< 7
    {:cap_set_thread, inheritable ||| ids, inheritable ||| ids, inheritable}
  end

  defp widen(other), do: other

  describe "a hostile root" do
    @secret "secret:x:4242:4242::/secret:/bin/sh\n"

    # The agent's own /etc/passwd is one that such a link would lead to.
    test "has no link that leads out of it" do
      outside = scratch("outside")
      File.write!(outside, @secret)
      on_exit(fn -> File.rm(outside) end)

      own =
        Enum.find_value(
          File.stream!("/etc/passwd"),
          &(Regex.run(~r/^(daemon|nobody|bin):/, &1) || nil)
        )

      name = List.last(own)

      for target <- [
            outside,
            "../../../../../../../../../../.." <> outside,
            "/../../../../../../../../../../.." <> outside,
            "/proc/self/root" <> outside,
            "/proc/1/root" <> outside,
            "/proc/#{System.pid()}/root" <> outside,
            "/proc/self/cwd/../../../.." <> outside,
            "/proc/#{System.pid()}/cwd/../../../../../../.." <> outside
          ] do
        root = root(%{"etc/passwd" => {:link, target}, "proc" => :directory})
        # EACCES is of a process that this one may not look into.
        refusals = Enum.map([:enoent, :eloop, :eacces], &refused/1)
        assert inside(root, [{:set_user, "secret", []}]) in refusals, target
      end

      root = root(%{"etc/passwd" => {:link, "/etc/passwd"}})
      assert inside(root, [{:set_user, name, []}]) == refused(:eloop)
      root = root(%{})
      File.rmdir!(Path.join(root, "etc"))
      File.ln_s!("/etc", Path.join(root, "etc"))
      assert inside(root, [{:set_user, name, []}]) == refused(:eloop)
    end

    test "may have links inside" do
      files = %{
        "etc/passwd" => {:link, "/../usr/../usr/share/./accounts"},
        "etc/group" => {:link, "../group"},
        "usr/share/accounts" => @passwd,
        "group" => @group
      }

      assert ids(inside(root(files), [{:set_user, "user", []}])) == {1000, 100, [44, 45, 46]}
    end

    test "has nothing that is waited for, or opened as a device" do
      for {what, error} <- [
            {:fifo, :einval},
            {:directory, :einval},
            {{:node, ["c", "1", "5"]}, :einval},
            {{:node, ["c", "1", "3"]}, :einval},
            {{:node, ["c", "5", "2"]}, :einval},
            {{:node, ["c", "10", "130"]}, :einval},
            {{:size, 2 ** 31}, :efbig},
            {{:size, 2 ** 24 + 1}, :efbig},
            {{:size, 2 ** 24}, :enoent}
          ] do
        root = root(%{"etc/passwd" => what})
        assert {what, inside(root, [{:set_user, "user", []}])} == {what, refused(error)}
        root = root(%{"etc/passwd" => @passwd, "etc/group" => what})
        # Zeros are no groups.
        result = inside(root, [{:set_user, "user", []}])
        expected = if error == :enoent, do: {1000, 100, []}, else: refused(error)
        assert {what, ids(result)} == {what, expected}
      end
    end

    test "has lines of any length and bytes" do
      noise = :binary.copy(<<255, ?:, 0, ?\n>>, 5_000)
      long = "user:x:1:1::/" <> String.duplicate("x", 5_000) <> ":/bin/sh\n"
      fits = "fits:x:9:9::/" <> String.duplicate("x", 4_095 - 13) <> "\n"
      members = "many:x:50:" <> String.duplicate("someone,", 20_000) <> "user\n"
      passwd = noise <> long <> fits <> @passwd <> "unended:x:8:8"
      root = root(%{"etc/passwd" => passwd, "etc/group" => noise <> members <> @group})
      assert ids(inside(root, [{:set_user, "user", []}])) == {1000, 100, [44, 45, 46]}
      assert ids(inside(root, [{:set_user, "unended", []}])) == {8, 8, []}
      facts = inside(root, [{:set_user, "fits", []}])
      assert [home] = home(facts)
      assert byte_size(home) == 4_083
    end

    test "has no more groups than a process may have" do
      group = for n <- 1..70_000, into: "", do: "g#{n}:x:#{n}:user\n"
      root = root(%{"etc/passwd" => @passwd, "etc/group" => group})
      assert inside(root, [{:set_user, "user", []}]) == refused(:einval)
      assert {1000, 5, []} = ids(inside(root, [{:set_user, "user:g5", []}]))
    end
  end

  test "nice and umask are set before the ids" do
    root = root(@files)
    facts = inside(root, [{:umask, 0o027}, {:nice, -5}, {:set_user, "user", []}])
    assert facts["umask"] == "0027"
    assert {1000, 100, _groups} = ids(facts)

    for niceness <- [-20, 0, 19] do
      wire = running(%{argv: actor(["pause"]), final: [{:nice, niceness}]})
      await_output(wire, "ready\n")

      assert "/proc/#{wire.host_pid}/stat" |> File.read!() |> String.split() |> Enum.at(18) ==
               "#{niceness}"

      kill(wire)
    end

    refused = run(%{argv: ["/bin/true"], final: [{:nice, -1}]}, driver: ["--user", 65_534])
    assert final(refused) == {:error, errno(:eacces), :nice, 0}

    for value <- [{:nice, 20}, {:nice, -21}, {:umask, 0o1000}, {:home, -1}, {:home, "root"}],
        do: malformed(%{final: [value]})
  end
end
