# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Build do
  @moduledoc false
  # The phases of checked options. Pure.

  import Bitwise

  alias Linx.Plan.{CapabilitySets, Phase, Phases}
  alias Linx.Process.Environment

  # As they are shown.
  @namespaces [:user, :mount, :pid, :uts, :ipc, :net, :cgroup, :time]

  # The namespace without which an option would change the host, or has no meaning.
  @needs [loopback: :net, time_offsets: :time]

  # What makes a phase of the table of the options: a function that returns what it holds, or nil.
  @makers [
    namespaces: &__MODULE__.namespaces/1,
    time: &__MODULE__.time/1,
    network: &__MODULE__.network/1,
    keyring: &__MODULE__.keyring/1,
    cwd: &__MODULE__.cwd/1,
    environment: &__MODULE__.environment/1,
    umask: &__MODULE__.umask/1,
    priority: &__MODULE__.priority/1,
    bounding_set: &__MODULE__.bounding_set/1,
    user: &__MODULE__.user/1,
    capabilities: &__MODULE__.capabilities/1,
    ambient: &__MODULE__.ambient/1,
    no_new_privs: &__MODULE__.no_new_privs/1,
    seccomp: &__MODULE__.seccomp/1,
    exec: &__MODULE__.exec/1
  ]

  @doc """
  The phases, in the order of the table.

      iex> [umask, exec] = Linx.Plan.Build.phases(%{umask: 0o022})
      iex> {umask.name, umask.commands, exec.name}
      {:umask, [umask: 0o022], :exec}
  """
  @spec phases(map()) :: [Phase.t()]
  def phases(options) do
    for {name, make} <- @makers, holds = make.(options), do: Phases.make(name, holds)
  end

  @doc """
  What a reader of the plan may not expect of the options.

      iex> Linx.Plan.Build.notes(%{umask: 0})
      []
  """
  @spec notes(map()) :: [String.t()]
  def notes(%{user: {user, _groups}, capabilities: {keep, 0}}) when keep != 0 do
    if root?(user),
      do: [],
      else: [
        "another user's program has the ambient capabilities and those of its file; none is ambient"
      ]
  end

  def notes(_options), do: []

  @doc """
  Whether a user, as the command `:set_user` has it, is root.

      iex> Enum.map(["root", "0:33", "www"], &Linx.Plan.Build.root?/1)
      [true, true, false]
  """
  @spec root?(String.t()) :: boolean()
  def root?(user), do: user |> String.split(":") |> hd() |> then(&(&1 in ["root", "0", ""]))

  @doc false
  def namespaces(options) do
    case Map.get_lazy(options, :namespaces, fn -> needed(options) end) do
      [] -> nil
      given -> [keys: %{namespaces: Enum.filter(@namespaces, &(&1 in given))}]
    end
  end

  defp needed(options) do
    for {name, namespace} <- @needs, options[name] not in [nil, false, []], do: namespace
  end

  @doc false
  def time(%{time_offsets: [_ | _] = offsets}),
    do: [keys: %{time_offsets: Enum.sort(offsets)}, needs: [namespace: :time]]

  def time(_none), do: nil

  @doc false
  def network(%{loopback: true}), do: [commands: [:loopback], needs: [namespace: :net]]
  def network(_none), do: nil

  @doc false
  def keyring(options), do: key(options, :keyring)

  @doc false
  def cwd(options), do: key(options, :cwd)

  defp key(options, name),
    do: with(%{^name => value} <- options, do: [keys: %{name => value}], else: (_none -> nil))

  @doc false
  def environment(options) do
    case Environment.to_keys(Map.take(options, [:env, :clear_env])) do
      keys when keys == %{} -> nil
      keys -> [keys: keys]
    end
  end

  @doc false
  def umask(%{umask: mode}), do: [commands: [{:umask, mode}]]
  def umask(_none), do: nil

  @doc false
  def priority(%{nice: nice}), do: [commands: [{:nice, nice}]]
  def priority(_none), do: nil

  @doc false
  def bounding_set(options) do
    with {keep, _ambient} <- sets(options),
         drop when drop != 0 <- CapabilitySets.all() &&& bnot(keep) do
      [commands: [{:cap_drop_bounding, drop}], needs: [capability: :cap_setpcap]]
    else
      _all -> nil
    end
  end

  @doc false
  def user(%{user: {user, groups}}), do: [commands: [{:set_user, user, groups}]]
  def user(_none), do: nil

  # What is inheritable beside that would be a gain of programs that the program executes, through their files.
  @doc false
  def capabilities(options) do
    with {keep, ambient} <- sets(options),
         do: [commands: [{:cap_set_thread, keep, keep, ambient}]]
  end

  @doc false
  def ambient(options) do
    with {_keep, ambient} <- sets(options), do: [commands: [{:cap_set_ambient, ambient}]]
  end

  # nil when all are kept, because the kernel may have more of them than have names here.
  defp sets(%{capabilities: sets}), do: if(sets == {CapabilitySets.all(), 0}, do: nil, else: sets)
  defp sets(_none), do: nil

  @doc false
  def no_new_privs(%{no_new_privs: true}), do: [commands: [:no_new_privs]]
  def no_new_privs(_none), do: nil

  @doc false
  def seccomp(%{seccomp: filter}), do: [commands: [{:seccomp_install, filter}]]
  def seccomp(_none), do: nil

  @doc false
  def exec(%{search_path: true}), do: [keys: %{search_path: true}]
  def exec(_none), do: []
end
