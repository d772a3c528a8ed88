# SPDX-License-Identifier: MIT

defmodule AgentTest.SearchPathTest do
  use AgentTest.Case, async: true

  # search_path: true, with which argv[0] is looked for as execvp(3) does.

  @moduletag :tmp_dir

  defp search(argv, request \\ %{}), do: run(Map.merge(%{argv: argv, search_path: true}, request))
  defp along(argv, elements), do: search(argv, %{env: ["PATH=" <> Enum.join(elements, ":")]})

  defp directory(dir, name, files) do
    directory = Path.join(dir, name)
    File.mkdir_p!(directory)

    for {file, mode, content} <- files do
      path = Path.join(directory, file)
      File.write!(path, content)
      File.chmod!(path, mode)
    end

    directory
  end

  defp failure(result), do: with({:error, number, :execve} <- final(result), do: number)
  @script "#!/bin/sh\necho found $0 $*\n"

  test "a name is looked for along PATH of the workload's environment, in its order", %{
    tmp_dir: dir
  } do
    empty = directory(dir, "empty", [])
    first = directory(dir, "first", [{"name", 0o755, @script}])
    second = directory(dir, "second", [{"name", 0o755, "#!/bin/sh\necho other\n"}])
    no_directory = Path.join(first, "name")

    for before <- [[], [empty], ["/no/such", no_directory, empty]] do
      assert along(["name", "a"], before ++ [first, second]).output == "found #{first}/name a\n"
    end

    assert failure(along(["name"], [empty, "/no/such"])) == errno(:enoent)
    refute along(["true"], [empty]).output =~ "found"
    assert failure(along(["true"], [empty])) == errno(:enoent)
  end

  test "the first PATH counts, and without one the default is taken", %{tmp_dir: dir} do
    first = directory(dir, "first", [{"name", 0o755, @script}])
    assert search(["name"], %{env: ["PATH=#{first}", "PATH=/no"]}).output =~ "found"
    assert failure(search(["name"], %{env: ["PATH=/no", "PATH=#{first}"]})) == errno(:enoent)
    assert search(["echo", "by default"], %{env: []}).output == "by default\n"
    assert search(["echo", "by default"], %{env: ["XPATH=/no"]}).output == "by default\n"
    assert search(["echo", "own"], %{env_set: ["PATH=/bin"]}).output == "own\n"
    assert failure(search(["echo"], %{env_set: ["PATH=/no"]})) == errno(:enoent)
  end

  test "an empty element is the working directory", %{tmp_dir: dir} do
    here =
      directory(dir, "here", [{"name", 0o755, @script}, {"-name", 0o755, "echo found $0 $*\n"}])

    for path <- ["", ":", ":/no", "/no:", "/no::/none"] do
      request = %{env: ["PATH=" <> path], cwd: here}
      assert search(["name", "x"], request).output == "found ./name x\n"
      assert search(["-name", "x"], request).output == "found ./-name x\n"
      assert failure(search(["name"], %{request | cwd: "/"})) == errno(:enoent)
    end
  end

  test "a file without permission is passed over, and reported when there is no other", %{
    tmp_dir: dir
  } do
    plain = directory(dir, "plain", [{"name", 0o644, @script}])
    first = directory(dir, "first", [{"name", 0o755, @script}])
    directory(first, "sub", [])
    assert along(["name"], [plain, first]).output =~ "found"
    assert failure(along(["name"], [plain, "/no/such"])) == errno(:eacces)
    # A directory may not be executed.
    assert failure(along(["sub"], [first])) == errno(:eacces)
  end

  test "a name that no file can have, and elements in which it has no room", %{tmp_dir: dir} do
    first = directory(dir, "first", [{"name", 0o755, @script}])
    longest = String.duplicate("n", 255)
    directory(dir, "first", [{longest, 0o755, @script}])
    assert along([longest], [first]).output =~ "found"
    assert failure(along([longest <> "n"], [first])) == errno(:enametoolong)
    assert failure(search([""])) == errno(:enoent)

    for size <- [4088, 4089, 4090, 4091, 4095, 4096, 5000, 100_000] do
      long = String.duplicate("/", size)
      # A path of slashes leads to the root.
      assert along(["name"], [long, first]).output =~ "found"
      component = "/" <> String.duplicate("x", size - 1)
      assert along(["name"], [component, first]).output =~ "found"
    end

    filler = String.duplicate("/", 4096 - byte_size(first) - 6)
    assert along(["name"], [filler <> first]).output =~ "found"
    assert failure(along(["name"], [filler <> "/" <> first])) == errno(:enoent)
  end

  test "a text without #! is executed by the shell, wherever it is", %{tmp_dir: dir} do
    text = "echo $0 $# $1\n"

    first =
      directory(dir, "first", [
        {"name", 0o755, text},
        {"empty", 0o755, ""},
        {"plain", 0o644, text}
      ])

    assert along(["name", "a b", "c"], [first]).output == "#{first}/name 2 a b\n"
    assert along([first <> "/name", "a b"], ["/no"]).output == "#{first}/name 1 a b\n"
    assert search(["name"], %{env: ["PATH=" <> first], arg0: "other"}).output =~ "/name 0"
    assert final(along(["empty"], [first])) == {:status, :exited, 0}
    assert failure(along([first <> "/plain"], [first])) == errno(:eacces)
    result = run(%{argv: [first <> "/name"]})
    assert failure(result) == errno(:enoexec)
    assert failure(search([first <> "/name"], %{search_path: false})) == errno(:enoexec)
  end

  test "a text is no option of the shell, whatever its path begins with", %{tmp_dir: dir} do
    directory(dir, "-c", [{"text", 0o755, "echo found $0 $*\n"}])
    request = %{cwd: dir, search_path: true}
    along = Map.merge(request, %{argv: ["text", "a"], env: ["PATH=-c"]})
    assert run(along).output == "found ./-c/text a\n"
    assert run(Map.put(request, :argv, ["-c/text", "a"])).output == "found ./-c/text a\n"
  end

  test "under a filter the outcome is the same", %{tmp_dir: dir} do
    first = directory(dir, "first", [{"name", 0o755, "echo $0\n"}])
    filter = [{:seccomp_install, Bpf.deny([:mkdirat], errno(:eperm))}]
    request = %{final: filter, env: ["PATH=/no:#{first}"]}
    assert search(["name"], request).output == "#{first}/name\n"
    assert failure(search(["nobody"], request)) == errno(:enoent)
  end

  @tag :root
  test "the root that is searched is the workload's own, and so is the shell", %{tmp_dir: dir} do
    root = directory(dir, "root", [])
    directory(root, "bin", [{"text", 0o755, "echo text\n"}])
    File.cp!(path("actor"), Path.join(root, "bin/actor"))

    inside = fn argv ->
      request = %{argv: argv, search_path: true, namespaces: [:mount], env: ["PATH=/bin"]}
      wire = parked(request)
      arguments = ["root", "#{wire.host_pid}", root]
      assert {"", 0} = System.cmd(path("visitor"), arguments, stderr_to_stdout: true)
      send_term(wire, :proceed)
      finish(wire)
    end

    assert inside.(["actor", "say", "inside"]).output == "inside\n"
    assert failure(inside.(["text"])) == errno(:enoexec)
    assert failure(inside.(["sh"])) == errno(:enoent)
  end
end
