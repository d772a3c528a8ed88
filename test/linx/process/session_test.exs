# SPDX-License-Identifier: MIT

defmodule Linx.Process.SessionTest do
  use ExUnit.Case, async: true

  alias Linx.Process.{Error, Pipes, Session, Streams, Terminal}

  doctest Session

  @from {:from, 1}
  @other {:from, 2}

  # A session after these events.
  defp session(fields \\ [], events) do
    session = Session.new([mode: :spawn, owner: self()] ++ fields)

    Enum.reduce(events, session, fn event, session ->
      session |> Session.transition(event) |> elem(0)
    end)
  end

  defp spawned, do: [frame: {:status, :spawned, 100}]
  defp ready, do: spawned() ++ [frame: {:status, :ready, 1}]
  defp proceeding, do: ready() ++ [{:call, {:from, 0}, :proceed}]
  defp running, do: proceeding() ++ [frame: {:status, :running}]
  defp ended, do: running() ++ [frame: {:status, :exited, 0}]

  defp effects(session, event), do: session |> Session.transition(event) |> elem(1)
  defp call(session, request), do: effects(session, {:call, @from, request})

  defp answer(session, request),
    do: for({:reply, @from, answer} <- call(session, request), do: answer)

  describe "proceed and abort" do
    test "before the checkpoint proceed is refused and abort is sent, once" do
      for events <- [[], spawned()] do
        assert answer(session(events), :proceed) == [{:error, :not_ready}]

        assert answer(session(events), {:checkpoint, {:cap_set_ambient, 0}}) == [
                 {:error, :not_ready}
               ]

        assert call(session(events), :abort) == [{:send, :abort}, {:reply, @from, :ok}]

        aborted = session(events ++ [{:call, @from, :abort}])
        assert call(aborted, :abort) == [{:reply, @from, :ok}]
      end

      kept = session([{:call, @from, :abort} | spawned()])

      assert {%{state: :aborting}, [{:event, {:ready, 100}}]} =
               Session.transition(kept, {:frame, {:status, :ready, 1}})
    end

    test "at the checkpoint both are sent and replied to" do
      assert call(session(ready()), :proceed) == [{:send, :proceed}, {:reply, @from, :ok}]
      assert call(session(ready()), :abort) == [{:send, :abort}, {:reply, @from, :ok}]
    end

    test "after it there is nothing to do any more" do
      for events <- [proceeding(), running()],
          request <- [:proceed, :abort, {:checkpoint, {:x, 1}}],
          do: assert(call(session(events), request) == [{:reply, @from, {:error, :running}}])

      for request <- [
            :proceed,
            :abort,
            {:checkpoint, {:x, 1}},
            {:signal, 9, :workload},
            :pty_master,
            :target,
            {:pty_write, "x"}
          ],
          do: assert(call(session(ended()), request) == [{:reply, @from, {:error, :no_process}}])
    end

    test "a session without a checkpoint is past it from the start" do
      for events <- [[], spawned(), ready()],
          request <- [:proceed, :abort, {:checkpoint, {:x, 1}}] do
        assert call(session([auto_proceed: true], events), request) ==
                 [{:reply, @from, {:error, :running}}]
      end
    end

    test "while it aborts a second abort is fine, and there is no workload to talk to" do
      aborting = session(ready() ++ [{:call, @other, :abort}])
      assert call(aborting, :abort) == [{:reply, @from, :ok}]

      for request <- [:proceed, {:signal, 9, :group}, {:checkpoint, {:x, 1}}, :target],
          do: assert(call(aborting, request) == [{:reply, @from, {:error, :no_process}}])
    end
  end

  describe "verbs of the checkpoint" do
    test "get their replies in the order of the agent's counts" do
      session =
        session(
          ready() ++
            [{:call, @from, {:checkpoint, {:a, 1}}}, {:call, @other, {:checkpoint, {:b, 2}}}]
        )

      {session, [{:reply, @from, :ok}]} =
        Session.transition(session, {:frame, {:status, :applied, 1}})

      {_session, [{:reply, @other, :ok}]} =
        Session.transition(session, {:frame, {:status, :applied, 2}})
    end

    test "are refused with the kernel's reason, those behind with the end of the session" do
      session =
        session(
          ready() ++
            [{:call, @from, {:checkpoint, {:a, 1}}}, {:call, @other, {:checkpoint, {:b, 2}}}]
        )

      {session, effects} = Session.transition(session, {:frame, {:error, 1, :cap_drop_bounding}})
      error = %Error{stage: :cap_drop_bounding, errno: :eperm, code: 1}

      assert effects == [
               {:event, {:error, 1, :cap_drop_bounding}},
               {:reply, @from, {:error, error}},
               {:reply, @other, {:error, :no_process}},
               :close
             ]

      assert session.result == {:error, error}
    end

    test "of a child that is killed are refused with the end of the session" do
      session = session(ready() ++ [{:call, @from, {:checkpoint, {:a, 1}}}])

      assert {:reply, @from, {:error, :no_process}} in effects(
               session,
               {:frame, {:status, :signaled, 9}}
             )
    end

    test "a count that was not due is the end of a session that cannot be trusted" do
      for events <- [ready(), ready() ++ [{:call, @from, {:checkpoint, {:a, 1}}}], running()] do
        effects = effects(session(events), {:frame, {:status, :applied, 2}})
        assert {:event, {:error, 71, :malformed_frame}} in effects
        assert List.last(effects) == :close
      end
    end
  end

  describe "signals" do
    test "that come early are kept in order until the workload runs" do
      early = [{:call, {:s, 1}, {:signal, 1, :workload}}]

      events =
        early ++
          spawned() ++
          [{:call, {:s, 2}, {:signal, 2, :workload}}] ++
          tl(ready()) ++
          [
            {:call, {:s, 3}, {:signal, 3, :workload}},
            {:call, {:s, 0}, :proceed},
            {:call, {:s, 4}, {:signal, 4, :workload}}
          ]

      assert effects(session(events), {:frame, {:status, :running}}) ==
               [{:event, :running}] ++ for(n <- 1..4, do: {:send, {:signal, n}})
    end

    test "are sent at once while it runs" do
      assert call(session(running()), {:signal, 15, :workload}) == [
               {:send, {:signal, 15}},
               {:reply, @from, :ok}
             ]
    end
  end

  describe "waiting" do
    test "goes on until the end, for every caller" do
      session =
        session(running() ++ [{:call, @from, {:wait, :infinity}}, {:call, @other, {:wait, 5}}])

      effects = effects(session, {:frame, {:status, :signaled, 9}})
      result = {:ok, {:signaled, 9}}
      assert hd(effects) == {:event, {:signaled, 9}}

      for from <- [@from, @other],
          effect <- [{:unwatch, from}, {:reply, from, result}],
          do: assert(effect in effects)
    end

    test "that timed out gets its reply and no later one" do
      session = session(running() ++ [{:call, @from, {:wait, 5}}])
      {session, effects} = Session.transition(session, {:timeout, @from})
      assert effects == [{:unwatch, @from}, {:reply, @from, {:error, :timeout}}]
      assert effects(session, {:timeout, @from}) == []
      assert effects(session, {:frame, {:status, :exited, 0}}) == [{:event, {:exited, 0}}, :close]
    end

    test "is forgotten with its caller" do
      session = session(running() ++ [{:call, @from, {:wait, 5}}])
      {session, [{:unwatch, @from}]} = Session.transition(session, {:caller_down, @from})
      assert effects(session, {:frame, {:status, :exited, 0}}) == [{:event, {:exited, 0}}, :close]
    end

    test "after the end is replied to at once, again and again" do
      for _ <- 1..2,
          do: assert(call(session(ended()), {:wait, 0}) == [{:reply, @from, {:ok, {:exited, 0}}}])
    end
  end

  describe "finishing" do
    test "waits for the end, and stops the session with its reply" do
      events = [{:call, @from, {:finish, 5}}, {:call, @other, {:wait, 5}}]
      effects = effects(session(running() ++ events), {:frame, {:status, :exited, 7}})
      assert {:reply, @from, {{:ok, {:exited, 7}}, nil}} in effects
      assert {:reply, @other, {:ok, {:exited, 7}}} in effects
      assert Enum.filter(effects, &match?({:stop, _}, &1)) == [{:stop, :normal}]
    end

    test "after the end is replied to at once, with what the workload used" do
      session = %{session(ended()) | usage: %{maxrss_kb: 1}}
      reply = {:reply, @from, {{:ok, {:exited, 0}}, %{maxrss_kb: 1}}}
      assert call(session, {:finish, 0}) == [reply, {:stop, :normal}]
    end

    test "that timed out, or whose caller is gone, stops nothing" do
      for {event, reply} <- [
            {{:timeout, @from}, [{:reply, @from, {:error, :timeout}}]},
            {{:caller_down, @from}, []}
          ] do
        session = session(running() ++ [{:call, @from, {:finish, 5}}])
        {session, effects} = Session.transition(session, event)
        assert effects == [{:unwatch, @from} | reply]

        assert effects(session, {:frame, {:status, :exited, 0}}) == [
                 {:event, {:exited, 0}},
                 :close
               ]
      end
    end
  end

  describe "the terminal" do
    @pty [terminal: %Terminal{}]

    test "is no part of a session without" do
      for request <- [{:pty_write, "x"}, {:pty_winsize, {1, 1, 0, 0}}, :pty_master],
          do: assert(answer(session(running()), request) == [{:error, :no_pty}])

      assert {:event, {:error, 71, :malformed_frame}} in effects(
               session(running()),
               {:frame, {:pty_out, "x"}}
             )
    end

    test "output is topped up at the half" do
      half = div(Terminal.demand(), 2)
      session = session([terminal: %Terminal{demanded: half + 2}], running())
      {session, effects} = Session.transition(session, {:frame, {:pty_out, "x"}})
      assert effects == [{:event, {:pty_out, "x"}}]
      {_session, effects} = Session.transition(session, {:frame, {:pty_out, "x"}})
      assert effects == [{:event, {:pty_out, "x"}}, {:send, {:demand, :pty, half}}]
    end

    test "cannot be written before the workload runs" do
      for events <- [[], spawned(), ready(), proceeding()],
          do: assert(answer(session(@pty, events), {:pty_write, "x"}) == [{:error, :not_running}])
    end

    test "a write that fits is replied to at once; one that doesn't, when there is room again" do
      assert call(session(@pty, running()), {:pty_write, "ls"}) ==
               [{:send, {:pty_in, "ls"}}, {:reply, @from, :ok}]

      six_mib = :binary.copy("x", 6 * 1024 * 1024)

      {session, sends} =
        Session.transition(session(@pty, running()), {:call, @from, {:pty_write, six_mib}})

      assert length(sends) == 16
      assert Enum.all?(sends, &match?({:send, {:pty_in, _}}, &1))

      {_session, effects} = Session.transition(session, {:frame, {:written, :pty, 1_048_576}})
      assert {:reply, @from, :ok} in effects

      assert {:reply, @from, {:error, :no_process}} in effects(
               session,
               {:frame, {:status, :exited, 0}}
             )
    end

    test "an acknowledgement of what was never sent is the end of it" do
      assert {:event, {:error, 71, :malformed_frame}} in effects(
               session(@pty, running()),
               {:frame, {:written, :pty, 1}}
             )
    end

    test "a size is applied at the checkpoint and while running, and kept before" do
      size = {:pty_winsize, {24, 80, 0, 0}}
      assert call(session(@pty, ready()), size) == [{:send, size}]
      assert call(session(@pty, running()), size) == [{:send, size}, {:reply, @from, :ok}]

      kept = session(@pty, [{:call, @from, size} | spawned()])

      assert {session, [{:event, _}, {:send, ^size}]} =
               Session.transition(kept, {:frame, {:status, :ready, 1}})

      assert effects(session, {:frame, {:status, :applied, 1}}) == []

      kept = session(@pty, proceeding() ++ [{:call, @from, size}])
      assert effects(kept, {:frame, {:status, :running}}) == [{:event, :running}, {:send, size}]

      kept = session([auto_proceed: true] ++ @pty, [{:call, @from, size} | ready()])
      assert effects(kept, {:frame, {:status, :running}}) == [{:event, :running}, {:send, size}]
    end
  end

  test "info has the state under its deprecated name as well" do
    for {events, state} <- [{[], :starting}, {ready(), :ready}, {running(), :running}] do
      assert [{:reply, @from, {:ok, info}}] = call(session(events), {:info, 4712})
      assert {info.state, info.stage, info.agent_pid} == {state, state, 4712}
    end
  end

  test "a request that a session does not know is an error, and ends nothing" do
    for events <- [[], ready(), running(), ended()],
        request <- [:pty_masters, :stop, {:read}, {:pty_write}, {:pty_resize, 1}, {}, "stop", 1],
        do:
          assert(
            call(session(events), request) == [{:reply, @from, {:error, {:bad_request, request}}}]
          )
  end

  describe "the end" do
    test "of a session that does not linger stops it, with the documented reason" do
      for {frame, reason} <- [
            {{:status, :exited, 0}, :normal},
            {{:status, :exited, 7}, {:exited, 7}},
            {{:status, :signaled, 9}, {:signaled, 9}},
            {{:status, :aborted, 1}, {:shutdown, :aborted}},
            {{:error, 2, :execve}, {:error, %Error{stage: :execve, errno: :enoent, code: 2}}}
          ] do
        effects = effects(session([linger: false], proceeding()), {:frame, frame})
        assert List.last(effects) == {:stop, reason}
      end
    end

    test "an agent that ends without a word is a final event with its exit code" do
      for events <- [[], spawned(), ready(), running()] do
        {session, effects} = Session.transition(session(events), {:agent_exit, 3})
        assert effects == [{:event, {:error, 3, :agent_died}}, :close]
        assert session.result == {:error, %Error{stage: :agent_died, code: 3}}
      end
    end

    test "a frame that is none ends the session, and a running workload first" do
      assert effects(session(ready()), :malformed) == [
               {:event, {:error, 71, :malformed_frame}},
               :close
             ]

      assert effects(session(running()), :malformed) ==
               [{:send, {:signal, 9, :group}}, {:event, {:error, 71, :malformed_frame}}, :close]
    end

    test "a frame that is not due ends the session" do
      for {events, frame} <- [
            {[], {:status, :ready, 1}},
            {[], {:status, :running}},
            {spawned(), {:status, :spawned, 1}},
            {ready(), {:status, :running}},
            {ready(), {:status, :ready, 1}},
            {running(), {:status, :running}}
          ],
          do:
            assert(
              {:event, {:error, 71, :malformed_frame}} in effects(
                session(events),
                {:frame, frame}
              )
            )
    end

    test "nothing happens after it" do
      for event <- [
            {:frame, {:status, :exited, 1}},
            :malformed,
            {:agent_exit, 0},
            :stop,
            {:timeout, @from}
          ],
          do: assert(Session.transition(session(ended()), event) == {session(ended()), []})
    end
  end

  describe "streams" do
    defp piped(events),
      do:
        session(
          [pipes: Pipes.new(Streams.new([:stdout], false), true)],
          [{:call, @from, {:read, :stdout, 10, :infinity}} | events]
        )

    test "the end of a stream before the workload ran is told when that is known" do
      ended = proceeding() ++ [frame: {:eof, :stdout}]
      error = %Error{stage: :execve, errno: :enoent, code: 2}

      told = fn event ->
        for {:reply, @from, answer} <- effects(piped(ended), event), do: answer
      end

      assert effects(piped(proceeding()), {:frame, {:eof, :stdout}}) == []
      assert told.({:frame, {:status, :running}}) == [:eof]
      assert told.({:frame, {:status, :signaled, 9}}) == [:eof]
      assert told.({:frame, {:error, 2, :execve}}) == [{:error, error}]
      assert told.({:agent_exit, 4}) == [{:error, %Error{stage: :agent_died, code: 4}}]
    end

    test "keep the agent after the end until they have ended" do
      exited = {:frame, {:status, :exited, 0}}
      assert effects(piped(running()), exited) == [{:event, {:exited, 0}}]

      assert effects(piped(running() ++ [exited]), {:frame, {:eof, :stdout}}) == [
               {:unwatch, @from},
               {:reply, @from, :eof},
               :close
             ]

      assert {:send, {:close, :stdout}} in effects(
               piped(running() ++ [exited]),
               {:call, @other, {:close, :stdout}}
             )
    end

    test "data that was not asked for, or behind the end, is no frame" do
      malformed = {:event, {:error, 71, :malformed_frame}}
      assert malformed in effects(piped(running()), {:frame, {:stdout, "more than ten"}})
      assert malformed in effects(piped(running()), {:frame, {:stderr, "x"}})
      assert malformed in effects(piped(running()), {:frame, {:written, :stdin, 1}})
      assert malformed in effects(session(running()), {:frame, {:eof, :stdout}})
      ended = running() ++ [frame: {:eof, :stdout}]
      assert malformed in effects(piped(ended), {:frame, {:stdout, "x"}})
    end
  end

  describe "stopping" do
    @term [send: {:signal, 15, :group}, send: {:signal, 18, :group}]

    test "aborts a child that is parked, or on its way there" do
      for events <- [[], spawned(), ready()],
          do:
            assert(
              effects(session(events), :stop) == [
                {:send, :abort},
                {:rescue_after, 5_000, :workload}
              ]
            )

      assert effects(session(spawned() ++ [:stop]), {:frame, {:status, :ready, 1}}) ==
               [{:event, {:ready, 100}}]
    end

    test "asks a running workload, and kills its tree when the grace is over" do
      assert effects(session(other_than_init(running())), :stop) == @term ++ [kill_after: 5_000]

      assert [{:send, {:signal, 9, :tree}} | _] =
               effects(session(running() ++ [:stop]), :grace_over)
    end

    test "asks a child that does not park once it runs" do
      for events <- [[], spawned()],
          do: assert(effects(session([auto_proceed: true], events), :stop) == [kill_after: 5_000])

      assert effects(session(proceeding()), :stop) == [kill_after: 5_000]
      events = other_than_init(proceeding()) ++ [:stop]

      assert effects(session(events), {:frame, {:status, :running}}) == [
               {:event, :running} | @term
             ]
    end

    test "is done as the option says" do
      for {stop, signal} <- [{{2, 70}, 2}, {{64, 70}, 64}],
          do:
            assert(
              effects(session([stop: stop], other_than_init(running())), :stop) ==
                [
                  send: {:signal, signal, :group},
                  send: {:signal, 18, :group},
                  kill_after: 70
                ]
            )
    end

    test "kills at once without a grace, and when the signal is SIGKILL, also before the workload runs" do
      for stop <- [{15, 0}, {9, 5_000}], events <- [[], running()] do
        assert [{:send, {:signal, 9, :tree}} | _] =
                 effects(session([stop: stop, auto_proceed: true], events), :stop)
      end
    end

    test "sends SIGHUP too where there is a terminal, once" do
      for {signal, sent} <- [{15, [15, 1, 18]}, {1, [1, 18]}] do
        session = session([stop: {signal, 9}, terminal: %Terminal{}], other_than_init(running()))

        assert sent ==
                 for({:send, {:signal, number, :group}} <- effects(session, :stop), do: number)
      end
    end

    test "looks at a PID 1, which no signal may reach, and kills it if it is alone" do
      assert {:look_at, 100, [15]} in effects(session(running()), :stop)

      assert {:look_at, 100, [15]} in effects(
               session(proceeding() ++ [:stop]),
               {:frame, {:status, :running}}
             )

      stopped = running() ++ [:stop]
      alone = List.duplicate({:looked, :alone}, 3)

      assert [{:send, {:signal, 9, :tree}} | _] =
               effects(session(stopped ++ alone), {:looked, :alone})

      assert effects(session(stopped), {:looked, :alone}) == [{:look_at, 100, [15]}]
      waits = alone ++ [{:looked, :waits}]
      assert effects(session(stopped ++ waits), {:looked, :alone}) == [{:look_at, 100, [15]}]
      assert effects(session(stopped), {:looked, :waits}) == [{:look_at, 100, [15]}]
      assert effects(session(stopped), {:looked, :reacts}) == []
      ended = stopped ++ [{:frame, {:status, :exited, 0}}]
      assert effects(session(ended), {:looked, :alone}) == []
    end
  end

  defp other_than_init(events) do
    Enum.map(events, fn
      {:frame, {:status, :ready, _pid}} -> {:frame, {:status, :ready, 100}}
      event -> event
    end)
  end
end
