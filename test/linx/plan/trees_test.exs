# SPDX-License-Identifier: MIT

defmodule Linx.Plan.TreesTest do
  # Plans with mounts and files: their commands, and what a program sees of them.
  use Linx.SessionCase, async: true

  alias Linx.Plan
  alias Linx.Plan.{Phase, Problem}

  doctest Linx.Plan.FileOptions
  doctest Linx.Plan.MountOptions
  doctest Linx.Plan.ProcessOptions
  doctest Linx.Plan.Trees
  doctest Linx.Plan.TreeWords
  doctest Linx.Plan.Check.Slots

  # A root in memory with the host's programs.
  @system [
    rootfs: :tmpfs,
    search_path: true,
    env: ["PATH=/usr/bin:/bin"],
    links: Map.new(~w(bin lib lib64 sbin), &{"/#{&1}", "usr/#{&1}"})
  ]
  @usr {:bind, "/usr", "/usr", [:ro, :nosuid, :nodev]}

  defp system(argv, options), do: Plan.new!(argv, Keyword.merge(@system, options))

  defp said(script, options) do
    assert {:ok, result} = Linx.run(system(["sh", "-c", "exec 2>&1; " <> script], options))
    result.stdout
  end

  defp setup_of(options), do: Plan.to_request(Plan.new!("true", options))[:setup]

  describe "commands" do
    test "open what is the host's before the root, and attach it in the order given" do
      assert setup_of(
               rootfs: "/image",
               propagation: :slave,
               mounts: [
                 {:bind, "/srv", "/data", []},
                 {:proc, "/proc"},
                 {:tmpfs, "/tmp", [:rw, mode: 0o1777]}
               ],
               masked_paths: ["/proc/kcore"],
               readonly_paths: ["/proc/sys"],
               readonly: true
             ) == [
               {:tree_open, 0, "/image", [:recursive]},
               {:tree_open, 1, "/srv", [:recursive]},
               {:mount_open, 2, "proc", "proc", []},
               {:mount_open, 3, "tmpfs", "tmpfs", [{"mode", "1777"}]},
               {:tree_open, 4, "/dev/null", []},
               {:mount_open, 5, "tmpfs", "mask", [{"mode", "0"}, {"nr_inodes", "2"}]},
               {:root, 0, :slave},
               {:attach, 1, "/data", [], []},
               {:attach, 2, "/proc", [:nosuid, :nodev, :noexec], []},
               {:attach, 3, "/tmp", [:nosuid, :nodev], []},
               {:mask, "/proc/kcore", 4, 5},
               {:readonly, "/proc/sys"},
               {:mount_attr, "/", [:rdonly], [], []}
             ]
    end

    test "of a bind are recursive, unless it is not, and optional if it may be missing" do
      bind = &setup_of(mounts: [{:bind, "/a", "/b", &1}])

      assert bind.([:ro]) == [
               {:tree_open, 0, "/a", [:recursive]},
               {:attach, 0, "/b", [:rdonly], [:recursive]}
             ]

      assert bind.([:ro, recursive: false]) == [
               {:tree_open, 0, "/a", []},
               {:attach, 0, "/b", [:rdonly], []}
             ]

      assert [{:tree_open, 0, "/a", [:recursive, :optional]}, _] = bind.(if_exists: true)
      assert [_, _, {:propagation, "/b", :shared, []}] = bind.(propagation: :shared)
      assert setup_of(mounts: [{:bind, "/a", "/b"}]) == bind.([])
    end

    test "of merged mounts and files use other slots, and stand behind those that are there" do
      plan = Plan.new!("true", rootfs: :tmpfs, mounts: [@usr], contents: %{"/a" => "1"})

      merged =
        Plan.merge(plan,
          mounts: [{:bind, "/srv", "/srv", []}],
          contents: %{"/b" => "2"},
          dev: :minimal
        )

      assert Plan.check(merged) == :ok

      assert {:ok, %Phase{commands: [_, _, {:tree_open, 2, "/srv", _}]}} =
               Plan.fetch(merged, :open)

      assert {:ok, %Phase{commands: [_, {:attach, 2, "/srv", [], []}]}} =
               Plan.fetch(merged, :mounts)

      assert {:ok, %Phase{commands: [{:file, "/a", _, _}, {:file, "/b", _, _}]}} =
               Plan.fetch(merged, :files)

      assert Plan.phases(merged) == [:namespaces, :open, :root, :mounts, :dev, :files, :exec]
    end
  end

  describe "a problem is" do
    defp problem(plan) do
      assert {:error, [%Problem{} = problem | _]} = Plan.check(plan)
      {problem.phase, problem.position, to_string(problem)}
    end

    defp insert(plan, name, commands),
      do: Plan.insert_after(plan, name, Plan.phase(:mine, commands))

    test "a second root" do
      plan = Plan.new!("true", rootfs: :tmpfs)
      twice = [{:mount_open, 9, "tmpfs", "x", []}, {:root, 9, :private}]
      assert {:mine, 2, words} = problem(insert(plan, :root, twice))
      assert words =~ "another one already"
    end

    test "what would be hidden or made on the host, unless rootfs: :host says so" do
      for option <- [
            masked_paths: ["/proc/kcore"],
            contents: %{"/a" => ""},
            dirs: ["/a"],
            links: %{"/a" => "b"}
          ] do
        assert {phase, 1, words} = problem(Plan.new!("true", [option]))
        assert phase in [:masked_paths, :files] and words =~ "rootfs: :host"
        assert Plan.check(Plan.new!("true", [option, rootfs: :host])) == :ok
        assert Plan.check(Plan.new!("true", [option, rootfs: :tmpfs])) == :ok
      end

      inside = [mounts: [{:tmpfs, "/run"}], contents: %{"/run/a" => ""}]
      assert Plan.check(Plan.new!("true", inside)) == :ok
    end

    test "a mount over what is hidden" do
      plan =
        Plan.new!("true",
          rootfs: :tmpfs,
          mounts: [{:proc, "/proc"}],
          masked_paths: ["/proc/kcore"]
        )

      for {target, covers?} <- [
            {"/proc", true},
            {"/proc/kcore", true},
            {"/", true},
            {"/proc/k", false},
            {"/tmp", false}
          ] do
        over = [{:mount_open, 9, "tmpfs", "x", []}, {:attach, 9, target, [], []}]
        covered = insert(plan, :masked_paths, over)

        if covers?,
          do:
            assert(
              {:mine, 2, "phase mine, step 2: it covers /proc/kcore, which is hidden before"} =
                problem(covered)
            ),
          else: assert(Plan.check(covered) == :ok)
      end
    end

    test "a file of a root that is read-only by then, but of none that is mounted in it" do
      plan = Plan.new!("true", rootfs: :tmpfs, mounts: [{:tmpfs, "/run"}], readonly: true)

      assert {:mine, 1, words} =
               problem(insert(plan, :read_only_root, [{:file, "/a", 0o644, ""}]))

      assert words =~ "read-only before /a is made"
      assert {:mine, 1, _} = problem(insert(plan, :read_only_root, [{:symlink, "b", "/runs"}]))
      assert Plan.check(insert(plan, :read_only_root, [{:file, "/run/a", 0o644, ""}])) == :ok
    end

    test "a map without the other one, and an id that it has not" do
      zero = [{0, 1000, 1}]
      assert {:identity, nil, words} = problem(Plan.new!("true", uid_map: zero))
      assert words =~ "there is a uid_map, and no gid_map"

      assert {:identity, nil, _} =
               problem(Plan.new!("true", setgroups: :deny, namespaces: [:user]))

      assert {:identity, nil, words} =
               problem(Plan.new!("true", uid_map: zero, gid_map: zero, namespaces: [:pid]))

      assert words =~ "user namespace of its own"

      mapped = [uid_map: zero, gid_map: zero]

      assert {:user, 1, "phase user, step 1: the uid_map has no 7"} =
               problem(Plan.new!("true", mapped ++ [user: 7]))

      assert {:user, 1, _} = problem(Plan.new!("true", mapped ++ [user: {0, 7}]))
      assert Plan.check(Plan.new!("true", mapped ++ [user: {0, 0}])) == :ok
      assert Plan.check(Plan.new!("true", mapped ++ [user: "www"])) == :ok
      denied = mapped ++ [setgroups: :deny, user: {0, 0, [0]}]
      assert {:user, 1, words} = problem(Plan.new!("true", denied))
      assert words =~ "setgroups: :deny"
    end

    test "whatever is mounted or made in a user namespace, which has no maps yet" do
      plan = Plan.new!("true", rootfs: :tmpfs, namespaces: [:user, :mount])
      assert {:open, 1, words} = problem(plan)
      assert words =~ "id maps"
    end

    test "a file system that a user namespace shows the host's of" do
      for {mount, namespace} <- [
            {:proc, "pid"},
            {:sysfs, "net"},
            {:cgroup, "cgroup"},
            {:mqueue, "ipc"}
          ] do
        plan =
          Plan.new!("true", rootfs: :tmpfs, namespaces: [:user, :mount], mounts: [{mount, "/x"}])

        assert {:error, problems} = Plan.check(plan)
        assert Enum.any?(problems, &(&1.message =~ "needs a #{namespace} namespace"))
      end
    end
  end

  test "a program sees a root of its own without privilege, as root inside" do
    {uid, 0} = System.cmd("id", ["-u"])
    {gid, 0} = System.cmd("id", ["-g"])
    [uid, gid] = Enum.map([uid, gid], &(&1 |> String.trim() |> String.to_integer()))

    options = [
      namespaces: [:user, :mount, :pid],
      uid_map: [{0, uid, 1}],
      gid_map: [{0, gid, 1}],
      setgroups: :deny,
      mounts: [@usr, {:tmpfs, "/tmp"}],
      dev: :minimal,
      oom_score_adj: 1000
    ]

    assert said(
             "id -u; id -g; ls / | tr '\\n' ' '; touch /tmp/a; echo $$; head -c 1 /dev/zero | wc -c",
             options
           ) ==
             "0\n0\nbin dev lib lib64 sbin tmp usr 1\n1\n"
  end

  describe "a program" do
    @describetag :root

    @tag :tmp_dir
    test "sees its root, what is mounted and made there, and nothing else", %{tmp_dir: dir} do
      File.write!(Path.join(dir, "f"), "of the host\n")

      options = [
        mounts: [
          @usr,
          {:bind, dir, "/data"},
          {:bind, "/no/such", "/no", [if_exists: true]},
          {:tmpfs, "/tmp"}
        ],
        contents: %{"/etc/motd" => "hello\n", "/etc/key" => {"hush", 0o600}},
        dirs: [{"/run/www", 0o700, 33, 34}],
        readonly: true,
        cwd: "/tmp"
      ]

      assert said("ls /", options) ==
               Enum.map_join(~w(bin data etc lib lib64 run sbin tmp usr), &(&1 <> "\n"))

      assert said("pwd; cat /etc/motd /data/f; stat -c '%a %u:%g' /etc/key /run/www", options) ==
               "/tmp\nhello\nof the host\n600 0:0\n700 33:34\n"

      assert said("touch /a; touch /usr/a; touch /tmp/a && echo written", options) =~
               ~r/'\/a': Read-only.*'\/usr\/a': Read-only.*written\n/s

      assert said("echo inside > /data/g", options) == ""
      assert File.read!(Path.join(dir, "g")) == "inside\n"
    end

    test "has devices, pts and shm of its own with dev: :minimal" do
      options = [mounts: [@usr], dev: :minimal]
      names = ~w(fd full null ptmx pts random shm stderr stdin stdout tty urandom zero)
      assert said("ls /dev", options) == Enum.map_join(names, &(&1 <> "\n"))

      assert said("head -c 3 /dev/zero | wc -c; echo x > /dev/null; stat -c %a /dev/shm", options) ==
               "3\n1777\n"
    end

    test "cannot see what is hidden, nor change what is read-only" do
      options = [
        mounts: [@usr, {:proc, "/proc"}],
        namespaces: [:mount, :pid, :uts],
        masked_paths: ["/proc/cmdline", "/proc/fs", "/no/such"],
        readonly_paths: :default,
        hostname: "inside",
        domainname: "example"
      ]

      assert said(
               "wc -c < /proc/cmdline; ls /proc/fs; echo no > /proc/sys/kernel/hostname; hostname; echo $$",
               options
             ) =~
               ~r/^0\n.*Read-only file system\ninside\n1\n$/s

      assert said("cat /proc/sys/kernel/domainname", options) == "example\n"
    end

    test "has the limits, the priorities and the securebits" do
      options = [
        rlimits: [nofile: {99, 100}, core: 0],
        nice: 3,
        scheduler: :batch,
        cpu_affinity: [0],
        io_priority: {:best_effort, 6},
        personality: :linux32,
        securebits: [:noroot]
      ]

      script =
        "ulimit -Sn; ulimit -Hn; ulimit -c; nice; taskset -cp $$ | sed 's/.*: //'; chrt -p $$ | head -1; ionice -p $$; uname -m; grep CapEff /proc/self/status"

      assert {:ok, %{stdout: said}} = Linx.run(Plan.new!(["sh", "-c", script], options))

      assert ["99", "100", "0", "3", "0", policy, io, machine, capabilities] =
               String.split(said, "\n", trim: true)

      assert policy =~ "SCHED_BATCH" and io == "best-effort: prio 6"
      assert capabilities =~ "0000000000000000"
      refute machine == "x86_64"
    end

    test "of another user keeps ambient capabilities beside securebits" do
      options = [
        user: 1234,
        securebits: [:no_cap_ambient_raise],
        capabilities: [keep: [:cap_kill]]
      ]

      assert {:ok, %{status: 0}} = Linx.run(Plan.new!("true", options))
    end

    test "is refused at the phase and the path that the kernel refuses" do
      assert {:error, error} = Linx.run(system("true", mounts: [{:bind, "/no/such", "/a", []}]))

      assert {error.stage, error.errno, error.phase, error.position, error.subject} ==
               {:tree_open, :enoent, :open, 2, "/no/such"}

      loop = %{"/a" => "b", "/b" => "a"}
      plan = system("true", mounts: [@usr], links: loop)
      looped = [{:mount_open, 9, "tmpfs", "x", []}, {:attach, 9, "/a/x", [], []}]
      plan = Plan.insert_after(plan, :files, Plan.phase({:mount, "/a/x"}, looped))
      assert {:error, error} = Linx.run(plan)

      assert {error.stage, error.errno, error.phase, error.position, error.subject} ==
               {:attach, :eloop, {:mount, "/a/x"}, 2, "/a/x"}

      assert Exception.message(error) =~
               ~s[attach "/a/x" (phase mount /a/x, step 2) failed for "true": ELOOP]
    end

    @tag :tmp_dir
    test "in an overlay writes to its upper directory", %{tmp_dir: dir} do
      [lower, upper, work] =
        for name <- ["lower:1", "upper", "work"] do
          path = Path.join(dir, name)
          File.mkdir_p!(path)
          path
        end

      File.write!(Path.join(lower, "below"), "")
      mount = {:overlay, "/over", lower: [lower], upper: upper, work: work}
      assert said("ls /over; touch /over/above", mounts: [@usr, mount]) == "below\n"
      assert File.ls!(upper) == ["above"]
      assert File.ls!(lower) == ["below"]
    end
  end
end
