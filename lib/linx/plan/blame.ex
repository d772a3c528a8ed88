# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Blame do
  @moduledoc false
  # Which phase of a plan an error of the agent is of. Pure.

  alias Linx.Plan.{Commands, Phase, Request, Words}

  # The keys of a request, and the stages at which the agent reports what comes of them.
  @stages %{
    namespaces: [:clone, :mount_slave, :unshare_cgroup],
    time_offsets: [:time_offsets],
    uid_map: [:uid_map, :newuidmap],
    gid_map: [:gid_map, :newgidmap],
    setgroups: [:setgroups],
    oom_score_adj: [:oom_score_adj],
    cwd: [:chdir],
    keyring: [:keyctl]
  }

  @typedoc "What of a plan is needed to find the phase of an error."
  @type index :: [
          {:setup | :final, non_neg_integer(), Phase.name(), pos_integer(), atom(),
           String.t() | nil}
          | {:stage, atom(), Phase.name(), String.t() | nil}
        ]

  @typedoc "The phase of an error, the position of its command there, and what that is about."
  @type place :: %{
          phase: Phase.name() | nil,
          position: pos_integer() | nil,
          subject: String.t() | nil
        }

  @nowhere %{phase: nil, position: nil, subject: nil}

  @doc "The index of the phases of a plan."
  @spec index([Phase.t()]) :: index()
  def index(phases) do
    commands =
      for {list, index, phase, position, command} <- Request.commands(phases),
          do: {list, index, phase, position, Commands.name(command), Words.subject(command)}

    commands ++ for(phase <- phases, stage <- stages(phase), do: stage)
  end

  defp stages(%{name: :exec}), do: [{:stage, :execve, :exec, nil}]

  defp stages(%{name: name, keys: keys}) do
    for {key, value} <- keys,
        stage <- Map.get(@stages, key, []),
        do: {:stage, stage, name, if(key == :cwd, do: value)}
  end

  @doc """
  The place of an error at a stage, of the command with that index in the list `:setup` or `:final`, or of none. An index
  is that of one list, and the stage, which is the name of the command unless it failed before that was applied, says
  which; where it does not, `list` does, the one that is applied at the time of the error.

      iex> alias Linx.Plan.{Blame, Phase}
      iex> index = Blame.index([
      ...>   %Phase{name: :a, where: :setup, commands: [{:umask, 0}]},
      ...>   %Phase{name: :b, where: :seal, commands: [{:umask, 0}, {:nice, 1}]}
      ...> ])
      iex> Blame.place(index, :nice, 1, :setup)
      %{phase: :b, position: 2, subject: nil}
      iex> Enum.map([:setup, :final], &Blame.place(index, :umask, 0, &1).phase)
      [:a, :b]
      iex> Blame.place(index, :nice, nil, nil)
      %{phase: nil, position: nil, subject: nil}
  """
  @spec place(index(), atom(), non_neg_integer() | nil, :setup | :final | nil) :: place()
  def place(_index, _stage, nil, nil), do: @nowhere

  # Commands that are checked once and have their effect right before exec have no index there.
  def place(index, stage, nil, _list) do
    case for({_list, _at, _phase, _position, ^stage, _subject} = command <- index, do: command) do
      [command] -> found(command)
      _none_or_more -> index |> Enum.find(&match?({:stage, ^stage, _, _}, &1)) |> found()
    end
  end

  def place(index, stage, at, list) do
    candidates =
      for {_list, ^at, _phase, _position, _name, _subject} = command <- index, do: command

    case Enum.filter(candidates, &(elem(&1, 4) == stage)) do
      [command] -> found(command)
      [] -> candidates |> Enum.find(&(elem(&1, 0) == list)) |> found()
      both -> both |> Enum.find(&(elem(&1, 0) == list)) |> found()
    end
  end

  defp found({_list, _at, phase, position, _name, subject}),
    do: %{phase: phase, position: position, subject: subject}

  defp found({:stage, _stage, phase, subject}),
    do: %{phase: phase, position: nil, subject: subject}

  defp found(nil), do: @nowhere
end
