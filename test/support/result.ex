defmodule AgentTest.Result do
  @moduledoc """
  A session's history: its frames in order (`rest` are bytes that made no frame), what its fd 1,
  its terminal and its pipes showed, how much of its input was taken, how the agent ended
  (`{:exited | :signaled, n, cpu_us}`), its wait status and the most memory it had, and the
  processes it left to its subreaper (`{pid, wait_status}`).
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
