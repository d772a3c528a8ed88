# SPDX-License-Identifier: MIT

defmodule Linx.Process.Info do
  @moduledoc """
  What is known of a session at one moment: the struct that `Linx.Process.info/1` returns.

    * `:mode` - `:spawn` or `:enter`
    * `:state` - where the session stands:
      `:starting` (the agent has its request), `:spawned` (the child exists), `:ready` (it is parked at the
      checkpoint), `:aborting`, `:proceeding` (on the way to exec), `:waiting` (before exec, for the other
      side of a named pipe), `:running`, `:ended`
    * `:stage` - deprecated: the same as `:state`, under the name it had before
    * `:host_pid` - the workload's process id as this host sees it; `nil` before `:spawned`. After the
      end the kernel may give the number to another process.
    * `:child_pid` - the process id that the workload itself sees; `nil` before `:ready`
    * `:agent_pid` - the agent's process id; `nil` once the agent has ended
    * `:pty?` - whether the workload has a terminal
    * `:owner` - the process that receives the events
    * `:linger` - whether the session outlives its workload
    * `:auto_proceed` - whether it started without a stop at the checkpoint
    * `:usage` - what the workload used, by the kernel's account (getrusage(2)): processor time `:utime_us`
      and `:stime_us`, `:maxrss_kb`, page faults, blocks read and written, context switches, and
      whether there is a core dump. `nil` before the end, and without `usage: true`.
    * `:result` - what `Linx.Process.wait/2` returns; `nil` before the end
  """

  @enforce_keys [:mode, :state, :stage, :owner]
  defstruct [
    :mode,
    :state,
    :stage,
    :host_pid,
    :child_pid,
    :agent_pid,
    :owner,
    :result,
    :usage,
    pty?: false,
    linger: true,
    auto_proceed: false
  ]

  @typedoc "Where a session stands; see above."
  @type state ::
          :starting | :spawned | :ready | :aborting | :proceeding | :waiting | :running | :ended

  @typedoc "Deprecated: the same as `t:state/0`."
  @type stage :: state()

  @typedoc "What a workload used (getrusage(2)); see above."
  @type usage :: %{
          utime_us: non_neg_integer(),
          stime_us: non_neg_integer(),
          maxrss_kb: non_neg_integer(),
          minflt: non_neg_integer(),
          majflt: non_neg_integer(),
          inblock: non_neg_integer(),
          oublock: non_neg_integer(),
          nvcsw: non_neg_integer(),
          nivcsw: non_neg_integer(),
          core_dumped: boolean()
        }

  @type t :: %__MODULE__{
          mode: :spawn | :enter,
          state: state(),
          stage: state(),
          host_pid: pos_integer() | nil,
          child_pid: pos_integer() | nil,
          agent_pid: pos_integer() | nil,
          pty?: boolean(),
          owner: pid(),
          linger: boolean(),
          auto_proceed: boolean(),
          result: Linx.Process.result() | nil,
          usage: usage() | nil
        }
end
