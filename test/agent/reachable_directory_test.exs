# SPDX-License-Identifier: MIT

defmodule AgentTest.ReachableDirectoryTest do
  use AgentTest.Case, async: true

  # The workload's root leads to its working directory, also where no mount namespace is the session's own, and
  # whatever way a :cwd takes: from a directory outside the root "../.." leads to the host's tree (CVE-2024-21626).

  alias AgentTest.Programs

  @moduletag :root

  @host "../../../../../../../../etc/passwd"

  setup do
    directory = scratch("reach")
    File.mkdir_p!(Path.join(directory, "below"))
    File.write!(Path.join(directory, "secret"), "")
    File.write!(Path.join(directory, "below/secret"), "")
    on_exit(fn -> File.rm_rf!(directory) end)
    {:ok, directory: directory}
  end

  defp where(more \\ []), do: actor(["where", "secret", @host | more])

  # An agent whose root is a file system of its own, and whose working directory is outside of it.
  defp jailed(request, directory) do
    files = [path("actor"), Programs.agent()]
    program = [path("visitor"), "jail", "-", directory <> "/below" | files]
    run(request, program: program, driver: ["--cwd", directory])
  end

  defp jailed_where, do: ["/actor", "where", "secret", @host]

  describe "an agent in a root that does not lead to its working directory" do
    # The sanitized agent needs libraries, which that root does not have.
    @describetag :sanitizer_unfit

    test "has workloads at that root", %{directory: directory} do
      for request <- [%{}, %{namespaces: [:uts]}, %{namespaces: [:mount]}, %{proceed: true}] do
        said = jailed(Map.put(request, :argv, jailed_where()), directory).output
        assert said =~ "cwd /\nat root 1\nsecret hidden\n#{@host} hidden\n"
      end
    end

    test "refuses a :cwd that leads out", %{directory: directory} do
      for cwd <- [".", "..", "../..", "/proc/self/cwd", "/proc/#{System.pid()}/root"] do
        result = jailed(%{argv: jailed_where(), cwd: cwd}, directory)
        assert {cwd, final(result)} == {cwd, {:error, errno(:enoent), :chdir}}
      end
    end

    test "has a :cwd inside", %{directory: directory} do
      said = jailed(%{argv: jailed_where(), cwd: "/proc/../proc"}, directory).output
      assert said =~ "cwd /proc\nat root 0\nsecret hidden\n"
    end
  end

  describe "a working directory that a mount of the agent's own namespace hides" do
    # sh changes into the directory, and then mounts over it, or over the one above it.
    defp covered(request, directory, over) do
      script = "cd #{directory}/below && mount -t tmpfs linx #{over} && exec #{Programs.agent()}"
      program = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script]
      run(request, program: program)
    end

    test "is left for what its path leads to, or for the root", %{directory: directory} do
      for request <- [%{}, %{proceed: true}, %{namespaces: [:uts]}, %{namespaces: [:mount]}] do
        request = Map.put(request, :argv, where())
        said = covered(request, directory, directory <> "/below").output
        assert said =~ "cwd #{directory}/below\nat root 0\nsecret hidden\n"
        said = covered(request, directory, directory).output
        assert said =~ "cwd /\nat root 1\nsecret hidden\n"
      end
    end

    test "is not where a :cwd may lead", %{directory: directory} do
      for cwd <- ["/proc/self/cwd", "."] do
        result = covered(%{argv: where(), cwd: cwd}, directory, directory <> "/below")
        assert {cwd, final(result)} == {cwd, {:error, errno(:enoent), :chdir}}
      end
    end
  end

  test "a :cwd in another process's mount namespace is ENOENT", %{directory: directory} do
    other = Target.unshare(["--mount"], ["pause"], driver: ["--cwd", directory])

    for link <- ["root", "root/usr", "cwd", "cwd/below"],
        namespaces <- [[], [:mount], [:uts, :ipc]] do
      cwd = "/proc/#{other.pid}/#{link}"
      result = run(%{argv: where(), cwd: cwd, namespaces: namespaces})
      assert {cwd, final(result)} == {cwd, {:error, errno(:enoent), :chdir}}
    end
  end

  test "a :cwd in a process of the same mounts is where that process is", context do
    other = Target.plain(["pause"], driver: ["--cwd", context.directory])
    said = run(%{argv: where(), cwd: "/proc/#{other.pid}/cwd/below"}).output
    assert said =~ "cwd #{context.directory}/below\nat root 0\nsecret open\n"
  end

  test "a descriptor as :cwd leads nowhere that the root does not", %{directory: directory} do
    stdin = ["--read", "0", directory]
    request = %{argv: where(), cwd: "/proc/self/fd/0"}
    assert run(request, driver: stdin).output =~ "cwd #{directory}\nat root 0\nsecret open\n"
    # In another mount namespace the descriptor's mount is no part of the tree.
    result = run(Map.put(request, :namespaces, [:mount]), driver: stdin)
    assert final(result) == {:error, errno(:enoent), :chdir}
  end

  test "a removed directory is left for the root, and is ENOENT as a :cwd", context do
    gone = context.directory <> "/gone"

    program = fn ->
      ["/bin/sh", "-c", "cd #{gone} && rmdir #{gone} && exec #{Programs.agent()}"]
    end

    for namespaces <- [[], [:mount]] do
      File.mkdir!(gone)
      said = run(%{argv: where(), namespaces: namespaces}, program: program.()).output
      assert said =~ "cwd /\nat root 1\nsecret hidden\n"
    end

    for cwd <- [".", "/proc/self/cwd"] do
      File.mkdir!(gone)
      result = run(%{argv: where(), cwd: cwd}, program: program.())
      assert {cwd, final(result)} == {cwd, {:error, errno(:enoent), :chdir}}
    end
  end

  test "an entry into a process in a chroot has the root of the mount namespace", context do
    root = context.directory <> "/below"
    script = "exec unshare --mount --root=#{root} /actor pause"
    File.cp!(path("actor"), root <> "/actor")
    target = start(program: ["/bin/sh", "-c", script])
    await_output(target, "ready\n")
    driver = ["--cwd", context.directory]
    # Its mounts are not joined: the agent's root, and directory.
    request = %{target: target.agent, argv: where(), namespaces: [:uts]}
    said = run({:enter, request}, driver: driver).output
    assert said =~ "cwd #{context.directory}\nat root 0\nsecret open\n"
    # They are: the namespace's root, not the chroot.
    said = run({:enter, Map.delete(request, :namespaces)}, driver: driver).output
    assert said =~ "at root 1\nsecret hidden\n"
    cwd = "/proc/#{target.agent}/root"
    said = run({:enter, Map.put(request, :cwd, cwd)}, driver: driver).output
    assert said =~ "cwd #{root}\nat root 0\nsecret open\n" or said == ""
  end

  describe "a directory that one user alone may enter" do
    # Of 61001, which root of the namespace is not, and whose group the namespace does not map.
    defp private(context) do
      File.chown!(context.directory, 61_001)
      File.chmod!(context.directory, 0o700)
      context.directory
    end

    @maps %{uid_map: "0 61002 1\n1 61001 1", gid_map: "0 61002 1\n1 61001 1"}

    defp as(request, context) do
      wire =
        parked(Map.merge(%{argv: where(), namespaces: [:user], cwd: private(context)}, request))

      for {file, rows} <- @maps, do: File.write!("/proc/#{wire.host_pid}/#{file}", rows)
      send_term(wire, :proceed)
      finish(wire)
    end

    test "is a :cwd for the workload that `final` makes this user", context do
      said = as(%{final: [{:set_credentials, 1, 1, []}]}, context).output
      assert said =~ "cwd #{context.directory}\nat root 0\nsecret open\n"
    end

    test "is none for root of a namespace that does not map its group", context do
      assert final(as(%{}, context)) == {:error, errno(:eacces), :chdir}
      assert final(as(%{final: [{:set_umask, 0}]}, context)) == {:error, errno(:eacces), :chdir}
    end

    test "is one for a workload that loses its rights after it was entered", context do
      change = [{:set_credentials, 61_003, 61_003, []}]
      request = %{argv: where(), cwd: private(context), final: change}
      assert run(request).output =~ "cwd #{context.directory}\n"
      request = Map.put(request, :namespaces, [:mount])
      assert run(request).output =~ "cwd #{context.directory}\n"
    end

    test "is none that set_credentials at the checkpoint has closed", context do
      request = %{argv: where(), cwd: private(context)}
      result = run(request, checkpoint: [{:set_credentials, 61_003, 61_003, []}])
      assert final(result) == {:error, errno(:eacces), :chdir}
    end
  end
end
