# SPDX-License-Identifier: MIT

defmodule AgentTest.PooledTest do
  use AgentTest.Case, async: true

  # {:pooled, map, request}: what has changed since the agent was started.

  defp first_frame(changes) do
    wire = requested({:pooled, changes, {:spawn, %{argv: actor(["exit", 0]), proceed: true}}})
    frame = next_frame(wire)
    finish(wire, exit: if(match?({:error, _, _}, frame), do: 3, else: 0))
    frame
  end

  defp file(change) do
    stat = File.stat!(agent(), time: :posix)
    {device, inode} = change.({stat.major_device, stat.inode})
    %{file: {agent(), device, inode, stat.size, stat.mtime}}
  end

  # As the VM's own file functions have them; XFS, overlayfs, NFS and others have inode numbers of 64 bits.
  test "of a file's device and inode the low 32 bits are compared" do
    assert first_frame(file(fn same -> same end)) == {:status, :accepted}

    assert first_frame(file(fn {device, inode} -> {device + 2 ** 32, inode + 2 ** 40} end)) ==
             {:status, :accepted}

    assert {:error, _estale, :stale} = first_frame(file(fn {d, inode} -> {d, inode + 1} end))
  end
end
