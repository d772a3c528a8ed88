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

  @doc """
  A hostile neighbour: the test program `name` with its arguments, once it has said "ready". Options are
  `:unshare`, flags of unshare(1) for the namespaces it is in, and those of `Wire.start/1`. Answers the wire
  that owns it, and the host pid of what is to be entered: with `forked: true`, or when unshare forks, the
  only child of what was started.
  """
  def neighbour(name, arguments \\ [], opts \\ []) do
    {flags, opts} = Keyword.pop(opts, :unshare)
    {forked, opts} = Keyword.pop(opts, :forked, "--fork" in List.wrap(flags))
    argv = [Programs.path(name) | Enum.map(arguments, &to_string/1)]
    program = if flags, do: [@unshare | flags] ++ argv, else: argv
    # unshare complains when it is killed together with its child.
    driver = if flags, do: ["--write", "2", "/dev/null"], else: []

    wire =
      Wire.start([program: program, driver: driver ++ Keyword.get(opts, :driver, [])] ++ opts)

    Wire.await_output(wire, "ready\n")
    pid = if forked, do: hd(Host.children(wire.agent)), else: wire.agent
    %{wire: wire, pid: pid}
  end

  @doc "Gives a neighbour an order, and answers everything that it has said once `wanted` is there."
  def order(%{wire: wire}, order, wanted) do
    Wire.send_raw(wire, order <> "\n")
    Wire.await_output(wire, wanted)
  end
end
