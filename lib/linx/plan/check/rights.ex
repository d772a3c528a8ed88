# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Check.Rights do
  @moduledoc false
  # Whether the ids and the capabilities of a plan can become what its commands say (capabilities(7)). Pure.
  #
  # The commands are followed in their order. What is not known, because it is the BEAM's, is no problem.

  import Bitwise

  alias Linx.Capabilities.Masks
  alias Linx.Plan.{Build, CapabilitySets, Problem}

  # `sets` are the permitted and inheritable ones, once a command has set them; `user` is who the program runs as, nil for
  # who the BEAM is; `kept` is where permitted ones were set.
  defstruct dropped: 0,
            sets: nil,
            effective: nil,
            ambient: nil,
            user: nil,
            kept: nil,
            problems: []

  @doc "Capabilities that are not there when they are needed, or are gone at exec, and ids that are set twice."
  @spec problems([Linx.Plan.Phase.t()]) :: [Problem.t()]
  def problems(phases) do
    phases
    |> Enum.reduce(%__MODULE__{}, &phase/2)
    |> gone_at_exec()
    |> Map.fetch!(:problems)
  end

  defp phase(phase, state) do
    state = Enum.reduce(phase.needs, state, &need(&1, phase, &2))

    phase.commands
    |> Enum.with_index(1)
    |> Enum.reduce(state, fn {command, position}, state ->
      command(command, {phase.name, position}, state)
    end)
  end

  defp need({:capability, name}, phase, %{effective: effective} = state)
       when effective != nil do
    if name in Masks.all() and (effective >>> Masks.bit(name) &&& 1) == 0,
      do:
        problem(state, {phase.name, nil}, "it takes #{name}, which an earlier phase has given up"),
      else: state
  end

  defp need(_other, _phase, state), do: state

  defp command({:cap_drop_bounding, mask}, _at, state),
    do: %{state | dropped: state.dropped ||| mask}

  defp command({:cap_set_thread, effective, permitted, inheritable}, at, state) do
    %{state | sets: {permitted, inheritable}, effective: effective, kept: {at, permitted}}
    |> subset(at, effective, permitted, "effective", "permitted")
    |> disjoint(at, permitted, state.dropped)
    |> ambient_stays(at)
  end

  defp command({:cap_set_ambient, mask}, at, %{sets: {permitted, inheritable}} = state) do
    %{state | ambient: mask}
    |> subset(at, mask, permitted, "ambient", "permitted")
    |> subset(at, mask, inheritable, "ambient", "inheritable")
  end

  defp command({:cap_set_ambient, mask}, _at, state), do: %{state | ambient: mask}

  defp command({:set_user, user, _groups}, at, state), do: ids(state, at, user)

  defp command({:set_credentials, :keep, _gid, _groups}, _at, state), do: state

  defp command({:set_credentials, uid, _gid, _groups}, at, state),
    do: ids(state, at, Integer.to_string(uid))

  defp command(_other, _at, state), do: state

  defp ids(%{user: nil} = state, _at, user), do: %{state | user: user}

  defp ids(state, at, _user),
    do: problem(state, at, "an earlier phase has set ids, after which they are not changed again")

  # What was made ambient before has to stay permitted and inheritable.
  defp ambient_stays(%{ambient: nil} = state, _at), do: state

  defp ambient_stays(%{sets: {permitted, inheritable}} = state, at),
    do:
      subset(
        state,
        at,
        state.ambient,
        permitted &&& inheritable,
        "ambient",
        "permitted and inheritable"
      )

  defp subset(state, at, mask, of, what, of_what) do
    case mask &&& bnot(of) do
      0 -> state
      more -> problem(state, at, "#{names(more)}: what is #{what} has to be #{of_what}")
    end
  end

  defp disjoint(state, at, permitted, dropped) do
    case permitted &&& dropped do
      0 -> state
      both -> problem(state, at, "#{names(both)}: kept, and dropped from the bounding set")
    end
  end

  # The agent refuses that at exec, because it would silently be less than was asked for.
  defp gone_at_exec(%{user: user, kept: {at, permitted}, ambient: nil} = state)
       when user != nil and permitted != 0 do
    if Build.root?(user),
      do: state,
      else:
        problem(
          state,
          at,
          "another user's program has the ambient capabilities alone, and no command makes any ambient"
        )
  end

  defp gone_at_exec(state), do: state

  defp names(mask) do
    case CapabilitySets.names(mask) do
      [] -> "bits without a name"
      names -> Enum.join(names, " ")
    end
  end

  defp problem(state, {phase, position}, message) do
    option = if phase in [:bounding_set, :capabilities, :ambient], do: :capabilities
    problem = %Problem{phase: phase, position: position, option: option, message: message}
    %{state | problems: [problem | state.problems]}
  end
end
