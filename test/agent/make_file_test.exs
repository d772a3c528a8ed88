# SPDX-License-Identifier: MIT

defmodule AgentTest.MakeFileTest do
  use AgentTest.Case, async: true

  alias AgentTest.Image

  # Directories, links, files and devices that a session's own root begins with.

  @moduletag :root
  @moduletag :tmp_dir

  defp output(request, opts \\ []) do
    result = finish(requested(request, opts))
    assert {:status, :exited, 0} == final(result), inspect(result)
    result.output
  end

  # The errno of a command that fails in the root of a directory.
  defp errno_of(dir, command, opts \\ []) do
    opts = Keyword.merge([tree: dir, then: [command]], opts)
    result = finish(requested(Image.shell("true", opts)))
    index = Image.index(Image.setup(opts), command)
    stage = elem(command, 0)
    assert {:error, errno, ^stage, ^index} = final(result)
    errno
  end

  # What a script of stat(1) says of the names.
  defp stat(commands, names, opts \\ []) do
    script = "cd /; stat -c '%n %F %a %u %g' #{names}"

    output(Image.shell(script, Keyword.put(opts, :then, commands)))
    |> String.split("\n", trim: true)
  end

  @umask {:umask, 0o777}

  describe "mkdir" do
    test "makes a directory with exactly this mode and owner, and those on the way with 0755" do
      commands = [
        @umask,
        {:mkdir, "/a/b/c", 0o1777, 1000, 2000},
        {:mkdir, "/plain/", 0o2750, 0, 0},
        {:mkdir, "/none", 0, 65534, 65534}
      ]

      assert stat(commands, "a a/b a/b/c plain none") == [
               "a directory 755 0 0",
               "a/b directory 755 0 0",
               "a/b/c directory 1777 1000 2000",
               "plain directory 2750 0 0",
               "none directory 0 65534 65534"
             ]
    end

    test "leaves a directory that exists as it is, also behind a link, and the root", %{
      tmp_dir: dir
    } do
      File.mkdir_p!(Path.join(dir, "there"))
      File.chmod!(Path.join(dir, "there"), 0o711)
      File.ln_s!("/there", Path.join(dir, "link"))
      commands = for path <- ~w(/there /link / /there/../there/.), do: {:mkdir, path, 0o700, 1, 1}
      assert stat(commands, "there", tree: dir) == ["there directory 711 0 0"]
    end

    test "makes what a link that leads to nothing says, inside the root", %{tmp_dir: dir} do
      for {name, to} <- [one: "/var/new", up: "../../../above", deep: "one/more"],
          do: File.ln_s!(to, "#{dir}/#{name}")

      commands = for name <- ~w(one up deep), do: {:mkdir, "/" <> name, 0o700, 0, 0}
      names = "var var/new above var/new/more"

      assert [
               _,
               "var/new directory 700 0 0",
               "above directory 700 0 0",
               "var/new/more directory 700 0 0"
             ] = stat(commands, names, tree: dir)

      refute File.exists?("/var/new")
      refute File.exists?(Path.expand(Path.join(dir, "../../../above")))
    end

    test "is refused where something else is, or the kernel refuses it", %{tmp_dir: dir} do
      File.write!(Path.join(dir, "file"), "")
      File.ln_s!("loop", Path.join(dir, "loop"))
      long = "/" <> String.duplicate("x", 256)
      assert errno_of(dir, {:mkdir, "/file", 0o700, 0, 0}) == errno(:enotdir)
      assert errno_of(dir, {:mkdir, "/file/below", 0o700, 0, 0}) == errno(:enotdir)
      assert errno_of(dir, {:mkdir, "/loop", 0o700, 0, 0}) == errno(:eloop)
      assert errno_of(dir, {:mkdir, long, 0o700, 0, 0}) == errno(:enametoolong)
      assert errno_of(dir, {:mkdir, "/usr/new", 0o700, 0, 0}) == errno(:erofs)
    end
  end

  describe "symlink" do
    test "makes a link with any content" do
      commands =
        for {to, at} <- [{"usr/bin", "/here"}, {"/proc/self/fd", "/dev/fd"}, {"../x y", "/a/b/l"}],
            do: {:symlink, to, at}

      script = "readlink /here /dev/fd /a/b/l; stat -c %a /a /a/b"

      assert output(Image.shell(script, then: [@umask | commands])) ==
               "usr/bin\n/proc/self/fd\n../x y\n755\n755\n"
    end

    test "leaves the same link, and refuses anything else that is there", %{tmp_dir: dir} do
      File.ln_s!("here", Path.join(dir, "link"))
      File.ln_s!("nowhere", Path.join(dir, "here-to-nowhere"))
      File.write!(Path.join(dir, "file"), "")
      again = {:symlink, "here", "/link"}
      assert output(Image.shell("readlink /link", tree: dir, then: [again, again])) == "here\n"

      for command <- [
            {:symlink, "her", "/link"},
            {:symlink, "here2", "/link"},
            {:symlink, "here", "/file"},
            {:symlink, "here", "/here-to-nowhere"},
            {:symlink, "here", "/usr"}
          ] do
        assert {command, errno_of(dir, command)} == {command, errno(:eexist)}
      end

      for path <- ~w(/ /. /usr/..), command = {:symlink, "x", path} do
        assert errno_of(dir, command) == errno(:einval)
      end
    end
  end

  describe "file" do
    test "makes a file with exactly this mode and these contents", %{tmp_dir: dir} do
      bytes = for(byte <- 0..255, into: <<>>, do: <<byte>>) |> :binary.copy(4096)

      commands = [
        @umask,
        {:file, "/etc/hostname", 0o644, "name\n"},
        {:file, "/empty", 0o4711, ""},
        {:file, "/big", 0o400, bytes}
      ]

      assert stat(commands, "etc etc/hostname empty big", tree: dir) == [
               "etc directory 755 0 0",
               "etc/hostname regular file 644 0 0",
               "empty regular empty file 4711 0 0",
               "big regular file 400 0 0"
             ]

      assert File.read!(Path.join(dir, "big")) == bytes
      assert File.read!(Path.join(dir, "etc/hostname")) == "name\n"
    end

    test "is refused where anything is, a link to nothing as well, and above 1 MiB", %{
      tmp_dir: dir
    } do
      File.write!(Path.join(dir, "file"), "old")
      File.ln_s!("nothing", Path.join(dir, "link"))

      for path <- ~w(/file /link /usr),
          do: assert(errno_of(dir, {:file, path, 0o600, "new"}) == errno(:eexist))

      assert File.read!(Path.join(dir, "file")) == "old"
      refute File.exists?(Path.join(dir, "nothing"))
      big = {:file, "/big", 0o600, :binary.copy("x", 1024 * 1024 + 1)}
      assert errno_of(dir, big) == errno(:efbig)
      refute File.exists?(Path.join(dir, "big"))
    end

    test "that cannot be written whole is not left behind", %{tmp_dir: dir} do
      full = {:mount_open, 0, "tmpfs", "small", [{"size", "8k"}]}
      attach = {:attach, 0, "/small", [], []}
      file = {:file, "/small/file", 0o600, :binary.copy("x", 100_000)}
      assert errno_of(dir, file, before: [full], then: [attach, file]) == errno(:enospc)
    end
  end

  describe "device" do
    test "makes a node with exactly this number, mode and owner", %{tmp_dir: dir} do
      commands = [
        @umask,
        {:device, "/dev/null", :char, 1, 3, 0o666, 0, 0},
        {:device, "/dev/loop", :block, 7, 0xFFFFF, 0o660, 1, 6},
        {:device, "/dev/big", :char, 4095, 259, 0o4600, 65534, 2},
        {:device, "/run/fifo", :fifo, 0, 0, 0o622, 5, 5}
      ]

      script = "stat -c '%n %F %t,%T %a %u %g' /dev/* /run/*"

      assert output(Image.shell(script, tree: dir, then: commands))
             |> String.split("\n", trim: true) == [
               "/dev/big character special file fff,103 4600 65534 2",
               "/dev/loop block special file 7,fffff 660 1 6",
               "/dev/null character special file 1,3 666 0 0",
               "/run/fifo fifo 0,0 622 5 5"
             ]
    end

    test "leaves the same node as it is, and refuses another", %{tmp_dir: dir} do
      node = {:device, "/null", :char, 1, 3, 0o600, 0, 0}
      output(Image.shell("true", tree: dir, then: [node]))
      again = {:device, "/null", :char, 1, 3, 0o666, 7, 7}
      assert output(Image.shell("stat -c '%a %u' /null", tree: dir, then: [again])) == "600 0\n"
      File.ln_s!("null", Path.join(dir, "link"))
      File.write!(Path.join(dir, "file"), "")

      for command <- [
            {:device, "/null", :char, 1, 5, 0o600, 0, 0},
            {:device, "/null", :char, 2, 3, 0o600, 0, 0},
            {:device, "/null", :block, 1, 3, 0o600, 0, 0},
            {:device, "/null", :fifo, 1, 3, 0o600, 0, 0},
            {:device, "/link", :char, 1, 3, 0o600, 0, 0},
            {:device, "/file", :char, 1, 3, 0o600, 0, 0},
            {:device, "/usr", :char, 1, 3, 0o600, 0, 0}
          ] do
        assert {command, errno_of(dir, command)} == {command, errno(:eexist)}
      end

      big = {:device, "/big", :char, 4096, 0, 0o600, 0, 0}
      assert errno_of(dir, big) == errno(:einval)
    end
  end

  test "each of them needs a mount namespace of the session's own, before anything is started" do
    for command <- [
          {:mkdir, "/linx-must-not-be", 0o700, 0, 0},
          {:symlink, "x", "/linx-must-not-be"},
          {:file, "/linx-must-not-be", 0o600, ""},
          {:device, "/linx-must-not-be", :fifo, 0, 0, 0o600, 0, 0}
        ],
        list <- [:setup, :final] do
      request = %{argv: ["/bin/true"], namespaces: [:uts, :pid]} |> Map.put(list, [command])
      result = finish(requested(request), exit: 3)
      assert result.frames == [{:error, errno(:eperm), elem(command, 0), 0}]
      result = run(%{argv: ["/bin/true"]}, checkpoint: [command])
      assert final(result) == {:error, errno(:eperm), elem(command, 0)}
    end

    refute File.exists?("/linx-must-not-be")
  end

  test "they work at the checkpoint and after it" do
    request = %{argv: ["/bin/sh", "-c", "stat -c %a /d /f; readlink /l"], namespaces: [:mount]}
    commands = Image.setup(then: [{:mkdir, "/d", 0o710, 0, 0}, {:symlink, "to", "/l"}])
    result = run(Map.put(request, :final, [{:file, "/f", 0o640, "x"}]), checkpoint: commands)
    assert result.output == "710\n640\nto\n"
  end

  test "what is no path, mode, kind or number is malformed" do
    for command <- [
          {:mkdir, "relative", 0o700, 0, 0},
          {:mkdir, "", 0o700, 0, 0},
          {:mkdir, "/a\0b", 0o700, 0, 0},
          {:mkdir, "/" <> String.duplicate("a", 4095), 0o700, 0, 0},
          {:mkdir, '/charlist', 0o700, 0, 0},
          {:mkdir, "/a", 0o10000, 0, 0},
          {:mkdir, "/a", 0o700, -1, 0},
          {:mkdir, "/a", 0o700, 0, 0xFFFFFFFF},
          {:symlink, "", "/a"},
          {:symlink, "x", "a"},
          {:file, "/a", -1, ""},
          {:file, "/a", 0, :text},
          {:device, "/a", :socket, 0, 0, 0, 0, 0},
          {:device, "/a", :char, 0, 0x100000, 0, 0, 0}
        ] do
      request = %{argv: ["/bin/true"], namespaces: [:mount], setup: [command]}
      result = finish(requested(request), exit: 2)
      assert result.frames == [{:error, errno(:einval), :malformed_request}]
    end
  end
end
