# SPDX-License-Identifier: MIT

defmodule Linx.NamespacesTest do
  use Linx.SessionCase, async: true

  doctest Linx.Process.Namespaces

  # The options that are about fresh namespaces.

  @fib ["/bin/cat", "/proc/self/net/fib_trie"]

  describe "loopback" do
    @tag :root
    test "is down in a fresh net namespace, and up with the option" do
      for {opts, up?} <- [{[], false}, {[loopback: false], false}, {[loopback: true], true}] do
        assert {:ok, %{stdout: routes}} = Linx.run(@fib, [namespaces: [:net]] ++ opts)
        assert {opts, routes =~ "127.0.0.1"} == {opts, up?}
      end
    end

    @tag :userns
    test "is up in a session of an ordinary user's too" do
      {session, host_pid} =
        parked(argv: @fib, namespaces: [:user, :net], loopback: true, stdio: [stdout: :pipe])

      :ok = become_root(host_pid)
      :ok = Linx.Process.proceed(session)
      assert {:ok, routes} = Linx.Process.read(session, :stdout)
      assert routes =~ "127.0.0.1"
    end

    test "needs a fresh net namespace, and is an error before anything is started" do
      bad = {:error, {:bad_loopback, true}}

      for opts <- [[], [namespaces: []], [namespaces: [:user, :uts]]] do
        opts = [loopback: true] ++ opts
        assert Linx.Process.spawn([argv: @fib] ++ opts) == bad
        assert Linx.run(@fib, opts) == bad

        assert_raise ArgumentError, ~r/:loopback.*needs :net/, fn ->
          Linx.cmd("cat", [], opts)
        end

        assert_raise ArgumentError, ~r/:loopback/, fn -> Linx.stream!(@fib, opts) end
      end

      assert Linx.Process.enter(1, argv: @fib, namespaces: [:net], loopback: true) == bad

      assert Linx.Process.spawn(argv: @fib, namespaces: [:net], loopback: 1) ==
               {:error, {:bad_loopback, 1}}
    end

    test "that is false needs none" do
      assert {:ok, %{outcome: {:exited, 0}}} = Linx.run(["true"], loopback: false)
    end
  end

  describe "time_offsets" do
    @uptime ["/bin/cat", "/proc/self/timens_offsets"]

    defp clocks(text),
      do:
        for(
          [clock | numbers] <-
            text |> String.split("\n", trim: true) |> Enum.map(&String.split/1),
          do: List.to_tuple([clock | Enum.map(numbers, &String.to_integer/1)])
        )

    @tag :root
    test "are seconds of every form" do
      for {value, seen} <- [
            {40_000_000, {40_000_000, 0}},
            {1.25, {1, 250_000_000}},
            {-0.5, {-1, 500_000_000}},
            {-1.0, {-1, 0}},
            {0.9999999999, {1, 0}},
            {{-1, 1}, {-1, 1}},
            {{7, 999_999_999}, {7, 999_999_999}}
          ] do
        assert {:ok, %{stdout: text}} =
                 Linx.run(@uptime, namespaces: [:time], time_offsets: [boottime: value])

        {seconds, nanoseconds} = seen
        assert {"boottime", seconds, nanoseconds} in clocks(text)
        assert {"monotonic", 0, 0} in clocks(text)
      end
    end

    @tag :userns
    test "are set in a session of an ordinary user's too" do
      opts = [argv: @uptime, namespaces: [:user, :time], stdio: [stdout: :pipe]]
      {session, host_pid} = parked([time_offsets: [monotonic: 3, boottime: 5]] ++ opts)
      :ok = become_root(host_pid)
      :ok = Linx.Process.proceed(session)
      assert {:ok, text} = Linx.Process.read(session, :stdout)
      assert clocks(text) == [{"monotonic", 3, 0}, {"boottime", 5, 0}]
    end

    @tag :userns
    test "that the kernel refuses are an error with a reason" do
      opts = [argv: @uptime, namespaces: [:user, :time], auto_proceed: not Host.root?()]

      {:ok, session} =
        Linx.Process.spawn([time_offsets: [boottime: -4.0e9], events: :none] ++ opts)

      assert {:error, %Error{stage: :time_offsets, errno: :erange} = error} =
               Linx.Process.wait(session)

      assert Exception.message(error) =~ "below zero"
    end

    test "of another form are an error before anything is started" do
      for value <- [
            5,
            :boottime,
            [5],
            [realtime: 1],
            [boottime: "1"],
            [boottime: nil],
            [boottime: {1, 1_000_000_000}],
            [boottime: {1, -1}],
            [boottime: {1.0, 0}],
            [boottime: 0x8000_0000_0000_0000],
            [boottime: 1.0e300],
            [boottime: 1, boottime: 2],
            [{:boottime, 1} | :monotonic]
          ] do
        opts = [namespaces: [:time], time_offsets: value]
        assert Linx.Process.spawn([argv: @uptime] ++ opts) == {:error, {:bad_time_offsets, value}}
        assert Linx.run(@uptime, opts) == {:error, {:bad_time_offsets, value}}
      end
    end

    test "need a fresh time namespace, and are an error before anything is started" do
      value = [boottime: 1]
      bad = {:error, {:bad_time_offsets, value}}

      for opts <- [[], [namespaces: [:user]]] do
        opts = [time_offsets: value] ++ opts
        assert Linx.Process.spawn([argv: @uptime] ++ opts) == bad
        assert Linx.run(@uptime, opts) == bad
        assert_raise ArgumentError, ~r/need :time/, fn -> Linx.cmd("cat", [], opts) end
      end

      assert Linx.Process.enter(1, argv: @uptime, namespaces: [:time], time_offsets: value) == bad
      assert {:ok, %{outcome: {:exited, 0}}} = Linx.run(["true"], time_offsets: [])
    end
  end

  describe "keyring" do
    test "is :inherit or :new, for sessions and calls" do
      for keyring <- [:inherit, :new] do
        assert {:ok, %{outcome: {:exited, 0}}} = Linx.run(["true"], keyring: keyring)
        session = session(argv: ["/bin/true"], keyring: keyring, auto_proceed: true)
        assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
      end
    end

    test "of another value is an error" do
      for value <- [true, nil, :session] do
        bad = {:error, {:bad_keyring, value}}
        assert Linx.Process.spawn(argv: ["/bin/true"], keyring: value) == bad
        assert Linx.run(["true"], keyring: value) == bad
      end
    end
  end
end
