# SPDX-License-Identifier: MIT

defmodule Linx.ChildSpecTest do
  use Linx.SessionCase, async: true

  alias Linx.Process, as: P

  defp supervise(opts, more \\ []) do
    Supervisor.start_link(
      [{P, opts ++ [argv: actor(["exit", 0]), stdio: :devnull]}],
      [strategy: :one_for_one] ++ more
    )
  end

  test "has the supervisor's own keys, which are no options of the session" do
    spec =
      P.child_spec(
        argv: ["/bin/true"],
        id: :mine,
        restart: :temporary,
        shutdown: :brutal_kill,
        significant: true
      )

    assert %{id: :mine, restart: :temporary, shutdown: :brutal_kill, significant: true} = spec
    {P, :start_supervised, [opts]} = spec.start
    for key <- [:id, :restart, :shutdown, :significant], do: refute(Keyword.has_key?(opts, key))
    refute Map.has_key?(P.child_spec(argv: ["/bin/true"]), :restart)
    assert P.child_spec(argv: ["/bin/true"], name: :a, id: :b).id == :b
  end

  test "has time for the grace of :stop" do
    assert P.child_spec(argv: ["/bin/true"]).shutdown > 5_000

    for grace <- [0, 30_000, 0xFFFF_FFFF] do
      shutdown = P.child_spec(argv: ["/bin/true"], stop: {:sigint, grace}).shutdown
      assert shutdown > grace or shutdown == 0xFFFF_FFFF
    end

    Process.flag(:trap_exit, true)

    assert {:error, {:shutdown, {:failed_to_start_child, _, {:bad_stop, :no}}}} =
             supervise(stop: :no)
  end

  test "runs its program by itself without an owner, and not with one" do
    {:ok, supervisor} = supervise(argv: actor(["pause"]))
    [{_, session, _, _}] = Supervisor.which_children(supervisor)
    assert {:ok, %Info{auto_proceed: true}} = P.info(session)
    :ok = Supervisor.stop(supervisor)

    {:ok, supervisor} = supervise(argv: actor(["pause"]), owner: self())
    assert_receive {:linx_process, :ready, _pid}, 30_000
    :ok = Supervisor.stop(supervisor)
    assert_receive {:linx_process, :aborted}, 30_000
  end

  test "can be parked without an owner, for a process that knows its name" do
    name = :"linx_spec_#{System.unique_integer([:positive])}"
    {:ok, supervisor} = supervise(argv: actor(["pause"]), name: name, auto_proceed: false)
    assert {:ok, %Info{auto_proceed: false}} = P.info(name)
    :ok = Supervisor.stop(supervisor)
  end

  describe "a receiver that is named" do
    setup do
      name = :"linx_receiver_#{System.unique_integer([:positive])}"
      {:ok, registry} = Registry.start_link(keys: :unique, name: :"#{name}_registry")
      Process.register(self(), name)
      :global.register_name(name, self())
      {:ok, _} = Registry.register(:"#{name}_registry", :key, nil)

      names = [name, {:global, name}, {:via, Registry, {:"#{name}_registry", :key}}]
      {:ok, names: names, registry: registry, name: name}
    end

    test "is found at the start", %{names: names} do
      for name <- names do
        {:ok, supervisor} = supervise(owner: name, restart: :temporary, auto_proceed: true)
        assert_receive {:linx_process, :exited, 0}, 30_000
        :ok = Supervisor.stop(supervisor)

        argv = ["/bin/echo", "hello"]
        stdio = [stdout: :pipe]
        {:ok, session} = P.spawn(argv: argv, stdio: stdio, stream_to: name, auto_proceed: true)
        assert_receive {:linx_process, ^session, {:stdout, "hello\n"}}, 30_000
        assert {:ok, %{status: 0}} = Linx.run("true", owner: name)
        assert_receive {:linx_process, :exited, 0}, 30_000
      end
    end

    test "is an error when it is not registered", %{name: name} do
      Process.flag(:trap_exit, true)

      for missing <- [
            :"#{name}_no",
            {:global, :"#{name}_no"},
            {:via, Registry, {:"#{name}_registry", :no}},
            {:via, Registry, {:"#{name}_no", :no}}
          ] do
        assert {:error, {:bad_owner, ^missing}} = P.spawn(argv: ["/bin/true"], owner: missing)

        assert {:error, {:bad_stream_to, ^missing}} =
                 P.spawn(argv: ["/bin/true"], stream_to: missing)

        assert {:error, {:bad_owner, ^missing}} = Linx.run("true", owner: missing)
        assert_raise ArgumentError, fn -> Linx.cmd("true", [], owner: missing) end

        assert {:error, {:shutdown, {:failed_to_start_child, _, {:bad_owner, ^missing}}}} =
                 supervise(owner: missing)
      end

      for bad <- [nil, 7, "name", {:local, :name}, {:via, NoSuchModule, 1}],
          do: assert({:error, {:bad_owner, ^bad}} = P.spawn(argv: ["/bin/true"], owner: bad))
    end
  end
end
