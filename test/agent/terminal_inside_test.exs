# SPDX-License-Identifier: MIT

defmodule AgentTest.TerminalInsideTest do
  use AgentTest.Case, async: true

  # A terminal of the devpts that the workload has at /dev/pts. nsenter(1) mounts it while the child is parked, and
  # is no part of the agent.

  @moduletag :root

  @size {30, 100, 5, 6}

  @own_devpts "mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts"

  # What a workload says of its terminal: its name, which has to lead to it, size and settings.
  @say "exec 2>&1; tty; [ $(stat -c %t,%T,%i $(tty)) = $(stat -Lc %t,%T,%i /dev/stdin) ] && echo same; " <>
         "stty size; stty -a | tr ' ;' '\\n\\n' | grep -x -e '-*echo' -e '-*iutf8'; echo end; read line; echo got $line"

  defp inside(wire, flags, script) do
    arguments = ["-t", "#{wire.host_pid}" | flags] ++ ["sh", "-ec", script]
    assert {"", 0} = System.cmd("nsenter", arguments, stderr_to_stdout: true)
  end

  defp flags(namespaces), do: if(:user in namespaces, do: ~w(-U -m -S 0 -G 0), else: ["-m"])

  # A parked child with mounts of its own, after a script was run among them.
  defp prepared(request, script) do
    request = Map.merge(%{argv: ["/bin/sh", "-c", @say], namespaces: [:mount]}, request)
    wire = parked(request)

    if :user in request.namespaces,
      do:
        for(
          map <- ["uid_map", "gid_map"],
          do: File.write!("/proc/#{wire.host_pid}/#{map}", "0 0 65536")
        )

    inside(wire, flags(request.namespaces), script)
    wire
  end

  defp said(wire) do
    seen = await_pty(wire, "end\r\n")
    send_term(wire, {:pty_in, "hello\n"})
    await_pty(wire, "got hello\r\n")
    assert final(finish(wire)) == {:status, :exited, 0}
    String.split(seen, "\r\n", trim: true)
  end

  defp go(wire) do
    send_term(wire, :proceed)
    assert_frame(wire, {:status, :running})
    wire
  end

  for namespaces <- [[:mount], [:user, :mount], [:mount, :pid], [:user, :mount, :pid, :ipc]],
      place <- [:inside, :auto] do
    test "#{place} is of the devpts that is mounted at the checkpoint, with #{inspect(namespaces)}" do
      request = %{
        stdio: {:pty, @size, unquote(place)},
        termios: %{echo: false, iutf8: true},
        namespaces: unquote(namespaces)
      }

      said = request |> prepared(@own_devpts) |> go() |> said()
      assert said == ["/dev/pts/0", "same", "30 100", "iutf8", "-echo", "end"]
    end
  end

  test "has what was typed, and the size that was set, before it was opened" do
    for {script, place} <- [{@own_devpts, :inside}, {@own_devpts, :auto}, {"true", :auto}] do
      request = %{stdio: {:pty, @size, place}}
      wire = prepared(request, script)

      for frame <- [:proceed, {:pty_in, "hello\n"}, {:pty_winsize, {40, 110, 0, 0}}],
          do: send_term(wire, frame)

      seen = await_pty(wire, "got hello\r\n")
      assert final(finish(wire)) == {:status, :exited, 0}
      assert seen =~ ~r/^(30 100|40 110)\r$/m
    end
  end

  test "has the size that was set while the child opened it" do
    for script <- [@own_devpts, "true"] do
      request = %{argv: ["/bin/sh", "-c", "read line; stty size"], stdio: {:pty, @size, :auto}}
      wire = prepared(request, script)

      for frame <- [:proceed, {:pty_winsize, {40, 110, 0, 0}}, {:pty_in, "hello\n"}],
          do: send_term(wire, frame)

      await_pty(wire, "40 110\r\n")
      assert final(finish(wire)) == {:status, :exited, 0}
    end
  end

  test "the host's is used by :auto without a devpts of its own, and by :inside where it is the host's" do
    for place <- [:inside, :auto] do
      wire = go(prepared(%{stdio: {:pty, @size, place}}, "true"))
      name = Host.fds(wire.host_pid)[0]
      assert [^name, "same", "30 100" | _] = said(wire)
    end

    plain = running(%{argv: ["/bin/sh", "-c", @say], stdio: {:pty, @size, :auto}})
    name = Host.fds(plain.host_pid)[0]
    assert [^name, "same", "30 100" | _] = said(plain)
  end

  test "it is the controlling terminal, and its characters signal" do
    request = %{argv: ["/bin/sh", "-c", "#{path("actor")} tty; exec #{path("actor")} pause"]}
    wire = go(prepared(Map.put(request, :stdio, {:pty, @size, :auto}), @own_devpts))
    seen = await_pty(wire, "ready\r\n")
    assert seen =~ "isatty 1 1 1\r\ncontrolling ok\r\nforeground 1\r\n"
    send_term(wire, {:pty_in, <<3>>})
    assert final(finish(wire)) == {:status, :signaled, 2}
  end

  test "its size is set at the checkpoint and while the workload runs" do
    request = %{argv: actor(["winsize"]), stdio: {:pty, @size, :inside}}
    wire = prepared(request, @own_devpts)
    send_term(wire, {:pty_winsize, {7, 8, 9, 10}})
    go(wire)
    await_pty(wire, "winsize 7 8 9 10\r\n")
    send_term(wire, {:pty_winsize, {50, 132, 0, 0}})
    await_pty(wire, "winsize 50 132 0 0\r\n")
    kill(wire)
  end

  test "all output arrives before the end, also of a terminal that is closed and opened again" do
    for size <- [1, 4096, 200_000] do
      request = %{argv: actor(["write", 1, size]), stdio: {:pty, @size, :inside}}
      wire = go(prepared(request, @own_devpts))
      assert finish(wire).pty == pattern(size)
    end

    wire =
      go(prepared(%{argv: actor(["reopen-tty"]), stdio: {:pty, @size, :inside}}, @own_devpts))

    await_pty(wire, "ready\r\n")
    send_term(wire, {:pty_in, "hello\n"})
    assert finish(wire).pty =~ "\r\nline hello\r\n"
  end

  test "the agent and the workload have nothing left of the host's terminal" do
    wire = go(prepared(%{argv: actor(["pause"]), stdio: {:pty, @size, :inside}}, @own_devpts))
    await_pty(wire, "ready")
    assert Map.keys(Host.fds(wire.host_pid)) == [0, 1, 2]
    links = Map.values(Host.fds(wire.agent))
    plain = running(%{argv: actor(["pause"]), stdio: :pty})
    assert count_sockets(links) == count_sockets(Map.values(Host.fds(plain.agent)))
    kill(plain)
    terminals = Enum.filter(links, &(&1 =~ ~r"(ptmx|pts)"))
    # Outside a mount namespace its descriptors have paths that begin at its root.
    assert Enum.sort(Enum.map(terminals, &Path.basename/1)) == ["0", "ptmx"]
    kill(wire)
  end

  defp count_sockets(links), do: Enum.count(links, &String.starts_with?(&1, "socket:"))

  test "the command opens it at once, and once" do
    for place <- [:inside, :auto] do
      request = %{stdio: {:pty, @size, place}, argv: ["/bin/sh", "-c", @say], ack: true}
      wire = prepared(request, @own_devpts)
      send_term(wire, :terminal)
      assert_frame(wire, {:status, :applied, 1})
      # What is at /dev/pts afterwards is of no account.
      inside(wire, ["-m"], "mount -t tmpfs none /dev/pts")
      send_term(wire, :terminal)
      assert_frame(wire, {:status, :applied, 2})
      go(wire)
      await_pty(wire, "end\r\n")
      send_term(wire, {:pty_in, "x\n"})
      finish(wire)
    end
  end

  test "the command is refused where the terminal is the host's" do
    for stdio <- [:pty, {:pty, @size}, {:pty, @size, :auto}, :devnull] do
      wire = parked(%{argv: ["/bin/true"], stdio: stdio})
      send_term(wire, :terminal)
      assert final(finish(wire)) == {:error, errno(:einval), :terminal}
    end
  end

  # What a container may have at /dev/pts, and the errno for it.
  @hostile [
    {"nothing", "mount -t tmpfs none /dev", :enoent},
    {"a tmpfs", "mount -t tmpfs none /dev/pts; mknod /dev/pts/ptmx c 5 2", 19},
    {"a FIFO for ptmx", "mount -t tmpfs none /dev/pts; mkfifo /dev/pts/ptmx", 19},
    {"a link to a devpts",
     "mkdir /run/pts; " <>
       "mount -t devpts -o newinstance,ptmxmode=666 d /run/pts; mount -t tmpfs none /dev; ln -s /run/pts /dev/pts",
     :enotdir},
    {"a link beside a devpts",
     "mount -t tmpfs none /dev; mkdir /dev/x; ln -s x /dev/pts; " <>
       "mount -t devpts -o newinstance,ptmxmode=666 d /dev/x", :enotdir},
    {"a FIFO upon ptmx", @own_devpts <> "; mkfifo /run/F; mount --bind /run/F /dev/pts/ptmx",
     :exdev},
    {"another device upon ptmx", @own_devpts <> "; mount --bind /dev/null /dev/pts/ptmx", :exdev},
    {"another devpts upon ptmx",
     "mount -t tmpfs none /mnt; mkdir /mnt/p; mount -t devpts -o newinstance,ptmxmode=666 d /mnt/p; " <>
       @own_devpts <> "; mount --bind /mnt/p/ptmx /dev/pts/ptmx", :exdev}
  ]

  defp number(errno) when is_integer(errno), do: errno
  defp number(name), do: errno(name)

  for {what, script, error} <- @hostile do
    @tag script: "mount -t tmpfs none /run; #{script}", error: error
    test "#{what} at /dev/pts: :inside fails, :auto takes the host's", context do
      wire = prepared(%{stdio: {:pty, @size, :inside}}, context.script)
      send_term(wire, :proceed)
      assert final(finish(wire)) == {:error, number(context.error), :terminal}

      request = %{stdio: {:pty, @size, :auto}, argv: actor(["tty"])}
      wire = prepared(request, context.script)
      send_term(wire, :proceed)
      result = finish(wire)
      # There may be no /dev/tty.
      assert result.pty =~ ~r/\Aisatty 1 1 1\r\ncontrolling .*\r\nforeground 1\r\n\z/
      assert final(result) == {:status, :exited, 0}
    end
  end

  describe "a process that enters" do
    for flags <- [
          ~w(--mount),
          ~w(--fork --kill-child --pid --mount-proc --mount),
          ~w(--user --map-root-user --mount)
        ] do
      test "has a terminal of the target's devpts, with #{Enum.join(flags, " ")}" do
        target = Target.unshare(unquote(flags))
        user = if "--user" in unquote(flags), do: ~w(-U -S 0 -G 0), else: []

        assert {"", 0} =
                 System.cmd(
                   "nsenter",
                   ["-t", "#{target.pid}", "-m"] ++ user ++ ["sh", "-ec", @own_devpts],
                   stderr_to_stdout: true
                 )

        for place <- [:inside, :auto] do
          request = %{
            argv: ["/bin/sh", "-c", @say],
            stdio: {:pty, @size, place},
            target: target.pid
          }

          wire = requested({:enter, Map.put(request, :proceed, true)})
          assert ["/dev/pts/" <> _, "same", "30 100" | _] = said(wire)
        end

        kill_target(target)
      end
    end

    defp kill_target(target) do
      Host.signal(target.pid, 9)
      close_commands(target.wire)
      await_gone(target.wire)
    end
  end
end
