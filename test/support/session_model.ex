# SPDX-License-Identifier: MIT

defmodule Linx.Process.SessionModel do
  @moduledoc """
  Runs a session's state machine against a model of the agent, records all events and effects, and asserts what
  holds for every session.
  """

  import ExUnit.Assertions

  alias Linx.Process.Session

  defstruct [
    :session,
    # the state of the agent: :start, :spawned, :parked, :exec, :running, :draining, :done
    agent: :start,
    inbox: [],
    applied: 0,
    calls: [],
    open: [],
    effects: [],
    events: []
  ]

  @doc "Runs the steps, and ends the agent if they have not."
  def run(fields, steps) do
    session = Session.new(fields)
    open = Map.keys(session.pipes.streams.outputs)
    model = Enum.reduce(steps, %__MODULE__{session: session, open: open}, &step/2)

    # The streams that were not read are closed, and a reader that has not read to the end has ended.
    model = feed(model, {:agent_exit, 1})
    model = Enum.reduce(open, model, &step({:call, {:close, &1}}, &2))
    feed(model, {:caller_down, {:from, :last_read}})
  end

  defp step({:call, request}, model) do
    from = {:from, length(model.calls) + 1}

    feed(
      %{model | calls: model.calls ++ [{from, request, model.session.state}]},
      {:call, from, request}
    )
  end

  defp step({:timeout, n}, model), do: feed(model, {:timeout, {:from, n}})
  defp step({:caller_down, n}, model), do: feed(model, {:caller_down, {:from, n}})
  defp step({:agent, how}, model), do: agent(model, how)
  defp step(event, model), do: feed(model, event)

  defp feed(model, event) do
    {session, effects} = Session.transition(model.session, event)
    if event == :stop, do: check_stop(model.session, effects)
    note(%{model | session: session, events: model.events ++ [event]}, effects)
  end

  # A workload that runs is asked first, unless it has no time, and what is asked of it has an end.
  defp check_stop(%{state: :running, open?: true, stop: {signal, grace}}, effects)
       when grace > 0 and signal != 9 do
    assert [{:send, {:signal, ^signal, :group}} | more] = effects
    assert {:send, {:signal, 18, :group}} in more
    assert {:kill_after, grace} in more
  end

  defp check_stop(%{state: :running, open?: true}, effects),
    do: assert([{:send, {:signal, 9, :tree}} | _] = effects)

  defp check_stop(%{state: state}, effects),
    do: assert(state != :ready or {:send, :abort} in effects)

  defp note(model, effects) do
    sent = for {:send, command} <- effects, do: command
    %{model | effects: model.effects ++ effects, inbox: model.inbox ++ sent}
  end

  # One step of an agent that keeps to the protocol.
  defp agent(%{agent: :start} = model, :refuse), do: final(model, {:error, 1, :clone})
  defp agent(%{agent: :start} = model, :die), do: done(feed(model, {:agent_exit, 4}))

  defp agent(%{agent: :start} = model, _),
    do: frame(%{model | agent: :spawned}, {:status, :spawned, 100})

  defp agent(%{agent: :done} = model, _), do: model
  defp agent(%{agent: :draining} = model, :die), do: done(feed(model, {:agent_exit, 137}))
  defp agent(%{agent: :draining, open: []} = model, _), do: done(model)

  defp agent(%{agent: :draining, open: [stream | others]} = model, _),
    do: frame(%{model | open: others}, {:eof, stream})

  defp agent(model, :die), do: final(model, {:status, :signaled, 9})

  # The agent looks ahead in its commands for those that do not wait for the checkpoint, or for exec.
  defp agent(%{agent: early} = model, how) when early in [:spawned, :exec] do
    cond do
      early == :spawned and :abort in model.inbox ->
        final(model, {:status, :aborted, 100})

      Enum.any?(model.inbox, &(match?({:signal, 9, _}, &1) or &1 == {:signal, 9})) ->
        assert early == :exec or model.session.auto_proceed, "a signal to a child that is to park"
        final(model, {:status, :signaled, 9})

      true ->
        go_on(model, how)
    end
  end

  defp agent(%{agent: :running} = model, :refuse), do: final(model, {:status, :exited, 0})
  defp agent(%{inbox: []} = model, _), do: model

  defp agent(%{inbox: [command | rest]} = model, how) do
    agent_command(%{model | inbox: rest}, model.agent, command, how)
  end

  defp go_on(%{agent: :spawned} = model, _) do
    next = if model.session.auto_proceed, do: :exec, else: :parked
    frame(%{model | agent: next}, {:status, :ready, 1})
  end

  defp go_on(%{agent: :exec} = model, :refuse), do: final(model, {:error, 2, :execve})

  defp go_on(%{agent: :exec} = model, _),
    do: frame(%{model | agent: :running}, {:status, :running})

  defp agent_command(model, _state, {:demand, :pty, _}, _how), do: model
  defp agent_command(model, _state, {:close, _stream}, _how), do: model

  defp agent_command(model, :running, {:demand, stream, bytes}, :go_on),
    do: frame(model, {stream, :binary.copy("o", min(bytes, 10))})

  defp agent_command(%{open: open} = model, :running, {:demand, stream, _}, :refuse),
    do: frame(%{model | open: List.delete(open, stream)}, {:eof, stream})

  defp agent_command(model, _state, {:demand, _stream, _}, _how), do: model

  defp agent_command(model, :running, {:stdin, _data}, :refuse),
    do: frame(model, {:closed, :stdin, 32})

  defp agent_command(model, _state, {:stdin, data}, _how),
    do: frame(model, {:written, :stdin, byte_size(data)})

  defp agent_command(model, :parked, :proceed, _how), do: %{model | agent: :exec}
  defp agent_command(model, :parked, :abort, _how), do: final(model, {:status, :aborted, 1})

  defp agent_command(model, :parked, command, :refuse),
    do: final(model, {:error, 1, elem(command, 0)})

  defp agent_command(model, :parked, command, _how) do
    assert elem(command, 0) in [:cap_drop_bounding, :cap_set_ambient, :pty_winsize],
           "#{inspect(command)} is no command for a parked child"

    frame(%{model | applied: model.applied + 1}, {:status, :applied, model.applied + 1})
  end

  defp agent_command(model, :running, {:pty_in, data}, _how),
    do: frame(model, {:written, :pty, byte_size(data)})

  defp agent_command(model, :running, {:signal, 9, scope}, _how) when scope in [:group, :tree],
    do: final(model, {:status, :signaled, 9})

  defp agent_command(model, :running, command, _how) do
    assert elem(command, 0) in [:signal, :pty_winsize],
           "#{inspect(command)} is no command for a workload"

    model
  end

  defp frame(model, frame), do: feed(model, {:frame, frame})

  defp final(%{open: []} = model, frame), do: model |> frame(frame) |> done()
  defp final(model, {:error, _, _} = frame), do: model |> frame(frame) |> done()
  defp final(model, frame), do: frame(%{model | agent: :draining}, frame)

  defp done(model), do: %{model | agent: :done}

  @doc "Asserts what holds for every session, whatever its agent did."
  def check_ends(%{effects: effects} = model) do
    assert model.session.state == :ended
    assert model.session.result != nil

    events = for {:event, event} <- effects, do: event
    assert [_] = Enum.filter(events, &final?/1), "not one final event: #{inspect(events)}"
    assert final?(List.last(events)), "events after the final one: #{inspect(events)}"

    for {from, request, _state} <- model.calls do
      gone? = Enum.any?(effects, &(&1 == {:unwatch, from})) and not replied?(effects, from)
      expected = if gone?, do: 0, else: 1

      assert length(replies(effects, from)) == expected,
             "#{inspect(request)} has #{inspect(replies(effects, from))}"

      if gone?, do: assert({:caller_down, from} in model.events)
    end

    for {:reply, from, _answer} <- effects,
        do:
          assert(
            List.keymember?(model.calls, from, 0),
            "a reply without a call: #{inspect(from)}"
          )

    watched = for {:watch, from, _timeout} <- effects, do: from
    assert Enum.sort(watched) == Enum.sort(for {:unwatch, from} <- effects, do: from)

    assert Enum.count(effects, &(&1 == :close)) == 1
    [_close | after_close] = Enum.drop_while(effects, &(&1 != :close))
    refute Enum.any?(after_close, &match?({:send, _}, &1)), "sent to a closed port"

    stops = for {:stop, reason} <- effects, do: reason
    # A session that lingers stops when it has replied to a :finish with its result.
    finished? =
      Enum.any?(model.calls, fn {from, request, _state} ->
        match?({:finish, _}, request) and Enum.any?(replies(effects, from), &match?({_, _}, &1)) and
          not Enum.any?(replies(effects, from), &match?({:error, _}, &1))
      end)

    assert length(stops) == if(model.session.linger and not finished?, do: 0, else: 1)
    assert [] == model.session.pipes.last_readers
  end

  @doc "Asserts what holds also when the agent kept to the protocol."
  def check_kept(%{effects: effects} = model) do
    sent = for {:send, command} <- effects, do: command
    events = for {:event, event} <- effects, do: event
    ran? = :running in events

    refute Enum.any?(events, &match?({:error, _, :malformed_frame}, &1)), "refused a good frame"

    # Every signal that was accepted is sent to a workload that runs, once and in order.
    taken =
      for {from, {:signal, number, :workload}, _state} <- model.calls,
          :ok in replies(effects, from),
          do: number

    if ran?, do: assert(taken == for({:signal, number} <- sent, do: number))

    # Input for the terminal is sent only once the workload runs.
    refute not ran? and Enum.any?(sent, &match?({:pty_in, _}, &1))

    # An abort that was accepted is sent, if the checkpoint was reached.
    aborted? =
      Enum.any?(model.calls, fn {from, request, _} ->
        request == :abort and :ok in replies(effects, from)
      end)

    ready? = Enum.any?(events, &match?({:ready, _}, &1))
    if aborted? and ready?, do: assert(:abort in sent)
    assert Enum.count(sent, &(&1 in [:abort, :proceed])) <= 1

    # No more commands get the reply :ok than the agent has applied, which include sizes that were kept.
    verbs =
      for {from, {:checkpoint, _}, _state} <- model.calls, :ok in replies(effects, from), do: from

    assert length(verbs) <= model.applied

    # The reply to a command fits the state of the session at the request.
    for {from, {:checkpoint, _}, state} <- model.calls, answer <- replies(effects, from) do
      case answer do
        :ok ->
          assert state == :ready

        {:error, :not_ready} ->
          assert state in [:starting, :spawned]

        {:error, :running} ->
          assert state in [:proceeding, :running] or model.session.auto_proceed

        {:error, :no_process} ->
          assert state in [:ready, :aborting, :ended]

        {:error, %Linx.Process.Error{}} ->
          assert state == :ready
      end
    end
  end

  defp replied?(effects, from), do: replies(effects, from) != []
  defp replies(effects, from), do: for({:reply, ^from, answer} <- effects, do: answer)

  defp final?({name, _}) when name in [:exited, :signaled], do: true
  defp final?({:error, _, _}), do: true
  defp final?(:aborted), do: true
  defp final?(_), do: false
end
