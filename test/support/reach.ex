# SPDX-License-Identifier: MIT

defmodule Linx.Test.Reach do
  @moduledoc """
  Tests that run as root start programs as other users, who cannot reach a checkout in a private
  directory such as /root, and tests write the paths of programs into shell scripts, without quotes. Where
  either would fail, the tests use copies of the programs and the agent, in a directory that every user can enter.
  """

  import Bitwise

  alias AgentTest.Programs

  @others_may_enter 0o001

  @doc "Makes copies of the test programs and the agent unless every user and a shell can run them."
  def everyone do
    paths = [Programs.path("probe"), Programs.agent()]
    if not Enum.all?(paths, &(reachable?(&1) and plain?(&1))), do: move()
  end

  defp move do
    directory = Path.join(System.tmp_dir!(), "linx-test-#{System.pid()}")
    File.mkdir!(directory)
    File.chmod!(directory, 0o755)
    ExUnit.after_suite(fn _ -> File.rm_rf!(directory) end)
    agent = copy(Programs.agent(), directory)
    built = Path.dirname(Programs.path("probe"))

    for name <- File.ls!(built),
        Path.extname(name) == "",
        do: copy(Path.join(built, name), directory)

    System.put_env("LINX_AGENT", agent)
    System.put_env("LINX_TEST_PROGRAMS", directory)
  end

  defp copy(path, directory) do
    copy = Path.join(directory, Path.basename(path))
    File.cp!(path, copy)
    copy
  end

  # Of characters that mean nothing to a shell.
  defp plain?(path), do: path =~ ~r"^[\w/.+,:@-]+$"

  defp reachable?(path) do
    path
    |> Path.dirname()
    |> Stream.iterate(&Path.dirname/1)
    |> Enum.take_while(&(&1 != "/"))
    |> Enum.all?(&(band(File.stat!(&1).mode, @others_may_enter) != 0))
  end
end
