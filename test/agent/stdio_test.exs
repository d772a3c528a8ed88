# SPDX-License-Identifier: MIT

defmodule AgentTest.StdioTest do
  use AgentTest.Case, async: true

  @moduletag :tmp_dir

  # What the descriptors of a running workload lead to, as the host sees them.
  defp fds_of(request, opts \\ []) do
    wire = running(Map.put(request, :argv, actor(["ignore"])), opts)
    fds = Host.fds(wire.host_pid)
    kill(wire)
    fds
  end

  # What the agent was started with: the driver's /dev/null and socket, and the BEAM's own fd 2.
  defp assert_inherited(fds, which) do
    for fd <- which do
      case fd do
        0 -> assert fds[0] == "/dev/null"
        1 -> assert "socket:" <> _ = fds[1]
        2 -> assert fds[2] == Host.fds(System.pid())[2]
      end
    end
  end

  test ":inherit leaves the agent's fd 0, 1 and 2 in place" do
    fds = fds_of(%{stdio: :inherit})
    assert Map.keys(fds) == [0, 1, 2]
    assert_inherited(fds, [0, 1, 2])
  end

  test "absent, it is :inherit" do
    fds = fds_of(%{})
    assert Map.keys(fds) == [0, 1, 2]
    assert_inherited(fds, [0, 1, 2])
  end

  test ":devnull opens all three on /dev/null" do
    assert fds_of(%{stdio: :devnull}) == %{0 => "/dev/null", 1 => "/dev/null", 2 => "/dev/null"}
  end

  test ":pty opens all three on one terminal" do
    %{0 => "/dev/pts/" <> _ = tty} = fds = fds_of(%{stdio: :pty})
    assert fds == %{0 => tty, 1 => tty, 2 => tty}
  end

  test "a keyword list sets each stream by itself, and those it does not name are inherited" do
    fds = fds_of(%{stdio: [stdout: :devnull]})
    assert fds[1] == "/dev/null"
    assert_inherited(fds, [0, 2])
    fds = fds_of(%{stdio: [stderr: :devnull, stdin: :inherit]})
    assert fds[2] == "/dev/null"
    assert_inherited(fds, [0, 1])
    assert_inherited(fds_of(%{stdio: []}), [0, 1, 2])
  end

  test "/dev/null can be read and written" do
    result = run(%{argv: actor(["read", "5"]), stdio: [stdin: :devnull]})
    assert result.output == "read 0\n"
    result = run(%{argv: actor(["write", 1, 100_000]), stdio: :devnull})
    assert final(result) == {:status, :exited, 0}
  end

  describe "{:connect_unix, path}" do
    defp listen(path, opts \\ []) do
      {:ok, listener} =
        :gen_tcp.listen(0, [:binary, active: false, ifaddr: {:local, path}] ++ opts)

      listener
    end

    test "connects the stream, both ways", %{tmp_dir: dir} do
      path = Path.join(short(dir), "s")
      listener = listen(path)

      wire =
        parked(%{
          argv: ["/bin/cat"],
          stdio: [stdin: {:connect_unix, path}, stdout: {:connect_unix, path}]
        })

      {:ok, stdin} = :gen_tcp.accept(listener, 30_000)
      {:ok, stdout} = :gen_tcp.accept(listener, 30_000)
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      :ok = :gen_tcp.send(stdin, "over the socket")
      assert {:ok, "over the socket"} = :gen_tcp.recv(stdout, 15, 30_000)
      :gen_tcp.shutdown(stdin, :write)
      assert final(finish(wire)) == {:status, :exited, 0}
      assert {:error, :closed} = :gen_tcp.recv(stdout, 0, 30_000)
    end

    test "a path that is a charlist connects as well", %{tmp_dir: dir} do
      path = Path.join(short(dir), "s")
      listener = listen(path)

      wire =
        parked(%{argv: actor(["say", "hi"]), stdio: [stdout: {:connect_unix, to_charlist(path)}]})

      {:ok, stdout} = :gen_tcp.accept(listener, 30_000)
      send_term(wire, :proceed)
      finish(wire)
      assert {:ok, "hi\n"} = :gen_tcp.recv(stdout, 0, 30_000)
    end

    test "a socket without a listener is ECONNREFUSED", %{tmp_dir: dir} do
      path = Path.join(short(dir), "s")
      :gen_tcp.close(listen(path))
      refused(path, :econnrefused)
    end

    test "no such path is ENOENT, before a child exists", %{tmp_dir: dir} do
      refused(Path.join(short(dir), "missing"), :enoent)
    end

    test "a path longer than a socket's address is ENAMETOOLONG" do
      refused("/tmp/" <> String.duplicate("x", 200), :enametoolong)
    end

    # unix(7): connect(2) blocks while the listener's backlog is full.
    test "a full backlog ends in an error, and holds nothing up for ever", %{tmp_dir: dir} do
      path = Path.join(short(dir), "s")
      _listener = listen(path, backlog: 0)
      fill = [:binary, active: false]
      {:ok, _queued} = :gen_tcp.connect({:local, path}, 0, fill, 30_000)
      wire = requested(%{argv: actor(["exit", 0]), stdio: [stdin: {:connect_unix, path}]})
      assert_frame(wire, {:error, code, :connect_unix})
      assert code in [errno(:eagain), errno(:etimedout)]
      finish(wire, exit: 3)
    end

    test "waiting for a full backlog ends with the BEAM's end", %{tmp_dir: dir} do
      path = Path.join(short(dir), "s")
      _listener = listen(path, backlog: 0)
      {:ok, _queued} = :gen_tcp.connect({:local, path}, 0, [:binary, active: false], 30_000)
      wire = start()

      send_term(
        wire,
        {:spawn, %{argv: actor(["say", "never"]), stdio: [stdin: {:connect_unix, path}]}}
      )

      close_commands(wire)
      assert %{output: "", orphans: [], agent: {:exited, _, _}} = await_gone(wire)
    end

    defp refused(path, name) do
      wire = requested(%{argv: actor(["exit", 0]), stdio: [stderr: {:connect_unix, path}]})
      result = finish(wire, exit: 3)
      assert result.frames == [{:error, errno(name), :connect_unix}]
    end

    # A socket's path has at most 108 bytes (unix(7)), and one in a directory of ExUnit may have more.
    defp short(dir) do
      link = scratch("link")
      File.ln_s!(dir, link)
      on_exit(fn -> File.rm!(link) end)
      link
    end
  end
end
