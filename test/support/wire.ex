# SPDX-License-Identifier: MIT

defmodule AgentTest.Wire do
  @moduledoc """
  One session with the agent, down to the bytes: the frames are made here, so that a test can send bytes that no
  client would.

  A process of its own owns the channel and keeps the session's whole history. It forwards every frame but
  the data frames to the test, in order; `next_frame/1` takes them. The driver (`test/support/driver.c`) is
  the agent's parent, between it and the BEAM, and reports how every process ended.
  """

  use GenServer

  alias AgentTest.{Programs, Result}

  @enforce_keys [:pid, :ref, :agent]
  defstruct [:pid, :ref, :agent, :host_pid, :child_pid]

  @patience 30_000
  @data [:pty_out, :stdout, :stderr, :written]

  @doc """
  Starts an agent. Options:

    * `:agent` - another agent binary;
    * `:program` - another program in the place of the agent, as an argv;
    * `:driver` - options of the driver, applied before the agent is exec'd;
    * `:env` - environment changes, as `Port.open/2` takes them;
    * `:commands` - what fd 3 is: `:socket` (default), `:port`, or `:fifo`. A Port that is written to
      after its program has ended loses the frames that it has not read; a socket does not;
    * `:frames` - what fd 4 is: `:port` (default), or `:socket`, which is not read until
      `read_frames/1`;
    * `:stdout` - false leaves fd 1 alone; otherwise what arrives there is kept for
      `await_output/2` and the result.
  """
  def start(opts \\ []) do
    ref = make_ref()
    spec = Map.new(opts) |> Map.merge(%{ref: ref, test: self()})
    pid = ExUnit.Callbacks.start_supervised!({__MODULE__, spec}, id: ref)
    %__MODULE__{pid: pid, ref: ref, agent: GenServer.call(pid, :agent, @patience)}
  end

  def child_spec(spec) do
    %{
      id: spec.ref,
      start: {GenServer, :start_link, [__MODULE__, spec]},
      restart: :temporary,
      shutdown: 2 * @patience
    }
  end

  @doc "The data of the frames of one kind that have arrived so far."
  def so_far(wire, stream), do: GenServer.call(wire.pid, {:so_far, stream}, @patience)

  @doc "The four-byte length and the term, as they go over the wire."
  def frame(term), do: term |> :erlang.term_to_binary() |> packet()

  @doc "Any bytes, as the body of a frame."
  def packet(body) when is_binary(body), do: <<byte_size(body)::32, body::binary>>

  @doc "Sends a term as one frame."
  def send_term(wire, term), do: send_raw(wire, frame(term))

  @doc "Sends bytes as they are, in one write."
  def send_raw(wire, bytes), do: GenServer.call(wire.pid, {:send, bytes}, @patience)

  @doc "Closes the BEAM's end of fd 3, and of fd 4 when both are the Port."
  def close_commands(wire), do: GenServer.call(wire.pid, :close_commands, @patience)

  @doc "Closes the BEAM's end of fd 4 (only with `frames: :socket`)."
  def close_frames(wire), do: GenServer.call(wire.pid, :close_frames, @patience)

  @doc "Begins to read fd 4 (only with `frames: :socket`)."
  def read_frames(wire), do: GenServer.call(wire.pid, :read_frames, @patience)

  @doc "The next frame that carries no data; fails when the session ends first."
  def next_frame(%{ref: ref}) do
    receive do
      {^ref, {:frame, frame}} -> frame
      {^ref, {:gone, result}} -> ExUnit.Assertions.flunk("no frame; it ended: #{inspect(result)}")
    after
      @patience -> ExUnit.Assertions.flunk("no frame for #{@patience} ms")
    end
  end

  @doc "Waits until `wanted` is part of the output of the workload's fd 1; returns all of that output."
  def await_output(wire, wanted), do: await(wire, :output, wanted)

  @doc "As `await_output/2`, for the terminal."
  def await_pty(wire, wanted), do: await(wire, :pty, wanted)

  @doc "As `await_output/2`, for a pipe: `:stdout` or `:stderr`."
  def await_pipe(wire, stream, wanted), do: await(wire, stream, wanted)

  @doc "Waits until `count` bytes of a stream have arrived."
  def await_bytes(wire, stream, count) when is_integer(count), do: await(wire, stream, count)

  @doc "Waits until the kernel has taken `count` bytes of the data that was sent to `:stdin` or `:pty`."
  def await_written(wire, stream, count), do: await(wire, :written, {stream, count})

  @doc "Waits for the agent's own exit, whatever it leaves behind: `{:exited | :signaled, n, cpu_us}`."
  def await_agent_exit(%{ref: ref}) do
    receive do
      {^ref, {:agent, ended}} -> ended
    after
      @patience -> ExUnit.Assertions.flunk("the agent did not exit within #{@patience} ms")
    end
  end

  @doc "Waits until no process of the session is left; returns its history."
  def await_gone(%{ref: ref}) do
    receive do
      {^ref, {:gone, result}} -> result
    after
      @patience -> ExUnit.Assertions.flunk("the session did not end within #{@patience} ms")
    end
  end

  defp await(wire, stream, wanted) do
    case GenServer.call(wire.pid, {:await, stream, wanted}, @patience) do
      {:ok, seen} ->
        seen

      {:gone, result} ->
        ExUnit.Assertions.flunk("#{inspect(wanted)} never came: #{inspect(result)}")
    end
  end

  ## The process

  @impl true
  def init(spec) do
    Process.flag(:trap_exit, true)
    spec = Map.merge(%{commands: :socket, frames: :port, stdout: true, driver: [], env: []}, spec)
    report = listen(packet: :line)
    output = spec.stdout && listen([])
    commands = spec.commands == :socket && listen([])
    frames = spec.frames == :socket && listen([])
    fifo = spec.commands == :fifo && make_fifo()

    options =
      [["--read", "0", "/dev/null"]] ++
        connect("1", output) ++
        connect("3", commands) ++
        connect("4", frames) ++
        if(fifo, do: [["--read", "3", fifo]], else: []) ++ spec.driver

    program = Map.get(spec, :program) || [Map.get(spec, :agent) || Programs.agent()]
    args = Enum.map([report.name] ++ List.flatten(options) ++ ["--" | program], &to_string/1)

    port =
      Port.open({:spawn_executable, Programs.path("driver")}, [
        :nouse_stdio,
        :stream,
        :binary,
        :exit_status,
        args: args,
        env: spec.env
      ])

    state = %{
      spec: spec,
      port: port,
      driver: nil,
      report: accept(report, true),
      output: output && accept(output, true),
      commands: commands && accept(commands, false),
      frames: frames && accept(frames, false),
      reads_frames: false,
      fifo: fifo && open_fifo(fifo),
      agent: nil,
      waiting_for_agent: nil,
      awaiting: [],
      buffer: "",
      gone: nil,
      driver_ended: false,
      port_ended: false,
      result: %Result{}
    }

    {:ok, state}
  end

  @impl true
  def handle_call(:agent, from, %{agent: nil} = state),
    do: {:noreply, %{state | waiting_for_agent: from}}

  def handle_call(:agent, _from, state), do: {:reply, state.agent, state}
  def handle_call({:send, bytes}, _from, state), do: {:reply, write(state, bytes), state}

  def handle_call(:close_commands, _from, state) do
    cond do
      state.fifo -> :ok = :file.close(state.fifo)
      state.commands -> :ok = :gen_tcp.close(state.commands)
      true -> Port.close(state.port)
    end

    closed = state.fifo == false and state.commands == false
    {:reply, :ok, settle(%{state | port_ended: state.port_ended or closed})}
  end

  def handle_call(:close_frames, _from, state),
    do: {:reply, :gen_tcp.close(state.frames), %{state | reads_frames: false}}

  def handle_call(:read_frames, _from, state) do
    :ok = :inet.setopts(state.frames, active: true)
    {:reply, :ok, %{state | reads_frames: true}}
  end

  def handle_call({:so_far, stream}, _from, state),
    do: {:reply, Map.fetch!(state.result, stream), state}

  def handle_call({:await, stream, wanted}, from, state),
    do: {:noreply, answer(%{state | awaiting: [{from, stream, wanted} | state.awaiting]})}

  @impl true
  def handle_info({port, {:data, bytes}}, %{port: port} = state),
    do: {:noreply, state |> frames(bytes) |> answer()}

  def handle_info({port, {:exit_status, _}}, %{port: port} = state),
    do: {:noreply, settle(%{state | port_ended: true})}

  # A write to a closed pipe closes the whole Port.
  def handle_info({:EXIT, port, _}, %{port: port} = state),
    do: {:noreply, settle(%{state | port_ended: true})}

  def handle_info({:tcp, socket, bytes}, %{frames: socket} = state),
    do: {:noreply, state |> frames(bytes) |> answer()}

  def handle_info({:tcp, socket, line}, %{report: socket} = state),
    do: {:noreply, line |> String.split() |> report(state)}

  def handle_info({:tcp, socket, bytes}, %{output: socket} = state),
    do: {:noreply, state |> record(:output, &(&1 <> bytes)) |> answer()}

  def handle_info({:tcp_closed, socket}, %{report: socket} = state),
    do: {:noreply, settle(%{state | driver_ended: true})}

  def handle_info({:tcp_closed, socket}, %{output: socket} = state),
    do: {:noreply, settle(%{state | output: nil})}

  def handle_info({:tcp_closed, socket}, %{frames: socket} = state),
    do: {:noreply, settle(%{state | reads_frames: false})}

  def handle_info(_message, state), do: {:noreply, state}

  @impl true
  def terminate(_reason, %{driver_ended: true}), do: :ok

  def terminate(_reason, state) do
    %{driver: driver, report: report} = state
    driver && System.cmd("kill", ["-TERM", driver], stderr_to_stdout: true)

    receive do
      {:tcp_closed, ^report} -> :ok
    after
      @patience -> :ok
    end
  end

  defp write(%{fifo: fifo}, bytes) when fifo not in [nil, false], do: :file.write(fifo, bytes)

  defp write(%{commands: socket}, bytes) when socket not in [nil, false],
    do: :gen_tcp.send(socket, bytes)

  defp write(%{port: port}, bytes) do
    Port.command(port, bytes)
    :ok
  rescue
    ArgumentError -> {:error, :closed}
  end

  defp frames(state, bytes), do: split(%{state | buffer: state.buffer <> bytes})

  defp split(%{buffer: <<size::32, body::binary-size(size), rest::binary>>} = state),
    do: split(took(%{state | buffer: rest}, :erlang.binary_to_term(body)))

  defp split(state), do: state

  defp took(state, frame) do
    unless is_tuple(frame) and elem(frame, 0) in @data, do: tell(state, {:frame, frame})
    state = record(state, :frames, &[frame | &1])

    case frame do
      {:pty_out, bytes} ->
        record(state, :pty, &(&1 <> bytes))

      {:stdout, bytes} ->
        record(state, :stdout, &(&1 <> bytes))

      {:stderr, bytes} ->
        record(state, :stderr, &(&1 <> bytes))

      {:written, stream, n} ->
        record(state, :written, &Map.update(&1, stream, n, fn m -> m + n end))

      _ ->
        state
    end
  end

  defp report(["driver", pid], state), do: %{state | driver: pid}

  defp report(["agent", pid], state) do
    pid = String.to_integer(pid)
    state.waiting_for_agent && GenServer.reply(state.waiting_for_agent, pid)
    %{state | agent: pid}
  end

  defp report([how, n, cpu, maxrss, status], state) when how in ["exited", "signaled"] do
    ended = {String.to_existing_atom(how), String.to_integer(n), String.to_integer(cpu)}
    tell(state, {:agent, ended})

    result = %{
      state.result
      | agent: ended,
        maxrss_kb: String.to_integer(maxrss),
        wait_status: String.to_integer(status)
    }

    %{state | result: result}
  end

  defp report(["orphan", pid, status], state) do
    orphan = {String.to_integer(pid), String.to_integer(status)}
    record(state, :orphans, &(&1 ++ [orphan]))
  end

  defp report(["done"], state), do: state

  defp record(state, key, update), do: %{state | result: Map.update!(state.result, key, update)}

  defp tell(state, event), do: send(state.spec.test, {state.spec.ref, event})

  # Output and frames may still arrive after the driver has reported the end, so each of them is read to its
  # end of file. The state of a socket does not tell: it is closed before its last message is taken.
  defp settle(
         %{driver_ended: true, port_ended: true, reads_frames: false, output: output, gone: nil} =
           state
       )
       when output in [nil, false] do
    frames = Enum.reverse(state.result.frames)
    result = %{state.result | frames: frames, rest: state.buffer}
    tell(state, {:gone, result})
    answer(%{state | gone: result})
  end

  defp settle(state), do: state

  defp answer(state) do
    awaiting =
      Enum.reject(state.awaiting, fn {from, stream, wanted} ->
        seen = Map.fetch!(state.result, stream)

        cond do
          shows?(seen, wanted) -> GenServer.reply(from, {:ok, seen}) == :ok
          state.gone -> GenServer.reply(from, {:gone, state.gone}) == :ok
          true -> false
        end
      end)

    %{state | awaiting: awaiting}
  end

  defp shows?(%{} = written, {stream, count}), do: Map.get(written, stream, 0) >= count
  defp shows?(seen, count) when is_integer(count), do: byte_size(seen) >= count
  defp shows?(seen, wanted), do: String.contains?(seen, wanted)

  defp listen(opts) do
    name = "linx-test-#{System.pid()}-#{System.unique_integer([:positive])}"
    options = [:binary, active: false, ifaddr: {:local, <<0, name::binary>>}] ++ opts
    {:ok, listener} = :gen_tcp.listen(0, options)
    %{name: name, listener: listener}
  end

  defp connect(_fd, false), do: []
  defp connect(fd, %{name: name}), do: [["--connect", fd, name]]

  defp accept(%{listener: listener}, active) do
    {:ok, socket} = :gen_tcp.accept(listener, @patience)
    :ok = :inet.setopts(socket, active: active)
    :gen_tcp.close(listener)
    socket
  end

  defp make_fifo do
    path = Programs.scratch("fifo")
    {_, 0} = System.cmd("mkfifo", ["-m", "666", path])
    path
  end

  defp open_fifo(path) do
    {:ok, fifo} = :file.open(path, [:write, :raw, :binary])
    File.rm!(path)
    fifo
  end
end
