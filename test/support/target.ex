# SPDX-License-Identifier: MIT

defmodule AgentTest.Target do
  @moduledoc """
  Processes to enter, made by unshare(1), which shares no code with the agent.
  """

  alias AgentTest.{Host, Programs, Wire}

  @unshare System.find_executable("unshare")

  @doc """
  Starts an actor in the fresh namespaces that `flags` ask unshare for. Returns the wire that owns it (`agent` is
  unshare's pid) and its host pid. With `--fork` it is unshare's child.
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

  @doc "Flags of unshare(1) for every namespace but the user's, with a /proc of its own."
  def everything,
    do: ~w(--fork --kill-child --pid --mount-proc --mount --uts --ipc --net --cgroup --time)

  @doc "Starts an actor in the namespaces of the test itself."
  def plain(part \\ ["pause"], opts \\ []) do
    wire = Wire.start([program: Programs.actor(part)] ++ opts)
    output = Wire.await_output(wire, opts[:until] || "ready\n")
    %{wire: wire, pid: wire.agent, output: output}
  end

  @doc """
  Starts a hostile process, the test program `name` with its arguments, and waits until it has written
  "ready". Options are `:unshare`, flags of unshare(1) for its namespaces, and those of `Wire.start/1`.
  Returns the wire that owns it, and the host pid of the process to enter: with `forked: true`, or when
  unshare forks, the only child of the process that was started.
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

  @doc "Writes a line to a neighbour, and returns all of its output once `wanted` is part of it."
  def order(%{wire: wire}, order, wanted) do
    Wire.send_raw(wire, order <> "\n")
    Wire.await_output(wire, wanted)
  end
end
