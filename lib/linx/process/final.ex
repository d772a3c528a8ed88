# SPDX-License-Identifier: MIT

defmodule Linx.Process.Final do
  @moduledoc false
  # The options of a session that are commands which the child applies after `:proceed`, right before exec: who the
  # workload is, and what it may use. Pure.

  # The greatest id (credentials(7)); the number above it stands for none.
  @id_max 0xFFFF_FFFE

  # The most groups, and the most bytes of a name, that the agent takes (`c_src/wire/argument.h`).
  @groups_max 256
  @name_max 255

  @type id_or_name :: 0..0xFFFF_FFFE | String.t()
  @type result(value) :: {:ok, value} | :error

  # In the order in which they are applied: the ids last, because what comes before may take a capability that the
  # ids give up. Each function makes the commands of the options; limits have their place before the niceness.
  @commands [
    &__MODULE__.umask/1,
    &__MODULE__.rlimits/1,
    &__MODULE__.nice/1,
    &__MODULE__.set_user/1
  ]
  @options [:umask, :rlimits, :nice, :user, :group, :groups]

  @doc """
  The name or the id of a user or a group; an id as the text that stands for it.

      iex> Linx.Process.Final.account("nobody")
      {:ok, "nobody"}
      iex> Linx.Process.Final.account(1000)
      {:ok, "1000"}
      iex> Linx.Process.Final.account("no:body")
      :error
      iex> Linx.Process.Final.account(0xFFFF_FFFF)
      :error
  """
  @spec account(term()) :: result(String.t())
  def account(id) when is_integer(id) and id in 0..@id_max, do: {:ok, Integer.to_string(id)}

  def account(name) when is_binary(name) and byte_size(name) in 1..@name_max do
    case {:binary.match(name, [<<0>>, ":", "\n"]), Integer.parse(name)} do
      {:nomatch, {id, ""}} when id not in 0..@id_max -> :error
      {:nomatch, _name_or_id} -> {:ok, name}
      _no_name -> :error
    end
  end

  def account([_ | _] = name) do
    with {:ok, name} <- Linx.Process.Checks.string(name), do: account(name)
  end

  def account(_other), do: :error

  @doc """
  A list of groups.

      iex> Linx.Process.Final.accounts(["audio", 44])
      {:ok, ["audio", "44"]}
      iex> Linx.Process.Final.accounts("audio")
      :error
  """
  @spec accounts(term()) :: result([String.t()])
  def accounts(list) when is_list(list), do: accounts(list, @groups_max, [])
  def accounts(_other), do: :error

  defp accounts([], _left, checked), do: {:ok, Enum.reverse(checked)}

  defp accounts([head | rest], left, checked) when left > 0 do
    with {:ok, account} <- account(head), do: accounts(rest, left - 1, [account | checked])
  end

  defp accounts(_too_many_or_improper, _left, _checked), do: :error

  @doc """
  A niceness (setpriority(2)).

      iex> Linx.Process.Final.niceness(20)
      :error
  """
  @spec niceness(term()) :: result(-20..19)
  def niceness(nice) when is_integer(nice) and nice in -20..19, do: {:ok, nice}
  def niceness(_other), do: :error

  @doc """
  What is added to the badness of a process when memory runs out (proc(5)).

      iex> Linx.Process.Final.oom_score(-1001)
      :error
  """
  @spec oom_score(term()) :: result(-1000..1000)
  def oom_score(score) when is_integer(score) and score in -1000..1000, do: {:ok, score}
  def oom_score(_other), do: :error

  @doc """
  Permission bits (umask(2)).

      iex> Linx.Process.Final.mode(0o1000)
      :error
  """
  @spec mode(term()) :: result(0..0o777)
  def mode(mode) when is_integer(mode) and mode in 0..0o777, do: {:ok, mode}
  def mode(_other), do: :error

  @doc """
  The keys of a request, in the place of the options.

      iex> Linx.Process.Final.to_keys(%{user: "www", umask: 0o077, argv: ["/bin/true"]})
      %{argv: ["/bin/true"], final: [{:umask, 0o077}, {:set_user, "www", []}]}
      iex> Linx.Process.Final.to_keys(%{user: "1000", group: "100", groups: ["audio"], nice: 5})
      %{final: [{:nice, 5}, {:set_user, "1000:100", ["audio"]}]}
      iex> Linx.Process.Final.to_keys(%{argv: ["/bin/true"]})
      %{argv: ["/bin/true"]}
  """
  @spec to_keys(map()) :: map()
  def to_keys(request) do
    case Map.split(request, @options) do
      {options, request} when options == %{} -> request
      {options, request} -> Map.put(request, :final, Enum.flat_map(@commands, & &1.(options)))
    end
  end

  @doc false
  def umask(options), do: for({:umask, mode} <- options, do: {:umask, mode})

  # The commands, see `Linx.Process.Limits.commands/1`.
  @doc false
  def rlimits(options), do: Map.get(options, :rlimits, [])

  @doc false
  def nice(options), do: for({:nice, nice} <- options, do: {:nice, nice})

  # An empty user is the one that the child is.
  @doc false
  def set_user(%{user: _} = options), do: set_user(options, options.user)
  def set_user(%{group: _} = options), do: set_user(options, "")
  def set_user(%{groups: _} = options), do: set_user(options, "")
  def set_user(_none), do: []

  defp set_user(options, user) do
    group = if options[:group], do: ":" <> options.group, else: ""
    [{:set_user, user <> group, Map.get(options, :groups, [])}]
  end
end
