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

  Wherever `Linx.Process.spawn/1`, `Linx.Process.enter/2` and the calls of `Linx` take options or a program, they take a plan
  instead, or one as `:plan`. It is checked first: a plan that contradicts itself is `{:error, {:bad_plan, problems}}`, and
  nothing is started. How the session behaves (`:owner`, `:stdio`, `:timeout` and so on) is said beside it; what a plan has
  options for is not.

      iex> plan = Linx.Plan.new!(["sh", "-c", "umask; pwd"], search_path: true, umask: 0o027, cwd: "/")
      iex> {:ok, result} = Linx.run(plan, timeout: 60_000)
      iex> result.stdout
      "0027\\n/\\n"

  The error of a phase names it, with the position of its command there (`Linx.Process.Error`):

      iex> {:error, error} = Linx.run(Linx.Plan.new!("true", cwd: "/no/such/directory"))
      iex> {error.stage, error.errno, error.phase, error.subject}
      {:chdir, :enoent, :cwd, "/no/such/directory"}
  """

  alias Linx.Plan.{Build, Check, Checks, Edit, Explain, Look, Merge, Options, Phase, Problem}
  alias Linx.Plan.Request
  alias Linx.Process.Checks, as: Session

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
  The plan of a program, a list with its arguments or its name alone, and options. Their order is without effect.

  Where something runs:

    * `:namespaces` - fresh ones, as `Linx.Process.spawn/1` takes them; with `Linx.Process.enter/2` those that are joined. By
      default those that the other options need.
    * `:uid_map`, `:gid_map` - the ids of its user namespace, rows `{inside, outside, count}`, both or neither; `:setgroups` -
      `:allow` or `:deny`. Without them they are written at the checkpoint (`Linx.User.setup_maps/2`), and nothing can be
      mounted or made before.
    * `:oom_score_adj` - -1000 to 1000 (proc(5))
    * `:time_offsets`, `:loopback`, `:keyring`, `:cwd`, `:env`, `:clear_env`, `:search_path` - as `Linx.Process.spawn/1` takes
      them

  What it sees of files, in a mount namespace of its own:

    * `:rootfs` - what becomes its root: a path; `:tmpfs`, an empty one of 16 MiB; `{:overlay, lower: [path], upper: path, work:
      path}`, or `:lower` alone, of two or more, which cannot be written; or `:host`, for the host's tree
    * `:propagation` - of the root, `:private` by default, `:slave`, `:shared` or `:unbindable`; of the host's tree, which is
      `:slave` by default, all mounts
    * `:readonly` - with `true` its root is read-only in the end, but not what is mounted in it
    * `:mounts` - in their order: `{:bind, from, to, options}`, `{:overlay, to, options}`, `{:fs, type, source, to, options}`, and
      `{kind, to}` or `{kind, to, options}` with `:tmpfs`, `:proc`, `:sysfs`, `:devpts`, `:mqueue` or `:cgroup`. `from` is a path of
      the host, `to` one of its own root, and what is not there is made. The options are a list of `:ro`, `:rw`, `:nosuid`,
      `:nodev`, `:noexec` and so on, and `propagation: kind`; for a bind also `recursive: false` and `if_exists: true`, for a
      tmpfs `size: "64m"` and `mode: 0o1777`, for a file system `data: [option]`. All but a bind and an overlay are `:nosuid`, and
      `:nodev` or `:noexec`, as is usual for them.
    * `:dev` - `:minimal` for a `/dev` of its own, with the six usual devices, `pts` and `shm`; `:host` for the host's
    * `:contents` - files to make: `%{"/etc/hosts" => data, "/etc/key" => {data, 0o600}}`; `:dirs` - directories, `path`, `{path,
      mode}` or `{path, mode, uid, gid}`; `:links` - symbolic links, `%{"/bin" => "usr/bin"}`. A file that is there is an error.
    * `:masked_paths`, `:readonly_paths` - paths to hide, and to make read-only; `:default` for those of Docker

  Names: `:hostname` and `:domainname`, in a UTS namespace of its own.

  Who it is, and what it may use:

    * `:user` - `"name"`, `"name:group"`, an id, `{user, group}` or `{user, group, groups}`; names are those of the workload's
      root. With a group no supplementary groups are looked up.
    * `:nice`, `:umask` - as `Linx.Process.spawn/1` takes them
    * `:rlimits` - `[nofile: 1024, core: {0, :infinity}]`, soft and hard limits (getrlimit(2))
    * `:scheduler` - `:batch`, `{:fifo, 10}`, `{:deadline, runtime: ns, deadline: ns, period: ns}` (sched(7)); `:cpu_affinity` -
      `[0, 2..3]`; `:io_priority` - `{:best_effort, 7}` (ioprio_set(2)); `:personality` - `:linux32` or a number
    * `:securebits` - of `:noroot`, `:no_setuid_fixup`, `:keep_caps`, `:no_cap_ambient_raise`, and `:locked`, which locks those
      (capabilities(7))
    * `:capabilities` - those that the program can have: `:none`, `:all`, `:default` (the 14 that Docker leaves a container), or
      a keyword list of `:keep` and `:drop`, each one of those three or a list of `Linx.Capabilities`, and `:ambient`, a list. A
      program of another user than root has the ambient ones alone. With `:drop` and no `:keep` the others are kept, and with
      `:ambient` alone these. The rest is taken from the bounding set as well, so that no program can gain it.
    * `:no_new_privs` - `true` sets the bit of that name (prctl(2))
    * `:seccomp` - a filter, as `Linx.Seccomp.install/2` takes it. It is installed right before exec.

  `{:error, {:bad_<option>, value}}`, `{:error, {:bad_argv, value}}`, `{:error, {:bad_option, {name, value}}}` for an option
  that does not exist, `{:error, {:bad_options, value}}` for what is no keyword list.

      iex> {:ok, plan} = Linx.Plan.new(["/bin/sh"], user: "www", umask: 0o022, loopback: true)
      iex> plan
      #Linx.Plan<["/bin/sh"] in net, 5 phases: namespaces · network · umask · user · exec>
      iex> Linx.Plan.new("ls", umask: -1)
      {:error, {:bad_umask, -1}}
  """
  @spec new([Linx.Process.os_string()] | Linx.Process.os_string(), keyword()) ::
          {:ok, t()} | {:error, {atom(), term()}}
  def new(argv, opts \\ []) do
    case Checks.argv(argv) do
      {:ok, checked} ->
        with {:ok, options} <- Options.parse(opts) do
          phases = Build.phases(options)
          {:ok, %__MODULE__{argv: checked, phases: phases, notes: Build.notes(options)}}
        end

      :error ->
        {:error, {:bad_argv, argv}}
    end
  end

  @doc """
  The plan that `new/2` returns; raises `ArgumentError` for its errors.

      iex> Linx.Plan.new!("ls", cwd: "/").argv
      ["ls"]
      iex> Linx.Plan.new!("ls", cwd: 7)
      ** (ArgumentError) bad option :cwd: a path, without NUL bytes, got: 7
  """
  @spec new!([Linx.Process.os_string()] | Linx.Process.os_string(), keyword()) :: t()
  def new!(argv, opts \\ []) do
    case new(argv, opts) do
      {:ok, plan} -> plan
      {:error, error} -> raise ArgumentError, Options.message(error)
    end
  end

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

  @doc """
  The plan with more options of `new/2`, applied to its phases.

  A phase that the plan has keeps its place and what is not said anew; another one is put where it belongs. Namespaces,
  mounts, files, and paths that are hidden or read-only are added. Raises `ArgumentError` for an option that does not fit.

      iex> plan = Linx.Plan.new!("ls", umask: 0, nice: 1)
      iex> plan = Linx.Plan.merge(plan, umask: 0o022, user: "www")
      iex> Linx.Plan.to_request(plan).final
      [{:umask, 0o022}, {:nice, 1}, {:set_user, "www", []}]
  """
  @spec merge(t(), keyword()) :: t()
  def merge(%__MODULE__{} = plan, opts) do
    case Options.parse(opts) do
      {:ok, options} ->
        phases = Merge.phases(plan.phases, Build.phases(options, Check.Slots.free(plan.phases)))
        %{plan | phases: phases, notes: Enum.uniq(plan.notes ++ Build.notes(options))}

      {:error, error} ->
        raise ArgumentError, Options.message(error)
    end
  end

  @doc """
  Whether the plan contradicts itself: `:ok`, or every problem, in the order of the phases.

  A plan that does is not run. With `look: true` it is also asked whether something on this machine is in the way, such as
  a namespace that the kernel has not or a directory that does not exist, as far as that is known without trying it.

      iex> plan = Linx.Plan.new!("ls", capabilities: [keep: [:cap_kill], ambient: [:cap_net_raw]])
      iex> {:error, [problem]} = Linx.Plan.check(plan)
      iex> to_string(problem)
      "phase ambient, step 1: net_raw: what is ambient has to be permitted"
      iex> Linx.Plan.check(Linx.Plan.new!("/no/such/program"), look: true)
      {:error, [%Linx.Plan.Problem{phase: :exec, message: ~s(there is no file "/no/such/program")}]}
  """
  @spec check(t(), look: boolean()) :: :ok | {:error, [Problem.t(), ...]}
  def check(%__MODULE__{argv: argv, phases: phases, process: process}, opts \\ []) do
    look? = Keyword.get(opts, :look, false)

    with [] <- whole(argv, phases, process),
         [] <- Check.problems(phases),
         [] <- if(look?, do: Look.problems(argv, phases), else: []) do
      :ok
    else
      problems -> {:error, problems}
    end
  end

  defp whole(argv, phases, process) do
    for {false, message} <- [
          {match?({:ok, ^argv}, Session.strings(argv)),
           "argv is a list of the program and its arguments, of strings without NUL bytes"},
          {is_list(phases) and not List.improper?(phases), "the phases are a list"},
          {is_list(process) and Keyword.keyword?(process),
           "what goes with a session, :process, is a keyword list"}
        ],
        do: %Problem{message: message}
  end

  @doc ~S'''
  The plan as numbered text: what is done, in which order, by whom, and why there. Values of variables are not in it.

      iex> plan = Linx.Plan.new!(["make", "test"], umask: 0o022)
      iex> text = plan |> Linx.Plan.explain() |> IO.iodata_to_binary()
      iex> text |> String.split("\n") |> Enum.take(5) |> List.last()
      "  1 umask           0022"
  '''
  @spec explain(t()) :: iodata()
  def explain(%__MODULE__{argv: argv, phases: phases, notes: notes}),
    do: Explain.text(argv, phases, notes)

  @doc """
  What the plan says to the agent: the keys of its request, as `pages/wire.md` has them.

      iex> Linx.Plan.to_request(Linx.Plan.new!("ls", umask: 0o022, loopback: true))
      %{argv: ["ls"], namespaces: [:net], setup: [:loopback], final: [umask: 0o022]}
  """
  @spec to_request(t()) :: map()
  def to_request(%__MODULE__{argv: argv, phases: phases}),
    do: phases |> Request.keys() |> Map.put(:argv, argv)

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
