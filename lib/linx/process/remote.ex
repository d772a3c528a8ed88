# SPDX-License-Identifier: MIT

defmodule Linx.Process.Remote do
  @moduledoc false
  # A process on the node of the caller, for a session on another node.
  #
  # The caller is linked to this process or monitored by it, and this process is linked to the session: so
  # the end of the caller is the end of the session and the other way round, but a lost connection does not
  # end the caller. The session's events and streams pass through this process. So when the connection is lost
  # it knows which of them have not ended, and sends their ends.

  use GenServer

  alias Linx.Process.{Caller, Departure, Error, Events, Options, Pipes, Server}

  # `active` are the streams that are sent to the receiver and have not ended.
  defstruct [:session, :caller, :owner, :events, :stream_to, active: [], ended?: false]

  @doc "Starts a session on `options.node`; as `Linx.Process.Server.start/3`."
  @spec start(:spawn | :enter, Options.t(), pid()) :: {:ok, pid()} | {:error, term()}
  def start(mode, options, caller) do
    case GenServer.start(__MODULE__, {mode, options, caller}) do
      {:ok, remote} -> {:ok, GenServer.call(remote, :session)}
      {:error, {:shutdown, {:refused, reason}}} -> {:error, reason}
    end
  end

  @impl true
  def init({mode, options, caller}) do
    Process.flag(:trap_exit, true)
    # A supervisor needs the link to its child, which is the session.
    links = if options.supervised, do: [caller], else: []
    there = %{options | node: nil, link: true, remote: self(), links: links}

    case start_there(options.node, [mode, there, self()]) do
      {:ok, session} ->
        Caller.tie(caller, options.link)

        {:ok,
         %__MODULE__{
           session: session,
           caller: caller,
           owner: options.owner,
           events: options.events,
           stream_to: options.stream_to,
           active: if(options.collect, do: [], else: Pipes.active(options.pipes))
         }}

      {:error, reason} ->
        {:stop, {:shutdown, {:refused, reason}}}
    end
  end

  defp start_there(node, arguments) do
    :erpc.call(node, Server, :start, arguments)
  rescue
    error in ErlangError ->
      case error.original do
        # The node runs, and does not have this library.
        {:exception, :undef, _stack} -> {:error, {:bad_node, node}}
        _no_connection -> {:error, :nodedown}
      end
  end

  @impl true
  def handle_call(:session, _from, state), do: {:reply, state.session, state}

  @impl true
  def handle_info({:event, event}, state) do
    Events.send(state.events, state.owner, state.session, event)
    {:noreply, %{state | ended?: state.ended? or Events.final?(event)}}
  end

  def handle_info({:message, event}, state) do
    send(receiver(state), {:linx_process, state.session, event})
    {:noreply, %{state | active: still_active(state.active, event)}}
  end

  def handle_info({:owner, owner}, state), do: {:noreply, %{state | owner: owner}}

  def handle_info({:EXIT, session, :noconnection}, %{session: session} = state) do
    error = Error.new(:nodedown, :ehostdown)

    for stream <- state.active,
        do: send(receiver(state), {:linx_process, session, {:failed, stream, error}})

    if not state.ended?,
      do: Events.send(state.events, state.owner, session, {:error, error.code, error.stage})

    {:stop, :normal, state}
  end

  def handle_info({:EXIT, session, :normal}, %{session: session} = state),
    do: {:stop, :normal, state}

  def handle_info({:EXIT, session, reason}, %{session: session}), do: Departure.leave(reason)

  def handle_info(message, state) do
    case Caller.ended(message, state.caller) do
      nil -> {:noreply, state}
      {:stop, reason} -> Departure.leave(reason)
    end
  end

  defp receiver(%{stream_to: nil, owner: owner}), do: owner
  defp receiver(%{stream_to: receiver}), do: receiver

  defp still_active(active, {name, stream}) when name in [:eof, :passive],
    do: List.delete(active, stream)

  defp still_active(active, {:failed, stream, _error}), do: List.delete(active, stream)
  defp still_active(active, {stream, _data}), do: Enum.uniq([stream | active])
end
