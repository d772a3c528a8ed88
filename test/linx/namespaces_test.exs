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
