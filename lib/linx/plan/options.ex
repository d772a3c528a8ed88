# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Options do
  @moduledoc false
  # The table of the options of `Linx.Plan.new/2`. `Linx.Plan.Build` makes the phases of them. Pure.

  alias Linx.Option
  alias Linx.Plan.{CapabilitySets, Checks, FileOptions, MountOptions, ProcessOptions}
  alias Linx.Process.Checks, as: Session
  alias Linx.Process.{Environment, Final, IdMaps, Namespaces}

  @rows "a list of up to 340 rows {inside, outside, count} that do not overlap"

  # The rows of `Linx.Option`, with the phases that the option goes into.
  @table [
    {:namespaces, [:namespaces], &Session.namespaces/1,
     "a list of :user :mount :uts :ipc :cgroup :net :time :pid"},
    {:uid_map, [:identity], &IdMaps.rows/1, @rows},
    {:gid_map, [:identity], &IdMaps.rows/1, @rows},
    {:setgroups, [:identity], [:allow, :deny], nil},
    {:oom_score_adj, [:outside], &ProcessOptions.score/1, "-1000 to 1000"},
    {:time_offsets, [:time], &Namespaces.time_offsets/1,
     "a keyword list over :boottime and :monotonic of seconds, each a number or {seconds, nanoseconds}"},
    {:rootfs, [:open, :root], &MountOptions.rootfs/1,
     "a path, :tmpfs, {:overlay, options} of :lower, :upper and :work, or :host"},
    {:propagation, [:root], [:private, :slave, :shared, :unbindable], nil},
    {:readonly, [:read_only_root], [true, false], nil},
    {:mounts, [:open, :mounts], &MountOptions.mounts/1,
     "a list of {:bind, from, to, options}, {:tmpfs | :proc | :sysfs | :devpts | :mqueue | :cgroup, to, options}, " <>
       "{:overlay, to, options} and {:fs, type, source, to, options}, with absolute paths"},
    {:dev, [:dev, :open], [:minimal, :host, false], nil},
    {:contents, [:files], &FileOptions.contents/1,
     "a map of absolute paths and what is in each, a binary of up to a MiB or {binary, mode}"},
    {:dirs, [:files], &FileOptions.dirs/1,
     "a list of absolute paths, {path, mode} and {path, mode, uid, gid}"},
    {:links, [:files], &FileOptions.links/1, "a map of absolute paths and what each leads to"},
    {:masked_paths, [:open, :masked_paths], &FileOptions.masked/1,
     ":default, or a list of absolute paths"},
    {:readonly_paths, [:readonly_paths], &FileOptions.readonly/1,
     ":default, or a list of absolute paths"},
    {:hostname, [:names], &ProcessOptions.name/1, "a string of up to 64 bytes without NUL"},
    {:domainname, [:names], &ProcessOptions.name/1, "a string of up to 64 bytes without NUL"},
    {:loopback, [:network], [true, false], nil},
    {:keyring, [:keyring], [:inherit, :new], nil},
    {:cwd, [:cwd], &Session.string/1, "a path, without NUL bytes"},
    {:env, [:environment], &Environment.check/1,
     ~s(a list of "KEY=VALUE", which is the whole environment, or an enumerable of {name, value}, changes to the ) <>
       "BEAM's, with nil for a variable to remove; of strings without NUL bytes"},
    {:clear_env, [:environment], [true, false], nil},
    {:umask, [:umask], &Final.mode/1, "permission bits, 0 to 0o777"},
    {:nice, [:priority], &Final.niceness/1, "-20 to 19"},
    {:scheduler, [:priority], &ProcessOptions.scheduler/1,
     ":other, :batch, :idle, {:fifo | :rr, priority}, or {policy, attributes} of sched_setattr(2)"},
    {:cpu_affinity, [:priority], &ProcessOptions.cpus/1,
     "a list of numbers of CPUs, and ranges of them"},
    {:io_priority, [:priority], &ProcessOptions.io_priority/1,
     "{:none | :realtime | :best_effort | :idle, level}, a level from 0 to 7"},
    {:personality, [:personality], &ProcessOptions.personality/1, ":linux, :linux32 or a number"},
    {:rlimits, [:rlimits], &ProcessOptions.rlimits/1,
     "a keyword list over the resources of getrlimit(2), such as :nofile, of a limit or {soft, hard}, each a number or " <>
       ":infinity"},
    {:securebits, [:securebits], &ProcessOptions.securebits/1,
     "a list of :noroot, :no_setuid_fixup, :keep_caps, :no_cap_ambient_raise and :locked"},
    {:user, [:user], &Checks.user/1,
     ~s("name", "name:group", an id, {user, group} or {user, group, groups})},
    {:capabilities, [:bounding_set, :capabilities, :ambient], &CapabilitySets.check/1,
     ":none, :default, :all, or a keyword list over :keep, :drop and :ambient of one of them or a list of capabilities"},
    {:no_new_privs, [:no_new_privs], [true, false], nil},
    {:seccomp, [:seccomp], &Checks.filter/1,
     "an array of struct sock_filter, of 8 bytes each, as a binary"},
    {:search_path, [:exec], [true, false], nil}
  ]

  @doc "The table."
  @spec table() :: [Option.row()]
  def table, do: @table

  @doc """
  Whether plans have an option of that name.

      iex> Linx.Plan.Options.option?(:rlimits)
      true
  """
  @spec option?(term()) :: boolean()
  def option?(name), do: List.keymember?(@table, name, 0)

  @doc """
  Checks the options, and returns their values by name.

      iex> Linx.Plan.Options.parse(umask: 0o022)
      {:ok, %{umask: 0o022}}
      iex> Linx.Plan.Options.parse(umask: -1)
      {:error, {:bad_umask, -1}}
      iex> Linx.Plan.Options.parse(mask: 0)
      {:error, {:bad_option, {:mask, 0}}}
  """
  @spec parse(term()) :: {:ok, map()} | {:error, Option.error()}
  def parse(opts) do
    with {:ok, opts} <- Option.list(opts), do: parse(opts, %{})
  end

  defp parse([], checked), do: {:ok, checked}

  defp parse([{name, value} = option | rest], checked) do
    with {_name, _phases, _check, _expected} = row <- List.keyfind(@table, name, 0),
         {:ok, value} <- Option.check(row, value) do
      parse(rest, Map.put(checked, name, value))
    else
      nil -> {:error, {:bad_option, option}}
      error -> error
    end
  end

  @doc """
  The option that makes a phase; nil when none or more than one does.

      iex> Linx.Plan.Options.of_phase(:rlimits)
      :rlimits
      iex> Linx.Plan.Options.of_phase(:environment)
      nil
  """
  @spec of_phase(Linx.Plan.Phase.name()) :: atom() | nil
  def of_phase(phase) do
    case for {name, phases, _check, _expected} <- @table, phase in phases, do: name do
      [name] -> name
      _none_or_more -> nil
    end
  end

  @doc """
  What is wrong with an option, in words; nil when the error is of none.

      iex> Linx.Plan.Options.message({:bad_umask, -1})
      "bad option :umask: permission bits, 0 to 0o777, got: -1"
  """
  @spec message(term()) :: String.t() | nil
  def message({:bad_option, {name, _value}}),
    do: "there is no option #{Option.shorten(name)} of a plan"

  def message({:bad_options, value}),
    do: "options are a keyword list, got: #{Option.shorten(value)}"

  def message({:bad_argv, value}) do
    "bad argv: a program, or a list of it and its arguments, of strings without NUL bytes, got: " <>
      Option.shorten(value)
  end

  def message(error), do: Option.message(@table, error)
end
