# SPDX-License-Identifier: MIT

defmodule AgentTest.Result do
  @moduledoc """
  A session's history: its frames in order (`rest` are the bytes behind the last whole frame), the output of its
  fd 1, its terminal and its pipes, how many bytes of its input were taken, how the agent ended
  (`{:exited | :signaled, n, cpu_us}`), its wait status and its largest memory, and the processes that it left to
  its subreaper (`{pid, wait_status}`).
  """

  defstruct frames: [],
            rest: "",
            output: "",
            pty: "",
            stdout: "",
            stderr: "",
            written: %{},
            agent: nil,
            maxrss_kb: nil,
            wait_status: nil,
            orphans: []
end
