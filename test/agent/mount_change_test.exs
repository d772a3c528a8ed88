# SPDX-License-Identifier: MIT

defmodule AgentTest.MountChangeTest do
  use AgentTest.Case, async: true

  alias AgentTest.Image
  alias Linx.Test.Probe

  # Mounts that are there are changed, hidden and removed.

  @moduletag :root
  @moduletag :tmp_dir

  @memory {:mount_open, 0, "tmpfs", "memory", []}
  @attach {:attach, 0, "/m", [], []}

  # A mount that has another in it.
  @nested [
    before: [@memory, put_elem(@memory, 1, 1)],
    then: [@attach, {:attach, 1, "/m/in", [], []}]
  ]

  # What masks are made of.
  @null {:tree_open, 8, "/dev/null", []}
  @empty {:mount_open, 9, "tmpfs", "empty", [{"mode", "0"}, {"nr_inodes", "2"}]}

  defp output(request, opts \\ []) do
    result = finish(requested(request, opts))
    assert {:status, :exited, 0} == final(result), inspect(result)
    result.output
  end

  defp add(opts, commands), do: Keyword.update(opts, :then, commands, &(&1 ++ commands))

  defp mounts(opts, more \\ []),
    do:
      Image.shell("cat /proc/self/mountinfo", [proc: true] ++ opts)
      |> output(more)
      |> Image.mounts()

  defp errno_of(opts, command, more \\ []) do
    opts = add(opts, [command])
    result = finish(requested(Image.shell("true", opts), more))
    index = length(Image.setup(opts)) - 1
    stage = elem(command, 0)
    assert {:error, errno, ^stage, ^index} = final(result)
    errno
  end

  defp options(mounts, path), do: Enum.sort(mounts[path].options)

  describe "mount_attr" do
    test "sets and clears attributes, of one mount or of all that are in it" do
      set = &{:mount_attr, "/m", &1, &2, &3}
      first = set.([:rdonly, :nosuid, :noatime], [], [])
      mounts = mounts(add(@nested, [first]))
      assert options(mounts, "/m") == ~w(noatime nosuid ro)
      assert options(mounts, "/m/in") == ~w(relatime rw)
      mounts = mounts(add(@nested, [first, set.([:nodev], [:rdonly, :noatime], [:recursive])]))
      assert options(mounts, "/m") == ~w(nodev nosuid relatime rw)
      assert options(mounts, "/m/in") == ~w(nodev relatime rw)
      mounts = mounts(add(@nested, [first, set.([:strictatime], [:noatime], [])]))
      assert options(mounts, "/m") == ~w(nosuid ro)
    end

    test "makes the root read-only, alone" do
      opts = [
        then: [{:mkdir, "/w", 0o755, 0, 0}, @attach, {:mount_attr, "/", [:rdonly], [], []}],
        before: [@memory]
      ]

      assert output(Image.shell("mkdir /x || mkdir /m/x && ls /m", opts)) == "x\n"
    end

    test "of no mount, or with an attribute to set and clear, is EINVAL" do
      opts = add(@nested, [{:mkdir, "/m/directory", 0o755, 0, 0}])
      assert errno_of(opts, {:mount_attr, "/m/directory", [:rdonly], [], []}) == errno(:einval)
      assert errno_of(opts, {:mount_attr, "/m", [:rdonly], [:rdonly], []}) == errno(:einval)
      assert errno_of(opts, {:mount_attr, "/none", [:rdonly], [], []}) == errno(:enoent)
    end

    test "without mount_setattr a mount that is a file is changed, too", %{tmp_dir: dir} do
      path = Path.join(dir, "filter")
      File.write!(path, Bpf.deny([:mount_setattr], errno(:enosys)))
      driver = [driver: ["--filter", path]]
      plain = {:tree_open, 1, "/dev/null", []}

      setup = [
        @memory,
        plain,
        {:attach, 0, "/mnt", [], []},
        {:attach, 1, "/mnt/a/null", [], []},
        {:symlink, "null", "/mnt/a/link"},
        {:mount_attr, "/mnt", [:nosuid], [], []},
        {:mount_attr, "/mnt/a/link", [:rdonly, :noexec], [], []},
        {:mount_attr, "/mnt/a/null", [:noatime], [:noexec], []},
        {:propagation, "/mnt/a/link", :shared, []}
      ]

      request = %{
        argv: ["/bin/cat", "/proc/self/mountinfo"],
        namespaces: [:mount],
        setup: setup,
        proceed: true
      }

      mounts = Image.mounts(output(request, driver))
      assert options(mounts, "/mnt") == ~w(nosuid relatime rw)
      assert options(mounts, "/mnt/a/null") == ~w(noatime ro)
      assert ["shared:" <> _] = mounts["/mnt/a/null"].fields

      for command <- [{:mount_attr, "/mnt", [:rdonly], [], [:recursive]}, {:readonly, "/mnt"}] do
        result = finish(requested(%{request | setup: setup ++ [command]}, driver))
        assert final(result) == {:error, errno(:enosys), elem(command, 0), length(setup)}
      end
    end
  end

  describe "propagation" do
    test "is what was asked for, of one mount or of all that are in it" do
      for {kind, fields} <- [
            shared: ~r/^shared:\d+$/,
            private: ~r/^$/,
            slave: ~r/^$/,
            unbindable: ~r/^unbindable$/
          ],
          {flags, inner} <- [{[], ~r/^$/}, {[:recursive], fields}] do
        mounts = mounts(add(@nested, [{:propagation, "/m", kind, flags}]))
        assert Enum.join(mounts["/m"].fields, " ") =~ fields
        assert Enum.join(mounts["/m/in"].fields, " ") =~ inner
      end

      bad = {:propagation, "/usr/bin", :shared, []}
      assert errno_of(@nested, bad) == errno(:einval)
    end
  end

  describe "unmount" do
    test "removes what is mounted, alone or with all that is in it" do
      mounts = mounts(add(@nested, [{:unmount, "/m/in", []}, {:unmount, "/m/", []}]))
      refute mounts["/m/in"] || mounts["/m"]
      mounts = mounts(add(@nested, [{:unmount, "/m", [:detach]}]))
      refute mounts["/m/in"] || mounts["/m"]
      assert errno_of(@nested, {:unmount, "/m", []}) == errno(:ebusy)
    end

    test "follows links on the way, and not the last" do
      opts = add(@nested, [{:symlink, "/m", "/link"}])
      refute mounts(add(opts, [{:unmount, "/link/in", []}]))["/m/in"]
      assert errno_of(opts, {:unmount, "/link", [:detach]}) == errno(:einval)

      for path <- ~w(/ /usr/bin /m/. /m/..),
          do: assert(errno_of(opts, {:unmount, path, [:detach]}) == errno(:einval))

      assert errno_of(opts, {:unmount, "/none", []}) == errno(:enoent)
    end
  end

  describe "readonly" do
    test "covers what is there with a copy that cannot be written to, mounts below it included" do
      opts =
        add(@nested, [
          {:file, "/m/file", 0o644, "text"},
          {:readonly, "/m"},
          {:readonly, "/none"},
          {:readonly, "/m/none"}
        ])

      mounts = mounts(opts)
      assert "ro" in mounts["/m"].options
      assert "ro" in mounts["/m/in"].options

      script =
        "cat /m/file; for f in /m/file /m/new /m/in/new; do echo x > $f || echo no; done 2>/dev/null"

      opts = add(opts, [{:device, "/dev/null", :char, 1, 3, 0o666, 0, 0}])
      assert output(Image.shell(script, opts)) == "textno\nno\nno\n"
    end

    test "keeps the other attributes of what is below, and of a file" do
      opts =
        add(@nested, [
          {:mount_attr, "/m/in", [:nodev], [], []},
          {:file, "/m/f", 0o644, ""},
          {:readonly, "/m"},
          {:readonly, "/m/f"}
        ])

      assert options(mounts(opts), "/m/in") == ~w(nodev relatime ro)
      assert "ro" in mounts(opts)["/m/f"].options
    end

    test "of what cannot be looked at is an error, and so is the root", %{tmp_dir: dir} do
      File.ln_s!("loop", Path.join(dir, "loop"))
      File.write!(Path.join(dir, "file"), "")
      opts = [tree: dir]
      assert errno_of(opts, {:readonly, "/loop"}) == errno(:eloop)
      assert errno_of(opts, {:readonly, "/file/below"}) == errno(:enotdir)
      assert errno_of(opts, {:readonly, "/"}) == errno(:einval)
      assert errno_of(opts, {:readonly, "/.."}) == errno(:einval)
    end
  end

  describe "mask" do
    @mask [before: [@null, @empty]]
    defp hide(path), do: {:mask, path, 8, 9}

    test "hides a directory below an empty one, and anything else below the null device" do
      commands = [
        {:mkdir, "/secret/deep", 0o755, 0, 0},
        {:file, "/key", 0o644, "secret"},
        {:symlink, "/key", "/link"},
        {:device, "/fifo", :fifo, 0, 0, 0o644, 0, 0},
        hide("/secret"),
        hide("/link"),
        hide("/fifo"),
        hide("/proc/version"),
        hide("/proc/bus"),
        hide("/none/at/all")
      ]

      script = """
      ls -A /secret; cat /key /fifo /proc/version; mkdir /secret/x || echo no; stat -c '%a %F' /secret /key
      """

      opts = add([proc: true] ++ @mask, commands)
      assert output(Image.shell(script, opts)) == "no\n0 directory\n666 character special file\n"
      mounts = mounts(opts)

      for path <- ["/secret", "/key", "/fifo", "/proc/version"],
          do: assert(~w(noexec nosuid ro) -- mounts[path].options == [])

      refute mounts["/link"] || mounts["/none/at/all"]
      # One superblock for all directories.
      assert mounts["/secret"].type == "tmpfs"
    end

    test "of slots that hold something else is EINVAL, before anything is covered" do
      full = [put_elem(@memory, 1, 7)]

      for {slots, file, directory} <- [
            {[{:tree_open, 8, "/dev/zero", []}, @empty], 8, 9},
            {[{:tree_open, 8, "/etc/hostname", []}, @empty], 8, 9},
            {[@null, @empty], 9, 8},
            {[@null, @empty], 8, 8},
            {[@null, {:tree_open, 9, "/usr", [:recursive]}], 8, 9},
            {[@null, {:mount_open, 9, "proc", "proc", []}], 8, 9}
          ] do
        mask = {:mask, "/usr", file, directory}
        used = for slot <- [8, 9], do: {:attach, slot, "/used/#{slot}", [], [:keep]}

        assert {mask,
                errno_of(
                  [before: slots ++ full, then: used ++ [{:attach, 7, "/seven", [], []}]],
                  mask
                )} == {mask, errno(:einval)}
      end
    end

    test "of a directory that is not empty any more is EINVAL" do
      commands = [
        {:attach, 9, "/shown", [], [:keep]},
        {:mount_attr, "/shown", [], [:rdonly], []},
        {:mkdir, "/shown/x", 0o755, 0, 0}
      ]

      opts = add([before: [@null, {:mount_open, 9, "tmpfs", "x", []}]], commands)
      assert errno_of(opts, hide("/usr")) == errno(:einval)
    end

    test "of slots that were opened after the root was changed is EINVAL", %{tmp_dir: dir} do
      File.mkdir_p!(Path.join(dir, "dev"))
      {_, 0} = System.cmd("mknod", [Path.join(dir, "dev/null"), "c", "1", "3"])

      for {early, late} <- [{[@empty], [@null]}, {[@null], [@empty]}] do
        assert errno_of([tree: dir, before: early, then: late], hide("/usr")) == errno(:einval)
      end
    end

    test "of what cannot be looked at is an error, and so is the root", %{tmp_dir: dir} do
      File.ln_s!("loop", Path.join(dir, "loop"))

      for {path, error} <- [{"/loop", :eloop}, {"/", :einval}],
          do: assert(errno_of([tree: dir] ++ @mask, hide(path)) == errno(error))
    end

    test "counts as a use of both slots, and leaves no descriptor" do
      opts = add(@mask, [hide("/none")])
      request = %{Image.shell("", [proc: true] ++ opts) | argv: ["/programs/probe", "fds"]}

      assert output(request) |> Probe.facts() |> Probe.fds() |> Map.keys() |> Enum.sort() == [
               0,
               1,
               2
             ]
    end
  end

  describe "chroot" do
    test "changes the root of a session without a mount namespace, and its working directory", %{
      tmp_dir: dir
    } do
      File.cp!(path("probe"), Path.join(dir, "probe"))
      request = %{argv: ["/probe", "files"], setup: [{:chroot, dir}], proceed: true}
      assert output(request) =~ "cwd /\n"
      assert output(%{request | setup: []} |> Map.put(:final, [{:chroot, dir}])) =~ "cwd /\n"
      result = run(Map.delete(%{request | setup: []}, :proceed), checkpoint: [{:chroot, dir}])
      assert result.output =~ "cwd /\n"
      missing = finish(requested(%{request | argv: [path("probe")]}))
      assert final(missing) == {:error, errno(:enoent), :execve}
    end

    test "of what is no directory, or without the capability, is the kernel's error", %{
      tmp_dir: dir
    } do
      request = %{argv: ["/bin/true"]}

      for {setup, error} <- [
            {[{:chroot, "/none"}], :enoent},
            {[{:chroot, "/etc/hostname"}], :enotdir},
            {[{:chroot, "/proc/self/fd/0"}], :eloop},
            {[{:cap_set_thread, 0, 0, 0}, {:chroot, dir}], :eperm}
          ] do
        result = finish(requested(Map.put(request, :setup, setup)))
        assert final(result) == {:error, errno(error), :chroot, length(setup) - 1}
      end
    end
  end

  test "all but chroot need a mount namespace of the session's own, before anything is started" do
    for command <- [
          {:mount_attr, "/", [:rdonly], [], []},
          {:propagation, "/", :shared, []},
          {:unmount, "/mnt", []},
          {:readonly, "/mnt"},
          {:mask, "/mnt", 1, 2}
        ],
        list <- [:setup, :final] do
      request = %{argv: ["/bin/true"], namespaces: [:uts, :pid]} |> Map.put(list, [command])
      result = finish(requested(request), exit: 3)
      assert result.frames == [{:error, errno(:eperm), elem(command, 0), 0}]
      result = run(%{argv: ["/bin/true"]}, checkpoint: [command])
      assert final(result) == {:error, errno(:eperm), elem(command, 0)}
    end
  end
end
