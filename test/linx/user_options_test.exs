# SPDX-License-Identifier: MIT

defmodule Linx.UserOptionsTest do
  use Linx.SessionCase, async: true

  alias Linx.Process.Options

  defp final(opts) do
    {:ok, options} = Options.parse(:spawn, [argv: ["/bin/true"]] ++ opts, self())
    {:spawn, request} = :erlang.binary_to_term(options.encoded)
    request[:final]
  end

  test "what is asked for is applied after :proceed, the ids last" do
    assert final([]) == nil
    assert final(user: "www") == [{:set_user, "www", []}]

    assert final(user: 33, group: ~c"www", groups: [1, "2", "x", ~c"y"]) == [
             {:set_user, "33:www", ["1", "2", "x", "y"]}
           ]

    assert final(group: 0) == [{:set_user, ":0", []}]
    assert final(groups: []) == [{:set_user, "", []}]

    assert final(user: "a", nice: -20, umask: 0) == [
             {:umask, 0},
             {:nice, -20},
             {:set_user, "a", []}
           ]
  end

  test "a value that does not fit is an error before anything is started" do
    many = List.duplicate(1, 257)

    for {name, values} <- [
          user: [
            "",
            "a:b",
            "a\0",
            "a\nb",
            -1,
            0xFFFF_FFFF,
            "4294967295",
            nil,
            :root,
            1.0,
            [],
            [300],
            String.duplicate("a", 256)
          ],
          group: ["", "a:b", -1, :staff, nil],
          groups: ["audio", [:audio], [""], ["a:b"], [-1], ["a" | "b"], many, nil],
          nice: [-21, 20, "5", 1.0],
          umask: [-1, 0o1000, "022"]
        ],
        value <- values do
      error = {:error, {:"bad_#{name}", value}}
      assert Linx.Process.spawn([{:argv, ["/bin/true"]}, {name, value}]) == error
      assert Linx.run("true", [{name, value}]) == error
    end
  end

  describe "as root" do
    @describetag :root

    test "sessions and calls run as another user, with its group, its groups and its HOME" do
      expected = %{
        "uid" => "65534 65534 65534",
        "gid" => "65534 65534 65534",
        "groups" => "",
        "umask" => "0077",
        "nice" => "7"
      }

      options = [user: 65_534, group: 65_534, umask: 0o077, nice: 7, clear_env: true]
      sections = ["ids", "files", "scheduling", "env"]
      of_session = probe(sections, options)
      {:ok, %{stdout: report}} = Linx.run(Probe.argv(sections), options)

      for facts <- [of_session, Probe.facts(report)] do
        assert Map.take(facts, Map.keys(expected)) == expected
        assert ["HOME=" <> _directory] = Probe.list(facts, "env")
      end

      assert {:ok, %{stdout: "44 7\n"}} = Linx.run(~w(id -G), group: 44, groups: [7])
    end

    test "a name is that of the host's files, where the workload has the host's root" do
      [name, uid, gid, home] =
        Enum.find_value(File.stream!("/etc/passwd"), fn line ->
          [name, _password, uid, gid, _comment, home | _shell] = String.split(line, ":")
          if uid != "0", do: [name, uid, gid, home]
        end)

      assert {:ok, %{stdout: said}} =
               Linx.run(["/bin/sh", "-c", "id -u; id -g; echo $HOME"],
                 user: name,
                 env: %{"HOME" => nil}
               )

      assert said == "#{uid}\n#{gid}\n#{home}\n"
    end

    test "a name that is none, and ids that were set before, are errors with their stage" do
      assert {:error, %Error{stage: :set_user, errno: :enoent}} =
               Linx.run("true", user: "no such user")

      assert {:error, %Error{stage: :set_user, errno: :enoent}} =
               Linx.run("true", user: 1, group: "no such group")

      for {user, result} <- [{1234, {:exited, 0}}, {1235, :eperm}] do
        {session, _pid} = parked(argv: ["/bin/true"], user: user, group: 1234)
        :ok = Linx.User.set_credentials(session, uid: 1234, gid: 1234)
        :ok = Linx.Process.proceed(session)

        case Linx.Process.wait(session) do
          {:ok, outcome} -> assert outcome == result
          {:error, error} -> assert %Error{stage: :set_user, errno: ^result} = error
        end
      end
    end

    test "the pipes and the terminal are the user's" do
      script = ["/bin/sh", "-c", "echo one >/dev/stdout; stat -Lc %u /dev/stdin"]
      options = [user: 1234, group: 1234, input: ""]
      assert {:ok, %{stdout: "one\n1234\n", stderr: ""}} = Linx.run(script, options)
    end

    test "capabilities of the checkpoint stay" do
      facts =
        probe(["capabilities"], [user: 1234, group: 1234], fn session, _pid ->
          ids = [:cap_setuid, :cap_setgid, :cap_net_raw]

          :ok =
            Linx.Capabilities.set_thread_sets(session,
              effective: ids,
              permitted: ids,
              inheritable: [:cap_net_raw]
            )

          :ok = Linx.Capabilities.set_ambient(session, [:cap_net_raw])
        end)

      assert Probe.mask(facts, "cap.effective") == Bitwise.bsl(1, 13)
    end
  end

  test "a user may ask for itself, and for another only with the right to" do
    {uid, 0} = System.cmd("id", ["-u"])
    {gid, 0} = System.cmd("id", ["-g"])
    [uid, gid] = Enum.map([uid, gid], &(&1 |> String.trim() |> String.to_integer()))
    assert {:ok, %{status: 0}} = Linx.run("true", user: uid, group: gid)

    unless Host.root?() do
      assert {:error, %Error{stage: :set_user, errno: :eperm}} = Linx.run("true", user: 0)

      assert {:error, %Error{stage: :set_user, errno: :eperm}} =
               Linx.run("true", user: uid, group: 0)

      assert {:error, %Error{stage: :nice, errno: :eacces}} = Linx.run("true", nice: -1)
    end
  end
end
