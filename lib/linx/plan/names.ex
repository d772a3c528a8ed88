# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Names do
  @moduledoc false
  # The names of phases as text, and which of some names is meant by one that is none of them. Pure.

  alias Linx.Option
  alias Linx.Plan.Phase

  @doc """
  Whether a term can be the name of a phase.

      iex> Enum.map([:mounts, {:mount, "/data"}, "mounts", nil], &Linx.Plan.Names.name?/1)
      [true, true, false, false]
  """
  @spec name?(term()) :: boolean()
  def name?({kind, _term}), do: name?(kind)
  def name?(name), do: is_atom(name) and name not in [nil, true, false]

  @doc """
  A name as text.

      iex> Enum.map([:mounts, {:mount, "/data"}], &Linx.Plan.Names.text/1)
      ["mounts", "mount /data"]
  """
  @spec text(Phase.name()) :: String.t()
  def text(name) when is_atom(name), do: Atom.to_string(name)

  def text({kind, term}) when is_atom(kind) do
    if is_binary(term) and String.printable?(term, 100),
      do: "#{kind} #{String.slice(term, 0, 100)}",
      else: "#{kind} #{Option.shorten(term)}"
  end

  @doc """
  The name that is most like another one; nil when there is none.

      iex> Linx.Plan.Names.nearest(:mount, [:user, :mounts])
      :mounts
      iex> Linx.Plan.Names.nearest(:mount, [])
      nil
  """
  @spec nearest(term(), [Phase.name()]) :: Phase.name() | nil
  def nearest(name, names) do
    wanted = words(name)
    Enum.max_by(names, &String.jaro_distance(words(&1), wanted), fn -> nil end)
  end

  defp words(name), do: if(name?(name), do: text(name), else: Option.shorten(name))

  @doc """
  That there is no phase of a name, in words.

      iex> Linx.Plan.Names.missing(:mount, :mounts)
      "the plan has no phase :mount; the nearest is :mounts"
      iex> Linx.Plan.Names.missing(:mount, nil)
      "the plan has no phase :mount, nor any other"
  """
  @spec missing(term(), Phase.name() | nil) :: String.t()
  def missing(name, nil), do: "the plan has no phase #{Option.shorten(name)}, nor any other"

  def missing(name, nearest),
    do: "the plan has no phase #{Option.shorten(name)}; the nearest is #{Option.shorten(nearest)}"
end
