# SPDX-License-Identifier: MIT

defmodule Linx.Process.SessionPropertyTest do
  use ExUnit.Case, async: true

  import :proper_types,
    only: [list: 1, oneof: 1, tuple: 1, integer: 2, boolean: 0, frequency: 1, any: 0]

  alias Linx.Process.{Pipes, Session, SessionModel, Streams, Terminal}
  alias Linx.Property

  @moduletag timeout: 300_000

  defp request do
    oneof([
      :proceed,
      :abort,
      tuple([:checkpoint, oneof([{:cap_drop_bounding, 1}, {:cap_set_ambient, 0}])]),
      tuple([:signal, integer(1, 64), :workload]),
      tuple([:wait, oneof([0, 10, :infinity])]),
      tuple([:finish, oneof([0, 10, :infinity])]),
      {:info, 4711},
      :host_pid,
      :target,
      {:set_owner, self()},
      :pty_master,
      {:pty_winsize, {24, 80, 0, 0}},
      {:signal, 15, :group},
      tuple([:stop, oneof([:default, integer(0, 10)])]),
      tuple([:read, oneof([:stdout, :stderr, :pty, :any]), oneof([1, 5, 100]), :infinity]),
      tuple([:write, oneof(["", "input", :binary.copy("x", 3 * 1024 * 1024)]), :infinity]),
      tuple([:close, oneof([:stdin, :stdout, :stderr, :pty])]),
      tuple([:set_active, oneof([:all, :stdout, :pty]), oneof([true, false, :once, 2])]),
      {:pty_write, "input"},
      {:pty_write, :binary.copy("x", 3 * 1024 * 1024)}
    ])
  end

  defp fields do
    stop = tuple([integer(1, 64), integer(0, 3)])
    tuple([boolean(), boolean(), oneof([:none, :pty, :pipes, :unread, :pty_stream]), stop])
  end

  defp session_fields({auto_proceed, linger, stdio, stop}),
    do:
      [mode: :spawn, owner: self(), auto_proceed: auto_proceed, linger: linger, stop: stop] ++
        stdio(stdio)

  defp stdio(:none), do: []
  defp stdio(:pty), do: [terminal: %Terminal{}]

  defp stdio(:pty_stream),
    do: [terminal: %Terminal{}, pipes: Pipes.new(Streams.new([:pty], false), false)]

  defp stdio(:unread),
    do: [pipes: Pipes.new(Streams.new([:stdout, :stderr], :unread), true)]

  defp stdio(:pipes),
    do: [pipes: Pipes.new(Streams.new([:stdout, :stderr], false), true)]

  # Events of a session that do not come from the agent.
  defp surroundings do
    [
      {10, tuple([:call, request()])},
      {1, tuple([:timeout, integer(1, 30)])},
      {1, tuple([:caller_down, integer(1, 30)])},
      {1, tuple([:receiver_down, self()])},
      {1, {:caller_down, :last_read}},
      {1, :grace_over},
      {1, tuple([:looked, oneof([:alone, :waits, :reacts])])},
      {1, tuple([:rescue, oneof([:workload, :agent])])},
      {1, :stop}
    ]
  end

  test "with an agent that keeps to the protocol: one final event, one reply a call, nothing lost" do
    agent = [{12, tuple([:agent, oneof([:go_on, :go_on, :go_on, :go_on, :refuse, :die])])}]

    Property.check(tuple([fields(), list(frequency(surroundings() ++ agent))]), 2_000, fn {fields,
                                                                                           steps} ->
      model = SessionModel.run(session_fields(fields), steps)
      SessionModel.check_ends(model)
      SessionModel.check_kept(model)
    end)
  end

  test "with an agent that sends anything in any order: one final event, one reply a call" do
    frame =
      oneof([
        {:status, :spawned, 100},
        {:status, :ready, 1},
        {:status, :running},
        tuple([:status, :applied, integer(1, 3)]),
        {:status, :exited, 0},
        {:status, :signaled, 9},
        {:status, :aborted, 1},
        {:error, 1, :cap_drop_bounding},
        {:error, 2, :execve, 0},
        {:pty_out, "output"},
        tuple([:written, :pty, integer(0, 10)]),
        {:eof, :pty},
        {:stdout, "output"},
        {:stderr, "o"},
        {:eof, :stdout},
        {:eof, :stderr},
        tuple([:written, :stdin, integer(0, 10)]),
        {:closed, :stdin, 32},
        {:usage, %{}}
      ])

    agent = [
      {12, tuple([:frame, frame])},
      {1, :malformed},
      {1, tuple([:agent_exit, integer(0, 255)])}
    ]

    Property.check(tuple([fields(), list(frequency(surroundings() ++ agent))]), 2_000, fn {fields,
                                                                                           steps} ->
      fields |> session_fields() |> SessionModel.run(steps) |> SessionModel.check_ends()
    end)
  end

  test "two sessions that saw the same are the same" do
    Property.check(tuple([fields(), list(tuple([:call, request()])), any()]), 100, fn {fields,
                                                                                       steps,
                                                                                       _} ->
      run = fn -> SessionModel.run(session_fields(fields), steps) end
      assert run.() == run.()
    end)
  end

  test "a session of thousands of waiters ends for each of them" do
    session = Session.new(mode: :spawn, owner: self())

    session =
      Enum.reduce(1..20_000, session, fn n, session ->
        {session, [{:watch, {:from, ^n}, 5}]} =
          Session.transition(session, {:call, {:from, n}, {:wait, 5}})

        session
      end)

    session =
      Enum.reduce(1..10_000, session, fn n, session ->
        {session, [_unwatch, {:reply, {:from, ^n}, {:error, :timeout}}]} =
          Session.transition(session, {:timeout, {:from, n}})

        session
      end)

    {_session, effects} = Session.transition(session, {:agent_exit, 0})

    assert Enum.sort(for {:reply, {:from, n}, _} <- effects, do: n) ==
             Enum.to_list(10_001..20_000)
  end
end
