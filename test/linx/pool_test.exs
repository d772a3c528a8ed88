# SPDX-License-Identifier: MIT

defmodule Linx.PoolTest do
  # Changes the environment, the working directory and the agent of the VM: not async.
  use Linx.SessionCase, async: false

  alias AgentTest.Programs
  alias Linx.Pool
  alias Linx.Process, as: P

  doctest Linx.Pool

  @patience 30_000

  defp pool(size, opts \\ []) do
    pool = start_supervised!({Pool, [size: size] ++ opts}, id: make_ref())
    :ok = Pool.await(pool, @patience)
    pool
  end

  # The host pids of the agents that wait. Only the pool's own ports are linked to it then.
  defp agents(pool) do
    for port <- ports(pool), {:os_pid, pid} <- [Port.info(port, :os_pid)], do: pid
  end

  defp ports(pool) do
    {:links, links} = Process.info(pool, :links)
    Enum.filter(links, &is_port/1)
  end

  defp agent_of(session) do
    {:ok, info} = P.info(session)
    info.agent_pid
  end

  defp sh(pool, script, opts \\ []) do
    {:ok, result} = Linx.run(["/bin/sh", "-c", script], [pool: pool] ++ opts)
    result.stdout
  end

  # Makes a directory the working one until the test ends.
  defp in_directory(path) do
    before = File.cwd!()
    File.mkdir_p!(path)

    on_exit(fn ->
      File.cd!(before)
      File.rm_rf!(path)
    end)

    File.cd!(path)
  end

  defp told(name) do
    receive do
      {:telemetry, [:linx, :pool, ^name], measurements, metadata} -> {measurements, metadata}
    after
      @patience -> flunk("no #{name}")
    end
  end

  describe "a session with a pool" do
    test "has one of the agents that wait, and another one is started for it" do
      pool = pool(2)
      waiting = agents(pool)
      {session, host_pid} = running(pool: pool)
      assert agent_of(session) in waiting
      assert Host.stat(host_pid).ppid == agent_of(session)
      :ok = Pool.await(pool, @patience)
      assert %{size: 2, idle: 2, hits: 1, misses: 0} = Pool.info(pool)
      refute agent_of(session) in agents(pool)
      assert {:ok, {:signaled, 15}} = P.stop(session, 0)
      assert {:signaled, 15} = next_event(session)
    end

    test "ends as one without, and so does what it has started" do
      pool = pool(2)

      assert {:ok, {:exited, 3}} =
               session(argv: actor(["exit", 3]), auto_proceed: true, pool: pool)
               |> P.wait(@patience)

      {session, host_pid} = running(pool: pool)
      agent = agent_of(session)
      Process.unlink(session)
      Process.exit(session, :kill)
      await_gone(host_pid)
      await_gone(agent)
    end

    test "has its agent killed when that does not react" do
      pool = pool(1)
      {session, host_pid} = running(pool: pool)
      agent = agent_of(session)
      Host.signal(agent, "STOP")
      Process.unlink(session)
      :ok = GenServer.stop(session)
      await_gone(host_pid)
      await_gone(agent)
    end

    test "enters and runs from a sealed copy" do
      pool = pool(2)
      {target, host_pid} = running()

      {:ok, session} =
        P.enter(host_pid, argv: actor(["exit", 4]), auto_proceed: true, pool: pool, events: :none)

      assert {:ok, {:exited, 4}} = P.wait(session, @patience)
      {:ok, {:signaled, 15}} = P.stop(target, 0)
    end

    test "gets its frames in order, also those of a busy port" do
      pool = pool(1)
      input = :binary.copy("0123456789abcdef", 65_536)
      assert {^input, 0} = Linx.cmd("cat", [], input: input, pool: pool)
    end

    test "leaves no message and no link in its caller, some hundred times" do
      pool = pool(4)
      before = Process.info(self(), [:links, :monitors, :messages])

      for n <- 1..300 do
        code = rem(n, 256)
        assert {"", ^code} = Linx.cmd("/bin/sh", ["-c", "exit #{code}"], pool: pool)
      end

      assert Process.info(self(), [:links, :monitors, :messages]) == before
      :ok = Pool.await(pool, @patience)
      assert %{idle: 4, hits: hits, misses: misses} = Pool.info(pool)
      assert hits + misses == 300
      assert {:message_queue_len, 0} = Process.info(pool, :message_queue_len)
    end

    # The ports of the VM, the processes of the BEAM and of the system.
    defp census(pool) do
      :ok = Pool.await(pool, @patience)
      {length(Port.list()), length(Process.list()), length(agents(pool))}
    end

    @tag :sanitizer_unfit
    test "leaves nothing behind after ten thousand, eight at a time" do
      pool = pool(8)
      true_ = System.find_executable("true")
      before = census(pool)

      1..10_000
      |> Task.async_stream(fn _nth -> Linx.cmd(true_, [], pool: pool) end,
        max_concurrency: 8,
        timeout: @patience
      )
      |> Enum.each(&assert &1 == {:ok, {"", 0}})

      assert await_census(pool, before) == before
      assert %{hits: hits, misses: misses} = Pool.info(pool)
      assert hits + misses == 10_000
      assert {:message_queue_len, 0} = Process.info(pool, :message_queue_len)
      {:memory, bytes} = Process.info(pool, :memory)
      assert bytes < 1_000_000
    end

    # The ports of the last sessions close after their calls have returned.
    defp await_census(pool, expected, tries \\ 1_000) do
      case census(pool) do
        found when found == expected or tries == 0 ->
          found

        _not_yet ->
          Enum.each(Port.list(), &Port.info/1)
          await_census(pool, expected, tries - 1)
      end
    end

    test "whose request is too long for a pool has an agent of its own" do
      pool = pool(1)
      big = List.duplicate("A=" <> :binary.copy("x", 100_000), 90)
      session = session(argv: ["/bin/true"], env: big, auto_proceed: true, pool: pool)
      # The kernel refuses it, and not the agent.
      assert {:error, %Error{stage: :execve, errno: :e2big}} = P.wait(session, @patience)
      assert %{hits: 0, misses: 0} = Pool.info(pool)
    end
  end

  describe "what has changed since an agent was started" do
    test "is the environment: set, changed and removed" do
      System.put_env("LINX_POOL_A", "before")
      System.put_env("LINX_POOL_B", "before")
      pool = pool(3)
      System.put_env("LINX_POOL_A", "äfter = 1")
      System.delete_env("LINX_POOL_B")
      System.put_env("LINX_POOL_C", "new")
      script = ~S(printf '%s|%s|%s' "$LINX_POOL_A" "${LINX_POOL_B-unset}" "$LINX_POOL_C")
      assert sh(pool, script) == "äfter = 1|unset|new"
      System.delete_env("LINX_POOL_A")
      System.delete_env("LINX_POOL_C")
      assert sh(pool, "printf '%s' \"${LINX_POOL_A-unset}\"") == "unset"

      assert sh(pool, "env", env: []) |> String.split("\n") |> Enum.sort() ==
               sh(false, "env") |> String.split("\n") |> Enum.sort()
    end

    test "is not what a whole environment of the request's own leaves out" do
      pool = pool(1)
      System.put_env("LINX_POOL_A", "1")
      on_exit(fn -> System.delete_env("LINX_POOL_A") end)

      session =
        session(
          argv: ["/usr/bin/env"],
          env: ["ONLY=1"],
          stdio: [stdout: :pipe],
          auto_proceed: true,
          pool: pool
        )

      assert read_all(session, :stdout) == "ONLY=1\n"
    end

    test "is the working directory, for the program and for every relative path" do
      pool = pool(6)
      path = Programs.scratch("cwd")
      in_directory(path)
      File.write!("script", "#!/bin/sh\npwd -P\ncat\n")
      File.chmod!("script", 0o755)
      File.write!("input", "read\n")
      real = sh(false, "pwd -P")

      session =
        session(
          argv: ["./script"],
          stdio: [stdin: {:file, "input", :read}, stdout: {:file, "output", :write}],
          auto_proceed: true,
          pool: pool
        )

      assert {:ok, {:exited, 0}} = P.wait(session, @patience)
      assert File.read!("output") == real <> "read\n"
      File.mkdir_p!("below")
      assert sh(pool, "pwd -P", cd: "below") == String.trim(real) <> "/below\n"
      assert {:ok, %{stdout: ^real}} = Linx.run(["./script"], pool: pool)
      assert %{hits: 3, misses: 0} = Pool.info(pool)
    end

    test "is the directory that it is at the start, and not a later one" do
      pool = pool(8)
      path = Programs.scratch("cwd")
      in_directory(path)
      real = sh(false, "pwd -P")

      for _ <- 1..20 do
        File.cd!(path)

        session =
          session(
            argv: ["/bin/pwd", "-P"],
            stdio: [stdout: :pipe],
            auto_proceed: true,
            pool: pool
          )

        File.cd!("/")
        assert read_all(session, :stdout) == real
      end
    end

    test "is the directory also where agents may not follow the link to it" do
      :persistent_term.put({Linx.Pool.Client, :by_path}, true)
      on_exit(fn -> :persistent_term.erase({Linx.Pool.Client, :by_path}) end)
      pool = pool(2)
      in_directory(Programs.scratch("cwd"))
      assert sh(pool, "pwd -P") == sh(false, "pwd -P")
      File.rm_rf!(File.cwd!())
      assert Linx.run(["true"], pool: pool) == Linx.run(["true"])
      assert {:error, %Error{stage: :chdir, errno: :enoent}} = Linx.run(["true"], pool: pool)
    end

    test "is a directory that is gone: the same error as without a pool" do
      pool = pool(2)
      in_directory(Programs.scratch("cwd"))
      File.rm_rf!(File.cwd!())
      assert {:error, %Error{stage: :chdir, errno: :enoent}} = P.spawn(argv: ["/bin/true"])

      assert {:error, %Error{stage: :chdir, errno: :enoent}} =
               P.spawn(argv: ["/bin/true"], pool: pool)

      assert {:error, %Error{stage: :chdir, errno: :enoent}} =
               Linx.run(["true"], cd: "/", pool: pool)
    end

    test "is not the umask, which is that of the programs that the VM starts" do
      pool = pool(1)
      assert sh(pool, "umask") == sh(false, "umask")
      [agent] = agents(pool) |> Enum.take(1)
      {shell, 0} = System.cmd("/bin/sh", ["-c", "umask"])
      assert Host.status(agent)["Umask"] == String.trim(shell)
    end
  end

  # The argv of an agent, which the VM may not have executed yet.
  defp executed(agent) do
    case Host.cmdline(agent) do
      ["erl_child_setup" | _] -> executed(agent)
      argv -> argv
    end
  end

  describe "an agent is not used" do
    test "when LINX_AGENT names another file" do
      pool = pool(2)
      copy = Programs.scratch("agent")
      File.cp!(Linx.Agent.path(), copy)
      on_exit(fn -> File.rm(copy) end)
      before = agents(pool)
      use_agent(copy)
      {session, _host_pid} = running(pool: pool)
      assert Host.cmdline(agent_of(session)) == [copy]
      Enum.each(before, &await_gone/1)
      :ok = Pool.await(pool, @patience)
      assert Enum.map(agents(pool), &executed/1) == [[copy], [copy]]
    end

    test "when its file has been replaced, and neither are the others of that file" do
      copy = Programs.scratch("agent")
      File.cp!(Linx.Agent.path(), copy)
      on_exit(fn -> File.rm(copy) end)
      use_agent(copy)
      pool = pool(3)
      before = agents(pool)
      File.cp!(copy, copy <> ".new")
      File.rename!(copy <> ".new", copy)
      {session, _host_pid} = running(pool: pool)
      refute agent_of(session) in before
      Enum.each(before, &await_gone/1)
      :ok = Pool.await(pool, @patience)
      waiting = agents(pool)
      {next, _host_pid} = running(pool: pool)
      assert agent_of(next) in waiting
    end

    test "when it was killed, at any moment before it has read its request" do
      pool = pool(4)

      for _ <- 1..10 do
        :ok = Pool.await(pool, @patience)
        # Of those that were killed before some may be there whose end the VM does not know yet.
        System.cmd("kill", ["-9" | Enum.map(agents(pool), &to_string/1)], stderr_to_stdout: true)
        assert {"1", 0} = Linx.cmd("/bin/sh", ["-c", "printf 1"], pool: pool)
      end

      # Stopped by a signal that it cannot handle, it is killed with its request unread.
      :ok = Pool.await(pool, @patience)
      [agent | _] = waiting = agents(pool)
      Enum.each(waiting, &Host.signal(&1, "STOP"))
      call = Task.async(fn -> Linx.cmd("/bin/sh", ["-c", "printf 2"], pool: pool) end)
      await_unread(pool, waiting)
      {_, 0} = System.cmd("kill", ["-9" | Enum.map(waiting, &to_string/1)])
      assert {"2", 0} = Task.await(call, @patience)
      assert is_integer(agent)
    end

    defp await_owner(port, pool) do
      case Port.info(port, :connected) do
        {:connected, ^pool} -> await_owner(port, pool)
        {:connected, session} -> session
      end
    end

    # The process that has asked would own its port and not know of it.
    test "when it was asked for so long ago that no process waits for it any more" do
      pool = pool(1)
      late = System.monotonic_time(:millisecond)
      assert GenServer.call(pool, {:take, Linx.Agent.path(), true, late}) == :none
      assert %{idle: 1, misses: 1} = Pool.info(pool)
    end

    test "for longer than the call's own time limit, when it does not react" do
      pool = pool(1)
      [agent] = agents(pool)
      [port] = ports(pool)
      Host.signal(agent, "STOP")
      call = Task.async(fn -> Linx.cmd("true", [], pool: pool, timeout: 3_000, kill_after: 0) end)
      # The session does not wait for its agent, which it would do for 5 s.
      assert %Linx.Process.Server{} = port |> await_owner(pool) |> :sys.get_state(2_500)
      assert {"", :timeout} = Task.await(call, @patience)
      await_gone(agent)
    end

    test "when the pool has none left" do
      pool = pool(2)
      sessions = for _ <- 1..12, do: elem(running(pool: pool), 0)
      assert sessions |> Enum.map(&agent_of/1) |> Enum.uniq() |> length() == 12
      Enum.each(sessions, &P.stop(&1, 0))
      for session <- sessions, do: assert({:signaled, 15} = next_event(session))
    end
  end

  # Until the pool has handed one of these agents over.
  defp await_unread(pool, waiting) do
    if Enum.all?(waiting, &(&1 in agents(pool))), do: await_unread(pool, waiting)
  end

  describe "a process that ends while it asks for an agent" do
    test "leaves none behind" do
      pool = pool(4)
      supervisor = self()

      agents =
        for n <- 1..100 do
          {:ok, options} =
            Linx.Process.Options.parse(:spawn, [argv: actor(["pause"]), pool: pool], supervisor)

          {pid, monitor} =
            spawn_monitor(fn ->
              send(supervisor, {:asks, n})
              Linx.Pool.Client.take(options.pool, true)
            end)

          assert_receive {:asks, ^n}, @patience
          waiting = agents(pool)
          if rem(n, 2) == 0, do: :erlang.yield()
          Process.exit(pid, :kill)
          assert_receive {:DOWN, ^monitor, :process, ^pid, _reason}, @patience
          waiting
        end

      :ok = Pool.await(pool, @patience)
      kept = agents(pool)

      for agent <- agents |> List.flatten() |> Enum.uniq(),
          agent not in kept,
          do: await_gone(agent)

      assert %{idle: 4} = Pool.info(pool)
      assert {:messages, []} = Process.info(pool, :messages)
    end
  end

  describe "the end of a pool" do
    test "is the end of the agents that wait, and of no session" do
      for reason <- [:shutdown, :kill] do
        {:ok, pool} = Pool.start_link(size: 3)
        Process.unlink(pool)
        :ok = Pool.await(pool, @patience)
        {session, host_pid} = running(pool: pool)
        :ok = Pool.await(pool, @patience)
        waiting = agents(pool)
        assert length(waiting) == 3
        monitor = Process.monitor(pool)
        Process.exit(pool, reason)
        assert_receive {:DOWN, ^monitor, :process, ^pool, _reason}, @patience
        Enum.each(waiting, &await_gone/1)
        assert Host.alive?(host_pid)
        assert {:ok, %Info{result: nil}} = P.info(session)
        :ok = P.signal(session, :sigkill)
        assert {:signaled, 9} = next_event(session)
      end
    end

    test "of its filler is the end of the pool, which its supervisor starts again" do
      name = :"#{__MODULE__}.supervised"
      pool = pool(1, name: name)
      %{filler: filler} = :sys.get_state(pool)
      Process.exit(filler, :kill)
      assert :killed = await_down(pool)
      # The supervisor registers the next one.
      await_registered(name)
      assert {"", 0} = Linx.cmd("true", [], pool: name)
    end
  end

  defp await_registered(name), do: if(Process.whereis(name) == nil, do: await_registered(name))

  describe "the option" do
    test "names a pool that exists" do
      assert {:error, {:no_pool, :nobody} = reason} = P.spawn(argv: ["/bin/true"], pool: :nobody)
      assert P.format_error(reason) =~ ":nobody"
      assert {:error, {:no_pool, :nobody}} = Linx.run(["true"], pool: :nobody)
      assert_raise RuntimeError, ~r/:nobody/, fn -> Linx.cmd("true", [], pool: :nobody) end
      gone = spawn(fn -> :ok end)
      await_down(gone)
      assert {:error, {:no_pool, ^gone}} = Linx.run(["true"], pool: gone)
      assert {:error, {:bad_pool, 7}} = Linx.run(["true"], pool: 7)
      assert_raise ArgumentError, ~r/:pool/, fn -> Linx.cmd("true", [], pool: "name") end
    end

    test "has the application's pool as its default, whether or not it exists" do
      name = :"#{__MODULE__}.default"
      Application.put_env(:linx, :pool, name)
      on_exit(fn -> Application.delete_env(:linx, :pool) end)
      assert {"", 0} = Linx.cmd("true", [])
      pool = pool(2, name: name)
      assert {"", 0} = Linx.cmd("true", [])
      assert %{hits: 1} = Pool.info(pool)
      assert {"", 0} = Linx.cmd("true", [], pool: nil)
      assert {"", 0} = Linx.cmd("true", [], pool: false)
      assert %{hits: 1, misses: 0} = Pool.info(pool)
      assert Linx.stream!(["echo", "a"]) |> Enum.to_list() == ["a\n"]
      assert %{hits: 2} = Pool.info(pool)
    end
  end

  test "bad options of a pool are errors that name them" do
    assert {:error, {:bad_size, 0}} = Pool.start_link(size: 0)
    assert {:error, {:bad_name, 7}} = Pool.start_link(name: 7)
    assert {:error, {:bad_option, {:sise, 1}}} = Pool.start_link(sise: 1)
    assert {:error, {:bad_options, 8}} = Pool.start_link(8)
  end

  test "an agent that cannot be started is not tried all the time, and a session has its error" do
    path = Programs.scratch("agent")
    use_agent(path)
    {:ok, pool} = Pool.start_link(size: 2)
    assert {:error, :timeout} = Pool.await(pool, 100)
    assert {:error, {:missing_agent, ^path}} = P.spawn(argv: ["/bin/true"], pool: pool)
    # With a pause that doubles from 1 ms there are seven tries in 100 ms.
    assert :sys.get_state(pool).failures < 12
    System.delete_env("LINX_AGENT")
    assert :ok = Pool.await(pool, @patience)
    GenServer.stop(pool)
  end

  # open_port/2 loses a descriptor each time it fails for a file that is not executable (OTP 25).
  test "a pool whose agent is not executable any more opens no descriptors in vain" do
    path = Programs.scratch("agent")
    File.write!(path, "#!/bin/sh\nexec '#{Linx.Agent.path()}'\n")
    File.chmod!(path, 0o755)
    on_exit(fn -> File.rm(path) end)
    use_agent(path)
    pool = pool(8)
    File.chmod!(path, 0o644)
    # Some may not have been executed yet.
    System.cmd("kill", ["-9" | Enum.map(agents(pool), &to_string/1)], stderr_to_stdout: true)
    await_tries(pool, 6)
    descriptors = descriptors()
    await_tries(pool, 9)
    assert descriptors() <= descriptors + 2
    assert %{idle: 0} = Pool.info(pool)
  end

  defp await_tries(pool, count),
    do: if(:sys.get_state(pool).failures < count, do: await_tries(pool, count))

  defp descriptors, do: length(File.ls!("/proc/#{System.pid()}/fd"))

  test "hits, misses and agents that were lost are told" do
    Linx.Test.Telemetry.start()
    pool = pool(1)
    assert {"", 0} = Linx.cmd("true", [], pool: pool)
    assert {%{duration: duration}, %{pool: ^pool, session: session}} = told(:hit)
    assert is_integer(duration) and is_pid(session)

    :ok = Pool.await(pool, @patience)
    :sys.suspend(:sys.get_state(pool).filler)
    {first, _} = running(pool: pool)
    told(:hit)
    {second, _} = running(pool: pool)
    assert {%{duration: _}, %{pool: ^pool, reason: :empty}} = told(:miss)
    :sys.resume(:sys.get_state(pool).filler)

    :ok = Pool.await(pool, @patience)
    [agent] = agents(pool)
    Host.signal(agent, "STOP")
    call = Task.async(fn -> Linx.cmd("true", [], pool: pool) end)
    told(:hit)
    {_, 0} = System.cmd("kill", ["-9", "#{agent}"])
    assert {"", 0} = Task.await(call, @patience)
    assert {_, %{pool: ^pool, reason: :ended}} = told(:lost)

    Application.put_env(:linx, :pool, :nobody)
    on_exit(fn -> Application.delete_env(:linx, :pool) end)
    assert {"", 0} = Linx.cmd("true", [])
    assert {%{duration: _}, %{pool: :nobody, reason: :no_pool}} = told(:miss)
    for session <- [first, second], do: assert({:ok, {:signaled, 15}} = P.stop(session, 0))
  end

  test "the environment is not in what a pool writes to the log" do
    System.put_env("LINX_POOL_SECRET", "hunter2")
    on_exit(fn -> System.delete_env("LINX_POOL_SECRET") end)
    pool = pool(1)
    {:status, _pid, _module, items} = :sys.get_status(pool)
    refute inspect(items, limit: :infinity, printable_limit: :infinity) =~ "LINX_POOL_SECRET"
    filler = :sys.get_state(pool).filler
    {:status, _pid, _module, items} = :sys.get_status(filler)
    refute inspect(items, limit: :infinity, printable_limit: :infinity) =~ "LINX_POOL_SECRET"
  end
end
