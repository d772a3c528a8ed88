# SPDX-License-Identifier: MIT

defmodule Linx.Test.Machine do
  @moduledoc """
  What this machine and this user lack, by the tags of the tests that need it.
  """

  alias AgentTest.Host

  # The tags whose tests have to run in CI as root: a skip fails the run there.
  @privileged [:root, :userns]

  @doc "The tags whose tests cannot run here, with the reason."
  def lacks do
    for {tag, reason} <- [
          root: if(not Host.root?(), do: "needs root"),
          rootless: if(Host.root?(), do: "is about an ordinary user, and this is root"),
          userns: if(not user_namespaces?(), do: "this user may create no user namespace"),
          setcap: if(System.find_executable("setcap") == nil, do: "needs setcap(8)"),
          cgroup2: if(Host.cgroup2() == nil, do: "needs a mounted cgroup2 hierarchy"),
          tmux: if(System.find_executable("tmux") == nil, do: "needs tmux"),
          shares: if(never_shares?(), do: "is about an agent whose child shares its memory"),
          sanitizer_unfit: if(sanitized?(), do: "measures what a sanitizer changes")
        ],
        reason != nil,
        do: {tag, reason}
  end

  @doc "The tags whose skipped tests fail this run."
  def required do
    if System.get_env("CI") == "true" and Host.root?(), do: @privileged, else: []
  end

  @doc "Whether the agent is a build with sanitizers (`LINX_SANITIZER` says so)."
  def sanitized?, do: System.get_env("LINX_SANITIZER", "") != ""

  # A build with -DLINX_NEVER_SHARES (c_src/launch/sharing.c).
  defp never_shares?, do: System.get_env("LINX_NEVER_SHARES", "") != ""

  defp user_namespaces? do
    match?({_, 0}, System.cmd("unshare", ["--user", "true"], stderr_to_stdout: true))
  end
end
