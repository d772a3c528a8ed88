# SPDX-License-Identifier: MIT

defmodule Linx.Tty.Relay do
  @moduledoc false
  # Copies between the BEAM's terminal and a session's: what is typed goes to the session, what the workload
  # writes goes to the BEAM's terminal, and the session's terminal gets the size of the BEAM's.
  #
  # There is one relay at a time, a child of Kernel's supervisor `kernel_safe_sup`, so that a BEAM that shuts
  # down waits until the terminal is restored. `terminate/2` is the one place that restores it; when the BEAM
  # is killed the terminal's agent does.

  use GenServer, restart: :temporary, shutdown: 20_000

  alias Linx.Tty.{DetachKeys, Input, Terminal}

  @supervisor :kernel_safe_sup

  # Bytes of output that one read takes, and milliseconds without output after the workload's end after which
  # no more is expected of processes that it left behind at the terminal.
  @output_size 65_536
  @silence 500

  # Milliseconds that the relay waits at its end for the end of a session that it has started.
  @end_timeout 6_000

  # `wait` is the request whose reply comes at the session's end, `outcome` that reply or the error that has
  # ended the relay, `caller` the process that the relay ends with, and `client` its call that waits for a reply.
  defstruct terminal: nil,
            size: nil,
            encoding: nil,
            detach: nil,
            session: nil,
            started?: false,
            owner: nil,
            host_pid: nil,
            wait: nil,
            outcome: nil,
            caller: nil,
            client: nil,
            input: nil,
            output: nil

  @typedoc "A session that exists, or the options of one that is to be started."
  @type target :: {:session, pid()} | {:spawn, keyword()}

  @doc "Starts the relay, which ends with the calling process."
  @spec start() :: {:ok, pid()} | {:error, :busy}
  def start do
    case :supervisor.start_child(@supervisor, child_spec(self())) do
      {:ok, relay} -> {:ok, relay}
      {:error, {:already_started, _relay}} -> {:error, :busy}
    end
  end

  @doc false
  def start_link(client), do: GenServer.start_link(__MODULE__, client)

  @doc "Restores the terminal, and ends a session that the relay has started."
  @spec stop() :: :ok
  def stop do
    _ = :supervisor.terminate_child(@supervisor, __MODULE__)
    :ok
  end

  @doc "Makes the terminal raw and takes the session; returns once it is at its checkpoint or past it."
  @spec take(pid(), target(), DetachKeys.t()) :: {:ok, pid(), pos_integer()} | {:error, term()}
  def take(relay, target, detach), do: GenServer.call(relay, {:take, target, detach}, :infinity)

  @doc "Has the session proceed; returns how the workload ended, or that the keys for it were typed."
  @spec run(pid()) ::
          Linx.Process.result() | {:ok, :detached} | {:error, :terminal_closed | :no_process}
  def run(relay), do: GenServer.call(relay, :run, :infinity)

  @impl true
  def init(client) do
    Process.flag(:trap_exit, true)
    Process.monitor(client)
    {:ok, %__MODULE__{caller: client}}
  end

  @impl true
  def handle_call({:take, target, detach}, from, state) do
    with {:ok, terminal, size} <- Terminal.lend(),
         state = pass_bytes(%{state | terminal: terminal, size: size, detach: detach}),
         {:ok, state} <- take_session(target, state) do
      {:noreply, reply_client(%{state | client: {:take, from}})}
    else
      {:error, _reason} = error -> {:reply, error, state}
    end
  end

  def handle_call(:run, from, state) do
    # Errors are ignored, because when the session has ended the reply to `wait` says how.
    _ = Linx.Process.pty_set_winsize(state.session, state.size)
    _ = Linx.Process.proceed(state.session)
    {:noreply, reply_client(%{state | client: {:run, from}})}
  end

  @impl true
  def handle_info(message, state) do
    case Terminal.event(state.terminal, message) do
      nil -> session_message(message, state)
      {:winsize, size} -> {:noreply, resize(state, size)}
      {:lost, error} -> {:noreply, give_up(state, error)}
    end
  end

  defp session_message(message, %{wait: nil} = state), do: other_message(message, state)

  defp session_message(message, state) do
    case :gen_server.check_response(message, state.wait) do
      {:reply, outcome} -> {:noreply, finish(state, outcome)}
      {:error, {_reason, _session}} -> {:noreply, finish(state, {:error, :no_process})}
      :no_reply -> other_message(message, state)
    end
  end

  defp other_message({:DOWN, _ref, :process, _client, _reason}, state),
    do: {:stop, :normal, state}

  defp other_message({:EXIT, pid, :terminal_closed}, %{input: pid} = state),
    do: {:noreply, give_up(state, :terminal_closed)}

  defp other_message({:EXIT, pid, :detach}, %{input: pid} = state),
    do: {:noreply, detach(%{state | input: nil})}

  defp other_message({:EXIT, pid, _reason}, %{output: pid} = state),
    do: {:noreply, reply_client(%{state | output: nil})}

  defp other_message({:linx_process, _, _} = message, state), do: session_event(message, state)
  defp other_message({:linx_process, _} = message, state), do: session_event(message, state)
  defp other_message(_message, state), do: {:noreply, state}

  # Plain and tagged events, because a session that is given may have been started with either.
  defp session_event({:linx_process, session, event}, %{session: session} = state),
    do: {:noreply, event(event, state)}

  defp session_event({:linx_process, name, value}, state),
    do: {:noreply, event({name, value}, state)}

  defp session_event({:linx_process, name}, state), do: {:noreply, event(name, state)}

  defp event({:pty_out, data}, state) do
    IO.binwrite(:user, data)
    state
  end

  defp event({:ready, host_pid}, state), do: reply_client(%{state | host_pid: host_pid})
  defp event(:running, state), do: open_input(state)
  defp event(_its_end, state), do: state

  ## The session

  defp take_session({:spawn, opts}, state) do
    with {:ok, session} <-
           opts |> Keyword.put(:stdio, {:pty, of_person(state)}) |> Linx.Process.spawn(),
         do: {:ok, %{state | session: session, started?: true} |> follow() |> open_output()}
  end

  defp take_session({:session, session}, state) do
    with {:ok, before} <- Linx.Process.info(session),
         :ok <- Linx.Process.set_owner(session, self()),
         {:ok, info} <- Linx.Process.info(session) do
      state = follow(%{state | session: session, owner: before.owner})

      # One that was not started with :active sends its output as events.
      state =
        if Linx.Process.set_active(session, :pty, false) == :ok,
          do: open_output(state),
          else: state

      {:ok, catch_up(info, state)}
    end
  end

  # The new terminal is as the person's: its size, its control characters and flags, and its type.
  defp of_person(%{terminal: terminal, size: size}) do
    type = System.get_env("TERM", "")
    [size: size, like: terminal.settings] ++ if(type == "", do: [], else: [term: type])
  end

  # Takes over from `info` the events that were sent to the owner before, and will not be sent again.
  defp catch_up(%{state: before}, state) when before in [:starting, :spawned], do: state

  defp catch_up(%{state: :running} = info, state),
    do: open_input(%{state | host_pid: info.host_pid})

  defp catch_up(info, state), do: %{state | host_pid: info.host_pid}

  # The session replies to this request after it has sent all its events.
  defp follow(state),
    do: %{state | wait: :gen_server.send_request(state.session, {:wait, :infinity})}

  # The session goes on as its owner's, or as if the caller had started it.
  defp detach(%{outcome: nil} = state) do
    owner = state.owner || state.caller
    if state.output, do: send(state.output, :stop)
    if state.started?, do: Linx.Process.Server.adopt(state.session, state.caller)
    _ = Linx.Process.set_owner(state.session, owner)
    show_events(state.session)
    finish(%{state | owner: nil, started?: false}, {:ok, :detached})
  end

  defp detach(state), do: state

  # The output that was sent to this process while it was the owner.
  defp show_events(session) do
    receive do
      {:linx_process, ^session, {:pty_out, data}} -> show(session, data)
      {:linx_process, :pty_out, data} -> show(session, data)
    after
      0 -> :ok
    end
  end

  defp show(session, data) do
    IO.binwrite(:user, data)
    show_events(session)
  end

  ## The client

  defp finish(%{outcome: nil} = state, outcome), do: reply_client(%{state | outcome: outcome})
  defp finish(state, _later), do: state

  # The terminal is lost: no output is shown any more, though the session may go on.
  defp give_up(state, reason), do: finish(%{state | output: nil}, {:error, reason})

  defp reply_client(%{client: {_call, from}, outcome: outcome, output: nil} = state)
       when outcome != nil do
    GenServer.reply(from, outcome)
    %{state | client: nil}
  end

  defp reply_client(%{client: {:take, from}, host_pid: host_pid} = state) when host_pid != nil do
    GenServer.reply(from, {:ok, state.session, host_pid})
    %{state | client: nil}
  end

  defp reply_client(state), do: state

  ## The terminal

  # With :latin1 no byte is converted, in either direction.
  defp pass_bytes(state) do
    {:encoding, encoding} = :user |> :io.getopts() |> List.keyfind(:encoding, 0)
    :ok = :io.setopts(:user, encoding: :latin1)
    %{state | encoding: encoding}
  end

  defp open_output(%{session: session} = state),
    do: %{state | output: spawn_link(fn -> pass_output(session) end)}

  # The next output is read once the terminal has taken the last one, so that a workload which writes faster is
  # blocked.
  defp pass_output(session) do
    receive do
      :stop -> :ok
    after
      0 -> pass_next_output(session)
    end
  end

  # It is stopped between two reads, because what one returns has to be shown. A read takes no longer than
  # @silence.
  defp pass_next_output(session) do
    case Linx.Process.read(session, :pty, @output_size, @silence) do
      {:ok, data} ->
        IO.binwrite(:user, data)
        pass_output(session)

      {:error, :timeout} ->
        if Linx.Process.wait(session, 0) == {:error, :timeout}, do: pass_output(session)

      _its_end ->
        :ok
    end
  end

  defp open_input(%{input: nil, session: session, detach: detach} = state),
    do: %{state | input: spawn_link(fn -> pass_input(session, detach) end)}

  defp open_input(state), do: state

  defp pass_input(session, detach) do
    with {:ok, bytes, detach} <- Input.read(detach),
         :ok <- Linx.Process.pty_write(session, bytes) do
      pass_input(session, detach)
    else
      {:detach, bytes} -> if Linx.Process.pty_write(session, bytes) == :ok, do: exit(:detach)
      :eof -> exit(:terminal_closed)
      {:error, _ended} -> :ok
    end
  end

  defp resize(state, size) do
    if state.wait, do: Linx.Process.pty_set_winsize(state.session, size)
    %{state | size: size}
  end

  @impl true
  def terminate(_reason, state) do
    for pump <- [state.input, state.output], pump != nil, do: Process.exit(pump, :kill)
    if state.terminal, do: Terminal.give_back(state.terminal)
    if state.encoding, do: :io.setopts(:user, encoding: state.encoding)
    if state.owner, do: Linx.Process.set_owner(state.session, state.owner)
    if state.started?, do: end_session(state.session)
  end

  defp end_session(session) do
    GenServer.stop(session, :normal, @end_timeout)
  catch
    :exit, _gone -> :ok
  end
end
