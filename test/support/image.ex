# SPDX-License-Identifier: MIT

defmodule AgentTest.Image do
  @moduledoc """
  Set-up lists that give a session a root of its own, in which a shell runs. The host's programs and libraries are
  mounted there, read-only.
  """

  # Of the slots of a list these begin at 40, so that a test has the others.
  @directories for {directory, at} <- Enum.with_index(~w(/usr /bin /lib /lib64), 40),
                   File.dir?(directory),
                   do: {at, directory}
  @root 50
  @proc 51
  @programs 52

  @memory {:mount_open, @root, "tmpfs", "image", [{"mode", "755"}]}

  @doc """
  A list for a root in memory, or with `tree: directory` for that directory. `before:` are commands before the
  root is changed, `then:` those after it; `proc: true` mounts a /proc between the two.
  """
  def setup(opts \\ []) do
    proc = if opts[:proc], do: [:proc], else: []

    [if(opts[:tree], do: {:tree_open, @root, opts[:tree], [:recursive]}, else: @memory)] ++
      for({slot, directory} <- @directories, do: {:tree_open, slot, directory, [:recursive]}) ++
      [{:tree_open, @programs, Path.dirname(AgentTest.Programs.path("probe")), []}] ++
      for(:proc <- proc, do: {:mount_open, @proc, "proc", "proc", []}) ++
      Keyword.get(opts, :before, []) ++
      [{:root, @root, Keyword.get(opts, :propagation, :private)}] ++
      for({slot, path} <- @directories, do: {:attach, slot, path, [:rdonly], [:recursive]}) ++
      [{:attach, @programs, "/programs", [:rdonly], []}] ++
      for(:proc <- proc, do: {:attach, @proc, "/proc", [:nosuid, :nodev, :noexec], []}) ++
      Keyword.get(opts, :then, [])
  end

  @doc "A request whose workload is a shell script in such a root, without a stop."
  def shell(script, opts \\ []) do
    {more, opts} = Keyword.pop(opts, :request, %{})

    Map.merge(
      %{argv: ["/bin/sh", "-c", script], namespaces: [:mount], setup: setup(opts), proceed: true},
      more
    )
  end

  @doc "The index of a command in a list."
  def index(list, command), do: Enum.find_index(list, &(&1 == command))

  @doc """
  The mounts of a process, by their mount points, as /proc/<pid>/mountinfo has them (proc(5)): the last one at each
  with its options, its optional fields, its type and the options of its file system.
  """
  def mounts(mountinfo) do
    for line <- String.split(mountinfo, "\n", trim: true), into: %{} do
      [_, _, _, root, point, options | rest] = String.split(line, " ")
      {fields, ["-", type, source, own]} = Enum.split(rest, Enum.find_index(rest, &(&1 == "-")))

      {point,
       %{
         root: root,
         options: String.split(options, ","),
         fields: fields,
         type: type,
         source: source,
         own: String.split(own, ",")
       }}
    end
  end

  @doc """
  The argv of a host for an agent: a mount namespace whose mounts are all shared, with a shell script run in it before
  the agent is started there.
  """
  def host(script) do
    (~w(unshare --mount --propagation shared /bin/sh -e -c) ++
       ["#{script}\nexec #{AgentTest.Programs.agent()}"])
    |> List.update_at(0, &System.find_executable/1)
  end
end
