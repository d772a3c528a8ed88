# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Words do
  @moduledoc false
  # What commands and keys of a request do, in words, and what they do it to. No value of a variable is shown. Pure.

  import Bitwise

  alias Linx.Option
  alias Linx.Plan.{CapabilitySets, Phase, TreeWords}

  @all CapabilitySets.all()

  @doc """
  What a command does.

      iex> Linx.Plan.Words.command({:set_user, "www:adm", ["7"]})
      "www:adm, with the groups 7"
      iex> Linx.Plan.Words.command({:cap_drop_bounding, 0x1FFFFFFFFFF})
      "all 41 dropped"
  """
  @spec command(Phase.command()) :: String.t()
  def command(:loopback), do: "the loopback interface is up"
  def command(:no_new_privs), do: "no program gains rights by its file"
  def command(:terminal), do: "a terminal of its own devpts"

  def command({name, mode}) when name in [:umask, :set_umask] and is_integer(mode),
    do: octal(mode)

  def command({:nice, niceness}), do: "niceness #{Option.shorten(niceness)}"
  def command({:home, uid}), do: "HOME of uid #{Option.shorten(uid)}"

  def command({:own_stdio, uid}),
    do: "pipes and the terminal belong to uid #{Option.shorten(uid)}"

  def command({:set_user, user, groups}) when is_binary(user) and is_list(groups),
    do: user(user) <> groups(groups)

  def command({:set_credentials, uid, gid, groups}),
    do: "uid #{Option.shorten(uid)}, gid #{Option.shorten(gid)}" <> groups(groups)

  def command({:cap_drop_bounding, mask}) when is_integer(mask), do: dropped(mask)

  def command({:cap_set_thread, mask, mask, 0}) when is_integer(mask), do: set(mask)

  def command({:cap_set_thread, effective, permitted, inheritable})
      when is_integer(effective) and is_integer(permitted) and is_integer(inheritable) do
    "permitted #{set(permitted)}; effective #{set(effective)}; inheritable #{set(inheritable)}"
  end

  def command({:cap_set_ambient, mask}) when is_integer(mask), do: set(mask)

  def command({:seccomp_install, filter}) when is_binary(filter),
    do: "a filter of #{div(byte_size(filter), 8)} instructions"

  def command({:hostname, name}), do: "host name #{Option.shorten(name)}"
  def command({:domainname, name}), do: "domain name #{Option.shorten(name)}"

  def command({:rlimit, resource, both, both}), do: "#{Option.shorten(resource)} #{limit(both)}"

  def command({:rlimit, resource, soft, hard}),
    do: "#{Option.shorten(resource)} #{limit(soft)}, at most #{limit(hard)}"

  def command({:cpu_affinity, [_ | _] = cpus}), do: "CPUs #{Enum.map_join(cpus, " ", &plain/1)}"

  def command(command) when is_tuple(command) and tuple_size(command) > 1,
    do: TreeWords.command(command) || others(command)

  def command(other), do: Option.shorten(other)

  defp limit(number), do: Option.shorten(number)

  defp others({:pty_winsize, {rows, cols, _xpixel, _ypixel}}),
    do: "a terminal of #{rows} rows and #{cols} columns"

  defp others(other), do: Option.shorten(other)

  defp user(""), do: "the user that it is"
  defp user(":" <> group), do: "the user that it is, group #{group}"
  defp user(user), do: user

  defp groups([]), do: ""
  defp groups(:keep), do: ", with the groups that it has"
  defp groups(groups) when not is_list(groups), do: ", with the groups #{Option.shorten(groups)}"
  defp groups(groups), do: ", with the groups #{Enum.map_join(groups, " ", &plain/1)}"

  defp plain(value) when is_binary(value), do: value
  defp plain(value), do: Option.shorten(value)

  defp octal(mode), do: mode |> Integer.to_string(8) |> String.pad_leading(4, "0")

  defp set(0), do: "none"
  defp set(@all), do: "all"
  defp set(mask), do: mask |> CapabilitySets.names() |> Enum.join(" ")

  defp dropped(@all), do: "all #{length(CapabilitySets.names(@all))} dropped"

  defp dropped(mask) do
    kept = bxor(@all, mask &&& @all)

    if length(CapabilitySets.names(kept)) <= length(CapabilitySets.names(mask)),
      do: "all dropped but #{set(kept)}",
      else: "dropped: #{set(mask)}"
  end

  @doc """
  What a key of a request says; nil for one that needs no words of its own.

      iex> Linx.Plan.Words.key({:env_set, ["PATH=/bin", "TOKEN=hush"]})
      "set: PATH TOKEN"
  """
  @spec key({atom(), term()}) :: String.t() | nil
  def key({:namespaces, kinds}), do: "fresh: #{Enum.join(kinds, " ")}"

  def key({:time_offsets, offsets}), do: Enum.map_join(offsets, ", ", &offset/1)

  def key({:uid_map, rows}), do: "uid " <> Enum.map_join(rows, ", ", &row/1)
  def key({:gid_map, rows}), do: "gid " <> Enum.map_join(rows, ", ", &row/1)
  def key({:setgroups, :allow}), do: "setgroups allowed"
  def key({:setgroups, :deny}), do: "setgroups denied"
  def key({:oom_score_adj, score}), do: "oom score #{signed(score)}"
  def key({:cwd, path}), do: path
  def key({:keyring, :new}), do: "a new one"
  def key({:keyring, :inherit}), do: "the BEAM's"
  def key({:env, []}), do: "no variable"
  def key({:env, variables}), do: "these alone: #{variables(variables)}"
  def key({:env_set, variables}), do: "set: #{variables(variables)}"
  def key({:env_unset, names}), do: "removed: #{Enum.join(names, " ")}"
  def key({:no_new_privs, true}), do: "no program gains rights by its file"
  def key({:search_path, _true}), do: nil
  def key({name, value}), do: "#{name}: #{Option.shorten(value)}"

  defp row({inside, outside, 1}), do: "#{inside} = #{outside}"

  defp row({inside, outside, count}),
    do: "#{inside}-#{inside + count - 1} = #{outside}-#{outside + count - 1}"

  defp offset({clock, seconds, 0}), do: "#{clock} #{signed(seconds)} s"

  defp offset({clock, seconds, nanoseconds}),
    do: "#{clock} #{signed(seconds)} s and #{nanoseconds} ns"

  defp signed(number) when number < 0, do: "#{number}"
  defp signed(number), do: "+#{number}"

  defp variables(variables), do: Enum.map_join(variables, " ", &hd(String.split(&1, "=")))

  @doc """
  What a command is about: a path or a user; nil when it is about nothing that has a name.

      iex> Linx.Plan.Words.subject({:set_user, "www", []})
      "www"
      iex> Linx.Plan.Words.subject({:umask, 0})
      nil
  """
  @spec subject(Phase.command()) :: String.t() | nil
  def subject({:set_user, user, _groups}) when is_binary(user), do: user
  def subject({:set_credentials, uid, _gid, _groups}), do: Option.shorten(uid)
  def subject({name, id}) when name in [:own_stdio, :home], do: Option.shorten(id)
  def subject({:rlimit, resource, _soft, _hard}), do: Option.shorten(resource)
  def subject(command), do: TreeWords.subject(command)
end
