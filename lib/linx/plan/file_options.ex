# SPDX-License-Identifier: MIT

defmodule Linx.Plan.FileOptions do
  @moduledoc false
  # The options of a plan that are about files inside: what is made there, hidden or read-only. Each function returns
  # `{:ok, checked}` or `:error`. Pure.

  alias Linx.Plan.{Arguments, MountOptions}

  # Those that Docker hides from a container, and makes read-only.
  @masked ~w(
    /proc/acpi /proc/asound /proc/interrupts /proc/kcore /proc/keys /proc/latency_stats /proc/sched_debug /proc/scsi
    /proc/timer_list /proc/timer_stats /sys/devices/virtual/powercap /sys/firmware
  )
  @readonly ~w(/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger)

  # Bytes of a file that the agent makes, at most.
  @file_max 1024 * 1024

  @doc """
  Paths to hide; `:default` for those of Docker.

      iex> {:ok, paths} = Linx.Plan.FileOptions.masked(:default)
      iex> "/proc/kcore" in paths
      true
  """
  @spec masked(term()) :: {:ok, [binary()]} | :error
  def masked(:default), do: {:ok, @masked}
  def masked(list), do: MountOptions.paths(list)

  @doc """
  Paths to make read-only; `:default` for those of Docker.

      iex> Linx.Plan.FileOptions.readonly(["/proc/sys"])
      {:ok, ["/proc/sys"]}
  """
  @spec readonly(term()) :: {:ok, [binary()]} | :error
  def readonly(:default), do: {:ok, @readonly}
  def readonly(list), do: MountOptions.paths(list)

  @doc """
  Files with their contents and modes, in the order of their paths.

      iex> Linx.Plan.FileOptions.contents(%{"/etc/motd" => "hello", "/etc/key" => {"hush", 0o600}})
      {:ok, [{"/etc/key", 0o600, "hush"}, {"/etc/motd", 0o644, "hello"}]}
  """
  @spec contents(term()) :: {:ok, [{binary(), 0..0o7777, binary()}]} | :error
  def contents(map) when is_map(map) and not is_struct(map),
    do: map |> Enum.sort() |> MountOptions.each(&file/1)

  def contents(_other), do: :error

  defp file({path, {data, mode}}) do
    with {:ok, path} <- MountOptions.path(path),
         true <- is_binary(data) and byte_size(data) <= @file_max and Arguments.fits?(?M, mode),
         do: {:ok, {path, mode, data}},
         else: (_bad -> :error)
  end

  defp file({path, data}), do: file({path, {data, 0o644}})

  @doc """
  Directories: a path, `{path, mode}` or `{path, mode, uid, gid}` each.

      iex> Linx.Plan.FileOptions.dirs(["/run", {"/run/www", 0o700, 33, 33}])
      {:ok, [{"/run", 0o755, 0, 0}, {"/run/www", 0o700, 33, 33}]}
  """
  @spec dirs(term()) ::
          {:ok, [{binary(), 0..0o7777, non_neg_integer(), non_neg_integer()}]} | :error
  def dirs(list), do: MountOptions.each(list, &dir/1)

  defp dir({path, mode, uid, gid}) do
    with {:ok, path} <- MountOptions.path(path),
         true <-
           Arguments.fits?(?M, mode) and Arguments.fits?(?u, uid) and Arguments.fits?(?u, gid),
         do: {:ok, {path, mode, uid, gid}},
         else: (_bad -> :error)
  end

  defp dir({path, mode}), do: dir({path, mode, 0, 0})
  defp dir(path), do: dir({path, 0o755, 0, 0})

  @doc """
  Symbolic links, where each is and what it has.

      iex> Linx.Plan.FileOptions.links(%{"/bin" => "usr/bin"})
      {:ok, [{"/bin", "usr/bin"}]}
  """
  @spec links(term()) :: {:ok, [{binary(), binary()}]} | :error
  def links(map) when is_map(map) and not is_struct(map),
    do: map |> Enum.sort() |> MountOptions.each(&link/1)

  def links(_other), do: :error

  defp link({path, content}) do
    with {:ok, path} <- MountOptions.path(path),
         true <- Arguments.fits?(?L, content),
         do: {:ok, {path, content}},
         else: (_bad -> :error)
  end
end
