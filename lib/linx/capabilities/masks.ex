# SPDX-License-Identifier: MIT

defmodule Linx.Capabilities.Masks do
  @moduledoc false
  # The names of capabilities, and sets of them as the kernel's bit masks. Pure.

  import Bitwise

  # In the order of their bits, from 0.
  @names ~w(
    cap_chown cap_dac_override cap_dac_read_search cap_fowner cap_fsetid cap_kill cap_setgid cap_setuid
    cap_setpcap cap_linux_immutable cap_net_bind_service cap_net_broadcast cap_net_admin cap_net_raw
    cap_ipc_lock cap_ipc_owner cap_sys_module cap_sys_rawio cap_sys_chroot cap_sys_ptrace cap_sys_pacct
    cap_sys_admin cap_sys_boot cap_sys_nice cap_sys_resource cap_sys_time cap_sys_tty_config cap_mknod
    cap_lease cap_audit_write cap_audit_control cap_setfcap cap_mac_override cap_mac_admin cap_syslog
    cap_wake_alarm cap_block_suspend cap_audit_read cap_perfmon cap_bpf cap_checkpoint_restore
  )a

  @bits Map.new(Enum.with_index(@names))

  @doc """
  Every capability, in the order of the kernel's bits.

      iex> hd(Linx.Capabilities.Masks.all())
      :cap_chown
  """
  @spec all() :: [atom()]
  def all, do: @names

  @doc """
  A set as a mask.

      iex> Linx.Capabilities.Masks.mask([:cap_chown, :cap_kill])
      {:ok, 0b100001}
      iex> Linx.Capabilities.Masks.mask([:cap_kill, :cap_of_tea])
      {:error, {:bad_capabilities, [:cap_of_tea]}}
  """
  @spec mask(term()) :: {:ok, non_neg_integer()} | {:error, {:bad_capabilities, term()}}
  def mask(%MapSet{} = set), do: set |> MapSet.to_list() |> mask()

  def mask(list) when is_list(list) do
    if List.improper?(list) do
      {:error, {:bad_capabilities, list}}
    else
      case Enum.reject(list, &is_map_key(@bits, &1)) do
        [] -> {:ok, Enum.reduce(list, 0, &(1 <<< @bits[&1] ||| &2))}
        unknown -> {:error, {:bad_capabilities, unknown}}
      end
    end
  end

  def mask(other), do: {:error, {:bad_capabilities, other}}

  @doc """
  The bit of a capability.

      iex> Linx.Capabilities.Masks.bit(:cap_kill)
      5
  """
  @spec bit(atom()) :: 0..63
  def bit(name), do: Map.fetch!(@bits, name)
end
