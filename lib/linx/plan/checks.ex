# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Checks do
  @moduledoc false
  # What the values of a plan's options have to be, where they are not those of a session. Each function returns
  # `{:ok, checked}` or `:error`. Pure.

  alias Linx.Process.{Checks, Final}

  # A struct sock_filter has 8 bytes, and the kernel takes BPF_MAXINSNS of them.
  @instruction 8
  @instructions_max 4096

  @typedoc "A user, or `user:group`, and further groups, as `:set_user` has them."
  @type user :: {String.t(), [String.t()]}

  @doc """
  The program and its arguments; a name alone is a program without.

      iex> Linx.Plan.Checks.argv("ls")
      {:ok, ["ls"]}
      iex> Linx.Plan.Checks.argv([])
      :error
  """
  @spec argv(term()) :: {:ok, [binary(), ...]} | :error
  def argv(name) when is_binary(name) or (is_list(name) and is_integer(hd(name))),
    do: argv([name])

  def argv(argv), do: Checks.strings(argv)

  @doc """
  A user.

      iex> Enum.map(["www", "www:adm", 33, {33, "adm"}, {33, 4, [7]}], &Linx.Plan.Checks.user/1)
      [ok: {"www", []}, ok: {"www:adm", []}, ok: {"33", []}, ok: {"33:adm", []}, ok: {"33:4", ["7"]}]
      iex> Linx.Plan.Checks.user("www:")
      :error
  """
  @spec user(term()) :: {:ok, user()} | :error
  def user({user, group}), do: user({user, group, []})

  def user({user, group, groups}) do
    with {:ok, user} <- Final.account(user),
         {:ok, group} <- Final.account(group),
         {:ok, groups} <- Final.accounts(groups),
         do: {:ok, {user <> ":" <> group, groups}}
  end

  def user(text) when is_binary(text) do
    case String.split(text, ":") do
      [user] -> account(user)
      [user, group] -> user({user, group})
      _more -> :error
    end
  end

  def user(other), do: account(other)

  defp account(user), do: with({:ok, user} <- Final.account(user), do: {:ok, {user, []}})

  @doc """
  An array of `struct sock_filter`.

      iex> Linx.Plan.Checks.filter("odd")
      :error
  """
  @spec filter(term()) :: {:ok, binary()} | :error
  def filter(filter)
      when is_binary(filter) and byte_size(filter) > 0 and
             rem(byte_size(filter), @instruction) == 0 and
             byte_size(filter) <= @instruction * @instructions_max,
      do: {:ok, filter}

  def filter(_other), do: :error
end
