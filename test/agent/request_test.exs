# SPDX-License-Identifier: MIT

defmodule AgentTest.RequestTest do
  use AgentTest.Case, async: true

  @moduletag :tmp_dir

  describe ":argv" do
    test "argv[0] is the file executed, and every string arrives as it was sent" do
      result = run(%{argv: actor(["say", "a b", "", "ü\n", <<255, 254>>])})
      assert result.output == "a b\n\nü\n\n" <> <<255, 254, ?\n>>
    end

    test "argv[0] is not looked for along PATH" do
      result = run(%{argv: ["true"]})
      assert final(result) == {:error, errno(:enoent), :execve}
    end

    test "a string may be a charlist, as STRING_EXT" do
      argv = Enum.map(actor(["say", "charlist"]), &to_charlist/1)
      assert run(%{argv: argv}).output == "charlist\n"
    end

    test "a string may be a charlist, as a list of bytes longer than 65535" do
      long = List.duplicate(?x, 65_536)
      argv = Enum.map(actor(["sizes"]), &to_charlist/1) ++ [long]
      assert <<131, _::binary>> = body = :erlang.term_to_binary(long)
      assert binary_part(body, 1, 1) == <<108>>
      assert run(%{argv: argv, env: []}).output == "argv 1 65536 env 0 0\n"
    end
  end

  describe ":arg0" do
    test "is what the workload sees as argv[0]; the file stays argv[0]" do
      for arg0 <- ["-login", '-login', "", "/somewhere/else"] do
        wire = running(%{argv: actor(["pause"]), arg0: arg0})
        await_output(wire, "ready\n")
        expected = [to_string(arg0), "pause"]

        assert "/proc/#{wire.host_pid}/cmdline" |> File.read!() |> String.split(<<0>>) ==
                 expected ++ [""]

        assert Host.exe(wire.host_pid) == path("actor")
        kill(wire)
      end
    end
  end

  # The search of execvp(3), on the paths that the client made of PATH.
  describe ":files" do
    defp tried(files, request \\ %{}) do
      request = Map.merge(%{argv: ["name", "say", "found"], files: files}, request)
      run(request)
    end

    defp file(dir, name, mode, content \\ "#!/no/such/interpreter\n") do
      path = Path.join(dir, name)
      File.write!(path, content)
      File.chmod!(path, mode)
      path
    end

    test "are tried in order; the first that is there is executed" do
      for before <- [[], ["/no/such/name"], ["/no/such/name", "/etc/passwd/name"]],
          behind <- [[], ["/bin/false"]] do
        assert tried(before ++ [path("actor")] ++ behind).output == "found\n"
      end
    end

    test "may be charlists" do
      assert tried(['/no/such/name', to_charlist(path("actor"))]).output == "found\n"
    end

    test "a file without permission is passed over, and reported when there is no other", %{
      tmp_dir: dir
    } do
      plain = file(dir, "plain", 0o644)
      assert tried([plain, path("actor")]).output == "found\n"
      assert final(tried([plain, "/no/such/name"])) == {:error, errno(:eacces), :execve}
      assert final(tried(["/no/such/name"])) == {:error, errno(:enoent), :execve}
    end

    test "another failure ends the search", %{tmp_dir: dir} do
      noise = file(dir, "noise", 0o755, "no program\n")
      assert final(tried([noise, path("actor")])) == {:error, errno(:enoexec), :execve}
    end

    test "make argv[0] the file that was executed, unless arg0 says otherwise" do
      for {extra, name} <- [{%{}, path("actor")}, {%{arg0: "other"}, "other"}] do
        request = %{argv: ["name", "pause"], files: ["/no/such/name", path("actor")]}
        wire = running(Map.merge(request, extra))
        await_output(wire, "ready\n")
        assert Host.cmdline(wire.host_pid) == [name, "pause"]
        kill(wire)
      end
    end

    test "are looked for under a filter too, and their failure has its errno" do
      filter = [{:seccomp_install, Bpf.deny([:write], errno(:eperm))}]

      request = %{
        argv: ["name", "exit", "7"],
        files: ["/no/such/name", path("actor")],
        seal: filter
      }

      assert final(run(request)) == {:status, :exited, 7}

      assert final(run(%{request | files: ["/no/such/name"]})) ==
               {:error, errno(:enoent), :execve}
    end
  end

  describe ":env" do
    test "replaces the environment, in its order and with its duplicates" do
      env = ["B=2", "A=", "B=3", "C=a=b", "D=" <> <<200, 10>>]
      wire = running(%{argv: actor(["pause"]), env: env})
      await_output(wire, "ready\n")
      assert Host.environ(wire.host_pid) == env
      kill(wire)
    end

    test "[] is an empty environment" do
      assert run(%{argv: actor(["sizes"]), env: []}).output == "argv 0 0 env 0 0\n"
    end

    test "absent, it is the agent's environment" do
      wire = running(%{argv: actor(["pause"])}, env: [{'LINX_MARK', 'seen'}])
      await_output(wire, "ready\n")
      assert "LINX_MARK=seen" in Host.environ(wire.host_pid)
      # The same program started where the agent was, without an agent.
      beside = Target.plain(["pause"], env: [{'LINX_MARK', 'seen'}])
      assert Enum.sort(Host.environ(wire.host_pid)) == Enum.sort(Host.environ(beside.pid))
      kill(wire)
    end

    test "its entries may be charlists" do
      assert run(%{argv: actor(["sizes"]), env: ['A=1', 'BB=22']}).output == "argv 0 0 env 2 8\n"
    end
  end

  describe ":cwd" do
    test "is the workload's working directory", %{tmp_dir: dir} do
      wire = running(%{argv: actor(["pause"]), cwd: dir})
      await_output(wire, "ready\n")
      assert Host.cwd(wire.host_pid) == dir
      kill(wire)
    end

    test "is in place when a relative argv[0] is looked up" do
      result = run(%{argv: ["./actor", "say", "here"], cwd: Path.dirname(path("actor"))})
      assert result.output == "here\n"
    end

    test "absent, it is the agent's", %{tmp_dir: dir} do
      wire = running(%{argv: actor(["pause"])}, driver: ["--cwd", dir])
      await_output(wire, "ready\n")
      assert Host.cwd(wire.host_pid) == dir
      kill(wire)
    end

    test "may be a charlist", %{tmp_dir: dir} do
      result = run(%{argv: ["/bin/pwd"], cwd: to_charlist(dir)})
      assert result.output == dir <> "\n"
    end
  end

  describe ":no_new_privs" do
    test "true is in force at :ready" do
      wire = parked(%{argv: actor(["pause"]), no_new_privs: true})
      assert Host.status(wire.host_pid)["NoNewPrivs"] == "1"
      send_term(wire, :abort)
      finish(wire)
    end

    test "true reaches the workload; false and absence leave it off" do
      for {request, value} <- [
            {%{no_new_privs: true}, "1"},
            {%{no_new_privs: false}, "0"},
            {%{}, "0"}
          ] do
        wire = running(Map.put(request, :argv, actor(["pause"])))
        await_output(wire, "ready\n")
        assert Host.status(wire.host_pid)["NoNewPrivs"] == value
        kill(wire)
      end
    end
  end

  describe "unknown keys" do
    @values [
      quote(do: self()),
      quote(do: make_ref()),
      quote(do: fn x -> x end),
      quote(do: &String.length/1),
      1.5,
      quote(do: <<5::3>>),
      quote(do: Bitwise.bsl(1, 5000)),
      quote(do: -Bitwise.bsl(1, 64)),
      quote(do: hd(:erlang.ports())),
      quote(
        do:
          Enum.reduce(1..40, %{}, fn n, inner ->
            %{n => inner, [n] => {inner}} |> Map.take([n])
          end)
      ),
      quote(do: %{1 => [{}, [], "", %{}]}),
      quote(do: List.to_tuple(Enum.to_list(1..300))),
      quote(do: :erlang.binary_to_atom(String.duplicate("ü", 255)))
    ]

    for {value, index} <- Enum.with_index(@values) do
      test "are skipped whatever their value (#{index}: #{Macro.to_string(value) |> String.slice(0, 40)})" do
        result = run(%{:argv => actor(["exit", 7]), :no_such_key => unquote(value)})
        assert final(result) == {:status, :exited, 7}
      end
    end

    test "are skipped when they are 12 MiB large" do
      result = run(%{argv: actor(["exit", 7]), padding: :binary.copy("x", 12 * 1024 * 1024)})
      assert final(result) == {:status, :exited, 7}
    end

    test "are skipped when they are no atoms" do
      keys = %{"argv" => 1, 7 => 2, {:argv} => 3, 1.5 => 4, [] => 5, self() => 6}
      result = run(Map.merge(keys, %{argv: actor(["exit", 7])}))
      assert final(result) == {:status, :exited, 7}
    end
  end

  test "atoms are read in both encodings of the External Term Format" do
    for minor <- [1, 2] do
      wire = start()
      request = {:spawn, %{argv: actor(["exit", 4]), stdio: :inherit, no_new_privs: false}}
      send_raw(wire, packet(:erlang.term_to_binary(request, minor_version: minor)))
      assert_frame(wire, {:status, :spawned, _})
      assert_frame(wire, {:status, :ready, _})
      send_raw(wire, packet(:erlang.term_to_binary(:proceed, minor_version: minor)))
      assert final(finish(wire)) == {:status, :exited, 4}
    end
  end
end
