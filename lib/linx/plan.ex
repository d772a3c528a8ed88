# SPDX-License-Identifier: MIT

defmodule Linx.Plan do
  @moduledoc """
  What a session does before its program runs, as data: an ordered list of named phases.

  Each phase holds set-up commands, keys of the request, or both, and says why it stands where it stands. A plan can be
  looked at, edited and checked before anything is started: nothing is looked up or opened by any function of this module.

      iex> alias Linx.Plan
      iex> alias Linx.Plan.Phase
      iex> plan = %Plan{
      ...>   argv: ["/bin/sh"],
      ...>   phases: [%Phase{name: :umask, where: :seal, commands: [{:umask, 0o022}]}]
      ...> }
      iex> plan = Plan.insert_after(plan, :umask, Plan.phase(:low, [{:nice, 10}], why: "others go first"))
      iex> Plan.phases(plan)
      [:umask, :low]

  An edit whose phase does not exist, or whose name is taken, raises `ArgumentError`, which names the nearest one. So edits
  are joined by pipes.
  """

  alias Linx.Plan.{Edit, Phase}

  defstruct phases: [], argv: [], process: [], notes: [], metadata: %{}

  @typedoc """
    * `:phases` - in their order
    * `:argv` - the program and its arguments
    * `:process` - options of `Linx.Process.spawn/1` that go with the plan, such as `:stdio`; those beside the plan count
      before them
    * `:notes` - sentences for who reads the plan
    * `:metadata` - anything of the caller's
  """
  @type t :: %__MODULE__{
          phases: [Phase.t()],
          argv: [binary()],
          process: keyword(),
          notes: [String.t()],
          metadata: map()
        }

  @typedoc "The name of a phase."
  @type name :: Phase.name()

  @doc """
  The names of the phases, in their order.

      iex> Linx.Plan.phases(%Linx.Plan{})
      []
  """
  @spec phases(t()) :: [name()]
  def phases(%__MODULE__{phases: phases}), do: Enum.map(phases, & &1.name)

  @doc """
  The phase of a name; `{:error, {:no_phase, name, nearest}}` has the name that is most like it, nil in a plan without
  phases.

      iex> plan = %Linx.Plan{phases: [%Linx.Plan.Phase{name: :umask, where: :seal}]}
      iex> {:ok, phase} = Linx.Plan.fetch(plan, :umask)
      iex> phase.where
      :seal
      iex> Linx.Plan.fetch(plan, :mask)
      {:error, {:no_phase, :mask, :umask}}
  """
  @spec fetch(t(), name()) :: {:ok, Phase.t()} | {:error, {:no_phase, name(), name() | nil}}
  def fetch(%__MODULE__{phases: phases}, name), do: Edit.fetch(phases, name)

  @doc """
  A phase of one's own, to be put into a plan.

    * `:where` - `:agent`, `:setup`, `:seal` or `:exec`; by default that of the phase beside which it is put
    * `:keys` - keys of the request, `%{}` by default
    * `:needs` - what has to be so there, see `t:Linx.Plan.Phase.need/0`
    * `:why` - a clause for `explain/1`
    * `:origin` - where it came from

  Raises `ArgumentError` for another option.

      iex> phase = Linx.Plan.phase(:low, [{:nice, 10}], why: "others go first")
      iex> {phase.name, phase.where, phase.commands}
      {:low, nil, [{:nice, 10}]}
  """
  @spec phase(name(), [Phase.command()], keyword()) :: Phase.t()
  def phase(name, commands, opts \\ []) when is_list(commands) do
    case Keyword.keys(opts) -- [:where, :keys, :needs, :why, :origin] do
      [] ->
        struct!(%Phase{name: name, commands: commands}, opts)

      [unknown | _] ->
        raise ArgumentError,
              "there is no option #{inspect(unknown)} of a phase; there are :where, :keys, :needs, :why and :origin"
    end
  end

  @doc """
  Puts a phase before the one of that name.

      iex> alias Linx.Plan
      iex> plan = %Plan{phases: [Plan.phase(:umask, [], where: :seal)]}
      iex> plan |> Plan.insert_before(:umask, Plan.phase(:mine, [])) |> Plan.phases()
      [:mine, :umask]
  """
  @spec insert_before(t(), name(), Phase.t()) :: t()
  def insert_before(%__MODULE__{phases: phases} = plan, name, phase),
    do: %{plan | phases: Edit.insert(phases, :before, name, phase)}

  @doc """
  Puts a phase after the one of that name.

      iex> alias Linx.Plan
      iex> plan = %Plan{phases: [Plan.phase(:umask, [], where: :seal)]}
      iex> plan |> Plan.insert_after(:umask, Plan.phase(:mine, [])) |> Plan.phases()
      [:umask, :mine]
  """
  @spec insert_after(t(), name(), Phase.t()) :: t()
  def insert_after(%__MODULE__{phases: phases} = plan, name, phase),
    do: %{plan | phases: Edit.insert(phases, :after, name, phase)}

  @doc """
  Puts a phase, which may have another name, in the place of the one of that name.

      iex> alias Linx.Plan
      iex> plan = %Plan{phases: [Plan.phase(:umask, [], where: :seal)]}
      iex> plan |> Plan.replace(:umask, Plan.phase(:mine, [])) |> Plan.phases()
      [:mine]
  """
  @spec replace(t(), name(), Phase.t()) :: t()
  def replace(%__MODULE__{phases: phases} = plan, name, phase),
    do: %{plan | phases: Edit.replace(phases, name, phase)}

  @doc """
  Puts what a function returns for the phase of that name in its place.

      iex> alias Linx.Plan
      iex> plan = %Plan{phases: [Plan.phase(:umask, [{:umask, 0o022}], where: :seal)]}
      iex> plan = Plan.update(plan, :umask, &%{&1 | commands: [{:umask, 0o077}]})
      iex> {:ok, phase} = Plan.fetch(plan, :umask)
      iex> phase.commands
      [umask: 0o077]
  """
  @spec update(t(), name(), (Phase.t() -> Phase.t())) :: t()
  def update(%__MODULE__{phases: phases} = plan, name, fun) when is_function(fun, 1),
    do: %{plan | phases: Edit.update(phases, name, fun)}

  @doc """
  Takes the phase of that name away.

      iex> alias Linx.Plan
      iex> plan = %Plan{phases: [Plan.phase(:umask, [], where: :seal)]}
      iex> plan |> Plan.delete(:umask) |> Plan.phases()
      []
  """
  @spec delete(t(), name()) :: t()
  def delete(%__MODULE__{phases: phases} = plan, name),
    do: %{plan | phases: Edit.delete(phases, name)}

  @doc """
  Adds commands to the phase of that name, behind those that it has.

      iex> alias Linx.Plan
      iex> plan = %Plan{phases: [Plan.phase(:priority, [{:nice, 1}], where: :seal)]}
      iex> {:ok, phase} = plan |> Plan.append(:priority, [{:umask, 0}]) |> Plan.fetch(:priority)
      iex> phase.commands
      [nice: 1, umask: 0]
  """
  @spec append(t(), name(), [Phase.command()]) :: t()
  def append(%__MODULE__{} = plan, name, commands) when is_list(commands),
    do: update(plan, name, &%{&1 | commands: &1.commands ++ commands})

  defimpl Inspect do
    import Inspect.Algebra

    # Names of phases that are shown.
    @shown 8

    def inspect(plan, opts) do
      names = Enum.map(plan.phases, &Linx.Plan.Names.text(&1.name))
      {shown, more} = Enum.split(names, @shown)
      shown = if more == [], do: shown, else: shown ++ ["…"]

      concat([
        "#Linx.Plan<",
        to_doc(plan.argv, %{opts | limit: 5, printable_limit: 80}),
        inside(plan),
        ", #{length(names)} phases",
        if(names == [], do: "", else: ": " <> Enum.join(shown, " · ")),
        ">"
      ])
    end

    defp inside(plan) do
      case for phase <- plan.phases, {:namespaces, kinds} <- phase.keys, kind <- kinds, do: kind do
        [] -> ""
        kinds -> " in " <> Enum.join(kinds, " ")
      end
    end
  end
end
