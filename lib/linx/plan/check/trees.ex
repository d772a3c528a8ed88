# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Check.Trees do
  @moduledoc false
  # Whether the mounts and files of a plan can be made in its order, and hide what they are to hide. Pure.

  alias Linx.Plan.{Commands, Options, Problem, Request}

  # The namespace that a file system needs in a user namespace, because otherwise it shows what the host's has.
  @own %{
    "proc" => :pid,
    "sysfs" => :net,
    "cgroup2" => :cgroup,
    "cgroup" => :cgroup,
    "mqueue" => :ipc
  }

  @makes [:mkdir, :symlink, :file, :device]

  @doc "Problems of mounts and files."
  @spec problems([Linx.Plan.Phase.t()]) :: [Problem.t()]
  def problems(phases) do
    commands =
      for {list, _index, phase, position, command} <- Request.commands(phases),
          is_tuple(command),
          do: {{phase, position}, list, command}

    if commands == [] do
      []
    else
      own = for phase <- phases, {:namespaces, kinds} <- phase.keys, kind <- kinds, do: kind

      Enum.concat([
        if(:user in own and not mapped?(phases), do: unmapped(commands), else: []),
        if(:user in own, do: of_host(commands, own), else: []),
        roots(commands),
        on_host(commands, phases),
        uncovered(commands),
        too_late(commands)
      ])
    end
  end

  defp mapped?(phases), do: Enum.any?(phases, &is_map_key(&1.keys, :uid_map))

  # A user namespace without the keys for them gets its maps at the checkpoint.
  defp unmapped(commands) do
    for {at, :setup, command} <- commands, :mount in Commands.namespaces(command), reduce: [] do
      [] ->
        [
          problem(
            at,
            "nothing can own a file in a user namespace before its id maps (:uid_map, :gid_map)"
          )
        ]

      first ->
        first
    end
  end

  defp of_host(commands, own) do
    for {at, _list, {:mount_open, _slot, type, _source, _options}} <- commands,
        namespace = @own[type],
        namespace not in own,
        do: problem(at, "in a user namespace #{type} needs a #{namespace} namespace as well")
  end

  defp roots(commands) do
    for {at, _list, {:root, _slot, _propagation}} <- Enum.drop(named(commands, [:root]), 1),
        do: problem(at, "the root is another one already")
  end

  # A root of options that is the host's has a phase, without commands.
  defp on_host(commands, phases) do
    if named(commands, [:root, :chroot]) == [] and not Enum.any?(phases, &(&1.name == :root)) do
      targets = targets(commands)

      commands
      |> named([:mask | @makes])
      |> Enum.reject(fn {_at, _list, command} -> inside?(path(command), targets) end)
      |> Enum.take(1)
      |> Enum.map(fn {at, _list, _command} ->
        problem(
          at,
          "what it hides or makes is in the host's tree, which rootfs: :host has to say"
        )
      end)
    else
      []
    end
  end

  defp targets(commands),
    do: for({_at, _list, {:attach, _slot, target, _, _}} <- commands, do: target)

  defp inside?(path, targets), do: Enum.any?(targets, &below?(path, &1))

  # Whatever is mounted on or above a path that is hidden uncovers it.
  defp uncovered(commands) do
    {problems, _masked} =
      Enum.flat_map_reduce(commands, [], fn
        {_at, _list, {:mask, path, _file, _directory}}, masked ->
          {[], [path | masked]}

        {at, _list, {:attach, _slot, target, _attributes, _flags}}, masked ->
          case Enum.find(masked, &below?(&1, target)) do
            nil -> {[], masked}
            path -> {[problem(at, "it covers #{path}, which is hidden before")], masked}
          end

        _other, masked ->
          {[], masked}
      end)

    problems
  end

  # What is mounted stays writable when the root is read-only.
  defp too_late(commands) do
    targets = targets(commands)

    {problems, _closed?} =
      Enum.flat_map_reduce(commands, false, fn
        {_at, _list, {:mount_attr, "/", set, _clear, _flags}}, closed? ->
          {[], closed? or :rdonly in set}

        {at, _list, command}, true when elem(command, 0) in @makes ->
          path = path(command)
          late = problem(at, "the root is read-only before #{path} is made")
          {if(inside?(path, targets), do: [], else: [late]), true}

        _other, closed? ->
          {[], closed?}
      end)

    problems
  end

  defp path({:symlink, _content, path}), do: path
  defp path(command), do: elem(command, 1)

  defp below?(path, path), do: true
  defp below?(_path, "/"), do: true
  defp below?(path, above), do: String.starts_with?(path, above <> "/")

  defp named(commands, names),
    do: Enum.filter(commands, fn {_at, _list, command} -> elem(command, 0) in names end)

  defp problem({phase, position}, message) do
    %Problem{phase: phase, position: position, option: Options.of_phase(phase), message: message}
  end
end
