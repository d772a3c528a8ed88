# SPDX-License-Identifier: MIT

defmodule AgentTest.WorkingDirectoryTest do
  use AgentTest.Case, async: true

  # A mount at the checkpoint hides the host's files from the workload, also those of the working directory that
  # the child was created with (the class of CVE-2024-21626).

  @moduletag :root

  # A directory on the host with a file and a directory in it; the agent is started there.
  setup do
    directory = scratch("cwd")
    File.mkdir_p!(Path.join(directory, "below"))
    File.write!(Path.join(directory, "secret"), "")
    File.write!(Path.join(directory, "below/secret"), "")
    on_exit(fn -> File.rm_rf!(directory) end)
    {:ok, directory: directory}
  end

  defp visit(how, wire, directory, files \\ []) do
    arguments = [how, "#{wire.host_pid}", directory | files]
    assert {"", 0} = System.cmd(path("visitor"), arguments, stderr_to_stdout: true)
  end

  # More steps up than a test directory is deep.
  @host "../../../../../../../../etc/passwd"

  # The workload's program exists in the new root as well.
  defp where(program \\ path("actor")),
    do: [program, "where", "secret", "below/secret", @host, "."]

  defp let_go(wire), do: send_term(wire, :proceed)

  defp parked_in(directory, request) do
    wire = parked(request, driver: ["--cwd", directory])

    if :user in Map.get(request, :namespaces, []),
      do:
        for(
          map <- ["uid_map", "gid_map"],
          do: File.write!("/proc/#{wire.host_pid}/#{map}", "0 0 65536")
        )

    wire
  end

  for namespaces <- [[:mount], [:user, :mount], [:mount, :pid]] do
    describe "with #{inspect(namespaces)}" do
      @describetag namespaces: namespaces

      test "a mount over the inherited directory hides what was there", context do
        request = %{argv: where(), namespaces: context.namespaces}
        wire = parked_in(context.directory, request)
        visit("cover", wire, context.directory)
        let_go(wire)
        said = finish(wire).output
        assert said =~ "secret hidden\nbelow/secret hidden\n"
        assert said =~ "at root 1\n" or said =~ "cwd #{context.directory}\n"
      end

      test "a mount above the inherited directory hides what was there", context do
        request = %{argv: where(), namespaces: context.namespaces}
        wire = parked_in(Path.join(context.directory, "below"), request)
        visit("cover", wire, context.directory)
        let_go(wire)
        said = finish(wire).output
        assert said =~ "secret hidden\nbelow/secret hidden\n"
        assert said =~ "at root 1\n"
      end

      test "another root is where the workload is, and there is no way back to the host",
           context do
        request = %{argv: where("/actor"), namespaces: context.namespaces}
        wire = parked_in(context.directory, request)
        root = context.directory <> "/below"
        visit("pivot", wire, root, [path("actor")])
        let_go(wire)
        said = finish(wire).output
        assert said =~ "cwd /\nat root 1\n"
        assert said =~ "\nsecret hidden\nbelow/secret hidden\n#{@host} hidden\n"
      end

      test "a :cwd that cannot be reached from the new root is an error", context do
        for cwd <- [context.directory, "below", "..", "./below/.."] do
          request = %{argv: where("/actor"), namespaces: context.namespaces, cwd: cwd}
          wire = parked_in(context.directory, request)
          visit("pivot", wire, context.directory <> "/below", [path("actor")])
          let_go(wire)
          result = finish(wire)
          refute result.output =~ "secret open"
          refute result.output =~ "passwd open"
          # In the new root ".." is that root, and there is no directory "below".
          if cwd != "..", do: assert(final(result) == {:error, errno(:enoent), :chdir})
        end
      end

      test "a relative :cwd does not lead below what a mount has hidden", context do
        request = %{argv: where(), namespaces: context.namespaces, cwd: "below"}
        wire = parked_in(context.directory, request)
        visit("cover", wire, context.directory)
        let_go(wire)
        assert final(finish(wire)) == {:error, errno(:enoent), :chdir}
      end

      test "/proc/self/cwd as :cwd does not lead to what a mount has hidden", context do
        request = %{argv: where(), namespaces: context.namespaces, cwd: "/proc/self/cwd"}
        wire = parked_in(context.directory, request)
        visit("cover", wire, context.directory)
        let_go(wire)
        refute finish(wire).output =~ "secret open"
      end

      test "the inherited directory stays, when nothing hides it", context do
        request = %{argv: where(), namespaces: context.namespaces}
        wire = parked_in(context.directory, request)
        let_go(wire)
        assert finish(wire).output =~ "cwd #{context.directory}\nat root 0\nsecret open\n"
      end

      test "a :cwd that a mount brings is where the workload is", context do
        request = %{argv: where(), namespaces: context.namespaces, cwd: context.directory}
        wire = parked_in("/", request)
        visit("cover", wire, context.directory, ["/etc/passwd"])
        let_go(wire)
        said = finish(wire).output
        assert said =~ "cwd #{context.directory}\n"
        assert said =~ "secret hidden\n"
      end
    end
  end

  describe "an entry" do
    # A container whose root can still be changed.
    defp container do
      Target.unshare(~w(--fork --kill-child --pid --mount-proc --mount))
    end

    test "has the root that its mount namespace has at :proceed, and is there", context do
      container = container()
      request = {:enter, %{target: container.pid, argv: where("/actor")}}
      wire = parked(request, driver: ["--cwd", context.directory])
      visit("pivot", wire, context.directory <> "/below", [path("actor")])
      let_go(wire)
      said = finish(wire).output
      assert said =~ "cwd /\nat root 1\n"
      assert said =~ "\nsecret hidden\nbelow/secret hidden\n#{@host} hidden\n"
    end

    test "has no :cwd that is hidden when it is let go", context do
      request = %{target: container().pid, argv: where(), cwd: context.directory <> "/below"}
      wire = parked({:enter, request}, driver: ["--cwd", context.directory])
      visit("cover", wire, context.directory)
      let_go(wire)
      assert final(finish(wire)) == {:error, errno(:enoent), :chdir}
    end

    test "of another namespace than the mounts' keeps the agent's directory", context do
      request = %{target: container().pid, argv: where(), namespaces: [:pid]}
      wire = parked({:enter, request}, driver: ["--cwd", context.directory])
      let_go(wire)
      assert finish(wire).output =~ "cwd #{context.directory}\nat root 0\nsecret open\n"
    end
  end
end
