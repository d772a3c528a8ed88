# SPDX-License-Identifier: MIT

defmodule AgentTest.Case do
  @moduledoc """
  A test that speaks the raw protocol to a real agent. It uses nothing of the library, so that the protocol
  has two independent clients.
  """

  use ExUnit.CaseTemplate

  alias AgentTest.{Beacon, Host, Result, Wire}

  @errno %{
    enoent: 2,
    esrch: 3,
    e2big: 7,
    enoexec: 8,
    ebadf: 9,
    eagain: 11,
    eacces: 13,
    exdev: 18,
    enodev: 19,
    enotdir: 20,
    ebusy: 16,
    eexist: 17,
    eisdir: 21,
    efbig: 27,
    einval: 22,
    enospc: 28,
    erofs: 30,
    epipe: 32,
    eperm: 1,
    enametoolong: 36,
    enosys: 38,
    eloop: 40,
    emsgsize: 90,
    econnrefused: 111,
    etimedout: 110,
    enokey: 126
  }

  @final [:exited, :signaled, :aborted]

  using do
    quote do
      import AgentTest.{Case, Programs}
      import AgentTest.Wire
      alias AgentTest.{Beacon, Bpf, Host, Target}
    end
  end

  @doc "An errno's number on Linux (errno(3))."
  def errno(name), do: Map.fetch!(@errno, name)

  @doc "Asserts that the next frame that carries no data matches."
  defmacro assert_frame(wire, pattern) do
    quote do
      assert unquote(pattern) = next_frame(unquote(wire))
    end
  end

  @doc "Starts an agent, sends it a request, and waits for the checkpoint."
  def parked(request, opts \\ []) do
    wire = requested(request, opts)
    {:status, :spawned, host_pid} = expect(wire, :spawned)
    {:status, :ready, child_pid} = expect(wire, :ready)
    %{wire | host_pid: host_pid, child_pid: child_pid}
  end

  @doc "Writes both id maps of a parked session."
  def map_ids(wire, rows) do
    for map <- ["uid_map", "gid_map"], do: File.write!("/proc/#{wire.host_pid}/#{map}", rows)
    wire
  end

  @doc "Maps id 0 to the user's own, as an ordinary user may (user_namespaces(7))."
  def map_own_ids(wire) do
    if not Host.root?(), do: File.write!("/proc/#{wire.host_pid}/setgroups", "deny")

    for {map, flag} <- [{"uid_map", "-u"}, {"gid_map", "-g"}] do
      {id, 0} = System.cmd("id", [flag])
      File.write!("/proc/#{wire.host_pid}/#{map}", "0 #{String.trim(id)} 1\n")
    end

    wire
  end

  @doc "As `parked/2`, and on to `:running`. The commands of `:checkpoint` are sent before `:proceed`."
  def running(request, opts \\ []) do
    {commands, opts} = Keyword.pop(opts, :checkpoint, [])
    wire = parked(request, opts)
    for command <- commands ++ [:proceed], do: Wire.send_term(wire, command)
    {:status, :running} = expect(wire, :running)
    wire
  end

  @doc "A whole session: request, the commands of `:checkpoint`, `:proceed`, end."
  def run(request, opts \\ []) do
    {finish, opts} = Keyword.pop(opts, :finish, [])
    {commands, opts} = Keyword.pop(opts, :checkpoint, [])

    wire = requested(request, opts)
    if ready?(wire), do: for(command <- commands ++ [:proceed], do: Wire.send_term(wire, command))
    finish(wire, finish)
  end

  defp ready?(wire) do
    case Wire.next_frame(wire) do
      {:status, :ready, _} -> true
      {:status, :spawned, _} -> ready?(wire)
      frame -> not final?(frame) and flunk("unexpected #{inspect(frame)}")
    end
  end

  @doc "Sends a request and no more. A map is a `:spawn`."
  def requested(request, opts \\ []) do
    wire = Wire.start(opts)
    request = if is_map(request), do: {:spawn, request}, else: request
    Wire.send_term(wire, request)
    wire
  end

  @doc """
  Waits for the session's end and asserts what holds for every session: exactly one final frame, nothing after
  it, no part of a frame, an agent that exits by itself, and no process left. With `orphans: true` there may be
  processes left to the subreaper; with `drained: true` data may follow the final frame; `exit:` is the agent's
  exit code.
  """
  def finish(wire, opts \\ []), do: wire |> Wire.await_gone() |> finished(opts)

  def finished(result, opts) do
    finals = Enum.filter(result.frames, &final?/1)
    assert length(finals) == 1, "not one final frame: #{inspect(result)}"
    [final] = finals
    assert opts[:drained] || List.last(result.frames) == final, "frames after the final one"
    assert result.rest == ""
    code = Keyword.get(opts, :exit, 0)
    assert {:exited, ^code, _cpu_us} = result.agent
    assert opts[:orphans] || result.orphans == []
    result
  end

  @doc "Ends a running workload with SIGKILL, and the session with it."
  def kill(wire, opts \\ []) do
    Wire.send_term(wire, {:signal, 9})
    result = finish(wire, opts)
    assert final(result) == {:status, :signaled, 9}
    result
  end

  @doc "Kills the agent, and returns the session's history once all its processes are dead."
  def kill_agent(wire, beacon \\ nil) do
    Host.signal(wire.agent, 9)
    beacon && Beacon.await_dark(beacon)
    result = Wire.await_gone(wire)
    assert {:signaled, 9, _cpu_us} = result.agent
    result
  end

  @doc "The first `size` bytes of what the actor writes and expects to read."
  def pattern(size),
    do: "abcdefghijklmnopqrstuvw" |> :binary.copy(div(size, 23) + 1) |> binary_part(0, size)

  @doc "The final frame of a finished session."
  def final(%Result{frames: frames}), do: Enum.find(frames, &final?/1)

  @doc "Whether the workload was reported to run."
  def ran?(%Result{frames: frames}), do: {:status, :running} in frames

  def final?(frame) when is_tuple(frame) do
    case Tuple.to_list(frame) do
      [:status, status | _] -> status in @final
      [:error | _] -> true
      _ -> false
    end
  end

  def final?(_frame), do: false

  defp expect(wire, status) do
    case Wire.next_frame(wire) do
      {:status, ^status, _} = frame -> frame
      {:status, ^status} = frame -> frame
      other -> flunk("expected #{inspect(status)}, got #{inspect(other)}")
    end
  end
end
