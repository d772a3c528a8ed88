# SPDX-License-Identifier: MIT

defmodule Bench.Streams do
  @moduledoc "What goes through a session's stdio: how fast, in what pieces, and what the BEAM holds."

  alias Bench.Report
  alias Bench.Report.Row
  alias Bench.Samples

  @gibibyte 1_073_741_824
  @chunk 65_536
  @mebibyte 1_048_576
  @rounds Bench.Samples.rounds(5)
  @terminal 64 * @mebibyte
  @lines ["/bin/sh", "-c", "i=0; while [ $i -lt 200000 ]; do echo line $i; i=$((i+1)); done"]
  @watched_ms 2_000
  @settle_ms 20
  @input_lines 3_000_000
  @line "a line that a call gives its program\n"
  @sessions 100
  @fair_ms 4_000
  @memory {:max, 8 * @mebibyte}

  def rows(program) do
    output = Report.progress("1 GiB of output", fn -> interleave(output(program, @mebibyte)) end)
    sips = Report.progress("in small pieces", fn -> interleave(output(program, @chunk)) end)
    large = Report.progress("1 GiB of input", fn -> interleave(input(program, @mebibyte)) end)
    small = Report.progress("in small pieces", fn -> interleave(input(program, @chunk)) end)
    lines = Report.progress("input by lines", fn -> interleave(lines(program)) end)
    held = Report.progress("memory with slow partners", fn -> held(program) end)
    terminal = Report.progress("a terminal's output", fn -> terminal(program) end)
    fair = Report.progress("#{@sessions} sessions at once", fn -> fairness(program) end)

    [
      rate("1 GiB of output, read up to 1 MiB at a time", output, {:min, 0.9}),
      rate("1 GiB of output, read up to 64 KiB at a time", sips, nil),
      rate("1 GiB of input, written 1 MiB at a time", large, {:min, 0.9}),
      rate("1 GiB of input, written 64 KiB at a time", small, nil)
    ] ++ lines_rows(lines) ++ held ++ terminal ++ fair
  end

  defp rate(what, times, target) do
    %Row{
      what: what,
      value: @gibibyte / times.linx,
      unit: :rate,
      peer: "Port.open, :stream",
      peer_value: @gibibyte / times.port,
      target: target
    }
  end

  defp interleave(subjects) do
    subjects
    |> Samples.interleave(@rounds, 1)
    |> Map.new(fn {name, samples} -> {name, Samples.median(samples) / 1_000_000_000} end)
  end

  ## 1 GiB, there and back

  defp output(program, size) do
    argv = [program, "pour", "#{@gibibyte}"]

    %{
      linx: fn ->
        timed(fn ->
          session = start(argv, stdin: :devnull, stdout: :pipe)
          @gibibyte = read_all(session, :stdout, size, 0)
          await_exit(session)
        end)
      end,
      port: fn ->
        timed(fn -> @gibibyte = argv |> open() |> count_all(0) end)
      end
    }
  end

  defp input(program, size) do
    argv = [program, "drain", "#{@gibibyte}"]
    chunk = :binary.copy("x", size)
    count = div(@gibibyte, size)

    %{
      linx: fn ->
        timed(fn ->
          session = start(argv, stdin: :pipe, stdout: :devnull)
          for _ <- 1..count, do: :ok = write(session, chunk)
          await_exit(session)
        end)
      end,
      port: fn ->
        timed(fn ->
          port = open(argv)
          for _ <- 1..count, do: true = Port.command(port, chunk)
          0 = count_all(port, 0)
        end)
      end
    }
  end

  ## A file as a call's input, by lines and in chunks

  defp lines(program) do
    path = Path.join(System.tmp_dir!(), "linx-bench-lines-#{System.pid()}")
    File.write!(path, :binary.copy(@line, @input_lines))
    System.at_exit(fn _status -> File.rm(path) end)
    argv = [program, "drain", "#{@input_lines * byte_size(@line)}"]

    for {name, stream} <- [
          linx: File.stream!(path),
          chunks: File.stream!(path, [], @chunk),
          enumerated: :none
        ],
        into: %{} do
      {name, fn -> timed(fn -> feed(argv, stream, path) end) end}
    end
  end

  # What enumerating the lines takes alone is the least that any input by lines can take.
  defp feed(_argv, :none, path), do: path |> File.stream!() |> Stream.run()
  defp feed(argv, stream, _path), do: {:ok, %{status: 0}} = Linx.run(argv, input: stream)

  defp lines_rows(times) do
    rate = &(@input_lines * byte_size(@line) / &1)

    for {peer, time} <- [
          {"in chunks of 64 KiB", times.chunks},
          {"enumerated, not written", times.enumerated}
        ] do
      %Row{
        what: "#{div(@input_lines, 1_000_000)} million lines as a call's input",
        value: rate.(times.linx),
        unit: :rate,
        peer: peer,
        peer_value: rate.(time)
      }
    end
  end

  ## What the BEAM holds meanwhile

  defp held(program) do
    pour = [program, "pour"]

    for {what, run} <- [
          {"BEAM's growth, output read at 1 ms a message",
           fn -> reading(pour, :stdout, &sip(&1, :stdout)) end},
          {"BEAM's growth, output that is not read", fn -> reading(pour, :stdout, &stop/1) end},
          {"BEAM's growth, input taken 4 KiB a ms", fn -> writing([program, "sip"]) end},
          {"BEAM's growth, input that is not taken", fn -> writing([program, "wait"]) end}
        ] do
      %Row{what: what, value: run.(), unit: :mib, target: @memory}
    end
  end

  defp reading(argv, stream, consume) do
    growth(fn ->
      session = start(argv, stdin: :devnull, stdout: :pipe)
      {:ok, _bytes} = read(session, stream)
      consume.(session)
    end)
  end

  defp writing(argv) do
    chunk = :binary.copy("x", @chunk)
    growth(fn -> argv |> start(stdin: :pipe, stdout: :devnull) |> write_for_ever(chunk) end)
  end

  defp write_for_ever(session, chunk) do
    :ok = write(session, chunk)
    write_for_ever(session, chunk)
  end

  defp sip(session, stream) do
    {:ok, _bytes} = read(session, stream)
    Process.sleep(1)
    sip(session, stream)
  end

  defp stop(_session), do: Process.sleep(:infinity)

  # The most that the BEAM has grown by while a process of its own does something.
  defp growth(run) do
    for pid <- Process.list(), do: :erlang.garbage_collect(pid)
    before = :erlang.memory(:total)
    {pid, monitor} = spawn_monitor(run)
    peak = watch(monitor, System.monotonic_time(:millisecond) + @watched_ms, before)
    Process.exit(pid, :shutdown)
    receive do: ({:DOWN, ^monitor, :process, ^pid, _reason} -> :ok)
    max(peak - before, 0)
  end

  defp watch(monitor, until, peak) do
    receive do
      {:DOWN, ^monitor, :process, _pid, reason} -> raise "it ended: #{inspect(reason)}"
    after
      @settle_ms -> :ok
    end

    peak = max(peak, :erlang.memory(:total))
    if System.monotonic_time(:millisecond) < until, do: watch(monitor, until, peak), else: peak
  end

  ## A terminal

  defp terminal(program) do
    {nanoseconds, {bytes, messages}} = terminal_events([program, "pour", "#{@terminal}"])
    {_nanoseconds, {line_bytes, line_messages}} = terminal_events(@lines)

    slow = growth(fn -> [program, "pour"] |> start(:pty, active: false) |> sip(:pty) end)

    [
      %Row{
        what: "terminal, bytes a message",
        value: bytes / messages,
        unit: :kib,
        target: {:min, 16_384}
      },
      %Row{
        what: "terminal, bytes a message, from a shell's echo line by line",
        value: line_bytes / line_messages,
        unit: :kib
      },
      %Row{what: "terminal, bytes", value: bytes * 1_000_000_000 / nanoseconds, unit: :rate},
      %Row{
        what: "BEAM's growth, terminal read at 1 ms a message",
        value: slow,
        unit: :mib,
        target: @memory
      }
    ]
  end

  defp terminal_events(argv),
    do: Samples.time(fn -> argv |> start(:pty) |> receive_terminal(0, 0) end)

  defp receive_terminal(session, bytes, frames) do
    receive do
      {:linx_process, ^session, {:pty_out, out}} ->
        receive_terminal(session, bytes + byte_size(out), frames + 1)

      {:linx_process, ^session, {:exited, 0}} ->
        {bytes, frames}
    end
  end

  ## Many at once

  defp fairness(program) do
    before = :erlang.memory(:total)
    parent = self()

    readers =
      for _ <- 1..@sessions do
        spawn_link(fn ->
          session = start([program, "pour"], stdin: :devnull, stdout: :pipe)
          {:ok, _bytes} = read(session, :stdout)
          send(parent, {self(), :reads})
          receive do: (:go -> :ok)
          bytes = read_until(session, System.monotonic_time(:millisecond) + @fair_ms, 0)
          send(parent, {self(), {:read, bytes}})
        end)
      end

    for reader <- readers, do: receive(do: ({^reader, :reads} -> :ok))
    for reader <- readers, do: send(reader, :go)
    Process.sleep(div(@fair_ms, 2))
    during = :erlang.memory(:total)
    counts = for reader <- readers, do: receive(do: ({^reader, {:read, bytes}} -> bytes))

    [
      %Row{
        what: "#{@sessions} sessions, the fastest to the slowest",
        value: Enum.max(counts) / Enum.min(counts),
        unit: :plain,
        target: {:max, 2.0}
      },
      %Row{what: "#{@sessions} sessions, Jain's index", value: jain(counts), unit: :plain},
      %Row{
        what: "#{@sessions} sessions, all together",
        value: Enum.sum(counts) * 1000 / @fair_ms,
        unit: :rate
      },
      %Row{what: "#{@sessions} sessions, the BEAM's growth", value: during - before, unit: :mib}
    ]
  end

  # 1 when all are equal, 1/n when one has everything.
  defp jain(counts) do
    squares = counts |> Enum.map(&(&1 * &1)) |> Enum.sum()
    Enum.sum(counts) ** 2 / (length(counts) * squares)
  end

  defp read_until(session, deadline, bytes) do
    if System.monotonic_time(:millisecond) >= deadline do
      bytes
    else
      {:ok, data} = read(session, :stdout)
      read_until(session, deadline, bytes + byte_size(data))
    end
  end

  ## The means

  defp start(argv, stdio, options \\ []) do
    {:ok, session} =
      Linx.Process.spawn(
        [argv: argv, stdio: stdio, auto_proceed: true, linger: false, events: :tagged] ++ options
      )

    session
  end

  defp await_exit(session), do: receive(do: ({:linx_process, ^session, {:exited, 0}} -> :ok))

  defp read(session, stream), do: Linx.Process.read(session, stream, @chunk, :infinity)
  defp write(session, data), do: Linx.Process.write(session, data, :infinity)

  defp read_all(session, stream, size, bytes) do
    case Linx.Process.read(session, stream, size) do
      {:ok, data} -> read_all(session, stream, size, bytes + byte_size(data))
      :eof -> bytes
    end
  end

  defp open([program | arguments]) do
    Port.open({:spawn_executable, program}, [:binary, :stream, :exit_status, args: arguments])
  end

  defp count_all(port, bytes) do
    receive do
      {^port, {:data, data}} -> count_all(port, bytes + byte_size(data))
      {^port, {:exit_status, 0}} -> bytes
    end
  end

  defp timed(run) do
    {nanoseconds, _answer} = Samples.time(run)
    nanoseconds
  end
end
