# SPDX-License-Identifier: MIT

defmodule Linx.User do
  @moduledoc """
  The identity of a workload: the id maps of its user namespace (user_namespaces(7)), and the ids it
  runs with.

  The options `:user`, `:group` and `:groups` of `Linx.Process.spawn/1` and of calls set ids as well, also by the names of
  `/etc/passwd` and `/etc/group`, and need no stop at the checkpoint.
  """

  alias Linx.Capabilities
  alias Linx.Process.{Error, IdMaps}

  # (uid_t)-1 means "leave alone" to the kernel, so the largest id is one less.
  @id_max 0xFFFF_FFFE

  @typedoc "Maps `count` ids, from `inside` on in the namespace, to those from `outside` on in its parent."
  @type row :: {inside :: 0..0xFFFFFFFE, outside :: 0..0xFFFFFFFE, count :: pos_integer()}

  @doc """
  Writes the id maps of a process in a fresh user namespace while it is parked. Each map can be written once, so this is
  `:eperm` for a session with the options `:uid_map` and `:gid_map` (`Linx.Process.spawn/1`), which need no such call.

    * `:uid`, `:gid` - lists of `{inside, outside, count}`, up to 340 rows that do not overlap. A map that
      is left out is not written.
    * `:setgroups` - `:allow` or `:deny`: whether processes in the namespace may call setgroups(2). The kernel
      accepts a gid map from a writer without CAP_SETGID only after `:deny`. By default it is denied for such
      a writer, and not changed for others.

  Everything is validated before anything is written. `{:error, {:bad_uid, rows}}`, `{:bad_gid, rows}`,
  `{:bad_setgroups, value}`, `{:bad_option, {name, value}}`, `{:bad_options, value}`, `{:bad_pid, value}`; `{:error, :no_process}`
  when there is no such process; `{:error, %Linx.Process.Error{}}` with the stage `:uid_map`, `:setgroups` or
  `:gid_map` when the kernel refuses.

      iex> Linx.User.setup_maps(1, uid: [{0, 1000, 1}, {0, 2000, 1}])
      {:error, {:bad_uid, [{0, 1000, 1}, {0, 2000, 1}]}}
  """
  @spec setup_maps(pos_integer(), uid: [row()], gid: [row()], setgroups: :allow | :deny) ::
          :ok | {:error, {atom(), term()} | :no_process | Error.t()}
  def setup_maps(host_pid, opts) when is_integer(host_pid) and host_pid > 0 do
    with {:ok, opts} <- check_options(opts, [:uid, :gid, :setgroups]),
         {:ok, uid_map} <- check_map(:bad_uid, opts[:uid]),
         {:ok, gid_map} <- check_map(:bad_gid, opts[:gid]),
         {:ok, setgroups} <- check_setgroups(opts, gid_map),
         :ok <- write(host_pid, :uid_map, uid_map),
         :ok <- write(host_pid, :setgroups, setgroups),
         do: write(host_pid, :gid_map, gid_map)
  end

  def setup_maps(host_pid, _opts), do: {:error, {:bad_pid, host_pid}}

  @doc """
  The uid map of a process's user namespace, with the ids outside as the BEAM's user namespace has them
  (user_namespaces(7)): `[]` before it is written.

  `{:error, :no_process}` when there is no such process, `{:error, {:bad_pid, value}}`; `{:error, %Linx.Process.Error{}}` with
  the stage `:uid_map` when the kernel refuses.

      iex> {:ok, rows} = Linx.User.read_uid_map(1)
      iex> match?([{_inside, _outside, _count} | _more], rows)
      true
  """
  @spec read_uid_map(pos_integer()) ::
          {:ok, [row()]} | {:error, :no_process | {:bad_pid, term()} | Error.t()}
  def read_uid_map(host_pid), do: read_map(host_pid, :uid_map)

  @doc """
  The gid map, as `read_uid_map/1` has the other one; the stage is `:gid_map`.

      iex> Linx.User.read_gid_map(0)
      {:error, {:bad_pid, 0}}
  """
  @spec read_gid_map(pos_integer()) ::
          {:ok, [row()]} | {:error, :no_process | {:bad_pid, term()} | Error.t()}
  def read_gid_map(host_pid), do: read_map(host_pid, :gid_map)

  defp read_map(host_pid, file) when is_integer(host_pid) and host_pid > 0 do
    case File.read("/proc/#{host_pid}/#{file}") do
      {:ok, text} -> {:ok, for(line <- String.split(text, "\n", trim: true), do: parse_row(line))}
      {:error, reason} when reason in [:enoent, :esrch] -> {:error, :no_process}
      {:error, reason} -> {:error, Error.new(file, reason)}
    end
  end

  defp read_map(host_pid, _file), do: {:error, {:bad_pid, host_pid}}

  defp parse_row(line),
    do: line |> String.split() |> Enum.map(&String.to_integer/1) |> List.to_tuple()

  @doc """
  Makes the workload run as another user, at the checkpoint.

  The pipes and the terminal that linx has made for it become the user's (see `own_stdio/2`), so that it can open them by name.

  `:uid` and `:gid` are required, and set as its real, effective and saved ids; `:groups`, `[]` by default, are all
  the supplementary groups it keeps. The ids are those of its own user namespace.

  After exec the program of another user than root has the capabilities that `Linx.Capabilities.set_ambient/2` gives it, before
  or after this call, and no others, not even ambient ones of the BEAM's; root's has its bounding and inheritable sets
  (capabilities(7); see `Linx.Capabilities`). Until then the workload keeps its permitted set (PR_SET_KEEPCAPS(2const)), for the
  verbs that follow, and acts without it: a change from root to another user empties the effective set, unless
  `Linx.Capabilities.set_thread_sets/2` was called before.

  `:ok` means that the kernel has done it. `{:error, {:bad_uid, value}}`, `{:bad_gid, value}`, `{:bad_groups, value}`,
  `{:bad_option, {name, value}}`, `{:bad_options, value}` before anything is sent. A refusal by the kernel is
  `{:error, %Linx.Process.Error{}}` and ends the session. `{:error, :not_ready}` before the checkpoint,
  `{:error, :running}` after it, `{:error, :no_process}` after the end.

      iex> Linx.User.set_credentials(self(), uid: "nobody", gid: 65534)
      {:error, {:bad_uid, "nobody"}}
  """
  @spec set_credentials(Linx.Process.session(), keyword()) ::
          :ok | {:error, {atom(), term()} | Error.t() | :not_ready | :running | :no_process}
  def set_credentials(session, opts) do
    with {:ok, opts} <- check_options(opts, [:uid, :gid, :groups]),
         {:ok, uid} <- check_id(:bad_uid, opts[:uid]),
         {:ok, gid} <- check_id(:bad_gid, opts[:gid]),
         {:ok, groups} <- check_groups(Map.get(opts, :groups, [])) do
      Linx.Process.checkpoint(session, {:set_credentials, uid, gid, groups})
    end
  end

  @doc """
  Makes a user the owner of the workload's pipes and of its terminal, at the checkpoint.

  Without this call they belong to whom the workload is when it is executed: after `set_credentials/2` and as root of
  a user namespace as well, so that `/dev/stdout`, `/proc/self/fd/1` and the terminal's own name can be opened. This
  call makes them another user's, whatever ids are set: of a workload that changes its ids itself, for instance. `uid` is an id of the
  workload's user namespace.

  What linx has made are the streams that are `:pipe` or `:pty`; a file, `/dev/null`, a socket and what is
  inherited keep their owners. A terminal keeps its group and mode, which devpts has given it; where the user namespace
  does not map that group, and an ordinary user runs the VM, it gets the user's own group and mode 0600.

  Returns as `set_credentials/2` does; `EPERM` at `:own_stdio` when neither the workload nor the agent may change owners.

      iex> Linx.User.own_stdio(self(), "nobody")
      {:error, {:bad_uid, "nobody"}}
  """
  @spec own_stdio(Linx.Process.session(), 0..0xFFFF_FFFE) ::
          :ok | {:error, {:bad_uid, term()} | Error.t() | :not_ready | :running | :no_process}
  def own_stdio(session, uid) do
    with {:ok, uid} <- check_id(:bad_uid, uid),
         do: Linx.Process.checkpoint(session, {:own_stdio, uid})
  end

  defp check_options(opts, known) do
    if is_list(opts) and Keyword.keyword?(opts) do
      case Enum.find(opts, fn {name, _value} -> name not in known end) do
        nil -> {:ok, opts |> Enum.reverse() |> Map.new()}
        unknown -> {:error, {:bad_option, unknown}}
      end
    else
      {:error, {:bad_options, opts}}
    end
  end

  defp check_id(_error, id) when is_integer(id) and id in 0..@id_max, do: {:ok, id}
  defp check_id(error, id), do: {:error, {error, id}}

  defp check_groups(groups) do
    if proper_list?(groups) and Enum.all?(groups, &(is_integer(&1) and &1 in 0..@id_max)),
      do: {:ok, groups},
      else: {:error, {:bad_groups, groups}}
  end

  defp check_map(_error, nil), do: {:ok, nil}

  defp check_map(error, rows) do
    with :error <- IdMaps.text(rows), do: {:error, {error, rows}}
  end

  defp check_setgroups(%{setgroups: value}, _gid_map) when value in [:allow, :deny],
    do: {:ok, Atom.to_string(value)}

  defp check_setgroups(%{setgroups: value}, _gid_map), do: {:error, {:bad_setgroups, value}}
  defp check_setgroups(_opts, nil), do: {:ok, nil}

  defp check_setgroups(_opts, _gid_map) do
    {:ok, if(may_set_groups?(), do: nil, else: "deny")}
  end

  # The writer of a gid map is the BEAM: its CAP_SETGID counts, not the workload's.
  defp may_set_groups? do
    case Capabilities.read(:self) do
      {:ok, capabilities} -> :cap_setgid in capabilities.effective
      {:error, _reason} -> false
    end
  end

  defp write(_host_pid, _file, nil), do: :ok

  # One write(2) a file, because the kernel accepts a map only as a whole.
  defp write(host_pid, file, text) do
    case File.write("/proc/#{host_pid}/#{file}", text) do
      :ok -> :ok
      {:error, reason} when reason in [:enoent, :esrch] -> {:error, :no_process}
      # The file is root's once the child is not dumpable, because its maps were written (proc(5)).
      {:error, :eacces} -> {:error, Error.new(file, :eperm)}
      {:error, reason} -> {:error, Error.new(file, reason)}
    end
  end

  defp proper_list?(value), do: is_list(value) and not List.improper?(value)
end
