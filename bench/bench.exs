# SPDX-License-Identifier: MIT

# Measures linx, and what it is to be compared with, on this machine. bench/run builds and calls it
# with the directory that make builds in.
#
#   make bench
#   bench/run markdown    the tables as pages/benchmarks.md has them

for file <- ~w(support/samples support/machine support/report launch memory streams) do
  Code.require_file(file <> ".exs", __DIR__)
end

defmodule Bench do
  alias Bench.{Launch, Machine, Memory, Report, Streams}

  def run(build, format) do
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

    [all, one] =
      for {cores, what} <- [all: "sessions without the BEAM", one: "the same on one core"] do
        Report.progress(what, fn -> Launch.driver(directory, workload, peers, cores) end)
      end

    beam = Report.progress("sessions from the BEAM", fn -> Launch.one_at_a_time(workload) end)
    rates = Report.progress("many at a time", fn -> Launch.at_once(workload) end)
    memory = Report.progress("memory", fn -> Memory.rows(workload) end)

    streams = Streams.rows(Path.join(directory, "stream"))

    tables = [
      {"Without the BEAM", Launch.driver_rows(all, :all)},
      {"Without the BEAM, all on one core", Launch.driver_rows(one, :one)},
      {"Where the time of a session goes, on one core", Launch.breakdown(one)},
      {"From the BEAM", Launch.beam_rows(beam) ++ Launch.throughput_rows(rates)},
      {"Memory, 200 sessions", memory},
      {"Stdio", streams}
    ]

    print = if format == "markdown", do: &Report.markdown/2, else: &Report.table/2
    for {title, rows} <- tables, do: print.(title, rows)
    Report.legend(Enum.flat_map(tables, &elem(&1, 1)))
  end
end

[build | format] = System.argv()
Bench.run(build, List.first(format))
