# SPDX-License-Identifier: MIT

defmodule AgentTest.FifoTest do
  use AgentTest.Case, async: true

  # {:file, path, how} of a named pipe: the workload is executed once a process has the other side open, as
  # a shell's redirection has it (fifo(7)), and until then the session is alive to everything that may end it.

  @moduletag :tmp_dir

  defp fifo(dir, name \\ "fifo", mode \\ "666") do
    path = Path.join(dir, name)
    {_, 0} = System.cmd("mkfifo", ["-m", mode, path])
    path
  end

  # A process of the host's that opens the other side, which may wait, and what it has read.
  defp sh(script) do
    task = Task.async(fn -> System.cmd("/bin/sh", ["-c", script], stderr_to_stdout: true) end)
    fn -> Task.await(task, 30_000) end
  end

  # A session that waits for the other side: past the checkpoint, and its workload not executed.
  defp waiting(request, opts \\ []) do
    request = Map.merge(%{argv: ["/bin/cat"], waits: true}, request)
    wire = parked(request, opts)
    unless request[:proceed], do: send_term(wire, :proceed)
    assert_frame(wire, {:status, :waiting})
    wire
  end

  defp assert_runs(wire), do: assert_frame(wire, {:status, :running})

  describe "a FIFO as stdin" do
    test "is waited for until there is a writer, also a silent one", %{tmp_dir: dir} do
      path = fifo(dir)

      for proceed <- [false, true] do
        wire = waiting(%{stdio: [stdin: {:file, path, :read}], proceed: proceed})
        # It has the FIFO open, and writes nothing before it is told to.
        writer = start(program: ["/bin/sh", "-c", "exec 4>#{path}; read x <&3; echo late >&4"])
        assert_runs(wire)
        send_raw(writer, "go\n")
        assert finish(wire).output == "late\n"
        await_gone(writer)
      end
    end

    test "is not waited for when there is a writer", %{tmp_dir: dir} do
      path = fifo(dir)
      writer = sh("echo early > #{path}")
      result = run(%{argv: ["/bin/cat"], stdio: [stdin: {:file, path, :read}]})
      assert {result.output, final(result)} == {"early\n", {:status, :exited, 0}}
      assert {"", 0} = writer.()
    end

    test "has what a writer left that was gone before exec", %{tmp_dir: dir} do
      path = fifo(dir)
      wire = parked(%{argv: ["/bin/cat"], stdio: [stdin: {:file, path, :read}]})
      assert {"", 0} = sh("echo passing by > #{path}").()
      send_term(wire, :proceed)
      assert finish(wire).output == "passing by\n"
    end

    test "is at its end when a writer came and went without a word", %{tmp_dir: dir} do
      path = fifo(dir)
      wire = parked(%{argv: ["/bin/cat"], stdio: [stdin: {:file, path, :read}]})
      assert {"", 0} = sh(": > #{path}").()
      send_term(wire, :proceed)
      result = finish(wire)
      assert {result.output, final(result)} == {"", {:status, :exited, 0}}
    end

    test "is waited for when it has taken the place of a file meanwhile", %{tmp_dir: dir} do
      path = fifo(dir)
      file = Path.join(dir, "file")
      File.write!(file, "content")
      _swapper = Target.neighbour("swapper", [path, file])

      for _ <- 1..150 do
        wire = parked(%{argv: ["/bin/cat"], stdio: [stdin: {:file, path, :read}], waits: true})
        send_term(wire, :proceed)

        case next_frame(wire) do
          {:status, :waiting} ->
            send_term(wire, {:signal, 9})
            finish(wire)

          {:status, :running} ->
            assert finish(wire).output == "content"
        end
      end
    end

    test "is the one that the path led to, whatever it leads to since", %{tmp_dir: dir} do
      path = fifo(dir)
      wire = waiting(%{stdio: [stdin: {:file, path, :read}]})
      File.rename!(path, path <> "2")
      File.write!(path, "another")
      assert {"", 0} = sh("echo moved > #{path}2").()
      assert_runs(wire)
      assert finish(wire).output == "moved\n"
    end

    test "is stdin alone, and blocks", %{tmp_dir: dir} do
      path = fifo(dir)
      wire = waiting(%{argv: actor(["ignore"]), stdio: [stdin: {:file, path, :read}]})
      writer = start(program: ["/bin/sh", "-c", "exec 4>#{path}; read x <&3"])
      assert_runs(wire)
      fds = Host.fds(wire.host_pid)
      assert Map.keys(fds) == [0, 1, 2]
      assert fds[0] == path
      flags = Regex.run(~r/flags:\t(\d+)/, File.read!("/proc/#{wire.host_pid}/fdinfo/0"))
      # O_RDONLY and O_LARGEFILE at most
      assert flags |> Enum.at(1) |> String.to_integer(8) |> Bitwise.band(0o4003) == 0
      send_raw(writer, "go\n")
      kill(wire)
      await_gone(writer)
    end
  end

  describe "a FIFO as output" do
    test "is waited for until there is a reader", %{tmp_dir: dir} do
      path = fifo(dir)

      for how <- [:write, :append], {stream, other} <- [stdout: :stderr, stderr: :stdout] do
        wire =
          waiting(%{
            argv: ["/bin/sh", "-c", "echo out >&1; echo err >&2"],
            stdio: [{other, :devnull}, {stream, {:file, path, how}}]
          })

        reader = sh("cat #{path}")
        assert_runs(wire)
        finish(wire)
        assert {text, 0} = reader.()
        assert text =~ if(stream == :stdout, do: "out\n", else: "err\n")
      end
    end

    test "is shared by stderr: :stdout", %{tmp_dir: dir} do
      path = fifo(dir)
      argv = ["/bin/sh", "-c", "echo 1; echo 2 >&2; echo 3"]
      wire = waiting(%{argv: argv, stdio: [stdout: {:file, path, :write}, stderr: :stdout]})
      reader = sh("cat #{path}")
      assert_runs(wire)
      finish(wire)
      assert {"1\n2\n3\n", 0} = reader.()
    end

    test "leaves other writers alone that wait for a reader", %{tmp_dir: dir} do
      path = fifo(dir)
      other = sh("echo other > #{path}")
      wire = waiting(%{argv: ["/bin/true"], stdio: [stdout: {:file, path, :write}]})
      send_term(wire, {:signal, 9})
      finish(wire)
      assert {"other\n", 0} = sh("cat #{path}").()
      assert {"", 0} = other.()
    end
  end

  describe "more than one FIFO" do
    test "is waited for until each has its other side", %{tmp_dir: dir} do
      [input, output, errors] = for name <- ~w(in out err), do: fifo(dir, name)

      stdio = [
        stdin: {:file, input, :read},
        stdout: {:file, output, :write},
        stderr: {:file, errors, :append}
      ]

      wire = waiting(%{argv: ["/bin/sh", "-c", "cat; echo err >&2"], stdio: stdio})
      {errors, output} = {sh("cat #{errors}"), sh("cat #{output}")}
      assert {"", 0} = sh("echo in > #{input}").()
      assert_runs(wire)
      finish(wire)
      assert {output.(), errors.()} == {{"in\n", 0}, {"err\n", 0}}
    end

    test "that is one and the same is its own other side", %{tmp_dir: dir} do
      path = fifo(dir)
      stdio = [stdin: {:file, path, :read}, stdout: {:file, path, :write}]
      argv = ["/bin/sh", "-c", "echo round; read line; echo $line >&2; exit 3"]
      result = run(%{argv: argv, stdio: stdio ++ [stderr: :pipe]}, finish: [drained: true])
      assert {result.stderr, final(result)} == {"round\n", {:status, :exited, 3}}
    end
  end

  describe "while it waits" do
    defp stuck(dir, more \\ %{}, opts \\ []),
      do: waiting(Map.put(more, :stdio, stdin: {:file, fifo(dir), :read}), opts)

    test "a signal ends it", %{tmp_dir: dir} do
      for {number, proceed} <- [{15, false}, {9, true}, {1, true}] do
        wire = stuck(dir, %{proceed: proceed})
        send_term(wire, {:signal, number, :group})
        result = finish(wire)
        assert final(result) == {:status, :signaled, number}
        refute ran?(result)
        File.rm!(Path.join(dir, "fifo"))
      end
    end

    test "the BEAM's end does, at once and with each policy", %{tmp_dir: dir} do
      for policy <- [{:kill, 3_600_000}, {:kill, 0}, :leave] do
        wire = stuck(dir, %{orphan_policy: policy})
        close_commands(wire)
        assert %{orphans: [], agent: {:exited, _, _}} = await_gone(wire)
        File.rm!(Path.join(dir, "fifo"))
      end
    end

    test "the agent's death does", %{tmp_dir: dir} do
      wire = stuck(dir)
      kill_agent(wire)
    end

    test "an abort at the checkpoint does", %{tmp_dir: dir} do
      wire = parked(%{argv: ["/bin/cat"], stdio: [stdin: {:file, fifo(dir), :read}]})
      send_term(wire, :abort)
      assert {:status, :aborted, _} = final(finish(wire))
    end

    test "other streams are served", %{tmp_dir: dir} do
      path = fifo(dir)
      stdio = [stdin: :pipe, stdout: {:file, path, :write}]
      wire = waiting(%{argv: ["/bin/cat"], stdio: stdio})
      for frame <- [{:stdin, "through"}, {:close, :stdin}], do: send_term(wire, frame)
      reader = sh("cat #{path}")
      assert_runs(wire)
      finish(wire)
      assert {"through", 0} = reader.()
    end

    test "and has ended, no process finds the other side", %{tmp_dir: dir} do
      path = fifo(dir)

      for {stream, how, side} <- [
            {:stdin, :read, "of=#{path} oflag=nonblock conv=notrunc if=/dev/null"},
            {:stdout, :write, "if=#{path} iflag=nonblock count=1 of=/dev/null"}
          ] do
        wire = waiting(%{hold: true, stdio: [{stream, {:file, path, how}}]})
        send_term(wire, {:signal, 9})
        assert_frame(wire, {:status, :signaled, 9})
        # The agent is still there, and the FIFO is as if nothing had waited.
        await_one_thread(wire.agent)
        assert {says, code} = System.cmd("/bin/sh", ["-c", "dd #{side} 2>&1"])
        if stream == :stdin, do: assert({says =~ "No such device", code} == {true, 1})
        if stream == :stdout, do: assert({says =~ "0 bytes", code} == {true, 0})
        assert Host.alive?(wire.agent)
        close_commands(wire)
        await_gone(wire)
      end
    end

    defp await_one_thread(pid),
      do: if(length(File.ls!("/proc/#{pid}/task")) > 1, do: await_one_thread(pid))

    test "a client that does not ask for it is not told", %{tmp_dir: dir} do
      path = fifo(dir)
      wire = parked(%{argv: ["/bin/cat"], stdio: [stdin: {:file, path, :read}]})
      send_term(wire, :proceed)
      assert {"", 0} = sh("echo x > #{path}").()
      assert {:status, :running} = next_frame(wire)
      assert finish(wire).output == "x\n"
    end
  end

  test "a FIFO that may not be opened is an error before a child exists", %{tmp_dir: dir} do
    File.chmod!(dir, 0o755)
    driver = if Host.root?(), do: ["--user", "65534"], else: []

    for {mode, how} <- [{"222", :read}, {"444", :write}, {"444", :append}] do
      path = fifo(dir, "fifo", mode)
      # Of root's when root runs the tests; else its owner's, whom the mode binds as well.
      wire =
        requested(%{argv: actor(["exit", 0]), stdio: [stdin: {:file, path, how}]}, driver: driver)

      assert finish(wire, exit: 3).frames == [{:error, errno(:eacces), :file_open}]
      File.rm!(path)
    end
  end

  test "a FIFO that may only be written is written", %{tmp_dir: dir} do
    path = fifo(dir, "fifo", "222")
    driver = if Host.root?(), do: ["--user", "65534"], else: []
    File.chmod!(dir, 0o755)

    wire =
      waiting(%{argv: ["/bin/echo", "x"], stdio: [stdout: {:file, path, :write}]}, driver: driver)

    File.chmod!(path, 0o666)
    assert {"x\n", 0} = sh("cat #{path}").()
    assert_runs(wire)
    finish(wire)
  end

  describe "a child that could not open it" do
    @describetag :root

    # Root of a user namespace has no rights to it, and neither has the workload's user.
    test "has it from the agent", %{tmp_dir: dir} do
      change = [{:set_credentials, 61_001, 61_001, []}]
      users = [:user, :mount, :pid]

      for {request, maps} <- [
            {%{final: change}, nil},
            {%{setup: change, proceed: true}, nil},
            {%{namespaces: users}, "0 100000 65536"},
            {%{namespaces: users, final: [{:set_credentials, 7, 7, []}]}, "0 100000 65536"}
          ] do
        path = fifo(dir, "fifo", "600")
        File.chown!(path, 61_009)

        request =
          Map.merge(
            %{argv: ["/bin/cat"], waits: true, stdio: [stdin: {:file, path, :read}]},
            request
          )

        wire = parked(request)
        if maps, do: map_ids(wire, maps)
        unless request[:proceed], do: send_term(wire, :proceed)
        assert_frame(wire, {:status, :waiting})
        assert {"", 0} = sh("echo in > #{path}").()
        assert_runs(wire)
        assert finish(wire).output == "in\n"
        File.rm!(path)
      end
    end

    test "has that of the host in a container that is entered", %{tmp_dir: dir} do
      path = fifo(dir)
      target = Target.unshare(Target.everything())

      for proceed <- [false, true] do
        request = %{target: target.pid, argv: ["/bin/cat"], waits: true, proceed: proceed}
        request = Map.put(request, :stdio, stdin: {:file, path, :read})
        wire = parked({:enter, request})
        unless proceed, do: send_term(wire, :proceed)
        assert_frame(wire, {:status, :waiting})
        assert {"", 0} = sh("echo in > #{path}").()
        assert_runs(wire)
        assert finish(wire).output == "in\n"
      end
    end
  end
end
