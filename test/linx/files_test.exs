# SPDX-License-Identifier: MIT

defmodule Linx.FilesTest do
  use Linx.SessionCase, async: true

  setup do
    directory =
      Path.join(
        System.tmp_dir!(),
        "linx-files-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    File.mkdir_p!(Path.join(directory, "directory"))
    on_exit(fn -> File.rm_rf!(directory) end)
    File.write!(Path.join(directory, "text"), "")
    script = Path.join(directory, "script")
    File.write!(script, "#!/bin/sh\necho \"$0\"\n")
    File.chmod!(script, 0o755)
    %{at: &Path.join(directory, &1)}
  end

  defp run(files, opts \\ []) do
    session =
      session([argv: ["name"], files: files, stdio: [stdout: :pipe], auto_proceed: true] ++ opts)

    {Linx.Process.wait(session), Linx.Process.read(session, :stdout)}
  end

  test "the first of the files that is there is executed, what is no program passed over", %{
    at: at
  } do
    script = at.("script")

    for before <- [[], ["none"], ["text"], ["directory"], ["text/none"], ["none", "text"]] do
      files = Enum.map(before, at) ++ [script, "/bin/false"]
      assert {{:ok, {:exited, 0}}, {:ok, shown}} = run(files)
      assert shown == script <> "\n"
    end
  end

  test "none of them is an error, and one that may not be executed is told", %{at: at} do
    for {names, errno} <- [
          {["none"], :enoent},
          {["text", "none"], :eacces},
          {["directory"], :eacces}
        ] do
      assert {{:error, %Error{stage: :execve, errno: ^errno}}, _end} = run(Enum.map(names, at))
    end
  end

  test "they are paths, at least one" do
    for files <- [[], ["a\0"], [:a], "a", ["a" | "b"]] do
      assert Linx.Process.spawn(argv: ["a"], files: files) == {:error, {:bad_files, files}}
    end
  end
end
