# SPDX-License-Identifier: MIT

defmodule Linx.Plan.IdMaps do
  @moduledoc false
  # The id maps of a plan's user namespace (user_namespaces(7)). Pure.

  @id_max 0xFFFF_FFFE
  @rows_max 340

  @type row :: {inside :: non_neg_integer(), outside :: non_neg_integer(), count :: pos_integer()}

  @doc """
  Rows that do not overlap, neither inside nor outside.

      iex> Linx.Plan.IdMaps.rows([{0, 1000, 1}, {1, 100_000, 65_536}])
      {:ok, [{0, 1000, 1}, {1, 100_000, 65_536}]}
      iex> Linx.Plan.IdMaps.rows([{0, 1000, 1}, {0, 2000, 1}])
      :error
  """
  @spec rows(term()) :: {:ok, [row(), ...]} | :error
  def rows([_ | _] = rows) do
    if not List.improper?(rows) and length(rows) <= @rows_max and Enum.all?(rows, &row?/1) and
         disjoint?(for {inside, _outside, count} <- rows, do: {inside, count}) and
         disjoint?(for {_inside, outside, count} <- rows, do: {outside, count}),
       do: {:ok, rows},
       else: :error
  end

  def rows(_other), do: :error

  defp row?({inside, outside, count})
       when is_integer(inside) and inside >= 0 and is_integer(outside) and outside >= 0 and
              is_integer(count) and count > 0,
       do: inside + count - 1 <= @id_max and outside + count - 1 <= @id_max

  defp row?(_other), do: false

  defp disjoint?(ranges) do
    ranges
    |> Enum.sort()
    |> Enum.chunk_every(2, 1, :discard)
    |> Enum.all?(fn [{first, count}, {next, _count}] -> first + count <= next end)
  end

  @doc """
  Whether an id inside is mapped.

      iex> Linx.Plan.IdMaps.maps?([{0, 1000, 2}], 1)
      true
  """
  @spec maps?([row()], non_neg_integer()) :: boolean()
  def maps?(rows, id),
    do: Enum.any?(rows, fn {inside, _outside, count} -> id in inside..(inside + count - 1)//1 end)
end
