# SPDX-License-Identifier: MIT

defmodule AgentTest.MountTest do
  use AgentTest.Case, async: true

  alias AgentTest.Image
  alias Linx.Test.Probe

  # Trees and file systems that are opened before the root is changed, and mounted after it.

  @moduletag :root
  @moduletag :tmp_dir

  @memory {:mount_open, 0, "tmpfs", "memory", []}

  defp output(request, opts \\ []) do
    result = finish(requested(request, opts))
    assert {:status, :exited, 0} == final(result), inspect(result)
    result.output
  end

  defp mounts(opts, more \\ []),
    do:
      Image.shell("cat /proc/self/mountinfo", [proc: true] ++ opts)
      |> output(more)
      |> Image.mounts()

  # The failure of the last command of `then:`, or the first with this name.
  defp failure(opts, more \\ []) do
    result = finish(requested(Image.shell("true", opts), more))
    assert {:error, errno, stage, index} = final(result)
    command = Enum.at(Image.setup(opts), index)
    assert elem(command, 0) == stage
    refute ran?(result)
    {command, errno}
  end

  defp filter(dir, code) do
    path = Path.join(dir, "filter-#{System.unique_integer([:positive])}")
    File.write!(path, code)
    [driver: ["--filter", path]]
  end

  describe "a root" do
    test "is what its slot holds, and nothing else of the host's is there", %{tmp_dir: dir} do
      File.write!(Path.join(dir, "of the tree"), "")
      script = "cd /; for name in *; do echo \"$name\"; done; pwd"

      for {opts, own} <- [{[], []}, {[tree: dir], ["of the tree"]}] do
        names = script |> Image.shell(opts) |> output() |> String.split("\n", trim: true)
        {names, ["/"]} = Enum.split(names, -1)
        expected = for d <- ~w(bin lib lib64 usr), File.dir?("/" <> d), do: d
        assert Enum.sort(names) == Enum.sort(own ++ expected ++ ["programs"])
        assert File.ls!(dir) -- ["of the tree" | expected ++ ["programs"]] == []
      end
    end

    test "is the only one that is mounted", %{tmp_dir: dir} do
      for opts <- [[], [tree: dir]] do
        mounts = mounts(opts)

        assert mounts
               |> Map.keys()
               |> Enum.all?(&(&1 =~ ~r{^/$|^/(bin|lib|lib64|usr|programs|proc)}))
      end
    end

    test "has the propagation that was asked for, and its trees are private" do
      for {kind, expected} <- [
            private: ~r/^$/,
            slave: ~r/^$/,
            shared: ~r/^shared:\d+$/,
            unbindable: ~r/^unbindable$/
          ] do
        assert Enum.join(mounts(propagation: kind)["/"].fields, " ") =~ expected
      end

      for {_, mount} <- mounts([]), do: assert(mount.fields == [])
    end

    test "is changed once" do
      again = [{:mount_open, 1, "tmpfs", "x", []}, {:root, 1, :private}]
      assert failure(then: again) == {{:root, 1, :private}, errno(:einval)}
    end

    test "is no file" do
      setup = [{:tree_open, 0, "/dev/null", []}, {:root, 0, :private}]
      request = %{argv: ["/bin/true"], namespaces: [:mount], setup: setup, proceed: true}
      assert {:error, errno, :root, 1} = final(finish(requested(request)))
      assert errno == errno(:enotdir)
    end

    test "keeps the workload's working directory, which is the root without :cwd" do
      assert output(Image.shell("pwd")) == "/\n"
      assert output(Image.shell("pwd", request: %{cwd: "/usr/bin"})) == "/usr/bin\n"
      request = Image.shell("pwd", request: %{cwd: "/root"})
      assert final(finish(requested(request))) == {:error, errno(:enoent), :chdir}
    end
  end

  describe "a mount namespace of the session's own" do
    @commands [
      {:tree_open, 0, "/", []},
      @memory,
      {:root, 0, :private},
      {:attach, 0, "/mnt", [], []}
    ]

    test "is needed by each command, before anything is started" do
      for command <- @commands,
          list <- [:setup, :final],
          namespaces <- [[], [:user, :pid, :uts]] do
        request = %{argv: ["/bin/true"], namespaces: namespaces}
        request = Map.put(request, list, [{:umask, 0}, command])
        result = finish(requested(request), exit: 3)
        assert result.frames == [{:error, errno(:eperm), elem(command, 0), 1}]
      end
    end

    test "is needed at the checkpoint, too" do
      for command <- @commands do
        result = run(%{argv: ["/bin/true"], namespaces: [:uts]}, checkpoint: [command])
        assert final(result) == {:error, errno(:eperm), elem(command, 0)}
      end
    end

    test "may be one that is entered, but for a root" do
      target = Target.unshare(["--mount"])
      setup = [@memory, {:attach, 0, "/mnt", [], []}]
      request = %{target: target.pid, argv: ["/bin/cat", "/proc/self/mountinfo"], setup: setup}
      assert Image.mounts(run({:enter, request}).output)["/mnt"].source == "memory"
      assert Image.mounts(File.read!("/proc/#{target.pid}/mountinfo"))["/mnt"].source == "memory"
      refute Image.mounts(File.read!("/proc/self/mountinfo"))["/mnt"]

      request = %{request | setup: [@memory, {:root, 0, :private}]}
      result = finish(requested({:enter, request}), exit: 3)
      assert result.frames == [{:error, errno(:eperm), :root, 1}]

      shared = %{target: Target.plain().pid, argv: ["/bin/true"], setup: setup}
      result = finish(requested({:enter, shared}), exit: 3)
      assert result.frames == [{:error, errno(:eperm), :mount_open, 0}]
    end
  end

  describe "a slot" do
    defp refused(setup, final, more \\ %{proceed: true}) do
      lists = %{argv: ["/bin/true"], namespaces: [:mount], setup: setup, final: final}
      assert %{frames: [frame]} = finish(requested(Map.merge(lists, more)), exit: 3)
      frame
    end

    test "that is empty, in use, or never used is refused before anything is started" do
      attach = {:attach, 0, "/mnt", [], []}
      keep = {:attach, 0, "/mnt", [], [:keep]}
      einval = errno(:einval)

      for {setup, final, stage, index} <- [
            {[attach], [], :attach, 0},
            {[], [{:root, 3, :private}], :root, 0},
            {[@memory, attach, attach], [], :attach, 2},
            {[@memory, attach], [attach], :attach, 0},
            {[@memory, @memory], [], :mount_open, 1},
            {[@memory, keep, @memory], [], :mount_open, 2},
            {[@memory], [{:tree_open, 0, "/", []}], :tree_open, 0},
            {[@memory], [], :mount_open, 0},
            {[{:umask, 0}, {:tree_open, 63, "/", [:optional]}], [], :tree_open, 1},
            {[], [{:umask, 0}, @memory], :mount_open, 1},
            {[@memory, keep, attach, attach], [], :attach, 3}
          ] do
        assert {setup, refused(setup, final)} == {setup, {:error, einval, stage, index}}
      end

      # What a checkpoint does not change is known as well.
      assert refused([attach], [], %{}) == {:error, einval, :attach, 0}
      assert refused([], [@memory], %{}) == {:error, einval, :mount_open, 0}
      assert refused([], [@memory, @memory], %{}) == {:error, einval, :mount_open, 1}
    end

    test "may be filled, used and left empty at the checkpoint" do
      attach = {:attach, 0, "/mnt", [], []}
      request = %{argv: ["/bin/cat", "/proc/self/mountinfo"], namespaces: [:mount]}

      for {setup, commands, final} <- [
            {[], [@memory, attach], []},
            {[@memory], [attach], []},
            {[], [@memory], [attach]},
            {[@memory], [], [attach]}
          ] do
        lists = Map.merge(request, %{setup: setup, final: final})
        result = run(lists, checkpoint: commands)
        assert Image.mounts(result.output)["/mnt"].source == "memory"
      end
    end

    test "that is empty, in use, or never used fails at its command" do
      attach = {:attach, 0, "/mnt", [], []}
      request = %{argv: ["/bin/true"], namespaces: [:mount]}

      for {commands, stage} <- [
            {[attach], :attach},
            {[{:root, 0, :slave}], :root},
            {[@memory, @memory], :mount_open},
            {[@memory, attach, attach], :attach}
          ] do
        assert final(run(request, checkpoint: commands)) == {:error, errno(:einval), stage}
      end

      assert final(run(request, checkpoint: [@memory])) == {:error, errno(:einval), :mount_open}
      tree = [{:tree_open, 0, "/", []}]
      assert final(run(request, checkpoint: tree)) == {:error, errno(:einval), :tree_open}
      late = Map.put(request, :final, [attach])
      assert {:error, errno, :attach, 0} = final(run(late, checkpoint: []))
      assert errno == errno(:einval)
    end

    test "whose tree is optional and absent is left out, and so is what attaches it" do
      absent = [{:tree_open, 0, "/no/such/tree", [:optional]}]
      mounts = mounts(before: absent, then: [{:attach, 0, "/absent", [], []}])
      refute mounts["/absent"]
      script = "test ! -e /absent"
      then = [{:attach, 0, "/absent", [], [:keep]}, {:attach, 0, "/absent", [], []}]
      assert output(Image.shell(script, before: absent, then: then)) == ""
      missing = {:tree_open, 0, "/no/such/tree", []}
      then = [{:attach, 0, "/absent", [], []}]
      assert failure(before: [missing], then: then) == {missing, errno(:enoent)}
      looping = {:tree_open, 0, "/proc/self/fd/0", [:optional]}
      assert failure(before: [looping], then: then) == {looping, errno(:eloop)}
    end

    test "is closed before the program is executed, whatever it holds" do
      kept = [
        {:tree_open, 0, "/", [:recursive]},
        {:tree_open, 1, "/dev/null", []},
        {:mount_open, 2, "tmpfs", "x", []}
      ]

      then = for slot <- 0..2, do: {:attach, slot, "/kept/#{slot}", [], [:keep]}

      for request <- [%{}, %{proceed: false}] do
        request = Image.shell("", proc: true, before: kept, then: then, request: request)
        request = %{request | argv: ["/programs/probe", "fds"]}
        result = if request.proceed, do: finish(requested(request)), else: run(request)

        assert result.output |> Probe.facts() |> Probe.fds() |> Map.keys() |> Enum.sort() == [
                 0,
                 1,
                 2
               ]
      end
    end

    test "that is attached twice is a copy, with attributes of its own" do
      opts = [
        before: [@memory, {:tree_open, 1, "/dev/null", []}],
        then: [
          {:attach, 0, "/one", [:rdonly, :noatime], [:keep]},
          {:attach, 0, "/two", [:nosuid], [:keep]},
          {:attach, 0, "/three", [], []},
          {:attach, 1, "/null", [:noexec], [:keep]},
          {:attach, 1, "/other/null", [], []}
        ]
      ]

      mounts = mounts(opts)
      assert mounts["/one"].options == ["ro", "noatime"]
      assert mounts["/two"].options == ["rw", "nosuid", "relatime"]
      assert mounts["/three"].options == ["rw", "relatime"]
      assert mounts["/null"].options == ["rw", "noexec", "relatime"]
      assert "rw" in mounts["/other/null"].options

      script =
        "echo text > /two/file; cat /one/file /three/file; echo x > /null; echo y > /other/null"

      assert output(Image.shell(script, opts)) == "text\ntext\n"
    end

    test "of a link holds the link itself with :nofollow", %{tmp_dir: dir} do
      link = Path.join(dir, "link")
      File.ln_s!("/no/where", link)
      tree = {:tree_open, 0, link, [:nofollow]}
      script = "readlink /dir/link"
      opts = [before: [tree], then: [{:attach, 0, "/dir/link", [], []}]]
      assert output(Image.shell(script, opts)) == "/no/where\n"
    end
  end

  describe "what is mounted" do
    test "has the attributes that were asked for, in each mount of the tree or in the first alone",
         %{tmp_dir: dir} do
      File.mkdir_p!(Path.join(dir, "below"))

      make = [
        @memory,
        {:attach, 0, Path.join(dir, "below"), [], []},
        {:tree_open, 1, dir, [:recursive]}
      ]

      attributes = [:rdonly, :nosuid, :nodev, :noexec, :nosymfollow, :nodiratime, :strictatime]
      words = ~w(ro nosuid nodev noexec nosymfollow nodiratime)

      for {flags, below} <- [{[], ["rw", "relatime"]}, {[:recursive], words}] do
        mounts = mounts(before: make, then: [{:attach, 1, "/tree", attributes, flags}])
        assert Enum.sort(mounts["/tree"].options) == Enum.sort(words)
        assert Enum.sort(mounts["/tree/below"].options) == Enum.sort(below)
      end
    end

    test "shows nowhere else, also where the mounts of the host are shared", %{tmp_dir: dir} do
      shared = Path.join(dir, "shared")

      host =
        Image.host("""
        mkdir -p #{shared}
        mount -t tmpfs shared #{shared}
        mkdir #{shared}/inside
        """)

      for opts <- [[], [propagation: :shared], [propagation: :slave]] do
        list =
          Image.setup(
            opts ++
              [
                before: [{:tree_open, 0, shared, [:recursive]}, @memory |> put_elem(1, 1)],
                then: [
                  {:attach, 0, "/tree", [], []},
                  {:attach, 1, "/tree/inside", [], []},
                  {:mount_open, 2, "tmpfs", "more", []},
                  {:attach, 2, "/tree/new/deeper", [], []}
                ]
              ]
          )

        wire = parked(%{argv: ["/bin/true"], namespaces: [:mount], setup: list}, program: host)
        of_host = Image.mounts(File.read!("/proc/#{wire.agent}/mountinfo"))
        assert of_host[shared].fields != []
        refute of_host[Path.join(shared, "inside")]
        inside = Image.mounts(File.read!("/proc/#{wire.host_pid}/mountinfo"))
        assert inside["/tree/inside"].source == "memory"
        assert inside["/tree"].fields -- of_host[shared].fields == inside["/tree"].fields
        refute Enum.any?(inside["/tree"].fields, &(&1 =~ "master"))
        send_term(wire, :proceed)
        finish(wire)
      end
    end

    test "covers a directory, or a file, of its own kind", %{tmp_dir: dir} do
      File.mkdir_p!(Path.join(dir, "directory"))
      File.write!(Path.join(dir, "file"), "")
      File.ln_s!("directory", Path.join(dir, "to-directory"))
      File.ln_s!("/", Path.join(dir, "to-root"))
      null = {:tree_open, 1, "/dev/null", []}

      for {slot, target, flags, error} <- [
            {0, "/file", [], :enotdir},
            {0, "/file/below", [], :enotdir},
            {1, "/directory", [], :eisdir},
            {1, "/to-directory", [], :eisdir},
            {0, "/to-directory", [:nofollow], :eloop},
            {1, "/to-directory", [:nofollow], :eloop},
            {0, "/", [], :einval},
            {0, "/.", [], :einval},
            {0, "/directory/../..", [], :einval},
            {0, "/to-root", [], :einval},
            {1, "/", [], :einval}
          ] do
        other = if slot == 0, do: 1, else: 0
        attach = {:attach, slot, target, [], flags}

        opts = [
          tree: dir,
          before: [@memory, null],
          then: [{:attach, other, "/other/#{other}", [], []}, attach]
        ]

        assert {attach, failure(opts)} == {attach, {attach, errno(error)}}
      end
    end

    test "of procfs and sysfs covers a real directory alone", %{tmp_dir: dir} do
      File.mkdir_p!(Path.join(dir, "real/proc"))
      File.write!(Path.join(dir, "file"), "")

      for {name, to} <- [link: "real/proc", dangling: "none"],
          do: File.ln_s!(to, "#{dir}/#{name}")

      for type <- ["proc", "sysfs"],
          {target, error} <- [{"/link", :eloop}, {"/dangling", :eloop}, {"/file", :enotdir}] do
        attach = {:attach, 0, target, [], []}
        opts = [tree: dir, before: [{:mount_open, 0, type, "x", []}], then: [attach]]
        assert failure(opts) == {attach, errno(error)}

        opts =
          Keyword.put(opts, :before, [
            {:tree_open, 0, "/" <> String.slice(type, 0, 3), [:recursive]}
          ])

        if type == "sysfs", do: assert(failure(opts) == {attach, errno(error)})
      end

      refute File.exists?(Path.join(dir, "none"))

      mounts =
        mounts(
          tree: dir,
          before: [{:mount_open, 0, "sysfs", "x", []}],
          then: [{:attach, 0, "/real/proc/", [:rdonly], []}]
        )

      assert mounts["/real/proc"].type == "sysfs"
    end

    test "makes its target, with an exact mode whatever the umask, and directories on the way" do
      opts = [
        before:
          [{:umask, 0o777}, @memory, {:mount_open, 1, "tmpfs", "m", [{"mode", "711"}]}] ++
            for(slot <- 2..3, do: {:tree_open, slot, "/dev/null", []}),
        then: [
          {:attach, 0, "/a/b/plain", [], []},
          {:attach, 1, "/a/moded/", [], [{:mode, 0o1700}]},
          {:attach, 2, "/c/null", [], []},
          {:attach, 3, "/c/other", [], [{:mode, 0o640}]}
        ]
      ]

      # Before the mounts cover them they are seen from another mount of the root.
      script = """
      mkdir /seen && mount --bind / /seen && cd /seen && stat -c '%n %a %F' a a/b a/b/plain a/moded c c/null c/other
      """

      assert output(Image.shell(script, [{:proc, true} | opts])) |> String.split("\n", trim: true) ==
               [
                 "a 755 directory",
                 "a/b 755 directory",
                 "a/b/plain 755 directory",
                 "a/moded 1700 directory",
                 "c 755 directory",
                 "c/null 444 regular empty file",
                 "c/other 640 regular empty file"
               ]
    end

    test "leaves a target that exists as it is", %{tmp_dir: dir} do
      File.mkdir_p!(Path.join(dir, "there"))
      File.chmod!(Path.join(dir, "there"), 0o711)
      then = [{:attach, 0, "/there", [], [{:mode, 0o777}]}]
      output(Image.shell("true", tree: dir, before: [@memory], then: then))
      assert Bitwise.band(File.stat!(Path.join(dir, "there")).mode, 0o7777) == 0o711
    end

    test "of a tmpfs without the option has the mode of what it covers", %{tmp_dir: dir} do
      for {mode, at} <- Enum.with_index([0o700, 0o1777, 0o2755]) do
        File.mkdir!(Path.join(dir, "covered#{at}"))
        {_, 0} = System.cmd("chmod", [Integer.to_string(mode, 8), Path.join(dir, "covered#{at}")])
        of_tmpfs = fn options -> {:mount_open, 0, "tmpfs", "x", options} end
        attach = {:attach, 0, "/covered#{at}", [], []}
        script = "stat -c %a /covered#{at}"

        for {options, expected} <- [
              {[], mode},
              {[{"size", "1m"}], mode},
              {[{"mode", "0123"}], 0o123}
            ] do
          opts = [tree: dir, before: [of_tmpfs.(options)], then: [attach]]
          assert output(Image.shell(script, opts)) == "#{Integer.to_string(expected, 8)}\n"
        end
      end

      opts = [before: [@memory], then: [{:attach, 0, "/new", [], []}]]
      assert output(Image.shell("stat -c %a /new", opts)) == "755\n"
    end
  end

  describe "a file system" do
    test "gets its own options, as words and as values" do
      options = [{"size", "64k"}, {"nr_inodes", "7"}, {"mode", "0711"}]

      mounts =
        mounts(
          before: [{:mount_open, 0, "tmpfs", "name", options}],
          then: [{:attach, 0, "/t", [], []}]
        )

      assert %{source: "name", own: own} = mounts["/t"]
      for word <- ~w(size=64k nr_inodes=7 mode=711), do: assert(word in own)
      devpts = {:mount_open, 0, "devpts", "pts", ["newinstance", {"ptmxmode", "0666"}]}
      mounts = mounts(before: [devpts], then: [{:attach, 0, "/dev/pts", [], []}])
      assert "ptmxmode=666" in mounts["/dev/pts"].own
    end

    test "gets none of the mount's, which are attributes" do
      for option <-
            ~w(ro rw nosuid suid nodev dev noexec exec noatime relatime strictatime nodiratime) ++
              ~w(nosymfollow bind remount rshared private),
          option <- [option, {option, "1"}] do
        open = {:mount_open, 0, "tmpfs", "x", [{"size", "1m"}, option]}
        opts = [before: [open], then: [{:attach, 0, "/t", [], []}]]
        assert {option, failure(opts)} == {option, {open, errno(:einval)}}
      end
    end

    test "that there is not, or with an option that it has not, is the kernel's error" do
      for {type, options, error} <- [
            {"no_such", [], :enodev},
            {"tmpfs", [{"size", "much"}], :einval},
            {"tmpfs", ["no_such"], :einval}
          ] do
        open = {:mount_open, 0, type, "x", options}
        assert failure(before: [open], then: [{:attach, 0, "/t", [], []}]) == {open, errno(error)}
      end
    end
  end

  describe "without the newer calls of the kernel" do
    test "openat2 a path is walked", %{tmp_dir: dir} do
      File.mkdir_p!(Path.join(dir, "real"))

      for {name, to} <- [link: "/real", up: "../../../real", dangling: "/made/here"],
          do: File.ln_s!(to, "#{dir}/#{name}")

      filter = filter(dir, Bpf.deny([:openat2], errno(:enosys)))

      opts = [
        tree: dir,
        before: for(slot <- 0..2, do: {:mount_open, slot, "tmpfs", "m#{slot}", []}),
        then: [
          {:attach, 0, "/link/a", [], []},
          {:attach, 1, "/up/b", [], []},
          {:attach, 2, "/dangling", [], []}
        ]
      ]

      for more <- [[], filter] do
        mounts = mounts(opts, more)
        assert mounts["/real/a"].source == "m0"
        assert mounts["/real/b"].source == "m1"
        assert mounts["/made/here"].source == "m2"
      end

      missing = {:attach, 0, "/link", [], [:nofollow]}
      opts = [tree: dir, before: [@memory], then: [missing]]
      assert failure(opts, filter) == {missing, errno(:eloop)}
    end

    test "mount_setattr a mount gets its attributes once it is attached", %{tmp_dir: dir} do
      filter = filter(dir, Bpf.deny([:mount_setattr], errno(:enosys)))
      shared = Path.join(dir, "shared")

      host =
        Image.host(
          "mkdir -p #{shared}\nmount -t tmpfs -o nosuid shared #{shared}\nmkdir #{shared}/in"
        )

      attributes = [:rdonly, :nodev, :noexec, :noatime]

      attach = fn attributes, flags ->
        [
          {:attach, 0, "/tree", attributes, flags},
          {:attach, 1, "/dir/null", [:rdonly, :noexec], flags},
          {:attach, 2, "/tree/in", [], []}
        ]
      end

      opts = [
        before: [
          {:tree_open, 0, shared, []},
          {:tree_open, 1, "/dev/null", []},
          {:mount_open, 2, "tmpfs", "m", []}
        ],
        then: attach.(attributes, [])
      ]

      # The image's own trees want :recursive attributes.
      plain = fn opts -> for c <- Image.setup([{:proc, true} | opts]), do: plain(c) end

      request = %{
        argv: ["/bin/cat", "/proc/self/mountinfo"],
        namespaces: [:mount],
        setup: plain.(opts)
      }

      wire = parked(request, [program: host] ++ filter)
      refute Image.mounts(File.read!("/proc/#{wire.agent}/mountinfo"))[shared <> "/in"]
      send_term(wire, :proceed)
      mounts = Image.mounts(finish(wire).output)
      assert Enum.sort(mounts["/tree"].options) == ~w(noatime nodev noexec nosuid ro)
      assert mounts["/tree"].fields == []
      assert Enum.sort(mounts["/dir/null"].options) == ~w(noexec relatime ro)
      assert mounts["/tree/in"].options == ["rw", "relatime"]

      bad = {:attach, 0, "/tree", [:rdonly], [:recursive]}
      [_ | rest] = attach.([], [])
      opts = Keyword.put(opts, :then, [bad | rest])
      list = plain.(opts)
      index = Image.index(list, bad)
      result = finish(requested(%{request | setup: list}, [program: host] ++ filter))
      assert final(result) == {:error, errno(:enosys), :attach, index}
    end

    defp plain({:attach, slot, path, attributes, [:recursive]}) when slot >= 40,
      do: {:attach, slot, path, attributes, []}

    defp plain(command), do: command
  end
end
