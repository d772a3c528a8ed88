# SPDX-License-Identifier: MIT

defmodule Linx.Agent.Identity do
  @moduledoc false
  # What the file of an agent is known by, which another version or another build of it has not.

  import Bitwise, only: [band: 2]

  # file:read_file_info/2 has the low 32 bits of the device and the inode, in the releases of OTP that are known.
  @low 0xFFFF_FFFF

  @typedoc "The low 32 bits of the file's device and of its inode, its size in bytes and its mtime in seconds."
  @type t :: {integer(), integer(), integer(), integer()}

  @doc """
  That of the program which is at a path now. File.stat/2 would ask the file server, which all processes share.

      iex> {:ok, {_device, _inode, size, _mtime}} = Linx.Agent.Identity.of(Linx.Agent.path())
      iex> size > 0
      true
  """
  @spec of(Path.t()) :: {:ok, t()} | {:error, File.posix()}
  def of(path) do
    with {:ok, info} <- :file.read_file_info(path, [:raw, time: :posix]) do
      stat = File.Stat.from_record(info)

      # open_port/2 loses a descriptor of the VM each time it is asked to start a file that is not executable.
      if stat.type == :regular and band(stat.mode, 0o111) != 0,
        do: {:ok, {band(stat.major_device, @low), band(stat.inode, @low), stat.size, stat.mtime}},
        else: {:error, :eacces}
    end
  end
end
