# Measures linx, and what it is to be compared with, on this machine. bench/run builds and calls it
# with the directory that make builds in.
#
#   make bench

for file <- ~w(support/samples support/machine support/report launch memory streams) do
  Code.require_file(file <> ".exs", __DIR__)
end

defmodule Bench do
  alias Bench.{Launch, Machine, Memory, Report, Streams}

  def run(build) do
    directory = Path.expand("bench", build)
    workload = Path.join(directory, "true")
    root? = Machine.root?()
    peers = Launch.peers(root?)

    IO.puts("linx on this machine\n")
    facts = Machine.facts(build)

    compared = for {name, [_path | arguments]} <- peers, do: Enum.join([name | arguments], " ")

    facts = facts ++ Enum.map(["Port.open", "System.cmd" | compared], &{"compared with", &1})
    for {name, text} <- facts, do: IO.puts("  #{String.pad_trailing(name, 16)}#{text}")
    IO.puts(:stderr, "")

    times =
      Report.progress("sessions without the BEAM", fn ->
        Launch.driver(directory, workload, peers)
      end)

    beam = Report.progress("sessions from the BEAM", fn -> Launch.one_at_a_time(workload) end)
    rates = Report.progress("many at a time", fn -> Launch.at_once(workload) end)
    memory = Report.progress("memory", fn -> Memory.rows(workload) end)

    streams = Streams.rows(Path.join(directory, "stream"))

    Report.table("A session without the BEAM, median", Launch.driver_rows(times))
    Report.table("Where its time goes", Launch.breakdown(times))
    Report.table("From the BEAM, median", Launch.beam_rows(beam) ++ Launch.throughput_rows(rates))
    Report.table("Memory, median of 200 sessions", memory)
    Report.table("Stdio", streams)
    Report.legend()
  end
end

[build] = System.argv()
Bench.run(build)
