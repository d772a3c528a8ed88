# SPDX-License-Identifier: MIT

defmodule Linx.Process.IdMaps do
  @moduledoc false
  # The id maps of a session's own user namespace (user_namespaces(7)). Pure.

  # (uid_t)-1 means "leave alone" to the kernel, so the largest id is one less.
  @id_max 0xFFFF_FFFE

  # user_namespaces(7): at most 340 rows, and less than a page in one write. 4096 is the smallest page.
  @rows_max 340
  @bytes_max 4095

  @doc """
  The rows of a map, which do not overlap.

      iex> Linx.Process.IdMaps.rows([{0, 1000, 1}, {1, 100_000, 65_536}])
      {:ok, [{0, 1000, 1}, {1, 100_000, 65_536}]}
      iex> Linx.Process.IdMaps.rows([{0, 1000, 2}, {1, 100_000, 1}])
      :error
      iex> Linx.Process.IdMaps.rows([])
      :error
  """
  @spec rows(term()) :: {:ok, [Linx.User.row()]} | :error
  def rows(rows) do
    with {:ok, text} <- text(rows), true <- byte_size(text) > 0, do: {:ok, rows}
  end

  @doc """
  The same as the text that the kernel takes.

      iex> Linx.Process.IdMaps.text([{0, 1000, 1}])
      {:ok, "0 1000 1\\n"}
  """
  @spec text(term()) :: {:ok, String.t()} | :error
  def text(rows) do
    with true <- is_list(rows) and not List.improper?(rows) and length(rows) in 1..@rows_max,
         true <- Enum.all?(rows, &row?/1),
         true <- disjoint?(for {inside, _outside, count} <- rows, do: {inside, count}),
         true <- disjoint?(for {_inside, outside, count} <- rows, do: {outside, count}),
         text =
           Enum.map_join(rows, fn {inside, outside, count} ->
             "#{inside} #{outside} #{count}\n"
           end),
         true <- byte_size(text) <= @bytes_max do
      {:ok, text}
    else
      false -> :error
    end
  end

  defp row?({inside, outside, count})
       when inside in 0..@id_max and outside in 0..@id_max and is_integer(count) and count > 0,
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

      iex> Linx.Process.IdMaps.maps?([{0, 1000, 2}], 1)
      true
  """
  @spec maps?([Linx.User.row()], non_neg_integer()) :: boolean()
  def maps?(rows, id),
    do: Enum.any?(rows, fn {inside, _outside, count} -> id in inside..(inside + count - 1)//1 end)
end
