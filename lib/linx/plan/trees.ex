# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Trees do
  @moduledoc false
  # The commands that make the tree of files which a program sees, of checked options. Pure.
  #
  # All that is the host's is opened into slots before the root changes, because no path leads there afterwards.

  @nodes [null: {1, 3}, zero: {1, 5}, full: {1, 7}, random: {1, 8}, urandom: {1, 9}, tty: {5, 0}]
  @node_links [
    {"/proc/self/fd", "/dev/fd"},
    {"/proc/self/fd/0", "/dev/stdin"},
    {"/proc/self/fd/1", "/dev/stdout"},
    {"/proc/self/fd/2", "/dev/stderr"},
    {"pts/ptmx", "/dev/ptmx"}
  ]

  @typedoc "The commands of the phases, by their names, each list in its order."
  @type t :: %{atom() => [tuple()]}

  @doc """
  The commands of the options, whose slots begin at `slot`.

      iex> Linx.Plan.Trees.commands(%{rootfs: {:tree, "/image", [:recursive]}, readonly: true}, 3)
      %{
        open: [{:tree_open, 3, "/image", [:recursive]}],
        read_only_root: [{:mount_attr, "/", [:rdonly], [], []}],
        root: [{:root, 3, :private}]
      }
  """
  @spec commands(map(), non_neg_integer()) :: t()
  def commands(options, slot) do
    {commands, _slot} =
      Enum.reduce(
        [&root/2, &mounts/2, &dev/2, &files/2, &masked/2, &readonly/2],
        {%{}, slot},
        fn add, state -> add.(options, state) end
      )

    commands
  end

  defp root(%{rootfs: :host, propagation: kind}, state), do: add(state, :root, [whole(kind)])
  defp root(%{rootfs: :host}, state), do: add(state, :root, [])

  defp root(%{rootfs: source} = options, {_commands, slot} = state) do
    state
    |> open(source)
    |> add(:root, [{:root, slot, Map.get(options, :propagation, :private)}])
  end

  defp root(%{propagation: kind}, state), do: add(state, :root, [whole(kind)])
  defp root(_none, state), do: state

  defp whole(kind), do: {:propagation, "/", kind, [:recursive]}

  defp mounts(options, state) do
    Enum.reduce(Map.get(options, :mounts, []), state, fn mount, {_commands, slot} = state ->
      propagation =
        for kind <- [mount.propagation], kind, do: {:propagation, mount.target, kind, []}

      attach = {:attach, slot, mount.target, mount.attributes, mount.flags}
      state |> open(mount.source) |> add(:mounts, [attach | propagation])
    end)
  end

  defp dev(%{dev: :host}, {_commands, slot} = state) do
    state
    |> open({:tree, "/dev", [:recursive]})
    |> add(:dev, [{:attach, slot, "/dev", [], [:nofollow]}])
  end

  defp dev(%{dev: :minimal} = options, state) do
    {state, nodes} = nodes(options, state)
    links = for {content, path} <- @node_links, do: {:symlink, content, path}
    pts = [{"ptmxmode", "0666"}, {"mode", "0620"}]

    state
    |> mounted(:dev, {"tmpfs", [{"mode", "755"}, {"size", "64k"}]}, "/dev", [:nosuid, :noexec])
    |> add(:dev, nodes ++ links)
    |> mounted(:dev, {"devpts", pts}, "/dev/pts", [:nosuid, :noexec])
    |> mounted(:dev, {"tmpfs", [{"mode", "1777"}]}, "/dev/shm", [:nosuid, :nodev, :noexec])
  end

  defp dev(_none, state), do: state

  # A node cannot be made in a user namespace (mknod(2)), and the host's is bound there instead.
  defp nodes(options, {_commands, first} = state) do
    if is_map_key(options, :uid_map) or :user in Map.get(options, :namespaces, []) do
      state =
        for {name, _} <- @nodes,
            reduce: state,
            do: (state -> open(state, {:tree, "/dev/#{name}", []}))

      {state,
       for {{name, _}, slot} <- Enum.with_index(@nodes, first) do
         {:attach, slot, "/dev/#{name}", [:nosuid, :noexec], [:nofollow]}
       end}
    else
      {state,
       for {name, {major, minor}} <- @nodes do
         {:device, "/dev/#{name}", :char, major, minor, 0o666, 0, 0}
       end}
    end
  end

  # New file systems need nothing of the host's, so they can be opened where they are attached.
  defp mounted({_commands, slot} = state, phase, {type, options}, target, attributes) do
    {commands, slot_after} =
      add(state, phase, [
        {:mount_open, slot, type, type, options},
        {:attach, slot, target, attributes, [:nofollow]}
      ])

    {commands, slot_after + 1}
  end

  defp files(options, state) do
    dirs =
      for {path, mode, uid, gid} <- Map.get(options, :dirs, []),
          do: {:mkdir, path, mode, uid, gid}

    files =
      for {path, mode, data} <- Map.get(options, :contents, []), do: {:file, path, mode, data}

    links = for {path, content} <- Map.get(options, :links, []), do: {:symlink, content, path}
    if dirs ++ files ++ links == [], do: state, else: add(state, :files, dirs ++ files ++ links)
  end

  # One superblock for all directories, and the null device of the host for all else.
  defp masked(%{masked_paths: [_ | _] = paths}, {_commands, slot} = state) do
    state
    |> open({:tree, "/dev/null", []})
    |> open({:new, "tmpfs", "mask", [{"mode", "0"}, {"nr_inodes", "2"}]})
    |> add(:masked_paths, for(path <- paths, do: {:mask, path, slot, slot + 1}))
  end

  defp masked(_none, state), do: state

  defp readonly(options, state) do
    state =
      case options do
        %{readonly_paths: [_ | _] = paths} ->
          add(state, :readonly_paths, for(path <- paths, do: {:readonly, path}))

        _none ->
          state
      end

    if options[:readonly],
      do: add(state, :read_only_root, [{:mount_attr, "/", [:rdonly], [], []}]),
      else: state
  end

  defp open({commands, slot}, {:tree, path, flags}),
    do: next({commands, slot}, {:tree_open, slot, path, flags})

  defp open({commands, slot}, {:new, type, source, options}),
    do: next({commands, slot}, {:mount_open, slot, type, source, options})

  defp next({_commands, slot} = state, command) do
    {commands, _slot} = add(state, :open, [command])
    {commands, slot + 1}
  end

  defp add({commands, slot}, phase, more),
    do: {Map.update(commands, phase, more, &(&1 ++ more)), slot}
end
