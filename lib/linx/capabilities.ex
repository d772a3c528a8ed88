# SPDX-License-Identifier: MIT

defmodule Linx.Capabilities do
  @moduledoc """
  The capabilities of a process (capabilities(7)): reads them, and takes them from a workload at the
  checkpoint, where its child is parked before exec (see `Linx.Process`).

  Capabilities are atoms such as `:cap_net_admin`, and sets of them `MapSet`s; the verbs also take
  lists.

  ## After exec

  exec makes new sets of those at the checkpoint (capabilities(7); ambient sets are those of Linux 4.3 and later). The verbs
  here and `Linx.User.set_credentials/2` go by that, in any order: each returns an error for what it cannot do, and what exec
  would not keep is the session's error at `:cap_set_thread` instead of `:running`. A program whose file gives no
  capabilities then has:

    * ambient: what `set_ambient/2` was given
    * inheritable: what `set_thread_sets/2` was given
    * bounding: what the BEAM's has without what `drop_bounding/2` took, and, where `set_thread_sets/2` was called for a
      workload of root's, no more than its permitted set
    * permitted, and effective, which exec makes equal: of a program that is not root the ambient set; of root's the bounding
      and inheritable sets

  Without the verb a set is the BEAM's, but ids that were set leave no ambient capability that was not asked for. With
  `set_thread_sets/2` the permitted and effective sets have nothing beyond those given and the ambient set. They
  are those given, exactly, unless `set_ambient/2` says what the program keeps.

  A program whose file is set-user-ID or has capabilities (setcap(8)) gains those as well, as do programs that it executes,
  up to the bounding set and not with `no_new_privs: true`. Where the BEAM was started with SECBIT_NOROOT, root is like any
  other user.

  A server of an ordinary user's that may bind port 80, as
  `setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps +net_bind_service --ambient-caps +net_bind_service` makes it:

      bind = [:cap_net_bind_service]
      :ok = Linx.User.set_credentials(session, uid: 1000, gid: 1000)
      :ok = Linx.Capabilities.set_thread_sets(session, effective: bind, permitted: bind, inheritable: bind)
      :ok = Linx.Capabilities.set_ambient(session, bind)

  With the ids last, the sets until then need `:cap_setuid` and `:cap_setgid`, too. What is ambient has to be permitted and
  inheritable first, and `drop_bounding/2` takes `:cap_setpcap` in the effective set, so it comes before the others.
  """

  import Bitwise

  alias Linx.Capabilities.Masks
  alias Linx.Process.Error

  @names Masks.all()

  # A kernel newer than this table has bits without a name here; read/1 names them by their number.
  @all_names @names ++ for(bit <- length(@names)..63, do: :"cap_#{bit}")

  @fields [
    {"CapInh", :inheritable},
    {"CapPrm", :permitted},
    {"CapEff", :effective},
    {"CapBnd", :bounding},
    {"CapAmb", :ambient}
  ]

  defstruct effective: MapSet.new(),
            permitted: MapSet.new(),
            inheritable: MapSet.new(),
            bounding: MapSet.new(),
            ambient: MapSet.new()

  @typedoc "A capability, such as `:cap_net_admin`."
  @type capability :: atom()

  @typedoc "Capabilities, in no order."
  @type set :: MapSet.t(capability()) | [capability()]

  @type t :: %__MODULE__{
          effective: MapSet.t(capability()),
          permitted: MapSet.t(capability()),
          inheritable: MapSet.t(capability()),
          bounding: MapSet.t(capability()),
          ambient: MapSet.t(capability())
        }

  @typedoc "Why a verb of this module has changed nothing."
  @type refusal ::
          {:error, {:bad_capabilities, term()} | Error.t() | :not_ready | :running | :no_process}

  @doc """
  Every capability, in the order of the kernel's bits.

      iex> length(Linx.Capabilities.all())
      41
  """
  @spec all() :: [capability()]
  def all, do: @names

  @doc """
  The five sets of a process of this host; with `:self` those of the BEAM.

  A capability that this module has no name for is named by its bit, such as `:cap_41`.
  `{:error, :no_process}` when there is no such process, `{:error, {:bad_pid, value}}` for a value that is no pid.

      iex> {:ok, capabilities} = Linx.Capabilities.read(1)
      iex> :cap_kill in capabilities.permitted
      true
  """
  @spec read(pos_integer() | :self) ::
          {:ok, t()} | {:error, :no_process | {:bad_pid, term()} | Error.t()}
  def read(pid) when (is_integer(pid) and pid > 0) or pid == :self do
    case File.read("/proc/#{pid}/status") do
      {:ok, status} -> {:ok, parse(status)}
      {:error, reason} when reason in [:enoent, :esrch] -> {:error, :no_process}
      {:error, reason} -> {:error, Error.new(:read_status, reason)}
    end
  end

  def read(pid), do: {:error, {:bad_pid, pid}}

  @doc """
  Drops capabilities from the workload's bounding set, at the checkpoint: all of them or, when the
  kernel refuses, none.

  A program of root's keeps those that are inheritable (see "After exec").

  As with the other functions here, `:ok` means that the kernel has done it. `{:error, {:bad_capabilities, value}}`
  has the values that are no capabilities; nothing is sent then. A refusal by the kernel is
  `{:error, %Linx.Process.Error{}}` and ends the session. `{:error, :not_ready}` before the checkpoint,
  `{:error, :running}` after it, `{:error, :no_process}` after the end.

      iex> Linx.Capabilities.drop_bounding(self(), [:cap_net_raw, :cap_of_tea])
      {:error, {:bad_capabilities, [:cap_of_tea]}}
  """
  @spec drop_bounding(Linx.Process.session(), set()) :: :ok | refusal()
  def drop_bounding(session, capabilities) do
    with {:ok, mask} <- mask(capabilities),
         do: Linx.Process.checkpoint(session, {:cap_drop_bounding, mask})
  end

  @doc """
  Sets the workload's effective, permitted and inheritable sets, at the checkpoint.

  `sets` is a keyword list, a map or a `Linx.Capabilities` struct with `:effective`, `:permitted` and
  `:inheritable`; one that is left out is empty. The other keys of a struct are ignored.

  They are also the most that the program has; see "After exec" above. For a workload of root's the bounding set is limited to
  the permitted one. What exec would not keep is refused after `Linx.Process.proceed/1`, with `EINVAL`: permitted capabilities
  of another user's workload for which `set_ambient/2` was not called, an effective set of root's that is not all it is
  permitted.
  What `set_ambient/2` was given has to stay permitted and inheritable: give it a smaller set first.

      iex> Linx.Capabilities.set_thread_sets(self(), effective: [:cap_kill], permitted: :all)
      {:error, {:bad_capabilities, :all}}
  """
  @spec set_thread_sets(Linx.Process.session(), keyword(set()) | map()) :: :ok | refusal()
  def set_thread_sets(session, sets) do
    with {:ok, sets} <- thread_sets(sets),
         {:ok, effective} <- mask(sets.effective),
         {:ok, permitted} <- mask(sets.permitted),
         {:ok, inheritable} <- mask(sets.inheritable) do
      Linx.Process.checkpoint(session, {:cap_set_thread, effective, permitted, inheritable})
    end
  end

  @doc """
  Makes the workload's ambient set exactly this one, at the checkpoint.

  A capability can be ambient only when it is permitted and inheritable. The program has it, as whichever user it runs
  (Linux 4.3).

      iex> Linx.Capabilities.set_ambient(self(), [:cap_kill | :improper])
      {:error, {:bad_capabilities, [:cap_kill | :improper]}}
  """
  @spec set_ambient(Linx.Process.session(), set()) :: :ok | refusal()
  def set_ambient(session, capabilities) do
    with {:ok, mask} <- mask(capabilities),
         do: Linx.Process.checkpoint(session, {:cap_set_ambient, mask})
  end

  @doc """
  A set as the kernel's bit mask.

      iex> Linx.Capabilities.mask([:cap_chown, :cap_kill])
      {:ok, 0b100001}
  """
  @spec mask(set()) :: {:ok, non_neg_integer()} | {:error, {:bad_capabilities, term()}}
  defdelegate mask(set), to: Masks

  defp thread_sets(%__MODULE__{} = sets), do: {:ok, sets}

  defp thread_sets(sets) do
    empty = %{effective: [], permitted: [], inheritable: []}

    with true <- is_map(sets) or (is_list(sets) and Keyword.keyword?(sets)),
         given = Map.new(sets),
         merged = Map.merge(empty, given),
         true <- map_size(merged) == map_size(empty) do
      {:ok, merged}
    else
      false -> {:error, {:bad_capabilities, sets}}
    end
  end

  defp parse(status) do
    for line <- String.split(status, "\n"),
        {label, field} <- @fields,
        String.starts_with?(line, label <> ":"),
        into: %{} do
      [_label, hexadecimal] = String.split(line)
      {field, names(String.to_integer(hexadecimal, 16))}
    end
    |> then(&struct!(__MODULE__, &1))
  end

  defp names(mask) do
    for {name, bit} <- Enum.with_index(@all_names),
        (mask >>> bit &&& 1) == 1,
        into: MapSet.new(),
        do: name
  end
end
