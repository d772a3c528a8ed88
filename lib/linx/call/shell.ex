# SPDX-License-Identifier: MIT

defmodule Linx.Call.Shell do
  @moduledoc false
  # A command for the shell as a call: what `Linx.shell/2` runs.

  alias Linx.{Call, Option}

  @doc """
  The call, checked. The command is in parentheses, as that of `System.shell/2`, so that both do the same with every
  command.

      iex> {:ok, call} = Linx.Call.Shell.parse("ls # all", close_stdin: true)
      iex> call.argv
      ["sh", "-c", "(ls # all\\n) </dev/null"]
  """
  @spec parse(binary(), term()) :: {:ok, Call.t()} | {:error, Option.error()}
  def parse(command, opts) do
    with {:ok, call} <- Call.parse(:shell, ["sh", "-c", command], opts) do
      if call.close_stdin and (call.input != nil or call.stdio != nil),
        do: Option.bad(:close_stdin, true),
        else: {:ok, %{call | argv: ["sh", "-c", script(command, call.close_stdin)]}}
    end
  end

  defp script(command, false), do: "(" <> command <> "\n)"
  defp script(command, true), do: script(command, false) <> " </dev/null"
end
