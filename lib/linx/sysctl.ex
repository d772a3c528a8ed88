# SPDX-License-Identifier: MIT

defmodule Linx.Sysctl do
  @moduledoc """
  Kernel parameters of a workload's own namespaces (sysctl(8)), set at the checkpoint.

  A parameter is set only where the session has the namespace that it belongs to, fresh or entered; every other parameter is the
  host's.

  | names | namespace | an ordinary user, in a user namespace of its own |
  | --- | --- | --- |
  | `net.*` | `:net` | may |
  | `user.*` (proc_sys_user(5)) | `:user` | may |
  | `kernel.msg*`, `kernel.sem`, `kernel.shm*`, `fs.mqueue.*` | `:ipc` | may, since Linux 5.19 |
  | `kernel.domainname` | `:uts` | may not; the command `:domainname` can |

  Before Linux 5.13 a few of `net.*` are the host's in every net namespace, and root may write them from each.

  It takes Linux 5.6, and at the checkpoint a procfs at `/proc` of the workload's root.
  """

  alias Linx.Process.Error

  # As the agent takes them (`c_src/setup/sysctl_name.h`).
  @name_max 507
  @value_max 4095

  @doc """
  Sets parameters of the workload's namespaces, one after the other: a map, or another enumerable of `{name, value}`.

  A name is as sysctl.d(5) has it, `"net.ipv4.ip_forward"` or `"net/ipv4/ip_forward"`; a value is a string or an integer.

  `:ok` means that the kernel has done it. `{:error, {:bad_sysctl, value}}` for what is no such enumerable, or the pair of it that
  does not fit; nothing is sent then. Otherwise `{:error, %Linx.Process.Error{}}` at `:sysctl`, which ends the session: `:einval` for a name that
  belongs to no namespace and for a value that the kernel does not take, `:eperm` when the session has not got the
  namespace, `:enoent` for a parameter that the kernel has not got, `:exdev` when a mount hides it, `:enosys` before Linux 5.6.
  `{:error, :not_ready}` before the checkpoint, `{:error, :running}` after it, `{:error, :no_process}` after the end.

      iex> Linx.Sysctl.set(self(), %{"net.ipv4.ip_forward" => :on})
      {:error, {:bad_sysctl, {"net.ipv4.ip_forward", :on}}}
  """
  @spec set(Linx.Process.session(), Enumerable.t({String.t(), String.t() | integer()})) ::
          :ok | {:error, {:bad_sysctl, term()} | Error.t() | :not_ready | :running | :no_process}
  def set(session, parameters) do
    with {:ok, commands} <- commands(parameters),
         do: Linx.Process.checkpoint_each(session, commands)
  end

  defp commands(parameters) do
    parameters
    |> Enum.to_list()
    |> Enum.reduce_while({:ok, []}, fn parameter, {:ok, commands} ->
      case command(parameter) do
        {:ok, command} -> {:cont, {:ok, commands ++ [command]}}
        :error -> {:halt, {:error, {:bad_sysctl, parameter}}}
      end
    end)
  rescue
    _error in [Protocol.UndefinedError, FunctionClauseError] ->
      {:error, {:bad_sysctl, parameters}}
  end

  defp command({name, value}) when is_integer(value),
    do: command({name, Integer.to_string(value)})

  defp command({name, value}) when is_binary(name) and is_binary(value) do
    sizes? = byte_size(name) in 1..@name_max and byte_size(value) <= @value_max

    if sizes? and :binary.match(name <> value, <<0>>) == :nomatch,
      do: {:ok, {:sysctl, name, value}},
      else: :error
  end

  defp command(_other), do: :error
end
