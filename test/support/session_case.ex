# SPDX-License-Identifier: MIT

defmodule Linx.SessionCase do
  @moduledoc """
  A test that runs real workloads through `Linx.Process`. Sessions are started with tagged events, so that a test
  can have many of them.
  """

  use ExUnit.CaseTemplate

  alias AgentTest.{Host, Programs}
  alias Linx.Test.Probe

  @patience 30_000

  using do
    quote do
      import Linx.SessionCase
      import AgentTest.Programs, only: [actor: 1]
      alias AgentTest.{Beacon, Bpf, Host}
      alias Linx.Process.{Error, Info}
      alias Linx.Test.Probe
    end
  end

  @doc "A started session."
  def session(opts) do
    {:ok, session} = Linx.Process.spawn([events: :tagged, stdio: :devnull] |> Keyword.merge(opts))
    session
  end

  @doc "A session at its checkpoint, and its host pid."
  def parked(opts \\ []) do
    session = session(Keyword.put_new(opts, :argv, Programs.actor(["pause"])))
    {session, await_ready(session)}
  end

  @doc "A session whose workload runs, and its host pid."
  def running(opts \\ []) do
    {session, host_pid} = parked(opts)
    if not Keyword.get(opts, :auto_proceed, false), do: :ok = Linx.Process.proceed(session)
    assert {:running, []} = {await_running(session), []}
    {session, host_pid}
  end

  def await_ready(session) do
    assert {:ready, host_pid} = next_event(session)
    host_pid
  end

  def await_running(session) do
    assert :running = next_event(session)
    :running
  end

  @doc "The next tagged event of the session."
  def next_event(session) do
    receive do
      {:linx_process, ^session, event} -> event
    after
      @patience ->
        flunk("no event of #{inspect(session)}: #{inspect(Linx.Process.info(session))}")
    end
  end

  @doc "The events of the session that have arrived so far: at least those that it sent before its last reply."
  def events_so_far(session) do
    receive do
      {:linx_process, ^session, event} -> [event | events_so_far(session)]
    after
      0 -> []
    end
  end

  @doc "Asserts that the test has no message of any kind."
  def refute_messages, do: assert({:messages, []} = Process.info(self(), :messages))

  @doc "Reads the terminal until its output matches; returns all of the output."
  def await_output(session, pattern, shown \\ "") do
    if shown =~ pattern do
      shown
    else
      case next_event(session) do
        {:pty_out, data} -> await_output(session, pattern, shown <> data)
        other -> flunk("#{inspect(other)} before #{inspect(pattern)}, after #{inspect(shown)}")
      end
    end
  end

  @doc "A directive for a session's standard output, and the listener from which `captured/1` reads it."
  def capture do
    path = Programs.scratch("output")
    {:ok, listener} = :gen_tcp.listen(0, [:binary, active: false, ifaddr: {:local, path}])
    File.chmod!(path, 0o777)
    on_exit(fn -> File.rm(path) end)
    {{:connect_unix, path}, listener}
  end

  @doc "All that was written to a captured output, once every process has closed it."
  def captured(listener) do
    {:ok, socket} = :gen_tcp.accept(listener, @patience)
    receive_all(socket, "")
  end

  defp receive_all(socket, read) do
    case :gen_tcp.recv(socket, 0, @patience) do
      {:ok, data} -> receive_all(socket, read <> data)
      {:error, :closed} -> read
    end
  end

  @doc "Reads one of a session's output streams to its end, in pieces of `max` bytes."
  def read_all(session, stream, max \\ 65_536, read \\ []) do
    case Linx.Process.read(session, stream, max, @patience) do
      {:ok, data} -> read_all(session, stream, max, [read | data])
      :eof -> IO.iodata_to_binary(read)
      other -> flunk("#{inspect(other)} from #{stream} of #{inspect(session)}")
    end
  end

  @doc """
  The facts that the probe reports as a workload with these options. `at_checkpoint` is called with the
  session and its host pid while the child is parked.
  """
  def probe(sections, opts \\ [], at_checkpoint \\ fn _session, _host_pid -> :ok end) do
    {target, opts} = Keyword.pop(opts, :enter)
    {output, listener} = capture()
    opts = [argv: Probe.argv(sections), stdio: [stdin: :devnull, stdout: output]] ++ opts
    opts = [events: :tagged] ++ opts

    {:ok, session} =
      if target, do: Linx.Process.enter(target, opts), else: Linx.Process.spawn(opts)

    at_checkpoint.(session, await_ready(session))
    :ok = Linx.Process.proceed(session)
    report = captured(listener)
    assert {:ok, {:exited, 0}} = Linx.Process.wait(session, @patience)
    Probe.facts(report)
  end

  @doc "Id maps that make the user who runs the test root in a fresh user namespace."
  def become_root(host_pid) do
    {uid, 0} = System.cmd("id", ["-u"])
    {gid, 0} = System.cmd("id", ["-g"])
    row = fn id -> [{0, id |> String.trim() |> String.to_integer(), 1}] end
    Linx.User.setup_maps(host_pid, uid: row.(uid), gid: row.(gid))
  end

  @doc "Waits until there is no process with this pid, not even a zombie."
  def await_gone(pid) when is_integer(pid) do
    {_, 0} =
      System.cmd("timeout", ["30", "tail", "--pid=#{pid}", "-s", "0.01", "-f", "/dev/null"])

    assert Host.stat(pid) == nil
  end

  @doc """
  The output of a terminal in the events that have arrived; of tagged events, in those of the session. It comes in
  pieces, and a line may be cut anywhere.
  """
  def shown do
    receive do
      {:linx_process, :pty_out, data} -> data <> shown()
    after
      0 -> ""
    end
  end

  def shown(session) do
    receive do
      {:linx_process, ^session, {:pty_out, data}} -> data <> shown(session)
    after
      0 -> ""
    end
  end

  @doc "Waits for a process of the BEAM to end; returns its reason."
  def await_down(pid) do
    ref = Process.monitor(pid)
    assert_receive {:DOWN, ^ref, :process, ^pid, reason}, @patience
    reason
  end

  @doc """
  Waits until a supervisor has started another child in the place of one that has ended, and returns it. The
  supervisor may be notified of the end later than the test.
  """
  def await_successor(supervisor, ended) do
    case Supervisor.which_children(supervisor) do
      [{_id, pid, :worker, _modules}] when is_pid(pid) and pid != ended -> pid
      _not_yet -> await_successor(supervisor, ended)
    end
  end

  @doc "Waits until so many calls wait in the session. Its state is read by messages behind those calls."
  def await_waiters(session, count) do
    if map_size(:sys.get_state(session, @patience).watches) != count,
      do: await_waiters(session, count)
  end

  @doc "Starts a process that runs `fun` and is not linked to the test; returns its pid."
  def stranger(fun) do
    test = self()
    ref = make_ref()

    pid =
      spawn(fn ->
        send(test, {ref, fun.()})
        Process.sleep(:infinity)
      end)

    on_exit(fn -> Process.exit(pid, :kill) end)
    assert_receive {^ref, answer}, @patience
    {pid, answer}
  end

  @doc """
  A session that a process of its own has started, and its host pid. It is called in another VM by a remote call,
  whose process would end, and the session with it.
  """
  def detached_session(opts) do
    caller = self()
    ref = make_ref()

    spawn(fn ->
      {:ok, session} = Linx.Process.spawn(opts)
      receive do: ({:linx_process, :ready, host_pid} -> send(caller, {ref, {session, host_pid}}))
      receive do: (:never -> :ok)
    end)

    receive do: ({^ref, answer} -> answer)
  end

  @doc """
  Makes a script the agent that starts the real one at `open_gate/1`, so that a test can make requests before the
  agent has sent a frame. It sets `LINX_AGENT`, so such tests are not async.
  """
  def gate do
    agent = Linx.Agent.path()
    directory = Programs.scratch("gate")
    File.mkdir_p!(directory)
    script = Path.join(directory, "agent")
    fifo = Path.join(directory, "gate")
    {_, 0} = System.cmd("mkfifo", [fifo])
    agent_script(script, "read -r _ < '#{fifo}'\nexec '#{agent}'\n")

    on_exit(fn ->
      open_for_all(fifo)
      File.rm_rf!(directory)
    end)

    fifo
  end

  # Scripts that still wait start their agents, which find their channel closed and end.
  defp open_for_all(fifo) do
    {_, 0} =
      System.cmd("sh", ["-c", ~s(exec 5<>"$1"; printf '\\n%.0s' 1 2 3 4 5 6 7 8 >&5), "sh", fifo])
  end

  @doc "Lets one script of `gate/0` start its agent."
  def open_gate(fifo), do: {_, 0} = System.cmd("sh", ["-c", ~s(echo > "$1"), "sh", fifo])

  @doc "Makes a shell script the agent for the rest of the test."
  def agent_script(path, text) do
    File.write!(path, "#!/bin/sh\n" <> text)
    File.chmod!(path, 0o755)
    use_agent(path)
  end

  @doc "Makes a program the agent for the rest of the test."
  def use_agent(path) do
    before = System.get_env("LINX_AGENT")
    System.put_env("LINX_AGENT", path)

    on_exit(fn ->
      if before, do: System.put_env("LINX_AGENT", before), else: System.delete_env("LINX_AGENT")
    end)
  end
end
