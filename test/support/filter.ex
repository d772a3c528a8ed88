# SPDX-License-Identifier: MIT

defmodule Linx.Test.Filter do
  @moduledoc """
  Seccomp filters as libseccomp writes them, from `test/support/filter.c`.
  """

  @doc """
  A filter. The options are `:default` (an action, `:allow` unless given), `:pad_to` (a number of
  instructions) and, for each action, a list of system call names; an action is `:allow`, `:kill`,
  `:kill_thread`, `:trap`, `:log` or `{:errno, number}`.

      Linx.Test.Filter.bpf([{{:errno, 1}, [:write, :dup2]}, kill: [:execve]])
  """
  def bpf(options) do
    arguments = Enum.flat_map(options, &arguments/1)
    {program, 0} = System.cmd(AgentTest.Programs.path("filter"), arguments)
    program
  end

  defp arguments({:default, action}), do: ["--default", action(action)]
  defp arguments({:pad_to, count}), do: ["--pad-to", Integer.to_string(count)]
  defp arguments({action, names}), do: ["--" <> action(action), Enum.join(names, ",")]

  defp action({:errno, number}), do: "errno=#{number}"
  defp action(name), do: name |> Atom.to_string() |> String.replace("_", "-")
end
