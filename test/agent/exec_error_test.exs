# SPDX-License-Identifier: MIT

defmodule AgentTest.ExecErrorTest do
  use AgentTest.Case, async: true

  @moduletag :tmp_dir

  # A failure before or at exec: its errno and stage, and no :running.
  defp assert_fails(request, name, stage, opts \\ []) do
    result = run(request, opts)
    assert [{:status, :spawned, _}, {:status, :ready, _}, {:error, code, ^stage}] = result.frames
    assert code == errno(name)
  end

  defp file(dir, name, content, mode) do
    path = Path.join(dir, name)
    File.write!(path, content)
    File.chmod!(path, mode)
    path
  end

  describe "exec" do
    test "of what is not there is ENOENT" do
      assert_fails(%{argv: ["/no/such/file"]}, :enoent, :execve)
      assert_fails(%{argv: [""]}, :enoent, :execve)
    end

    test "of a file without the permission is EACCES", %{tmp_dir: dir} do
      assert_fails(%{argv: [file(dir, "plain", "#!/bin/sh\n", 0o644)]}, :eacces, :execve)
    end

    test "of a directory is EACCES", %{tmp_dir: dir} do
      assert_fails(%{argv: [dir]}, :eacces, :execve)
    end

    test "of what is no program is ENOEXEC", %{tmp_dir: dir} do
      assert_fails(%{argv: [file(dir, "noise", "no program\n", 0o755)]}, :enoexec, :execve)
    end

    test "of a script whose interpreter is missing is ENOENT", %{tmp_dir: dir} do
      assert_fails(%{argv: [file(dir, "script", "#!/no/such\n", 0o755)]}, :enoent, :execve)
    end

    test "below a file is ENOTDIR" do
      assert_fails(%{argv: ["/etc/passwd/x"]}, :enotdir, :execve)
    end

    test "of a name that is too long is ENAMETOOLONG" do
      assert_fails(%{argv: ["/" <> String.duplicate("x", 256)]}, :enametoolong, :execve)
      assert_fails(%{argv: ["/" <> String.duplicate("x/", 2100)]}, :enametoolong, :execve)
    end

    # execve(2), "Limits on size of arguments and environment".
    test "with one string of more than 32 pages is E2BIG" do
      assert_fails(%{argv: actor(["say", String.duplicate("x", 131_072)])}, :e2big, :execve)

      assert_fails(
        %{argv: actor(["say"]), env: ["A=" <> String.duplicate("x", 131_072)]},
        :e2big,
        :execve
      )
    end

    test "with more than a quarter of the stack's limit is E2BIG" do
      argv = actor(["say"]) ++ List.duplicate(String.duplicate("x", 100_000), 40)
      assert_fails(%{argv: argv}, :e2big, :execve, driver: ["--stack", 8 * 1024 * 1024])
    end
  end

  describe "cwd" do
    test "that is not there is ENOENT" do
      assert_fails(%{argv: actor(["exit", 0]), cwd: "/no/such"}, :enoent, :chdir)
    end

    test "that is a file is ENOTDIR" do
      assert_fails(%{argv: actor(["exit", 0]), cwd: "/etc/passwd"}, :enotdir, :chdir)
    end

    test "that is too long is ENAMETOOLONG" do
      long = "/" <> String.duplicate("x/", 2100)
      assert_fails(%{argv: actor(["exit", 0]), cwd: long}, :enametoolong, :chdir)
    end

    @tag :root
    test "that the user may not enter is EACCES", %{tmp_dir: dir} do
      File.chmod!(dir, 0o700)

      assert_fails(%{argv: actor(["exit", 0]), cwd: dir}, :eacces, :chdir,
        driver: ["--user", 65_534]
      )
    end
  end

  test "a failure to exec has its errno under a terminal as well" do
    assert_fails(%{argv: ["/no/such/file"], stdio: :pty}, :enoent, :execve)
  end

  test "a failure to exec has its errno, and its :ready, with proceed: true" do
    for stdio <- [:inherit, :pty] do
      result = finish(requested(%{argv: ["/no/such/file"], proceed: true, stdio: stdio}))

      assert [{:status, :spawned, pid}, {:status, :ready, pid}, {:error, code, :execve}] =
               result.frames

      assert code == errno(:enoent)
    end
  end

  # proc(5): the command's name stands in /proc/<pid>/stat in parentheses, unescaped.
  test "a program of any name is seen to have exec'd", %{tmp_dir: dir} do
    for name <- ["a) R 1 1", "(", ")", ") S 0 0 0 0 0 64", "a b", "\n", "x)\n(y", <<255, ?)>>] do
      path = Path.join(dir, name)
      File.cp!(path("actor"), path)
      result = run(%{argv: [path, "exit", "7"]})
      assert {name, ran?(result), final(result)} == {name, true, {:status, :exited, 7}}
    end
  end

  test "an argv of MiBs arrives whole" do
    strings = for n <- 1..60, do: String.duplicate("x", 30_000 + n)
    bytes = strings |> Enum.map(&byte_size/1) |> Enum.sum()
    result = run(%{argv: actor(["sizes" | strings]), env: []})
    assert result.output == "argv 60 #{bytes} env 0 0\n"
  end

  test "an environment of MiBs arrives whole" do
    entries = for n <- 1..60, do: "V#{n}=" <> String.duplicate("x", 30_000)
    bytes = entries |> Enum.map(&byte_size/1) |> Enum.sum()
    result = run(%{argv: actor(["sizes"]), env: entries})
    assert result.output == "argv 0 0 env 60 #{bytes}\n"
  end

  test "argv and environment of MiBs arrive whole as charlists" do
    long = List.duplicate(?x, 100_000)
    argv = Enum.map(actor(["sizes"]), &to_charlist/1) ++ List.duplicate(long, 9)
    result = run(%{argv: argv, env: List.duplicate('A=' ++ long, 9)})
    assert result.output == "argv 9 900000 env 9 900018\n"
  end

  test "tens of thousands of short strings arrive whole" do
    argv = actor(["sizes"]) ++ List.duplicate("x", 50_000)
    assert run(%{argv: argv, env: []}).output == "argv 50000 50000 env 0 0\n"
  end
end
