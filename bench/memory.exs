# SPDX-License-Identifier: MIT

defmodule Bench.Memory do
  @moduledoc "What a session occupies while it is there."

  alias Bench.Report.Row
  alias Bench.Samples

  @sessions 200

  def rows(workload) do
    # What the BEAM sets aside for the first sessions, or gives back of earlier work, is not theirs.
    measure(workload, &match?({:ready, _pid}, &1), fn _session -> :ok end)
    parked = measure(workload, &match?({:ready, _pid}, &1), fn _session -> :ok end)
    running = measure(workload, &(&1 == :running), &Linx.Process.proceed/1)
    waiting = pool()

    [
      row("agent of a parked session, RSS", parked.agent.rss, {:max, 112 * 1024}),
      row("agent of a parked session, PSS", parked.agent.pss, nil),
      row("its child, RSS", parked.child.rss, nil),
      row("its child, PSS", parked.child.pss, nil),
      row("agent of a running session, RSS", running.agent.rss, nil),
      row("agent of a running session, PSS", running.agent.pss, nil),
      row("its workload, RSS", running.child.rss, nil),
      row("its workload, PSS", running.child.pss, nil),
      row("agent that waits in a pool, RSS", waiting.rss, {:max, 120 * 1024}),
      row("agent that waits in a pool, PSS", waiting.pss, nil),
      row("the BEAM, for each session", parked.beam, nil)
    ]
    |> Enum.reject(&is_nil(&1.value))
  end

  defp row(what, bytes, target), do: %Row{what: what, value: bytes, unit: :kib, target: target}

  # Medians over all the sessions; PSS shares a page among those who map it, so it needs them all.
  defp measure(workload, reached?, go) do
    before = beam()
    sessions = for _ <- 1..@sessions, do: start(workload)

    for session <- sessions do
      await(session, &match?({:ready, _pid}, &1))
      go.(session)
      unless reached?.({:ready, 0}), do: await(session, reached?)
    end

    occupied = %{
      beam: (beam() - before) / @sessions,
      agent: processes(sessions, & &1.agent_pid),
      child: processes(sessions, & &1.host_pid)
    }

    for session <- sessions, do: GenServer.stop(session)
    occupied
  end

  # The ports of a pool's agents are the only ones that it owns.
  defp pool do
    {:ok, pool} = Linx.Pool.start_link(size: @sessions)
    :ok = Linx.Pool.await(pool, 60_000)
    {:links, links} = Process.info(pool, :links)

    maps =
      for port <- links,
          is_port(port),
          {:os_pid, pid} <- [Port.info(port, :os_pid)],
          do: smaps(pid)

    GenServer.stop(pool)
    %{rss: field(maps, "Rss"), pss: field(maps, "Pss")}
  end

  defp start(workload) do
    {:ok, session} =
      Linx.Process.spawn(argv: [workload, "wait"], stdio: :devnull, events: :tagged)

    session
  end

  defp await(session, reached?) do
    receive do
      {:linx_process, ^session, event} -> unless reached?.(event), do: await(session, reached?)
    end
  end

  defp beam do
    for pid <- Process.list(), do: :erlang.garbage_collect(pid)
    :erlang.memory(:total)
  end

  defp processes(sessions, pid) do
    maps =
      for session <- sessions, {:ok, info} = Linx.Process.info(session), do: smaps(pid.(info))

    %{rss: field(maps, "Rss"), pss: field(maps, "Pss")}
  end

  # Only root may read those of an agent, which is not dumpable (proc(5)).
  defp smaps(pid) do
    case File.read("/proc/#{pid}/smaps_rollup") do
      {:ok, text} -> text
      {:error, _reason} -> ""
    end
  end

  defp field(maps, name) do
    numbers =
      for text <- maps, [_line, kib] <- [Regex.run(~r/^#{name}:\s+(\d+) kB$/m, text)] do
        String.to_integer(kib) * 1024
      end

    if numbers != [], do: Samples.median(numbers)
  end
end
