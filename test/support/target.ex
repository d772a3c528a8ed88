defmodule AgentTest.Target do
  @moduledoc """
  Processes to be entered, made by unshare(1): an oracle that shares no code with the agent.
  """

  alias AgentTest.{Host, Programs, Wire}

  @unshare System.find_executable("unshare")

  @doc """
  A process in the fresh namespaces that `flags` ask unshare for, playing `part`. Answers the wire
  that owns it (`agent` is unshare's pid) and its host pid. With `--fork` it is unshare's child.
  """
  def unshare(flags, part \\ ["pause"], opts \\ []) do
    program = [@unshare | flags] ++ Programs.actor(part)
    # unshare complains when it is killed together with its child.
    driver = ["--write", "2", "/dev/null" | Keyword.get(opts, :driver, [])]
    wire = Wire.start([program: program] ++ Keyword.put(opts, :driver, driver))
    Wire.await_output(wire, opts[:until] || "ready\n")
    forked = "--fork" in flags
    pid = if forked, do: hd(Host.children(wire.agent)), else: wire.agent
    %{wire: wire, pid: pid}
  end

  @doc "Every namespace but the user's, with a /proc of its own."
  def everything,
    do: ~w(--fork --kill-child --pid --mount-proc --mount --uts --ipc --net --cgroup --time)

  @doc "A process that plays `part` in the namespaces of the test itself."
  def plain(part \\ ["pause"], opts \\ []) do
    wire = Wire.start([program: Programs.actor(part)] ++ opts)
    output = Wire.await_output(wire, opts[:until] || "ready\n")
    %{wire: wire, pid: wire.agent, output: output}
  end
end
