# SPDX-License-Identifier: MIT

defmodule AgentTest.RedirectTest do
  use AgentTest.Case, async: true

  # {:file, path, how} and stderr: :stdout.

  @moduletag :tmp_dir

  defp sh(script, stdio, opts \\ []),
    do: run(%{argv: ["/bin/sh", "-c", script], stdio: stdio}, [finish: [drained: true]] ++ opts)

  describe "{:file, path, how}" do
    test ":read is the workload's input", %{tmp_dir: dir} do
      path = Path.join(dir, "in")
      File.write!(path, "from the file")
      assert sh("cat", stdin: {:file, path, :read}).output == "from the file"
    end

    test ":write creates the file", %{tmp_dir: dir} do
      path = Path.join(dir, "new")
      sh("echo one", stdout: {:file, path, :write})
      assert File.read!(path) == "one\n"
    end

    test ":write truncates what was there", %{tmp_dir: dir} do
      path = Path.join(dir, "old")
      File.write!(path, "something longer than that")
      sh("echo two >&2", stderr: {:file, path, :write})
      assert File.read!(path) == "two\n"
    end

    test ":append keeps what was there, and creates what was not", %{tmp_dir: dir} do
      path = Path.join(dir, "log")
      for line <- ["one", "two"], do: sh("echo #{line}", stdout: {:file, path, :append})
      assert File.read!(path) == "one\ntwo\n"
    end

    test ":append writes behind what others have written meanwhile", %{tmp_dir: dir} do
      path = Path.join(dir, "log")
      request = %{argv: actor(["write-late", 2, 23]), stdio: [stderr: {:file, path, :append}]}
      wire = running(request)
      await_output(wire, "ready\n")
      File.write!(path, "meanwhile\n")
      send_term(wire, {:signal, 10})
      finish(wire)
      assert File.read!(path) == "meanwhile\nabcdefghijklmnopqrstuvw"
    end

    test "of a directory is an error: it would be a way into the host's tree", %{tmp_dir: dir} do
      link = Path.join(dir, "link")
      File.ln_s!(dir, link)

      for path <- [dir, link, dir <> "/.", "/", "/proc/self/fd"],
          fd <- [:stdin, :stdout, :stderr] do
        stdio = [{fd, {:file, path, :read}}]
        request = %{argv: actor(["say", "ran"]), stdio: stdio, proceed: true}
        result = finish(requested(request), exit: 3)
        assert result.frames == [{:error, errno(:eisdir), :file_open}]
      end
    end

    test "takes a charlist as the path", %{tmp_dir: dir} do
      path = Path.join(dir, "new")
      sh("echo one", stdout: {:file, to_charlist(path), :write})
      assert File.read!(path) == "one\n"
    end

    test "of :read can only be read, of :write only written", %{tmp_dir: dir} do
      path = Path.join(dir, "file")
      File.write!(path, "x")

      for {how, mode} <- [read: 0, write: 1, append: 1] do
        wire = running(%{argv: actor(["pause"]), stdio: [stderr: {:file, path, how}]})
        "flags:\t" <> flags = "/proc/#{wire.host_pid}/fdinfo/2" |> File.read!() |> flags()
        assert flags |> String.trim() |> String.to_integer(8) |> Bitwise.band(3) == mode
        kill(wire)
      end
    end

    defp flags(fdinfo), do: fdinfo |> String.split("\n") |> Enum.find(&(&1 =~ "flags"))

    test "that cannot be opened is an error before a child exists", %{tmp_dir: dir} do
      missing = Path.join(dir, "missing/file")

      for {path, how, name} <- [
            {missing, :read, :enoent},
            {missing, :write, :enoent},
            {missing, :append, :enoent},
            {dir, :write, :eisdir},
            {"/etc/passwd/x", :read, :enotdir},
            {"", :read, :enoent}
          ] do
        wire = requested(%{argv: actor(["exit", 0]), stdio: [stdin: {:file, path, how}]})
        assert [{:error, code, :file_open}] = finish(wire, exit: 3).frames
        assert {path, how, code} == {path, how, errno(name)}
      end
    end

    @tag :root
    test "is opened where the agent is, not inside an entered target" do
      dir = scratch("file")
      File.mkdir!(dir)
      on_exit(fn -> File.rm_rf!(dir) end)
      script = "mount -t tmpfs linx #{dir} && exec #{path("actor")} pause"
      made = start(program: ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script])
      await_output(made, "ready\n")
      stdio = [stdout: {:file, dir <> "/f", :write}]
      run({:enter, %{target: made.agent, argv: ["/bin/echo", "host"], stdio: stdio}})
      assert File.read!(dir <> "/f") == "host\n"
    end

    test "has no descriptor beside 0, 1 and 2", %{tmp_dir: dir} do
      path = Path.join(dir, "file")

      stdio = [
        stdin: {:file, "/dev/null", :read},
        stdout: {:file, path, :write},
        stderr: {:file, path, :append}
      ]

      wire = running(%{argv: actor(["ignore"]), stdio: stdio})
      assert Host.fds(wire.host_pid) == %{0 => "/dev/null", 1 => path, 2 => path}
      kill(wire)
    end

    test "that is wrong is malformed" do
      for what <- [
            {:file},
            {:file, "x"},
            {:file, "x", :foo},
            {:file, "x", "read"},
            {:file, 1, :read},
            {:file, "x\0", :read},
            {:file, nil, :read},
            {:file, "x", :read, 1}
          ] do
        wire = requested(%{argv: actor(["exit", 0]), stdio: [stdin: what]})
        assert finish(wire, exit: 2).frames == [{:error, errno(:einval), :malformed_request}]
      end
    end
  end

  describe "stderr: :stdout" do
    @script "echo 1; echo 2 >&2; echo 3; echo 4 >&2"

    test "is one stream, in order, with one end" do
      for stdio <- [[stdout: :pipe, stderr: :stdout], [stderr: :stdout, stdout: :pipe]] do
        result = sh(@script, stdio)
        assert {result.stdout, result.stderr} == {"1\n2\n3\n4\n", ""}
        assert {:eof, :stdout} in result.frames
        refute {:eof, :stderr} in result.frames
      end
    end

    test "shares a file's position", %{tmp_dir: dir} do
      path = Path.join(dir, "both")
      sh(@script, stdout: {:file, path, :write}, stderr: :stdout)
      assert File.read!(path) == "1\n2\n3\n4\n"
    end

    test "follows an inherited stdout, and /dev/null" do
      assert sh(@script, stderr: :stdout).output == "1\n2\n3\n4\n"
      wire = running(%{argv: actor(["pause"]), stdio: [stdout: :devnull, stderr: :stdout]})
      assert %{1 => "/dev/null", 2 => "/dev/null"} = Host.fds(wire.host_pid)
      kill(wire)
    end

    test "ends with both of its descriptors, not with one" do
      wire = running(%{argv: actor(["close", 2]), stdio: [stdout: :pipe, stderr: :stdout]})
      await_pipe(wire, :stdout, "ready\n")
      send_term(wire, {:signal, 9})
      result = finish(wire, drained: true)
      at = &Enum.find_index(result.frames, fn frame -> frame == &1 end)
      assert at.({:eof, :stdout}) != nil
    end
  end
end
