# SPDX-License-Identifier: MIT

defmodule Linx.CapabilitiesTest do
  use Linx.SessionCase, async: true

  import Bitwise

  alias Linx.Capabilities

  doctest Capabilities

  # A child that has every capability in its own user namespace.
  defp privileged(opts \\ []) do
    {session, host_pid} = parked([namespaces: [:user]] ++ opts)
    :ok = become_root(host_pid)
    {session, host_pid}
  end

  defp bit(name) do
    {:ok, mask} = Capabilities.mask([name])
    mask
  end

  test "the names are in the order of the kernel's bits" do
    header = "/usr/include/linux/capability.h"

    for [_all, name, bit] <- Regex.scan(~r/^#define (CAP_[A-Z_]+)\s+(\d+)$/m, File.read!(header)) do
      assert {:ok, 1 <<< String.to_integer(bit)} ==
               Capabilities.mask([name |> String.downcase() |> String.to_atom()])
    end

    assert length(Capabilities.all()) == 41
    assert {:ok, 0x1FFFFFFFFFF} = Capabilities.mask(Capabilities.all())
  end

  test "what is read is what the kernel says" do
    {:ok, own} = Capabilities.read(System.pid() |> String.to_integer())

    for {field, set} <- [
          CapEff: own.effective,
          CapPrm: own.permitted,
          CapInh: own.inheritable,
          CapBnd: own.bounding,
          CapAmb: own.ambient
        ] do
      assert {:ok, mask} = Capabilities.mask(set)
      assert mask == Host.mask(System.pid(), Atom.to_string(field))
    end
  end

  test "a process that is gone has none" do
    {session, host_pid} = running(argv: actor(["exit", 0]))
    {:ok, _} = Linx.Process.wait(session)
    assert {:error, :no_process} = Capabilities.read(host_pid)

    for pid <- [0, -1, 1.0, "1", nil, :self, self()],
        do: assert({:error, {:bad_pid, ^pid}} = Capabilities.read(pid))
  end

  @tag :userns
  test "dropped from the bounding set means gone from it, and nothing else is" do
    {session, host_pid} = privileged()
    {:ok, before} = Capabilities.read(host_pid)
    assert :ok = Capabilities.drop_bounding(session, [:cap_net_raw, :cap_sys_boot])
    {:ok, now} = Capabilities.read(host_pid)

    assert MapSet.difference(before.bounding, now.bounding) ==
             MapSet.new([:cap_net_raw, :cap_sys_boot])

    assert :ok = Capabilities.drop_bounding(session, MapSet.new(Capabilities.all()))
    {:ok, now} = Capabilities.read(host_pid)
    assert MapSet.size(now.bounding) == 0
    :ok = Linx.Process.abort(session)
  end

  @tag :userns
  test "the thread's three sets become what was given" do
    {session, host_pid} = privileged()
    two = MapSet.new([:cap_kill, :cap_setpcap])

    assert :ok =
             Capabilities.set_thread_sets(session,
               effective: [:cap_setpcap],
               permitted: two,
               inheritable: [:cap_kill]
             )

    {:ok, now} = Capabilities.read(host_pid)
    assert now.effective == MapSet.new([:cap_setpcap])
    assert now.permitted == two
    assert now.inheritable == MapSet.new([:cap_kill])

    # The struct that read/1 returns can be given; a set that is left out is empty.
    assert :ok = Capabilities.set_thread_sets(session, %{now | effective: two})
    {:ok, now} = Capabilities.read(host_pid)
    assert now.effective == two
    assert :ok = Capabilities.set_thread_sets(session, %{permitted: [:cap_kill]})
    {:ok, now} = Capabilities.read(host_pid)

    assert {now.effective, now.permitted, now.inheritable} ==
             {MapSet.new(), MapSet.new([:cap_kill]), MapSet.new()}

    :ok = Linx.Process.abort(session)
  end

  @tag :userns
  test "ambient capabilities stay with a workload that is nobody special" do
    kept = bit(:cap_net_bind_service)

    facts =
      probe([:capabilities], [namespaces: [:user]], fn session, host_pid ->
        :ok = become_root(host_pid)

        sets = [
          effective: [:cap_net_bind_service, :cap_setpcap],
          permitted: [:cap_net_bind_service, :cap_setpcap],
          inheritable: [:cap_net_bind_service]
        ]

        :ok = Capabilities.set_thread_sets(session, sets)
        :ok = Capabilities.set_ambient(session, [:cap_net_bind_service])
        # Limits the bounding set, because exec gives root all the capabilities in it again.
        :ok = Capabilities.drop_bounding(session, Capabilities.all() -- [:cap_net_bind_service])
        {:ok, now} = Capabilities.read(host_pid)
        assert now.ambient == MapSet.new([:cap_net_bind_service])
        # The set becomes exactly the given one: an empty one clears it.
        :ok = Capabilities.set_ambient(session, [])
        {:ok, now} = Capabilities.read(host_pid)
        assert MapSet.size(now.ambient) == 0
        :ok = Capabilities.set_ambient(session, [:cap_net_bind_service])
      end)

    assert Probe.mask(facts, "cap.permitted") == kept
    assert Probe.mask(facts, "cap.bounding") == kept
  end

  @tag :userns
  test "a refusal is an error and the end" do
    {session, _host_pid} = privileged()
    :ok = Capabilities.set_thread_sets(session, permitted: [:cap_kill], effective: [:cap_kill])
    # Dropping needs CAP_SETPCAP (capabilities(7)).
    assert {:error, %Error{stage: :cap_drop_bounding, errno: :eperm} = error} =
             Capabilities.drop_bounding(session, [:cap_chown])

    assert {:error, ^error} = Linx.Process.wait(session)

    {session, _host_pid} = privileged()

    assert {:error, %Error{stage: :cap_set_thread}} =
             Capabilities.set_thread_sets(session, effective: [:cap_kill])

    {session, _host_pid} = privileged()

    assert {:error, %Error{stage: :cap_set_ambient}} =
             Capabilities.set_ambient(session, [:cap_kill])

    assert {:error, %Error{}} = Linx.Process.wait(session)
  end

  test "what is no capability is named, and nothing is sent" do
    {session, host_pid} = parked()
    before = Host.status(host_pid)

    for verb <- [
          &Capabilities.drop_bounding(session, &1),
          &Capabilities.set_ambient(session, &1),
          &Capabilities.set_thread_sets(session, effective: &1)
        ] do
      assert {:error, {:bad_capabilities, [:cap_tea]}} = verb.([:cap_kill, :cap_tea])
      assert {:error, {:bad_capabilities, [:cap_41]}} = verb.(MapSet.new([:cap_41]))
      assert {:error, {:bad_capabilities, ["cap_kill", 5, nil]}} = verb.(["cap_kill", 5, nil])

      for value <- [nil, :cap_kill, "cap_kill", 1, %{}, {:cap_kill}, [:cap_kill | :cap_chown]],
          do: assert({:error, {:bad_capabilities, ^value}} = verb.(value))
    end

    for sets <- [
          nil,
          1,
          [:cap_kill],
          [{:effective, []} | :x],
          %{bounding: []},
          [ambient: []],
          "all"
        ],
        do:
          assert(
            {:error, {:bad_capabilities, ^sets}} = Capabilities.set_thread_sets(session, sets)
          )

    keys = ~w(CapInh CapPrm CapEff CapBnd CapAmb)
    assert Map.take(Host.status(host_pid), keys) == Map.take(before, keys)
    :ok = Linx.Process.abort(session)
  end
end
