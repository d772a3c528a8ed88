# SPDX-License-Identifier: MIT

defmodule Linx.Agent.Identity do
  @moduledoc false
  # What the file of an agent is known by, which another version or another build of it has not.

  @typedoc "The file's device, its inode, its size in bytes and its mtime in seconds."
  @type t :: {integer(), integer(), integer(), integer()}

  @doc """
  That of the file which is at a path now. File.stat/2 would ask the file server, which all processes share.

      iex> {:ok, {_device, _inode, size, _mtime}} = Linx.Agent.Identity.of(Linx.Agent.path())
      iex> size > 0
      true
  """
  @spec of(Path.t()) :: {:ok, t()} | {:error, File.posix()}
  def of(path) do
    with {:ok, info} <- :file.read_file_info(path, [:raw, time: :posix]) do
      stat = File.Stat.from_record(info)
      {:ok, {stat.major_device, stat.inode, stat.size, stat.mtime}}
    end
  end
end
