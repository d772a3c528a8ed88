# SPDX-License-Identifier: MIT

defmodule Bench.Launch do
  @moduledoc "Starting a program and learning how it ended."

  alias Bench.Report.Row
  alias Bench.Samples

  @driver_rounds Samples.rounds(400)
  @beam_rounds Samples.rounds(600)
  @at_once 16
  @batches Samples.rounds(12)
  @batch 320
  @pool_size 16
  @pool Bench.Pool
  @waiting 100_000

  # What, the subject, what it is compared with, that subject, and the target, on all cores or on one where it is not
  # the same.
  @driver_rows [
    {"session", "session", "two vfork+exec in a row", "floor", [all: 1.6, one: 1.85]},
    {"session with a checkpoint", "checkpoint", "two vfork+exec in a row", "floor", {:max, 2.0}},
    {"fresh pid mount uts ipc net", "isolated", "unshare", "unshare", {:max, 0.5}},
    {"fresh pid mount uts ipc net", "isolated", "bwrap", "bwrap", {:max, 0.33}},
    {"enter a live session", "enter", "nsenter", "nsenter", {:max, 0.45}},
    {"fresh namespaces, without a shared copy", "isolated_alone", "unshare", "unshare", nil},
    {"enter, without a shared copy", "enter_alone", "nsenter", "nsenter", nil}
  ]

  @beam_rows [
    {"Linx.Process.spawn to :exited", :linx, "Port.open to exit_status", :port, {:max, 1.4}},
    {"Linx.Process.spawn to :exited", :linx, "System.cmd", :cmd, nil},
    {"the same, with a pool of #{@pool_size}", :linx_pool, "Port.open to exit_status", :port,
     {:max, 0.75}},
    {"Linx.cmd with a path", :linx_cmd, "System.cmd", :cmd, {:max, 1.35}},
    {"the same, with a pool of #{@pool_size}", :linx_cmd_pool, "System.cmd", :cmd, {:max, 0.75}},
    {"Linx.cmd(\"true\")", :linx_cmd_name, "System.cmd", :cmd_name, {:max, 1.35}},
    {"Linx.cmd, #{@waiting} messages waiting", :linx_cmd_waiting, "Linx.cmd with a path",
     :linx_cmd, {:max, 1.1}}
  ]

  @throughput_rows [
    {"Linx.Process.spawn, #{@at_once} at a time", :linx, "Port.open", :port, {:min, 0.85}},
    {"the same, with a pool of #{@pool_size}", :linx_pool, "Port.open", :port, {:min, 0.95}},
    {"Linx.Process.spawn, #{@at_once} at a time", :linx, "System.cmd", :cmd, nil},
    {"Linx.cmd, #{@at_once} at a time", :linx_cmd, "System.cmd", :cmd, nil}
  ]

  # What: a subject, or how much longer it takes than another.
  @breakdown [
    {"exec of the workload, as in the floor", "floor", nil},
    {"a program that only forks, execs and waits", "launcher", nil},
    {"the agent, with a request it refuses", "refusal", nil},
    {"what a session costs beyond the launcher", "session", "launcher"},
    {"parking and letting go", "checkpoint", "session"},
    {"fresh pid mount uts ipc net, and their end", "isolated", "session"},
    {"a sealed copy of the agent, and its exec", "isolated_alone", "isolated"}
  ]

  @doc """
  Without the BEAM: bench/sessions measures, with the programs found to compare with, on `:all` cores
  or with everything on `:one`.
  """
  def driver(directory, workload, peers, cores) do
    launcher = {"launcher", [Path.join(directory, "launcher")]}

    programs =
      Enum.flat_map([launcher | peers], fn {name, argv} -> [name | argv] ++ [workload, ";"] end)

    arguments = ["#{@driver_rounds}", "#{cores}", Linx.Agent.path(), workload | programs]
    {text, 0} = System.cmd(Path.join(directory, "sessions"), arguments)

    for line <- String.split(text, "\n", trim: true), into: %{} do
      [name | numbers] = String.split(line)
      [median, low, high] = Enum.map(numbers, &String.to_integer/1)
      {name, %{median: median, low: low, high: high}}
    end
  end

  @doc "Programs of this machine that do what a session in fresh namespaces, or one that enters, does."
  def peers(root?) do
    # An ordinary user has a namespace more to make or to join, and nothing to join it all with.
    {unshare, nsenter} =
      if root?,
        do: {["-muipn"], ["-a"]},
        else: {["-Umuipn"], ~w(-U -m -u -i -p -n --preserve-credentials)}

    [
      {"unshare", unshare ++ ["--fork"]},
      {"nsenter", nsenter ++ ["-t", "@target"]},
      {"bwrap", ~w(--unshare-pid --unshare-uts --unshare-ipc --unshare-net --bind / /)}
    ]
    |> Enum.map(fn {name, arguments} -> {name, [System.find_executable(name) | arguments]} end)
    |> Enum.reject(fn {_name, [path | _arguments]} -> path == nil end)
  end

  @doc "From the BEAM, one at a time: from the call to the message that says how it ended."
  def one_at_a_time(workload) do
    start_pool()

    # A name is looked up along PATH.
    names = %{
      linx_cmd_name: fn -> linx_cmd("true") end,
      cmd_name: fn -> cmd("true") end
    }

    full = full_mailbox(fn -> linx_cmd(workload) end)

    workload
    |> subjects()
    |> Map.merge(names)
    |> Map.put(:linx_cmd_waiting, fn -> in_process(full) end)
    |> measure(@beam_rounds, nil)
  end

  # A process with messages that it never takes, which runs a subject each time that it is told to.
  defp full_mailbox(run) do
    spawn_link(fn ->
      for n <- 1..@waiting, do: send(self(), {:waiting, n})
      run_when_told(run)
    end)
  end

  defp run_when_told(run) do
    receive do: ({:run, from} -> send(from, {:nanoseconds, run.()}))
    run_when_told(run)
  end

  defp in_process(pid) do
    send(pid, {:run, self()})
    receive do: ({:nanoseconds, nanoseconds} -> nanoseconds)
  end

  @doc "The same, many at a time: how many a second."
  def at_once(workload) do
    start_pool()

    workload
    |> subjects()
    |> Enum.map(fn {name, run} -> {name, fn -> throughput(run) end} end)
    |> measure(@batches, 1)
  end

  def driver_rows(times, cores) do
    table =
      for {what, subject, peer, peer_subject, target} <- @driver_rows do
        target = if is_list(target), do: {:max, target[cores]}, else: target
        {what, subject, peer, peer_subject, target}
      end

    rows(table, times, :time)
  end

  def beam_rows(times), do: rows(@beam_rows, times, :time)
  def throughput_rows(rates), do: rows(@throughput_rows, rates, :starts)

  @doc "Where the time of a session without the BEAM goes, from what its parts take alone."
  def breakdown(times) do
    times = Map.put(times, nil, %{median: 0})
    half = update_in(times["floor"].median, &(&1 / 2))

    for {what, subject, other} <- @breakdown,
        do: %Row{what: what, value: half[subject].median - half[other].median, unit: :time}
  end

  defp rows(table, figures, unit) do
    for {what, subject, peer, peer_subject, target} <- table,
        is_map_key(figures, subject) and is_map_key(figures, peer_subject) do
      %Row{
        what: what,
        value: figures[subject],
        unit: unit,
        peer: peer,
        peer_value: figures[peer_subject],
        target: target
      }
    end
  end

  defp measure(subjects, rounds, warm_up) do
    subjects
    |> Samples.interleave(rounds, warm_up)
    |> Map.new(fn {name, samples} -> {name, Samples.summary(samples)} end)
  end

  defp throughput(run) do
    each = div(@batch, @at_once)

    {nanoseconds, _answers} =
      Samples.time(fn ->
        1..@at_once
        |> Enum.map(fn _ -> Task.async(fn -> for _ <- 1..each, do: run.() end) end)
        |> Task.await_many(:infinity)
      end)

    @batch / (nanoseconds / 1_000_000_000)
  end

  # Each returns the nanoseconds it took.
  defp subjects(workload) do
    %{
      linx: fn -> linx(workload, pool: nil) end,
      linx_pool: fn -> linx(workload, pool: @pool) end,
      linx_cmd: fn -> linx_cmd(workload) end,
      linx_cmd_pool: fn -> linx_cmd(workload, pool: @pool) end,
      port: fn -> port(workload) end,
      cmd: fn -> cmd(workload) end
    }
  end

  # A session closes its port after its last event, which is no part of this sample nor of the next.
  defp linx(workload, opts) do
    {nanoseconds, session} =
      Samples.time(fn ->
        {:ok, session} =
          Linx.Process.spawn(
            [argv: [workload], auto_proceed: true, linger: false, events: :tagged] ++ opts
          )

        receive do: ({:linx_process, ^session, {:ready, _pid}} -> :ok)
        receive do: ({:linx_process, ^session, :running} -> :ok)
        receive do: ({:linx_process, ^session, {:exited, 0}} -> session)
      end)

    monitor = Process.monitor(session)
    receive do: ({:DOWN, ^monitor, :process, ^session, _reason} -> nanoseconds)
  end

  defp port(workload) do
    {nanoseconds, _answer} =
      Samples.time(fn ->
        port = Port.open({:spawn_executable, workload}, [:exit_status, :binary])
        receive do: ({^port, {:exit_status, 0}} -> :ok)
      end)

    nanoseconds
  end

  defp cmd(program) do
    {nanoseconds, {"", 0}} = Samples.time(fn -> System.cmd(program, []) end)
    nanoseconds
  end

  defp linx_cmd(program, opts \\ []) do
    {nanoseconds, {"", 0}} = Samples.time(fn -> Linx.cmd(program, [], opts) end)
    nanoseconds
  end

  defp start_pool do
    if Process.whereis(@pool) == nil,
      do: {:ok, _pid} = Linx.Pool.start_link(name: @pool, size: @pool_size)

    :ok = Linx.Pool.await(@pool)
  end
end
