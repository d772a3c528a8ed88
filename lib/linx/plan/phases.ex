# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Phases do
  @moduledoc false
  # The table of phases: every one that options can make, in the order that is safe. A plan has those of them that it
  # needs. Pure.
  #
  # A row is `{name, where, after, why}`: `after` are the phases that have to come before this one, wherever a plan has
  # both, and `why` is a clause that says why it stands where it stands. The order of the rows satisfies every `after`; a
  # test holds that. Two phases that neither names can change places.

  alias Linx.Plan.Phase

  @writes [:root, :mounts, :dev, :files]

  @table [
    {:stdio, :agent, [], "files and sockets of the host, opened before the child exists"},
    {:sources, :agent, [], "opened with the agent's rights, before anything else runs"},
    {:namespaces, :agent, [], "the child is created in them"},
    {:cgroup, :agent, [], "its limits hold from the first instruction"},
    {:identity, :agent, [], "nothing inside can own a file before"},
    {:outside, :agent, [], "it takes rights on the host, which the child has not"},
    {:time, :setup, [], "a time namespace takes offsets only until it has a member"},
    {:open, :setup, [], "the last look at the host's tree"},
    {:root, :setup, [:open], "from here on no path leads out"},
    {:mounts, :setup, [:open, :root],
     "in the order given, because a later one may lie in an earlier one"},
    {:dev, :setup, [:open, :root, :mounts], "the root can still be written"},
    {:files, :setup, [:root, :mounts, :dev], "the root can still be written"},
    {:terminal, :setup, [:root, :mounts, :dev], "its devpts is mounted"},
    {:names, :setup, [], "they take capabilities that are given up later"},
    {:network, :setup, [], "it takes capabilities that are given up later"},
    {:sysctl, :setup, [], "they take capabilities that are given up later"},
    {:masked_paths, :setup, [:open | @writes], "over everything that is mounted"},
    {:readonly_paths, :setup, @writes, "over everything that is mounted"},
    {:read_only_root, :setup, @writes, "everything has been written"},
    {:lock_mounts, :setup, [:masked_paths, :readonly_paths, :read_only_root | @writes],
     "nothing is mounted after it"},
    {:keyring, :seal, [], "with the rights from before the ids"},
    {:stdio_owner, :seal, [], "to change an owner takes capabilities"},
    {:cwd, :seal, [], "tried again as the user, where only the user may enter it"},
    {:environment, :seal, [], "a HOME that is looked up is that of the workload's own root"},
    {:umask, :seal, [], "it would change the modes of what comes before"},
    {:personality, :seal, [], "it could break what comes before"},
    {:priority, :seal, [], "to raise it takes a capability"},
    {:rlimits, :seal, [], "they could break what comes before"},
    {:bounding_set, :seal, [], "it takes CAP_SETPCAP, which is given up later"},
    {:securebits, :seal, [:bounding_set], "or a change of ids takes the capabilities"},
    {:user, :seal, [:stdio_owner, :priority, :rlimits, :bounding_set, :securebits],
     "groups, then the gid, then the uid, because the last takes the right to the others"},
    {:early_seccomp, :seal, [:user], "the last moment with CAP_SYS_ADMIN"},
    {:capabilities, :seal, [:stdio_owner, :priority, :rlimits, :bounding_set, :securebits, :user],
     "all that takes one has been done"},
    {:ambient, :seal, [:user, :capabilities],
     "what is ambient has to be permitted and inheritable, and a change of ids clears it"},
    {:no_new_privs, :seal, [], "no program of the set-up needs more than it has"},
    {:seccomp, :seal, [], "judged by the kernel here, and installed right before exec"},
    {:init, :exec, [], "process 1 is not behind the filters"},
    {:stop, :exec, [], "what it takes is not denied yet"},
    {:exec, :exec, [], "nothing of the set-up comes after it"}
  ]

  @rows Map.new(Enum.with_index(@table), fn {{name, where, before, why}, rank} ->
          {name, {where, Enum.map(before, &{:after, &1}), why, rank}}
        end)

  @wheres [:agent, :setup, :seal, :exec]

  @doc "The names, in their order."
  @spec names() :: [atom()]
  def names, do: for({name, _where, _after, _why} <- @table, do: name)

  @doc """
  Where phases can stand, in the order of time.

      iex> Linx.Plan.Phases.wheres()
      [:agent, :setup, :seal, :exec]
  """
  @spec wheres() :: [Phase.where()]
  def wheres, do: @wheres

  @doc """
  Whether the table has a phase.

      iex> Linx.Plan.Phases.known?(:umask)
      true
  """
  @spec known?(term()) :: boolean()
  def known?(name), do: is_map_key(@rows, name)

  @doc """
  The place of a phase in the table, from 0; nil for a phase that is not of the table.

      iex> Linx.Plan.Phases.rank(:stdio)
      0
  """
  @spec rank(Phase.name()) :: non_neg_integer() | nil
  def rank(name) do
    with {_where, _needs, _why, rank} <- @rows[name], do: rank
  end

  @doc """
  A phase of the table with what it holds.

      iex> phase = Linx.Plan.Phases.make(:umask, commands: [{:umask, 0o022}])
      iex> {phase.where, phase.why}
      {:seal, "it would change the modes of what comes before"}
  """
  @spec make(atom(), keyword()) :: Phase.t()
  def make(name, holds) do
    {where, needs, why, _rank} = Map.fetch!(@rows, name)
    more = Keyword.get(holds, :needs, [])

    %Phase{
      name: name,
      where: where,
      commands: Keyword.get(holds, :commands, []),
      keys: Keyword.get(holds, :keys, %{}),
      needs: needs ++ more,
      why: why
    }
  end
end
