# SPDX-License-Identifier: MIT

defmodule Linx.StopTest do
  use Linx.SessionCase, async: true

  alias Linx.Process, as: P

  defp ready(part, opts \\ []) do
    session = session([argv: actor(part), stdio: :pipe, auto_proceed: true] ++ opts)
    {session, read_until(session, "ready\n")}
  end

  defp read_until(session, last, read \\ "") do
    if String.ends_with?(read, last) do
      read
    else
      {:ok, data} = P.read(session, :stdout)
      read_until(session, last, read <> data)
    end
  end

  defp pid_in(text, name) do
    [_, pid] = Regex.run(~r/#{name} (\d+)\n/, text)
    String.to_integer(pid)
  end

  # The pid of the actor's child, which the actor writes.
  defp family(part, opts \\ []) do
    session = session([argv: actor(part), stdio: :pipe, auto_proceed: true] ++ opts)
    said = read_both(session, "")
    {session, pid_in(said, "child")}
  end

  defp read_both(session, read) do
    if read =~ "child ready\n" and read =~ ~r/child \d+\n/ do
      read
    else
      {:ok, data} = P.read(session, :stdout)
      read_both(session, read <> data)
    end
  end

  describe "stop" do
    test "asks, and returns how it ended" do
      {session, _} = ready(["pause"])
      assert {:ok, {:signaled, 15}} = P.stop(session)
      assert {:ok, {:signaled, 15}} = P.stop(session)
      assert {:ok, {:signaled, 15}} = P.wait(session)
    end

    test "lets a workload end in its own way" do
      script = "trap 'echo bye; exit 7' TERM; echo ready; while :; do read _; done"
      session = session(argv: ["/bin/sh", "-c", script], stdio: :pipe, auto_proceed: true)
      read_until(session, "ready\n")
      assert {:ok, {:exited, 7}} = P.stop(session, 30_000)
      assert read_all(session, :stdout) == "bye\n"
    end

    test "kills what does not listen" do
      {session, _} = ready(["ignore", 15])
      assert {:ok, {:signaled, 9}} = P.stop(session, 20)
      {session, _} = ready(["ignore", 15])
      assert {:ok, {:signaled, 9}} = P.stop(session, 0)
    end

    test "reaches a workload that is stopped" do
      {session, _} = ready(["pause"])
      :ok = P.signal(session, :sigstop)
      assert {:ok, {:signaled, 15}} = P.stop(session, 30_000)
    end

    test "ends children that listen, and the whole tree that does not" do
      {session, child} = family(["stubborn-child"])
      assert {:ok, {:signaled, 15}} = P.stop(session, 30_000)
      await_gone(child)

      {session, child} = family(["family", "15"])
      assert {:ok, {:signaled, 9}} = P.stop(session, 20)
      await_gone(child)
    end

    test "ends a workload at the checkpoint by aborting it" do
      {session, host_pid} = parked()
      assert {:ok, :aborted} = P.stop(session)
      await_gone(host_pid)
      assert {:ok, :aborted} = P.stop(session)
    end

    test "before the checkpoint is kept until there" do
      session = session(argv: actor(["pause"]))
      assert {:ok, :aborted} = P.stop(session)
    end

    test "before the workload runs is kept until it does" do
      for _ <- 1..20 do
        session = session(argv: actor(["pause"]), auto_proceed: true)
        assert {:ok, {:signaled, 15}} = P.stop(session, 30_000)
      end

      {session, _} = parked()
      :ok = P.proceed(session)
      assert {:ok, {:signaled, 15}} = P.stop(session, 30_000)
    end

    test "of a session that fails is the failure" do
      session = session(argv: ["/no/such/program"], auto_proceed: true)
      assert {:error, %Error{stage: :execve}} = P.stop(session)
    end

    test "by several at once returns to each" do
      {session, _} = ready(["ignore", 15])
      tasks = for grace <- [10, 20, 30_000], do: Task.async(fn -> P.stop(session, grace) end)
      assert Enum.uniq(Task.await_many(tasks, 30_000)) == [{:ok, {:signaled, 9}}]
    end

    test "goes on when the one who asked dies" do
      {session, _} = ready(["ignore", 15])
      # Milliseconds, longer than the test takes to see that it waits.
      caller = spawn(fn -> P.stop(session, 1_000) end)
      await_stopper(session)
      Process.exit(caller, :kill)
      assert {:ok, {:signaled, 9}} = P.wait(session)
    end

    test "of nothing, and with bad arguments" do
      {session, _} = parked()

      for grace <- [-1, nil, :infinity, 1.5],
          do: assert({:error, {:bad_grace, ^grace}} = P.stop(session, grace))

      GenServer.stop(session)
      assert {:error, :no_process} = P.stop(session)
    end
  end

  describe "stop of what a workload has left in its group" do
    test "asks it, and kills what does not listen" do
      for {trap, grace} <- [{"", 600_000}, {"trap '' TERM; ", 20}, {"trap '' TERM; ", 0}] do
        {listener, argv} = Beacon.actor(["pause"])
        script = trap <> ~s["$@" & read -r _; exit 3]
        argv = ["/bin/sh", "-c", script, "sh" | argv]
        session = session(argv: argv, stdio: :pipe, auto_proceed: true)
        beacon = Beacon.await_lit(listener)
        :ok = P.write(session, "go\n")
        assert {:ok, {:exited, 3}} = P.wait(session)
        assert Beacon.lit?(beacon)
        assert {:ok, {:exited, 3}} = P.stop(session, grace)
        Beacon.await_dark(beacon)
        assert read_all(session, :stdout) in ["", "ready\n"]
        assert {:ok, {:exited, 3}} = P.stop(session, grace)
      end
    end

    test "is not done by the end of a call with descendants: :leave" do
      {listener, argv} = Beacon.actor(["pause"])
      argv = ["/bin/sh", "-c", ~s["$@" & exit 0], "sh" | argv]
      assert {:error, error} = Linx.run(argv, descendants: :leave, timeout: 500)
      assert error.stage == :timeout
      beacon = Beacon.await_lit(listener)
      assert Beacon.lit?(beacon)
      Host.signal(pid_of_last(argv), :KILL)
      Beacon.await_dark(beacon)
    end
  end

  # The pid of the process that runs the actor with this beacon.
  defp pid_of_last(argv) do
    path = Enum.at(argv, 6)

    Enum.find(Enum.flat_map(File.ls!("/proc"), &pid/1), fn pid ->
      case File.read("/proc/#{pid}/cmdline") do
        {:ok, line} -> line =~ path
        _gone -> false
      end
    end)
  end

  defp pid(name) do
    case Integer.parse(name) do
      {pid, ""} -> [pid]
      _other -> []
    end
  end

  # Waits until a process waits for the session's end.
  defp await_stopper(session) do
    if map_size(:sys.get_state(session).session.waiters) == 0, do: await_stopper(session)
  end

  describe "a signal" do
    test "to the workload spares its children" do
      {session, child} = family(["stubborn-child"])
      assert :ok = P.signal(session, :sigterm, to: :workload)
      assert {:ok, {:signaled, 15}} = P.wait(session)
      assert Host.alive?(child)
      Host.signal(child, :KILL)
    end

    test "to the group reaches them" do
      {session, child} = family(["stubborn-child"])
      assert :ok = P.signal(session, :sigterm, to: :group)
      assert {:ok, {:signaled, 15}} = P.wait(session)
      await_gone(child)
    end

    test "to the tree reaches those that have left the group" do
      script = "setsid sh -c 'echo child $$; exec sleep 1000' & echo ready; wait"
      session = session(argv: ["/bin/sh", "-c", script], stdio: :pipe, auto_proceed: true)
      child = session |> read_child() |> pid_in("child")
      assert :ok = P.signal(session, :sigterm, to: :tree)
      assert {:ok, {:signaled, 15}} = P.wait(session)
      await_gone(child)
    end

    test "to the tree reaches children of every thread" do
      session = session(argv: actor(["thread-fork"]), stdio: :pipe, auto_proceed: true)
      child = session |> read_child() |> pid_in("child")
      assert :ok = P.signal(session, :sigterm, to: :tree)
      assert {:ok, {:signaled, 15}} = P.wait(session)
      await_gone(child)
    end

    test "is kept with its reach until the workload runs" do
      {session, _} = parked(argv: actor(["pause"]))
      for to <- [:workload, :group, :tree], do: assert(:ok = P.signal(session, :sigterm, to: to))
      :ok = P.proceed(session)
      assert {:ok, {:signaled, 15}} = P.wait(session)
    end

    test "to anything else is refused" do
      {session, _} = parked()

      for to <- [nil, :all, 1, "tree"],
          do: assert({:error, {:bad_to, ^to}} = P.signal(session, 15, to: to))
    end
  end

  defp read_child(session, read \\ "") do
    if read =~ ~r/child \d+\n/ do
      read
    else
      {:ok, data} = P.read(session, :stdout)
      read_child(session, read <> data)
    end
  end

  describe "descendants" do
    test ":kill leaves none of them, not even a daemon" do
      session =
        session(
          argv: actor(["daemon", "keep"]),
          stdio: :pipe,
          descendants: :kill,
          auto_proceed: true
        )

      assert {:ok, {:exited, 0}} = P.wait(session)
      daemon = session |> read_all(:stdout) |> pid_in("daemon")
      assert Host.stat(daemon) == nil
    end

    test ":leave leaves them, and they are no obstacle to the end" do
      session = session(argv: actor(["daemon", "keep"]), stdio: :pipe, auto_proceed: true)
      assert {:ok, {:exited, 0}} = P.wait(session)
      assert {:ok, said} = P.read(session, :stdout)
      daemon = pid_in(said, "daemon")
      assert Host.alive?(daemon)
      assert {:error, :timeout} = P.read(session, :stdout, 10, 0)
      Host.signal(daemon, :KILL)
      assert :eof = P.read(session, :stdout)
    end
  end
end
