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

  @doc "The actor with a part to play, as an argv."
  def actor(part), do: [path("actor") | Enum.map(part, &to_string/1)]

  @doc """
  A path that no other test of this VM or another one uses: short, for a socket's address has to fit
  into 108 bytes (unix(7)), and plain, for a shell.
  """
  def scratch(name) do
    unique = System.unique_integer([:positive])
    Path.join(System.tmp_dir!(), "linx-#{name}-#{System.pid()}-#{unique}")
  end
end
