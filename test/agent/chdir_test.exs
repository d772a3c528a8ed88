# SPDX-License-Identifier: MIT

defmodule AgentTest.ChdirTest do
  use AgentTest.Case, async: true

  # The command chdir, and what becomes of it at exec. test/agent/working_directory_test.exs has the key :cwd.

  alias Linx.Test.Probe

  defp argv, do: Probe.argv([:files])
  defp cwd(result), do: result.output |> Probe.facts() |> Map.fetch!("cwd")

  defp directory(name) do
    dir = scratch("chdir") |> Path.join(name)
    File.mkdir_p!(dir)
    on_exit(fn -> File.rm_rf!(Path.dirname(dir)) end)
    dir
  end

  test "the program is where it says, in each list and at the checkpoint" do
    dir = directory("here")

    assert cwd(run(%{argv: argv(), setup: [{:chdir, dir}]})) == dir
    assert cwd(run(%{argv: argv(), final: [{:chdir, dir}]})) == dir
    assert cwd(run(%{argv: argv()}, checkpoint: [{:chdir, dir}])) == dir
    assert cwd(run(%{argv: argv(), setup: [{:chdir, "/"}], final: [{:chdir, dir}]})) == dir
    assert cwd(run(%{argv: argv(), final: [{:chdir, dir}, {:chdir, "/"}]})) == "/"
    result = finish(requested(%{argv: argv(), setup: [{:chdir, dir}], proceed: true}))
    assert cwd(result) == dir
  end

  test "it goes before :cwd" do
    dir = directory("here")
    assert cwd(run(%{argv: argv(), cwd: "/usr", setup: [{:chdir, dir}]})) == dir
    assert cwd(run(%{argv: argv(), cwd: "/usr", final: [{:chdir, dir}]})) == dir
  end

  test "links are followed, and those of /proc that lead to directories of processes are not" do
    dir = directory("here")
    link = Path.join(Path.dirname(dir), "link")
    File.ln_s!(dir, link)
    assert cwd(run(%{argv: argv(), final: [{:chdir, link}]})) == dir

    for path <- ["/proc/self/cwd", "/proc/self/root", "/proc/self/fd/0"] do
      result = run(%{argv: argv(), final: [{:chdir, path}]})
      assert {path, final(result)} == {path, {:error, errno(:eloop), :chdir, 0}}
    end
  end

  test "what cannot be changed to is an error at its place" do
    dir = directory("here")
    file = Path.join(dir, "file")
    File.write!(file, "")

    for {path, error} <- [{Path.join(dir, "none"), :enoent}, {file, :enotdir}] do
      result = run(%{argv: argv(), final: [{:umask, 0}, {:chdir, path}]})
      assert final(result) == {:error, errno(error), :chdir, 1}
      result = run(%{argv: argv()}, checkpoint: [{:chdir, path}])
      assert final(result) == {:error, errno(error), :chdir}
    end
  end

  test "a path that is not absolute is malformed" do
    for path <- ["", "usr", "./usr", "..", :usr, ~c"/usr", "/u\0sr"] do
      result = finish(requested(%{argv: argv(), setup: [{:chdir, path}]}), exit: 2)
      assert final(result) == {:error, errno(:einval), :malformed_request}
    end
  end

  describe "of root" do
    @describetag :root

    test "a directory that is removed or covered afterwards is ENOENT" do
      dir = directory("here")
      wire = parked(%{argv: argv(), setup: [{:chdir, dir}]})
      File.rmdir!(dir)
      send_term(wire, :proceed)
      assert final(finish(wire)) == {:error, errno(:enoent), :chdir}

      File.mkdir!(dir)
      wire = parked(%{argv: argv(), namespaces: [:mount], setup: [{:chdir, dir}]})
      mount = ["mount", "-t", "tmpfs", "none", Path.dirname(dir)]
      {_, 0} = System.cmd("nsenter", ["-t", "#{wire.host_pid}", "-m" | mount])
      send_term(wire, :proceed)
      assert final(finish(wire)) == {:error, errno(:enoent), :chdir}
    end

    test "a directory that only another user may enter" do
      dir = directory("here")
      File.chmod!(dir, 0o700)
      ids = {:set_credentials, 65_534, 65_534, []}
      result = run(%{argv: argv(), final: [ids, {:chdir, dir}]})
      assert final(result) == {:error, errno(:eacces), :chdir, 1}
      File.chown!(dir, 65_534)
      assert cwd(run(%{argv: argv(), final: [ids, {:chdir, dir}]})) == dir
      # With the rights of before, and kept after them, as an inherited directory is.
      File.chown!(dir, 0)
      assert cwd(run(%{argv: argv(), final: [{:chdir, dir}, ids]})) == dir
    end

    test "in a user namespace of its own" do
      dir = directory("here")
      wire = parked(%{argv: argv(), namespaces: [:user, :mount], final: [{:chdir, dir}]})
      map_ids(wire, "0 100000 65536\n")
      send_term(wire, :proceed)
      assert cwd(finish(wire)) == dir
    end
  end
end
