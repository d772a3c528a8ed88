# SPDX-License-Identifier: MIT

defmodule Linx.Plan.CapabilitySets do
  @moduledoc false
  # The option `:capabilities` of a plan: which of them the program can have. Pure.

  import Bitwise

  alias Linx.Capabilities.Masks

  # Those that Docker leaves a container by default.
  @default ~w(
    cap_chown cap_dac_override cap_fsetid cap_fowner cap_mknod cap_net_raw cap_setgid cap_setuid cap_setfcap
    cap_setpcap cap_net_bind_service cap_sys_chroot cap_kill cap_audit_write
  )a

  @all (1 <<< length(Masks.all())) - 1

  @type t :: {keep :: non_neg_integer(), ambient :: non_neg_integer()}

  @doc """
  The masks of those that are kept and of those that are ambient. Without `keep:` and `drop:` the ambient ones are kept,
  and no others.

      iex> alias Linx.Plan.CapabilitySets
      iex> CapabilitySets.check(:none)
      {:ok, {0, 0}}
      iex> CapabilitySets.check(keep: [:cap_kill, :cap_chown], drop: [:cap_chown])
      {:ok, {0b100000, 0}}
      iex> CapabilitySets.check(ambient: [:cap_kill])
      {:ok, {0b100000, 0b100000}}
      iex> CapabilitySets.check(keep: [:cap_of_tea])
      :error
  """
  @spec check(term()) :: {:ok, t()} | :error
  def check(name) when name in [:none, :default, :all] do
    with {:ok, keep} <- mask(name), do: {:ok, {keep, 0}}
  end

  def check([{name, _set} | _] = sets) when is_atom(name) do
    with true <- Keyword.keyword?(sets),
         names = Keyword.keys(sets),
         [] <- names -- [:keep, :drop, :ambient],
         {:ok, drop} <- mask(Keyword.get(sets, :drop, [])),
         {:ok, ambient} <- mask(Keyword.get(sets, :ambient, [])),
         {:ok, keep} <- keep(sets, ambient) do
      {:ok, {keep &&& bnot(drop), ambient}}
    else
      _bad -> :error
    end
  end

  def check(_other), do: :error

  defp keep(sets, ambient) do
    case Map.new(sets) do
      %{keep: keep} -> mask(keep)
      %{drop: _drop} -> mask(:all)
      _ambient_alone -> {:ok, ambient}
    end
  end

  defp mask(:none), do: {:ok, 0}
  defp mask(:all), do: {:ok, @all}
  defp mask(:default), do: Masks.mask(@default)
  defp mask(set), do: Masks.mask(set)

  @doc """
  The mask of all capabilities that have a name.

      iex> Linx.Plan.CapabilitySets.all()
      0x1FFFFFFFFFF
  """
  @spec all() :: non_neg_integer()
  def all, do: @all

  @doc """
  The names of a mask's capabilities, without their `cap_`.

      iex> Linx.Plan.CapabilitySets.names(0b100001)
      ["chown", "kill"]
  """
  @spec names(non_neg_integer()) :: [String.t()]
  def names(mask) do
    for {name, bit} <- Enum.with_index(Masks.all()), (mask >>> bit &&& 1) == 1 do
      "cap_" <> short = Atom.to_string(name)
      short
    end
  end
end
