# SPDX-License-Identifier: MIT

defmodule Linx.Process.Stdio do
  @moduledoc false
  # The option `:stdio` of sessions. Pure.

  alias Linx.Process.{Checks, Pty}

  @streams [:stdin, :stdout, :stderr]

  @doc """
  Where the standard streams lead; `:pipe` stands for all three.

      iex> Linx.Process.Stdio.check(stdin: :devnull, stderr: :stdout)
      {:ok, [stdin: :devnull, stderr: :stdout]}
  """
  @spec check(term()) :: Checks.result(atom() | keyword() | Pty.t())
  def check(mode) when mode in [:inherit, :devnull], do: {:ok, mode}
  def check(:pty), do: Pty.check([])
  def check({:pty, options}), do: Pty.check(options)
  def check(:pipe), do: {:ok, Enum.map(@streams, &{&1, :pipe})}
  def check(streams), do: streams(streams, [])

  defp streams([{stream, directive} | rest], checked) when stream in @streams do
    with false <- List.keymember?(checked, stream, 0),
         {:ok, directive} <- directive(stream, directive) do
      streams(rest, [{stream, directive} | checked])
    else
      _bad -> :error
    end
  end

  defp streams([], checked), do: {:ok, Enum.reverse(checked)}
  defp streams(_other, _checked), do: :error

  defp directive(_stream, directive) when directive in [:inherit, :devnull, :pipe],
    do: {:ok, directive}

  defp directive(:stderr, :stdout), do: {:ok, :stdout}

  defp directive(_stream, {:connect_unix, path}) do
    with {:ok, path} <- Checks.string(path), do: {:ok, {:connect_unix, path}}
  end

  defp directive(_stream, {:file, path, how}) when how in [:read, :write, :append] do
    with {:ok, path} <- Checks.string(path), do: {:ok, {:file, path, how}}
  end

  defp directive(_stream, _other), do: :error
end
