# SPDX-License-Identifier: MIT

defmodule Linx.AgentTest do
  # Agents that do not exist, or do not keep to the protocol. LINX_AGENT names them, so these tests are not
  # async.
  use Linx.SessionCase, async: false

  doctest Linx.Agent
  doctest Linx.Agent.Files

  @moduletag :tmp_dir

  # It begins to read its request before anything else, because a port that is written to after its program
  # has ended breaks, and the exit code is lost.
  defp script(dir, text),
    do: agent_script(Path.join(dir, "agent"), "head -c 4 <&3 >/dev/null\n" <> text)

  # A frame as the agent writes it to fd 4, for printf(1).
  defp frame(term) do
    bytes = :erlang.term_to_binary(term)

    octal =
      for <<(byte <- <<byte_size(bytes)::32, bytes::binary>>)>>,
        do: "\\" <> String.pad_leading(Integer.to_string(byte, 8), 3, "0")

    "printf '#{octal}' >&4 2>/dev/null\n"
  end

  defp outcome(opts \\ []) do
    session = session([argv: ["/bin/true"]] ++ opts)
    {Linx.Process.wait(session, 30_000), events_so_far(session)}
  end

  test "the agent is that of LINX_AGENT, and otherwise the library's own" do
    use_agent("/some/agent")
    assert Linx.Agent.path() == "/some/agent"
    System.put_env("LINX_AGENT", "")
    assert Linx.Agent.path() =~ ~r"priv/linx_process$"
    assert File.exists?(Linx.Agent.path())
  end

  # An agent that has killed ends at once, and its port may have closed before the reply is looked at.
  test "a kill is no failure because its agent has ended" do
    for trap? <- [false, true], _ <- 1..100 do
      Process.flag(:trap_exit, trap?)
      {session, host_pid} = running()
      {:ok, %{agent_pid: agent}} = Linx.Process.info(session)
      assert Linx.Agent.kill_workload(host_pid, agent) == :ok
      assert Linx.Process.wait(session) == {:ok, {:signaled, 9}}
      assert_receive {:linx_process, ^session, {:signaled, 9}}, 30_000
      assert events_so_far(session) == []
      GenServer.stop(session)
      if trap?, do: assert_receive({:EXIT, ^session, :normal}, 30_000)
      refute_messages()
    end
  end

  test "an agent that is missing or cannot be executed is an error that says how to build it", %{
    tmp_dir: dir
  } do
    Process.flag(:trap_exit, true)
    File.write!(Path.join(dir, "file"), "text")
    long = Path.join(dir, String.duplicate("x", 300))

    for path <- [
          Path.join(dir, "none"),
          Path.join(dir, "file"),
          dir,
          Path.join(dir, "file/below"),
          long
        ] do
      use_agent(path)
      assert {:error, {:missing_agent, ^path} = reason} = Linx.Process.spawn(argv: ["/bin/true"])
      assert {:error, ^reason} = Linx.Process.enter(1, argv: ["/bin/true"])
      assert Linx.Process.format_error(reason) =~ path
      assert Linx.Process.format_error(reason) =~ "make"
    end

    # The failure is a return value; no process was linked to the caller.
    refute_messages()
  end

  test "a name is not taken by a session that did not start" do
    use_agent("/no/such/agent")
    name = :"session_#{System.unique_integer([:positive])}"
    {:error, {:missing_agent, _}} = Linx.Process.spawn(argv: ["/bin/true"], name: name)
    assert Process.whereis(name) == nil
  end

  test "a bad option is reported before an agent is looked for" do
    use_agent("/no/such/agent")
    assert {:error, {:bad_cwd, 1}} = Linx.Process.spawn(argv: ["/bin/true"], cwd: 1)
  end

  test "an agent that ends without a word is a final event with its exit code", %{tmp_dir: dir} do
    for code <- [0, 1, 4, 77] do
      script(dir, "exit #{code}\n")

      assert {{:error, %Error{stage: :agent_died, code: ^code}}, [{:error, ^code, :agent_died}]} =
               outcome()
    end
  end

  test "an agent that is killed is a final event too", %{tmp_dir: dir} do
    script(dir, "kill -9 $$\n")

    assert {{:error, %Error{stage: :agent_died, code: 137}}, [{:error, 137, :agent_died}]} =
             outcome()
  end

  test "an agent in no executable format is one that dies", %{tmp_dir: dir} do
    path = Path.join(dir, "agent")
    File.write!(path, <<0x7F, "ELF", 0::800>>)
    File.chmod!(path, 0o755)
    use_agent(path)
    assert {{:error, %Error{stage: :agent_died}}, [{:error, _, :agent_died}]} = outcome()
  end

  test "an agent that closes the channel is dead when it is", %{tmp_dir: dir} do
    script(dir, "exec 3<&- 4>&-\nexec sleep 60\n")
    session = session(argv: ["/bin/true"])
    {:ok, %{agent_pid: agent}} = Linx.Process.info(session)
    Host.signal(agent, :KILL)
    assert {:error, %Error{stage: :agent_died}} = Linx.Process.wait(session)
  end

  test "an agent that sends what is no frame is not listened to any more", %{tmp_dir: dir} do
    for text <- [
          frame({:status, :running}),
          frame({:status, :ready, 1}),
          frame({:nonsense, 1}),
          frame({:pty_out, "x"}),
          frame({:status, :spawned, 1}) <> frame({:status, :spawned, 1}),
          "printf '\\000\\000\\000\\003abc' >&4\n",
          "printf '\\000\\000\\000\\000' >&4\n"
        ] do
      script(dir, text <> "exec cat <&3 >/dev/null\n")
      session = session(argv: ["/bin/true"])

      assert {:error, %Error{stage: :malformed_frame, errno: :eproto}} =
               Linx.Process.wait(session)

      assert events_so_far(session) == [{:error, 71, :malformed_frame}]
    end
  end

  test "frames behind the final one are nothing to the session", %{tmp_dir: dir} do
    script(
      dir,
      frame({:status, :spawned, 1}) <>
        frame({:status, :exited, 0}) <>
        frame({:status, :exited, 1}) <> frame({:error, 1, :clone}) <> "exit 3\n"
    )

    assert {{:ok, {:exited, 0}}, [{:exited, 0}]} = outcome()
  end

  test "a frame that is cut off is an agent that died", %{tmp_dir: dir} do
    script(dir, "printf '\\000\\000\\000\\040abc' >&4\nexit 1\n")
    assert {{:error, %Error{stage: :agent_died, code: 1}}, _events} = outcome()
  end

  @tag :capture_log
  test "a session that does not linger stops with the error", %{tmp_dir: dir} do
    Process.flag(:trap_exit, true)
    script(dir, "exit 4\n")
    {:ok, session} = Linx.Process.spawn(argv: ["/bin/true"], linger: false, events: :none)
    assert_receive {:EXIT, ^session, {:error, %Error{stage: :agent_died, code: 4}}}, 30_000
  end

  test "when the system has no room for another process, that is the error", %{tmp_dir: dir} do
    # A VM of its own with a low limit of open files.
    code = """
    sessions = for _ <- 1..200, do: Linx.Process.spawn(argv: ["/bin/true"], stdio: :devnull)
    {_, refused} = Enum.split_with(sessions, &match?({:ok, _}, &1))
    [{:error, %Linx.Process.Error{stage: :open_port, errno: :emfile} = error} | _] = refused
    IO.puts("refused: \#{Linx.Process.Error.kind(error)}")
    """

    # The agent ends when its channel closes, and so with that VM.
    script(dir, "exec cat <&3 >/dev/null 2>&1\n")
    paths = Enum.flat_map(:code.get_path(), &["-pa", List.to_string(&1)])
    shell = ~s(ulimit -n 150 && exec "$@")
    arguments = ["-c", shell, "sh", System.find_executable("elixir")] ++ paths ++ ["-e", code]
    {output, 0} = System.cmd("sh", arguments, stderr_to_stdout: true)
    assert output =~ "refused: resource_limit"
  end
end
