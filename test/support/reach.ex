# SPDX-License-Identifier: MIT

defmodule Linx.Test.Reach do
  @moduledoc """
  Tests that run as root start programs as other users, who cannot reach a checkout in a private
  directory such as /root. In that case the tests use copies of the programs and the agent, in a directory that
  every user can enter.
  """

  import Bitwise

  alias AgentTest.Programs

  @others_may_enter 0o001

  @doc "Makes copies of the test programs and the agent unless every user can run them."
  def everyone do
    if not (reachable?(Programs.path("probe")) and reachable?(Programs.agent())), do: move()
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

  defp reachable?(path) do
    path
    |> Path.dirname()
    |> Stream.iterate(&Path.dirname/1)
    |> Enum.take_while(&(&1 != "/"))
    |> Enum.all?(&(band(File.stat!(&1).mode, @others_may_enter) != 0))
  end
end
