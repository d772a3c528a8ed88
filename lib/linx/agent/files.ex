# SPDX-License-Identifier: MIT

defmodule Linx.Agent.Files do
  @moduledoc false
  # What is known of the files and directories from which an agent is started. They are looked at without the file
  # server, which all processes share.

  import Bitwise

  @sticky 0o1000
  @others_may_write 0o022

  @doc """
  What stat(2) says of a path.

      iex> {:ok, stat} = Linx.Agent.Files.stat("/")
      iex> stat.type
      :directory
  """
  @spec stat(Path.t()) :: {:ok, File.Stat.t()} | {:error, atom()}
  def stat(path) do
    with {:ok, info} <- :file.read_file_info(path, [:raw]), do: {:ok, File.Stat.from_record(info)}
  end

  @doc """
  Who may do what with the entries of a directory: of `:own` only its owner makes, renames and removes them; in a
  `:sticky` one every user makes some, and only their owners rename and remove them (the sticky bit, inode(7)); in
  an `:open` one other users do both.

      iex> Enum.map([0o40755, 0o41777, 0o40777, 0o41755], &Linx.Agent.Files.sharing/1)
      [:own, :sticky, :open, :own]
  """
  @spec sharing(mode :: non_neg_integer()) :: :own | :sticky | :open
  def sharing(mode) do
    cond do
      (mode &&& @others_may_write) == 0 -> :own
      (mode &&& @sticky) != 0 -> :sticky
      true -> :open
    end
  end
end
