# SPDX-License-Identifier: MIT

defmodule Linx.Plan.MountOptions do
  @moduledoc false
  # The options of a plan that are about mounts: what is mounted, where, and how. Pure.

  alias Linx.Plan.Arguments
  alias Linx.Process.Checks

  @attributes [
    :nosuid,
    :nodev,
    :noexec,
    :nosymfollow,
    :noatime,
    :relatime,
    :strictatime,
    :nodiratime
  ]
  @quiet [:nosuid, :nodev, :noexec]

  # The kinds with a type of file system of their own, its options, and the attributes that they have unless :rw and the
  # like say otherwise.
  @kinds %{
    tmpfs: {"tmpfs", [], [:nosuid, :nodev]},
    proc: {"proc", [], @quiet},
    sysfs: {"sysfs", [], @quiet},
    devpts: {"devpts", [{"ptmxmode", "0666"}, {"mode", "0620"}], [:nosuid, :noexec]},
    mqueue: {"mqueue", [], @quiet},
    cgroup: {"cgroup2", [], @quiet}
  }

  @typedoc "What is opened: a copy of a tree of the host, or a new file system."
  @type source ::
          {:tree, binary(), [atom()]}
          | {:new, type :: binary(), source :: binary(), [binary() | {binary(), binary()}]}

  @type t :: %{
          source: source(),
          target: binary(),
          attributes: [atom()],
          flags: [atom()],
          propagation: atom() | nil
        }

  @doc """
  A list of mounts.

      iex> {:ok, [mount]} = Linx.Plan.MountOptions.mounts([{:bind, "/srv", "/data", [:ro]}])
      iex> {mount.source, mount.target, mount.attributes, mount.flags}
      {{:tree, "/srv", [:recursive]}, "/data", [:rdonly], [:recursive]}
      iex> Linx.Plan.MountOptions.mounts([{:bind, "srv", "/data", []}])
      :error
  """
  @spec mounts(term()) :: {:ok, [t()]} | :error
  def mounts(list), do: each(list, &mount/1)

  defp mount({:bind, from, to}), do: mount({:bind, from, to, []})

  defp mount({:bind, from, to, opts}) do
    with {:ok, from} <- path(from),
         {:ok, words, keys} <- split(opts, [:recursive, :if_exists, :propagation]) do
      recursive = if Map.get(keys, :recursive, true), do: [:recursive], else: []
      optional = if keys[:if_exists], do: [:optional], else: []
      place({:tree, from, recursive ++ optional}, to, attributes([], words), recursive, keys)
    end
  end

  defp mount({:overlay, to, opts}) do
    with {:ok, words, keys} <- split(opts, [:lower, :upper, :work, :propagation]),
         {:ok, source} <- overlay(keys),
         do: place(source, to, attributes([], words), [], keys)
  end

  defp mount({:fs, type, source, to, opts}) do
    with true <- Arguments.fits?(?L, type) and Arguments.fits?(?L, source),
         {:ok, words, keys} <- split(opts, [:data, :propagation]) do
      new = {:new, type, source, Map.get(keys, :data, [])}
      place(new, to, attributes([], words), [], keys)
    else
      _bad -> :error
    end
  end

  defp mount({kind, to}), do: mount({kind, to, []})

  defp mount({kind, to, opts}) when is_map_key(@kinds, kind) do
    {type, options, attributes} = @kinds[kind]

    allowed =
      if kind == :tmpfs, do: [:size, :mode, :data, :propagation], else: [:data, :propagation]

    with {:ok, words, keys} <- split(opts, allowed) do
      new = {:new, type, type, options ++ size(keys) ++ Map.get(keys, :data, [])}
      place(new, to, attributes(attributes, words), [], keys)
    end
  end

  defp mount(_other), do: :error

  defp size(keys) do
    mode = for %{mode: mode} <- [keys], do: {"mode", Integer.to_string(mode, 8)}
    for(%{size: size} <- [keys], do: {"size", size}) ++ mode
  end

  defp place(source, to, attributes, flags, keys) do
    with {:ok, target} <- path(to) do
      flags = if attributes == [], do: [], else: flags

      {:ok,
       %{
         source: source,
         target: target,
         attributes: attributes,
         flags: flags,
         propagation: keys[:propagation]
       }}
    end
  end

  # :ro, and what it is without, which is :rw.
  defp attributes(default, words) do
    Enum.reduce(words, default, fn
      :ro, attributes -> [:rdonly | attributes]
      :rw, attributes -> attributes -- [:rdonly]
      word, attributes -> attributes ++ [word]
    end)
    |> Enum.uniq()
  end

  # Words, and keys with values, in one list.
  defp split(opts, allowed) do
    with true <- is_list(opts) and not List.improper?(opts),
         {words, pairs} = Enum.split_with(opts, &is_atom/1),
         true <- Enum.all?(words, &(&1 in [:ro, :rw | @attributes])),
         true <- Arguments.fits?(?a, words -- [:ro, :rw]),
         true <- Enum.all?(pairs, &pair?(&1, allowed)) do
      {:ok, words, Map.new(pairs)}
    else
      _bad -> :error
    end
  end

  defp pair?({key, value}, allowed), do: key in allowed and value?(key, value)
  defp pair?(_other, _allowed), do: false

  defp value?(key, value) when key in [:recursive, :if_exists], do: is_boolean(value)
  defp value?(:propagation, value), do: Arguments.fits?(?p, value)
  defp value?(:size, value), do: Arguments.fits?(?L, value)
  defp value?(:mode, value), do: Arguments.fits?(?M, value)
  defp value?(:data, value), do: Arguments.fits?(?O, value)
  defp value?(:lower, value), do: match?({:ok, [_ | _]}, each(value, &path/1))
  defp value?(key, value) when key in [:upper, :work], do: match?({:ok, _}, path(value))

  @doc """
  What becomes the root.

      iex> Linx.Plan.MountOptions.rootfs("/var/lib/images/alpine")
      {:ok, {:tree, "/var/lib/images/alpine", [:recursive]}}
      iex> Linx.Plan.MountOptions.rootfs({:overlay, lower: ["/a", "/b:c"], upper: "/u", work: "/w"})
      {:ok, {:new, "overlay", "overlay", [{"lowerdir", "/a:/b\\\\:c"}, {"upperdir", "/u"}, {"workdir", "/w"}]}}
  """
  @spec rootfs(term()) :: {:ok, source() | :host} | :error
  def rootfs(:host), do: {:ok, :host}
  def rootfs(:tmpfs), do: {:ok, {:new, "tmpfs", "root", [{"mode", "755"}, {"size", "16m"}]}}

  def rootfs({:overlay, opts}) do
    with {:ok, [], keys} <- split(opts, [:lower, :upper, :work]),
         do: overlay(keys),
         else: (_ -> :error)
  end

  def rootfs(path), do: with({:ok, path} <- path(path), do: {:ok, {:tree, path, [:recursive]}})

  # An upper directory needs a work directory beside it, and without both an overlay cannot be written.
  defp overlay(%{lower: lower} = keys) do
    case keys do
      %{upper: upper, work: work} ->
        {:ok, overlay(lower, [{"upperdir", upper}, {"workdir", work}])}

      %{upper: _upper} ->
        :error

      %{work: _work} ->
        :error

      _read_only when length(lower) > 1 ->
        {:ok, overlay(lower, [])}

      _one ->
        :error
    end
  end

  defp overlay(_without), do: :error

  defp overlay(lower, more) do
    lower =
      Enum.map_join(lower, ":", &String.replace(&1, ["\\", ":"], fn char -> "\\" <> char end))

    {:new, "overlay", "overlay", [{"lowerdir", lower} | more]}
  end

  @doc "A list of absolute paths."
  @spec paths(term()) :: {:ok, [binary()]} | :error
  def paths(list), do: each(list, &path/1)

  @doc """
  An absolute path.

      iex> Linx.Plan.MountOptions.path("/etc")
      {:ok, "/etc"}
      iex> Linx.Plan.MountOptions.path("etc")
      :error
  """
  @spec path(term()) :: {:ok, binary()} | :error
  def path(path) do
    with {:ok, path} <- Checks.string(path),
         true <- Arguments.fits?(?P, path),
         do: {:ok, path},
         else: (_bad -> :error)
  end

  @doc "What `check` returns for each element of a list."
  @spec each(term(), (term() -> {:ok, term()} | :error)) :: {:ok, list()} | :error
  def each(list, check) do
    with true <- is_list(list) and not List.improper?(list),
         checked = Enum.map(list, check),
         true <- Enum.all?(checked, &match?({:ok, _}, &1)),
         do: {:ok, Enum.map(checked, &elem(&1, 1))},
         else: (_bad -> :error)
  end
end
