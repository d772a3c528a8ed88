# SPDX-License-Identifier: MIT

defmodule AgentTest.Programs do
  @moduledoc "Where the agent and the test programs written in C are."

  @root Path.expand("../..", __DIR__)

  @doc "The agent: `LINX_AGENT`, or the one that was built."
  def agent, do: System.get_env("LINX_AGENT") || Path.join(@root, "priv/linx_process")

  @doc "A test program by its name."
  def path(name) do
    directory = System.get_env("LINX_TEST_PROGRAMS") || Path.join(@root, "build/test")
    Path.join(directory, name)
  end

  @doc "The argv that makes the actor play a part (`test/support/actor.c`)."
  def actor(part), do: [path("actor") | Enum.map(part, &to_string/1)]

  @doc """
  A path that no other test of this VM or another one uses. It is short, because a socket's address has at most
  108 bytes (unix(7)), and needs no quotes in a shell.
  """
  def scratch(name) do
    unique = System.unique_integer([:positive])
    Path.join(System.tmp_dir!(), "linx-#{name}-#{System.pid()}-#{unique}")
  end
end
