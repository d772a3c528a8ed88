# SPDX-License-Identifier: MIT

defmodule AgentTest.HostileRootTest do
  use AgentTest.Case, async: true

  alias AgentTest.Image

  # An image whose links lead, or are to lead, to the host's files, also while they are exchanged. The agent's host
  # is a mount namespace whose mounts are shared, which a process of its own holds.

  @moduletag :root
  @moduletag :tmp_dir

  @secret "the secret of the host"

  setup %{tmp_dir: dir} do
    [victim, image] = for name <- ~w(victim image), do: Path.join(dir, name)
    for path <- [Path.join(victim, "directory/below"), image], do: File.mkdir_p!(path)
    File.write!(Path.join(victim, "secret"), @secret)
    File.write!(Path.join(victim, "directory/file"), @secret)
    host = Target.unshare(~w(--mount --propagation shared))
    enter = [System.find_executable("nsenter"), "--mount=/proc/#{host.pid}/ns/mnt", "--"]

    [mount | arguments] =
      enter ++ ["mount", "-t", "tmpfs", "shared", Path.join(victim, "directory/below")]

    {_, 0} = System.cmd(mount, arguments)
    %{victim: victim, image: image, host: host, program: enter ++ [agent()]}
  end

  # All that is in a directory of the host: kinds, modes, owners, numbers, times and contents.
  defp tree(path) do
    stat = File.lstat!(path, time: :posix)

    content =
      case stat.type do
        :directory ->
          for name <- Enum.sort(File.ls!(path)), do: {name, tree(Path.join(path, name))}

        :regular ->
          File.read!(path)

        _other ->
          nil
      end

    {%{stat | atime: nil}, content}
  end

  defp snapshot(%{victim: victim, host: host}),
    do: {tree(victim), File.read!("/proc/#{host.pid}/mountinfo")}

  # Where links may lead: to the victim's directory on the host, from a root that shows the host's processes.
  defp links(%{victim: victim, image: image, host: host}) do
    up = String.duplicate("../", 40) |> String.trim_trailing("/")

    %{
      "absolute" => victim,
      "up" => up <> victim,
      "self-root" => "/proc/self/root" <> victim,
      "first-root" => "/proc/1/root" <> victim,
      "other-root" => "/proc/#{host.pid}/root" <> victim,
      "own-root" => "/proc/#{System.pid()}/root#{victim}",
      "parent" => "/proc/self/root/../../.." <> victim,
      "cwd" => "/proc/#{System.pid()}/cwd/" <> Path.relative_to(victim, File.cwd!()),
      "task" => "/proc/1/task/1/root" <> victim,
      "fd" => "/proc/self/fd/0" <> victim,
      "chain" => "chain-1/../first-root",
      "chain-1" => "chain-2",
      "chain-2" => up <> "/proc/1/root",
      "dangling" => "/proc/1/root#{victim}/new",
      "dangling-up" => up <> victim <> "/new",
      "image" => "/proc/1/root" <> image
    }
  end

  # What may be done at and below a path of the image.
  defp commands(path) do
    below = &Path.join(path, &1)

    [
      [{:mkdir, path, 0o777, 1, 1}],
      [{:mkdir, below.("made/deep"), 0o777, 1, 1}],
      [{:symlink, "x", below.("made")}],
      [{:symlink, "x", below.("directory/made")}],
      [{:file, below.("made"), 0o777, "made"}],
      [{:file, below.("secret"), 0o777, "made"}],
      [{:file, path, 0o777, "made"}],
      [{:device, below.("made"), :char, 1, 3, 0o666, 1, 1}],
      [{:device, path, :fifo, 0, 0, 0o666, 1, 1}],
      [{:mount_open, 0, "tmpfs", "evil", []}, {:attach, 0, path, [], []}],
      [{:mount_open, 0, "tmpfs", "evil", []}, {:attach, 0, below.("directory"), [], []}],
      [{:mount_open, 0, "tmpfs", "evil", []}, {:attach, 0, below.("made/mount"), [], [:keep]}],
      [{:mount_open, 0, "proc", "evil", []}, {:attach, 0, below.("directory"), [], []}],
      [{:attach, 2, below.("secret"), [], [:keep]}],
      [{:mask, below.("secret"), 2, 3}],
      [{:mask, below.("directory"), 2, 3}],
      [{:readonly, path}],
      [{:readonly, below.("directory/below")}],
      [{:mount_attr, below.("directory/below"), [:rdonly], [], []}],
      [{:propagation, below.("directory/below"), :unbindable, []}],
      [{:unmount, below.("directory/below"), [:detach]}],
      [{:unmount, path, [:detach]}],
      [{:tree_open, 0, path, [:recursive]}, {:attach, 0, "/stolen", [], []}],
      [{:tree_open, 0, below.("secret"), []}, {:attach, 0, "/stolen", [], []}],
      [{:chroot, path}, {:chroot, below.("directory")}]
    ]
  end

  @masks [
    {:tree_open, 2, "/dev/null", []},
    {:mount_open, 3, "tmpfs", "empty", [{"mode", "0"}]}
  ]

  # Both are used, so that the lists are accepted.
  @use [{:attach, 2, "/used/null", [], [:keep]}, {:attach, 3, "/used/empty", [], [:keep]}]

  @script "cat /stolen /stolen/secret /stolen/directory/file 2>&1"

  defp attempt(context, commands, opts \\ []) do
    request =
      Image.shell(@script, proc: true, tree: context.image, before: @masks, then: @use ++ commands)

    finish(requested(request, [program: context.program] ++ opts))
  end

  defp filter(dir, names) do
    path = Path.join(dir, "filter")
    File.write!(path, Bpf.deny(names, errno(:enosys)))
    [driver: ["--filter", path]]
  end

  for {kernel, denied} <- [{"openat2", []}, {"a walk", [:openat2]}] do
    test "no link of an image leads a command to the host, with #{kernel}", context do
      before = snapshot(context)
      opts = filter(context.tmp_dir, unquote(denied))

      # A third of all pairs each time: a session takes some 30 ms.
      for {{name, to}, one} <- Enum.with_index(links(context)),
          {commands, other} <- Enum.with_index(commands("/" <> name)),
          rem(one + other, 3) == unquote(length(denied)) do
        File.rm_rf!(context.image)
        File.mkdir_p!(context.image)
        for {name, to} <- links(context), do: File.ln_s!(to, Path.join(context.image, name))
        result = attempt(context, commands, opts)
        refute result.output =~ @secret, "#{inspect(commands)} by #{to} has stolen"
        assert {commands, to, snapshot(context)} == {commands, to, before}
        assert match?({:error, _, _, _}, final(result)) or ran?(result)
        # What leads through the links of /proc to other roots leads nowhere.
        refute ran?(result) and (to =~ "/proc/" or name =~ "chain"),
               "#{inspect(commands)} by #{to}"

        if match?([{:chroot, _} | _], commands),
          do: assert({:error, _, :chroot, _} = final(result))
      end
    end
  end

  test "no descriptor of the host's tree is a way out, neither for the program nor for its directory",
       context do
    held = [{:tree_open, 0, "/", [:recursive]}]
    keep = {:attach, 0, "/host", [], [:keep]}

    for fd <- 3..40,
        request <- [%{argv: ["/proc/self/fd/#{fd}/bin/true"]}, %{cwd: "/proc/self/fd/#{fd}/etc"}] do
      opts = [proc: true, tree: context.image, before: held, then: [keep], request: request]
      assert {:error, errno, stage} = final(finish(requested(Image.shell("true", opts))))
      assert errno in [errno(:enoent), errno(:enotdir)]
      assert stage in [:execve, :chdir]
    end
  end

  test "commands on a path that is exchanged meanwhile do not reach the host", context do
    victim = context.victim
    real = Path.join(context.image, "real")
    File.mkdir_p!(Path.join(real, "directory/below"))
    File.write!(Path.join(real, "secret"), "public")
    File.mkdir_p!(Path.join(context.image, "deep/real/directory"))

    pairs =
      for {at, to} <- [
            {"real", "/proc/1/root" <> victim},
            {"deep/real", String.duplicate("../", 40) <> victim},
            {"deep/real/directory", "/proc/#{context.host.pid}/root#{victim}/directory"}
          ] do
        one = Path.join(context.image, at)
        File.ln_s!(to, one <> "-link")
        [one, one <> "-link"]
      end

    before = snapshot(context)
    # A path that lies in what is exchanged itself cannot be exchanged as well.
    _swapper = Target.neighbour("swapper", pairs |> Enum.take(2) |> List.flatten())
    lists = commands("/real") ++ commands("/deep/real") ++ commands("/deep/real/directory-link")
    until = System.monotonic_time(:millisecond) + 3_000

    # Each list once, and again for as long as there is time.
    for {commands, at} <-
          Stream.with_index(Stream.cycle(lists))
          |> Stream.take_while(fn {_, at} ->
            at < length(lists) or System.monotonic_time(:millisecond) < until
          end) do
      result = attempt(context, commands)
      refute result.output =~ @secret, "#{inspect(commands)} has stolen (#{at})"
      assert match?({:error, _, _, _}, final(result)) or ran?(result)
    end

    assert snapshot(context) == before
  end

  test "a /proc of the image that is exchanged for a link gets no procfs elsewhere", context do
    for name <- ~w(proc-link other), do: File.mkdir_p!(Path.join(context.image, "real-#{name}"))
    File.mkdir_p!(Path.join(context.image, "mnt"))
    File.ln_s!("/real-other", Path.join(context.image, "mnt-link"))
    swap = for name <- ~w(mnt mnt-link), do: Path.join(context.image, name)
    _swapper = Target.neighbour("swapper", swap)
    before = snapshot(context)

    outcomes =
      for _ <- 1..60 do
        request =
          Image.shell("grep proc2 /proc/self/mountinfo",
            proc: true,
            tree: context.image,
            before: [{:mount_open, 0, "proc", "proc2", []}],
            then: [{:attach, 0, "/mnt", [], []}]
          )

        result = finish(requested(request, program: context.program))
        refute result.output =~ "real-other"
        final(result)
      end

    assert snapshot(context) == before
    eloop = errno(:eloop)

    for outcome <- outcomes,
        do:
          assert(
            match?({:status, :exited, 0}, outcome) or
              match?({:error, ^eloop, :attach, _}, outcome)
          )
  end
end
