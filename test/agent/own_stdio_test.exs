# SPDX-License-Identifier: MIT

defmodule AgentTest.OwnStdioTest do
  use AgentTest.Case, async: true

  # A workload opens its own pipes and terminal by name, whatever ids it has and however it came to them. They
  # were made by the agent, with the agent's ids.

  @pipes [stdin: :pipe, stdout: :pipe, stderr: :pipe]
  @user 61_001
  @range "0 100000 65536"

  @script "echo out >/dev/stdout; echo err >/dev/stderr; echo by number >/proc/self/fd/1; cat /dev/stdin"

  defp script(request), do: Map.merge(%{argv: ["/bin/sh", "-c", @script], stdio: @pipes}, request)

  # The commands are sent at the checkpoint, after the maps.
  defp opens_pipes(request, commands \\ [], opts \\ [], mode \\ :spawn) do
    {maps, opts} = Keyword.pop(opts, :maps)
    request = script(request)
    wire = requested({mode, request}, opts)
    for frame <- [{:stdin, "in\n"}, {:close, :stdin}], do: send_term(wire, frame)

    unless request[:proceed] do
      assert_frame(wire, {:status, :spawned, pid})
      assert_frame(wire, {:status, :ready, _})
      if maps, do: map_ids(%{wire | host_pid: pid}, maps)
      for command <- commands ++ [:proceed], do: send_term(wire, command)
    end

    result = finish(wire, drained: true)
    assert {result.stdout, result.stderr} == {"out\nby number\nin\n", "err\n"}
    assert final(result) == {:status, :exited, 0}
    result
  end

  # What the terminal says when it is opened by its name, and how ls(1) shows it.
  @tty "exec 3>$(tty) && echo by name >&3; echo controlling >/dev/tty; echo err >/dev/stderr; ls -ln $(tty); stty size </dev/stdin"

  defp opens_terminal(request, commands \\ [], opts \\ [], mode \\ :spawn) do
    {maps, opts} = Keyword.pop(opts, :maps)
    request = Map.merge(%{argv: ["/bin/sh", "-c", @tty], stdio: :pty}, request)
    wire = requested({mode, request}, opts)

    unless request[:proceed] do
      assert_frame(wire, {:status, :spawned, pid})
      assert_frame(wire, {:status, :ready, _})
      if maps, do: map_ids(%{wire | host_pid: pid}, maps)
      for command <- commands ++ [:proceed], do: send_term(wire, command)
    end

    result = finish(wire)
    assert result.pty =~ ~r/by name\r\ncontrolling\r\nerr\r\n.*\r\n0 0\r\n/
    assert final(result) == {:status, :exited, 0}
    [_, mode, uid, gid] = Regex.run(~r/(c[-rwx]{9})\S* +\d+ +(\d+) +(\d+)/, result.pty)
    {mode, String.to_integer(uid), String.to_integer(gid)}
  end

  # The group and mode that devpts gives a terminal here, as root sees them.
  defp terminal_of_devpts, do: opens_terminal(%{}) |> Tuple.delete_at(1)

  @change [{:set_credentials, @user, @user, []}]

  # Where the change of ids comes: a request and commands of the checkpoint.
  @moments [
    {%{}, @change},
    {%{setup: @change}, []},
    {%{final: @change}, []},
    {%{setup: @change, proceed: true}, []},
    {%{final: @change, proceed: true}, []},
    {%{setup: [{:set_credentials, 0, 0, []}], final: @change}, []}
  ]

  describe "another user" do
    @describetag :root

    test "opens its pipes" do
      for {request, commands} <- @moments, do: opens_pipes(request, commands)
    end

    test "opens its terminal, which is in the group of devpts and has its mode" do
      {mode, gid} = terminal_of_devpts()

      for {request, commands} <- @moments,
          do: assert(opens_terminal(request, commands) == {mode, @user, gid})
    end

    test "opens them after a change of ids by name" do
      change = [{:set_user, "61001", []}]

      for {request, commands} <- [{%{}, change}, {%{final: change}, []}] do
        opens_pipes(request, commands)
        assert {_mode, @user, _gid} = opens_terminal(request, commands)
        request = Map.put(request, :namespaces, [:user])
        opens_pipes(request, commands, maps: @range)
      end
    end

    test "opens its pipes after capabilities were given up" do
      # CAP_SETGID and CAP_SETUID alone, and none to change owners.
      set = 0xC0
      few = [{:cap_set_ambient, 0}, {:cap_set_thread, set, set, 0}]
      opens_pipes(%{}, few ++ @change ++ [{:cap_set_thread, 0, 0, 0}])
      opens_pipes(%{setup: few ++ @change ++ [{:cap_set_thread, 0, 0, 0}]})
      opens_pipes(%{final: few ++ @change ++ [{:cap_set_thread, 0, 0, 0}]})
      opens_pipes(%{proceed: true, setup: few ++ @change ++ [{:cap_set_thread, 0, 0, 0}]})
    end

    test "opens what stderr shares with stdout" do
      stdio = [stdin: :devnull, stdout: :pipe, stderr: :stdout]
      argv = ["/bin/sh", "-c", "echo 1 >/dev/stdout; echo 2 >/dev/stderr"]
      result = run(%{argv: argv, stdio: stdio, final: @change}, finish: [drained: true])
      assert result.stdout == "1\n2\n"
    end
  end

  describe "root of a user namespace with maps that are written at the checkpoint" do
    @describetag :root

    test "opens its pipes" do
      for namespaces <- [[:user], [:user, :mount, :pid, :uts, :ipc, :net]],
          do: opens_pipes(%{namespaces: namespaces}, [], maps: @range)
    end

    test "opens its terminal" do
      assert {_mode, 0, _gid} = opens_terminal(%{namespaces: [:user]}, [], maps: @range)
    end

    test "opens them as another user of the namespace" do
      commands = [{:set_credentials, 1000, 1000, []}]

      for {request, commands} <- [{%{}, commands}, {%{final: commands}, []}] do
        request = Map.put(request, :namespaces, [:user])
        opens_pipes(request, commands, maps: @range)
        assert {_, 1000, _} = opens_terminal(request, commands, maps: @range)
      end
    end

    test "opens them in a map of single ids that lacks the agent's" do
      opens_pipes(%{namespaces: [:user]}, [], maps: "0 #{@user} 1")
    end
  end

  describe "an ordinary user's namespace with more than one id" do
    @describetag :root

    # Root stands for newuidmap(1) here. The terminal's group, tty, is not mapped.
    test "has users who open their pipes and terminals" do
      driver = ["--user", "61001"]
      maps = "0 61001 1\n1 100000 1000"
      commands = [{:set_credentials, 5, 5, []}]
      opens_pipes(%{namespaces: [:user]}, commands, maps: maps, driver: driver)
      opens_terminal(%{namespaces: [:user]}, commands, maps: maps, driver: driver)
    end
  end

  describe "a terminal of a devpts with gid=5 and mode=620" do
    @describetag :root

    # An agent with such a devpts, run by root or as an ordinary user.
    defp with_devpts(run_as \\ "") do
      script =
        "mount -t devpts -o gid=5,mode=620,ptmxmode=666 linx /dev/pts && " <>
          "mount --bind /dev/pts/ptmx /dev/ptmx && exec #{run_as} #{AgentTest.Programs.agent()}"

      [program: ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script]]
    end

    @user_61001 "setpriv --reuid 61001 --regid 61001 --clear-groups"

    test "keeps group and mode as another user's" do
      terminal = opens_terminal(%{}, @change, with_devpts())
      assert terminal == {"crw--w----", @user, 5}
    end

    test "keeps them, though the group has no number there, in a user namespace of root's" do
      opts = [maps: @range] ++ with_devpts()
      assert opens_terminal(%{namespaces: [:user]}, [], opts) == {"crw--w----", 0, 65534}
      commands = [{:set_credentials, 1000, 1000, []}]
      terminal = opens_terminal(%{namespaces: [:user]}, commands, opts)
      assert terminal == {"crw--w----", 1000, 65534}
    end

    test "leaves a group that an ordinary user's namespace does not map for another user of it" do
      opts = [maps: "0 61001 1\n1 100000 1000"] ++ with_devpts(@user_61001)
      assert opens_terminal(%{namespaces: [:user]}, [], opts) == {"crw--w----", 0, 65534}
      commands = [{:set_credentials, 7, 7, []}]
      assert opens_terminal(%{namespaces: [:user]}, commands, opts) == {"crw-------", 7, 0}
    end
  end

  describe "an entry into another user's namespace" do
    @describetag :root

    defp target(namespaces) do
      wire = map_ids(parked(%{argv: actor(["pause"]), namespaces: namespaces}), @range)
      send_term(wire, :proceed)
      assert_frame(wire, {:status, :running})
      wire.host_pid
    end

    setup do
      {:ok, targets: [target([:user]), target([:user, :mount, :pid, :uts, :ipc, :net])]}
    end

    test "opens its pipes, with a checkpoint and without", %{targets: targets} do
      for target <- targets, proceed <- [false, true] do
        opens_pipes(%{target: target, proceed: proceed}, [], [], :enter)
        assert {_, 0, _} = opens_terminal(%{target: target, proceed: proceed}, [], [], :enter)
      end
    end

    test "opens them as another user of it", %{targets: targets} do
      change = [{:set_credentials, 33, 33, []}]

      for target <- targets,
          {more, commands} <- [
            {%{}, change},
            {%{setup: change}, []},
            {%{final: change}, []},
            {%{final: change, proceed: true}, []},
            {%{setup: change, proceed: true}, []}
          ] do
        request = Map.put(more, :target, target)
        opens_pipes(request, commands, [], :enter)
        assert {_, 33, _} = opens_terminal(request, commands, [], :enter)
      end
    end
  end

  describe "{:own_stdio, uid}" do
    @describetag :root

    test "says whose they are, whatever ids the workload has" do
      wire = running(%{argv: actor(["pause"]), stdio: @pipes}, checkpoint: [{:own_stdio, 61_007}])
      for fd <- 0..2, do: assert(File.stat!("/proc/#{wire.host_pid}/fd/#{fd}").uid == 61_007)
      kill(wire, drained: true)
      commands = [{:own_stdio, 61_007}, {:set_credentials, @user, @user, []}]
      wire = running(%{argv: actor(["pause"]), stdio: @pipes}, checkpoint: commands)
      for fd <- 0..2, do: assert(File.stat!("/proc/#{wire.host_pid}/fd/#{fd}").uid == 61_007)
      kill(wire, drained: true)
    end

    test "is an id of the workload's user namespace" do
      for command <- [{:own_stdio, 5}], more <- [%{}, %{final: [command]}] do
        request = Map.merge(%{argv: actor(["pause"]), stdio: @pipes, namespaces: [:user]}, more)
        wire = map_ids(parked(request), @range)
        if more == %{}, do: send_term(wire, command)
        send_term(wire, :proceed)
        assert_frame(wire, {:status, :running})
        assert File.stat!("/proc/#{wire.host_pid}/fd/1").uid == 100_005
        kill(wire, drained: true)
      end
    end

    test "of an id that the namespace does not map is EINVAL" do
      request = %{argv: actor(["exit", 0]), stdio: @pipes, namespaces: [:user]}
      wire = map_ids(parked(request), "0 #{@user} 1")
      send_term(wire, {:own_stdio, 7})
      assert final(finish(wire, drained: true)) == {:error, errno(:einval), :own_stdio}
    end
  end

  describe "what is not linx's stays as it is" do
    @describetag :root
    @describetag :tmp_dir

    test "files, /dev/null, sockets and inherited descriptors", %{tmp_dir: dir} do
      file = Path.join(dir, "file")
      null = File.stat!("/dev/null").uid
      commands = [{:own_stdio, @user} | @change]

      run(
        %{argv: ["/bin/true"], stdio: [stdin: :devnull, stdout: {:file, file, :write}]},
        checkpoint: commands
      )

      assert File.stat!(file).uid == 0
      assert File.stat!("/dev/null").uid == null

      driver = ["--read", "0", file, "--write", "2", file]
      wire = running(%{argv: actor(["pause"])}, checkpoint: commands, driver: driver)
      assert File.stat!("/proc/#{wire.host_pid}/fd/0").uid == 0
      assert File.stat!("/proc/#{wire.host_pid}/fd/1").uid == 0
      kill(wire)
      assert File.stat!(file).uid == 0
    end
  end

  describe "an ordinary user" do
    test "opens its own pipes and terminal" do
      for request <- [%{}, %{proceed: true}, %{namespaces: [:user]}] do
        opens_pipes(request, [], driver: ordinary())
        opens_terminal(request, [], driver: ordinary())
      end
    end

    test "opens them in a user namespace without maps, which cannot have any", %{} do
      request = %{namespaces: [:user], proceed: true}
      opens_pipes(request, [], driver: ordinary())
    end

    defp ordinary, do: if(Host.root?(), do: ["--user", "65534"], else: [])
  end
end
