# SPDX-License-Identifier: MIT

defmodule Linx.StdioTest do
  use Linx.SessionCase, async: true

  alias Linx.Process, as: P

  @moduletag :tmp_dir

  defp run(script, stdio) do
    session = session(argv: ["/bin/sh", "-c", script], stdio: stdio, auto_proceed: true)
    assert {:ok, {:exited, 0}} = P.wait(session)
    session
  end

  test "files are read, created, emptied and appended to", %{tmp_dir: directory} do
    input = Path.join(directory, "input")
    output = Path.join(directory, "output")
    File.write!(input, "from a file")
    File.write!(output, "what was there before, and more of it")

    run("cat", stdin: {:file, input, :read}, stdout: {:file, output, :write})
    assert File.read!(output) == "from a file"
    run("echo; echo more", stdin: :devnull, stdout: {:file, output, :append})
    assert File.read!(output) == "from a file\nmore\n"
    run("echo new >&2", stderr: {:file, String.to_charlist(output <> "2"), :append})
    assert File.read!(output <> "2") == "new\n"
  end

  test "a file that cannot be opened is the session's error", %{tmp_dir: directory} do
    for {path, how, errno} <- [
          {Path.join(directory, "none"), :read, :enoent},
          {directory, :write, :eisdir},
          {Path.join(directory, "none/none"), :append, :enoent}
        ] do
      session = session(argv: ["/bin/true"], stdio: [stdout: {:file, path, how}])
      assert {:error, %Error{stage: :file_open, errno: ^errno}} = P.wait(session)
    end
  end

  test "stderr: :stdout is one stream, in the order it was written" do
    session = run("echo 1; echo 2 >&2; echo 3", stdin: :devnull, stdout: :pipe, stderr: :stdout)
    assert read_all(session, :stdout) == "1\n2\n3\n"
    assert {:error, :not_piped} = P.read(session, :stderr)
    assert :eof = P.read_any(session)
  end

  test "stderr: :stdout means a file as well", %{tmp_dir: directory} do
    output = Path.join(directory, "both")
    run("echo 1; echo 2 >&2; echo 3", stdout: {:file, output, :write}, stderr: :stdout)
    assert File.read!(output) == "1\n2\n3\n"
  end

  test "each of the three can be something else", %{tmp_dir: directory} do
    output = Path.join(directory, "output")

    session =
      session(
        argv: actor(["copy"]),
        stdio: [stdin: :pipe, stdout: {:file, output, :write}, stderr: :pipe],
        auto_proceed: true
      )

    :ok = P.write(session, "through")
    :ok = P.close_stdin(session)
    assert read_all(session, :stderr) == "copied 7\n"
    assert {:ok, {:exited, 0}} = P.wait(session)
    assert File.read!(output) == "through"
  end

  test "arg0 is what the workload is told as its name" do
    session =
      session(
        argv: ["/bin/sh", "-c", "echo $0"],
        arg0: "another",
        stdio: :pipe,
        auto_proceed: true
      )

    assert read_all(session, :stdout) =~ ~r/^(another|\/bin\/sh)\n$/

    session =
      session(
        argv: ["/bin/cat", "/proc/self/cmdline"],
        arg0: "another",
        stdio: :pipe,
        auto_proceed: true
      )

    assert read_all(session, :stdout) == "another\0/proc/self/cmdline\0"
  end

  test "a hundred sessions stream at once, none of them alone" do
    sessions =
      for _ <- 1..100,
          do:
            session(
              argv: ["/usr/bin/yes"],
              stdio: [stdout: :pipe],
              auto_proceed: true,
              events: :none
            )

    readers =
      for session <- sessions do
        Task.async(fn ->
          for _ <- 1..50, do: {:ok, _} = P.read(session, :stdout, 65_536, 60_000)
        end)
      end

    for answers <- Task.await_many(readers, 120_000), do: assert(length(answers) == 50)
    for session <- sessions, do: assert({:ok, {:signaled, 15}} = P.stop(session))
  end
end
