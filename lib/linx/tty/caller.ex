# SPDX-License-Identifier: MIT

defmodule Linx.Tty.Caller do
  @moduledoc false
  # Whether a process is at the BEAM's own terminal: whether what it writes to its group leader is shown there.
  #
  # The group leader of a remote shell, and of a call from another node, is a process on that node; that of a
  # shell over ssh is a process of its connection. They have another terminal than the BEAM's, or none.

  @doc """
  Whether a process whose group leader is `leader` is at the BEAM's own terminal.

  The process `user` has that terminal, in a BEAM with a line editor together with `user_drv`, which starts
  the group leaders of its shells. `init` and the masters of applications pass on to `user` what is written to
  them.

      iex> Linx.Tty.Caller.local?(Process.whereis(:user))
      true
      iex> {:ok, string} = StringIO.open("")
      iex> Linx.Tty.Caller.local?(string)
      false
  """
  @spec local?(pid()) :: boolean()
  def local?(leader) when node(leader) != node(), do: false

  def local?(leader) do
    leader in [Process.whereis(:user), Process.whereis(:init)] or application_master?(leader) or
      shell_of_terminal?(leader)
  end

  # An application's master is the only process of the application that is its own group leader.
  defp application_master?(leader) do
    Process.info(leader, :group_leader) == {:group_leader, leader} and
      :application.get_application(leader) != :undefined
  end

  # A group leader is linked to the driver that has started it (`group`, of Kernel).
  defp shell_of_terminal?(leader) do
    with driver when is_pid(driver) <- Process.whereis(:user_drv),
         {:links, links} <- Process.info(leader, :links) do
      driver in links
    else
      _no_driver -> false
    end
  end
end
