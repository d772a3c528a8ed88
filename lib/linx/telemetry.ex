# SPDX-License-Identifier: MIT

defmodule Linx.Telemetry do
  @moduledoc """
  The events of sessions for the `telemetry` library.

  They are sent when the application `telemetry` is loaded as a session starts, and cost nothing when it is
  not: linx does not depend on it. Handlers run in the session's process, on the session's node.

  | event | when | measurements | metadata besides |
  | --- | --- | --- | --- |
  | `[:linx, :session, :start]` | the agent is started | `:system_time` | |
  | `[:linx, :session, :ready]` | the child is parked, or on its way to exec | `:duration` | `:host_pid` |
  | `[:linx, :session, :running]` | the workload has been executed | `:duration` | |
  | `[:linx, :session, :stop]` | the workload exited, was killed or was aborted | `:duration`, those of `t:Linx.Process.Info.usage/0` with `usage: true` | `:result` |
  | `[:linx, :session, :exception]` | the session failed | `:duration` | `:kind`, `:reason`, `:stacktrace` |

  With a `Linx.Pool` there are these too, before a session's start but for `:lost`:

  | event | when | measurements | metadata |
  | --- | --- | --- | --- |
  | `[:linx, :pool, :hit]` | the pool has handed an agent over | `:duration` | `:pool`, `:session` |
  | `[:linx, :pool, :miss]` | it has not, and one is started | `:duration` | `:pool`, `:session`, `:reason` |
  | `[:linx, :pool, :lost]` | the agent of a hit could not be used, and another one is started; sent after the session's start | | `:pool`, `:session`, `:reason` |

  There `:duration` is the time that the session has waited for the pool's reply. `:pool` is what names it, nil
  in `:lost` for the configured one. The `:reason` of a miss is `:empty`, `:no_pool` (configured, and does not exist, or ended meanwhile), `:no_reply` (in 5 s) or
  `:no_directory` (the VM's working directory is gone, where agents may not follow its `/proc/<pid>/cwd`); that of
  `:lost` is `:ended` (the agent was killed while it waited, or cannot read its program) or `:stale` (its file has been replaced, or the
  VM's working directory is gone).

  A `Linx.Daemon` sends these, in its own process:

  | event | when | measurements | metadata |
  | --- | --- | --- | --- |
  | `[:linx, :daemon, :ready]` | its program is ready | `:duration` | `:daemon`, `:argv`, `:restarts` |
  | `[:linx, :daemon, :stop]` | the daemon ends, or could not be started | `:duration`, `:lines`, `:bytes`, `:lost` | also `:result` (nil before the program's end) and `:reason`, that of the daemon's end |

  In a session's events `:duration` is the time since the start, and `:system_time` that of the start, both in native units
  (`System.convert_time_unit/3`). The metadata is always a map with `:session` (its pid), `:mode` (`:spawn` or
  `:enter`) and `:argv`. `:result` is what `Linx.Process.wait/2` returns; `:reason` is the
  `Linx.Process.Error`, `:kind` is `:error` and `:stacktrace` is empty, as `:telemetry.span/3` names them.

      :telemetry.attach("log", [:linx, :session, :stop], fn _event, measurements, metadata, _config ->
        Logger.info("\#{inspect(metadata.argv)}: \#{inspect(metadata.result)} after \#{measurements.duration}")
      end, nil)
  """

  @enforce_keys [:started, :metadata]
  defstruct [:started, :metadata, usage: %{}]

  @typedoc false
  @type t :: %__MODULE__{started: integer(), metadata: map(), usage: map()}

  # Sends the event of a session's start, in the session's process. Returns what `event/3` takes: `nil`
  # when the application is not loaded.
  @doc false
  @spec start(:spawn | :enter, [binary()]) :: t() | nil
  def start(mode, argv) do
    if function_exported?(:telemetry, :execute, 3) do
      metadata = %{session: self(), mode: mode, argv: argv}
      execute(:start, %{system_time: System.system_time()}, metadata)
      %__MODULE__{started: System.monotonic_time(), metadata: metadata}
    end
  end

  # Sends the event of what happened; `result` is the session's, nil before it has one.
  @doc false
  @spec event(t() | nil, Linx.Process.event(), Linx.Process.result() | nil) :: t() | nil
  def event(nil, _event, _result), do: nil
  def event(telemetry, {:usage, usage}, _result), do: %{telemetry | usage: usage}

  def event(telemetry, {:ready, host_pid}, _result),
    do: tell(telemetry, :ready, %{host_pid: host_pid})

  def event(telemetry, :running, _result), do: tell(telemetry, :running, %{})
  def event(telemetry, {:pty_out, _data}, _result), do: telemetry

  def event(telemetry, _final, {:error, error}),
    do: tell(telemetry, :exception, %{kind: :error, reason: error, stacktrace: []})

  def event(telemetry, _final, result), do: tell(telemetry, :stop, %{result: result})

  defp tell(telemetry, name, metadata) do
    duration = System.monotonic_time() - telemetry.started
    usage = if name == :stop, do: telemetry.usage, else: %{}
    execute(name, Map.put(usage, :duration, duration), Map.merge(telemetry.metadata, metadata))
    telemetry
  end

  # Sends an event of a pool, in the process that asks it for an agent.
  @doc false
  @spec pool(:hit | :miss | :lost, term(), map(), map()) :: :ok | nil
  def pool(name, pool, measurements, metadata) do
    if function_exported?(:telemetry, :execute, 3) do
      metadata = Map.merge(metadata, %{pool: pool, session: self()})
      apply(:telemetry, :execute, [[:linx, :pool, name], measurements, metadata])
    end
  end

  # Sends an event of a daemon, in its process.
  @doc false
  @spec daemon(:ready | :stop, map(), map()) :: :ok | nil
  def daemon(name, measurements, metadata) do
    if function_exported?(:telemetry, :execute, 3) do
      metadata = Map.put(metadata, :daemon, self())
      apply(:telemetry, :execute, [[:linx, :daemon, name], measurements, metadata])
    end
  end

  # apply/3, because the module may not exist.
  defp execute(name, measurements, metadata),
    do: apply(:telemetry, :execute, [[:linx, :session, name], measurements, metadata])
end
