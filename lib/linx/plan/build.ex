# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Build do
  @moduledoc false
  # The phases of checked options. Pure.

  import Bitwise

  alias Linx.Plan.{CapabilitySets, Phase, Phases, Trees}
  alias Linx.Process.Environment

  # As they are shown.
  @namespaces [:user, :mount, :pid, :uts, :ipc, :net, :cgroup, :time]

  # The namespace without which an option would change the host, or has no meaning.
  @needs [
    uid_map: :user,
    gid_map: :user,
    rootfs: :mount,
    propagation: :mount,
    readonly: :mount,
    mounts: :mount,
    dev: :mount,
    contents: :mount,
    dirs: :mount,
    links: :mount,
    masked_paths: :mount,
    readonly_paths: :mount,
    hostname: :uts,
    domainname: :uts,
    loopback: :net,
    time_offsets: :time
  ]

  # The phases of `Linx.Plan.Trees`.
  @trees [:open, :root, :mounts, :dev, :files, :masked_paths, :readonly_paths, :read_only_root]

  # SECBIT_KEEP_CAPS (capabilities(7)).
  @keep_caps 16

  # What makes a phase of the table of the options: a function that returns what it holds, or nil.
  @makers [
    namespaces: &__MODULE__.namespaces/1,
    identity: &__MODULE__.identity/1,
    outside: &__MODULE__.outside/1,
    time: &__MODULE__.time/1,
    names: &__MODULE__.names/1,
    network: &__MODULE__.network/1,
    keyring: &__MODULE__.keyring/1,
    cwd: &__MODULE__.cwd/1,
    environment: &__MODULE__.environment/1,
    umask: &__MODULE__.umask/1,
    personality: &__MODULE__.personality/1,
    priority: &__MODULE__.priority/1,
    rlimits: &__MODULE__.rlimits/1,
    bounding_set: &__MODULE__.bounding_set/1,
    securebits: &__MODULE__.securebits/1,
    user: &__MODULE__.user/1,
    capabilities: &__MODULE__.capabilities/1,
    ambient: &__MODULE__.ambient/1,
    no_new_privs: &__MODULE__.no_new_privs/1,
    seccomp: &__MODULE__.seccomp/1,
    exec: &__MODULE__.exec/1
  ]

  @order Enum.filter(Phases.names(), &(&1 in @trees or Keyword.has_key?(@makers, &1)))

  @doc """
  The phases, in the order of the table; their slots begin at `slot`.

      iex> [umask, exec] = Linx.Plan.Build.phases(%{umask: 0o022})
      iex> {umask.name, umask.commands, exec.name}
      {:umask, [umask: 0o022], :exec}
  """
  @spec phases(map(), non_neg_integer()) :: [Phase.t()]
  def phases(options, slot \\ 0) do
    trees = Trees.commands(options, slot)

    for name <- @order, holds = holds(name, options, trees), do: Phases.make(name, holds)
  end

  defp holds(name, _options, trees) when is_map_key(trees, name),
    do: [commands: trees[name], needs: [namespace: :mount]]

  defp holds(name, options, _trees) do
    with make when make != nil <- @makers[name], do: make.(options)
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
  def identity(options) do
    case Map.take(options, [:uid_map, :gid_map, :setgroups]) do
      none when none == %{} -> nil
      keys -> [keys: keys, needs: [namespace: :user]]
    end
  end

  @doc false
  def outside(options), do: key(options, :oom_score_adj)

  @doc false
  def time(%{time_offsets: [_ | _] = offsets}),
    do: [keys: %{time_offsets: Enum.sort(offsets)}, needs: [namespace: :time]]

  def time(_none), do: nil

  @doc false
  def names(options) do
    case for name <- [:hostname, :domainname], %{^name => value} <- [options], do: {name, value} do
      [] -> nil
      commands -> [commands: commands, needs: [namespace: :uts]]
    end
  end

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
  def priority(options) do
    commands = [
      for(%{scheduler: {policy, attributes}} <- [options], do: {:scheduler, policy, attributes}),
      for(%{nice: nice} <- [options], do: {:nice, nice}),
      for(%{cpu_affinity: cpus} <- [options], do: {:cpu_affinity, cpus}),
      for(%{io_priority: {class, level}} <- [options], do: {:io_priority, class, level})
    ]

    commands(Enum.concat(commands))
  end

  defp commands([]), do: nil
  defp commands(commands), do: [commands: commands]

  @doc false
  def personality(%{personality: number}), do: commands([{:personality, number}])
  def personality(_none), do: nil

  @doc false
  def rlimits(options) do
    commands(
      for {resource, soft, hard} <- Map.get(options, :rlimits, []),
          do: {:rlimit, resource, soft, hard}
    )
  end

  # A change of ids keeps the capabilities that are asked for; exec clears the bit.
  @doc false
  def securebits(%{securebits: bits} = options) do
    keep? = is_map_key(options, :user) and match?({keep, _} when keep != 0, sets(options))
    commands([{:securebits, if(keep?, do: bits ||| @keep_caps, else: bits)}])
  end

  def securebits(_none), do: nil

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
