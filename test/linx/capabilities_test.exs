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

  test "those of the BEAM are those of its pid" do
    own = :os.getpid() |> List.to_integer()
    assert Capabilities.read(:self) == Capabilities.read(own)
    assert {:ok, %Capabilities{}} = Capabilities.read(:self)
  end

  test "a process that is gone has none" do
    {session, host_pid} = running(argv: actor(["exit", 0]))
    {:ok, _} = Linx.Process.wait(session)
    assert {:error, :no_process} = Capabilities.read(host_pid)

    for pid <- [0, -1, 1.0, "1", nil, :me, self()],
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
  test "ambient capabilities stay with a workload that is not root" do
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

  describe "a workload of another user" do
    @describetag :root
    @bind [:cap_net_bind_service]
    @able [:cap_net_bind_service, :cap_setuid, :cap_setgid]

    test "has the ambient set that was asked for, before or after its ids" do
      bind = bit(:cap_net_bind_service)
      ids = &Linx.User.set_credentials(&1, uid: 1000, gid: 1000)
      ambient = &Capabilities.set_ambient(&1, @bind)
      sets = &Capabilities.set_thread_sets(&1, effective: &2, permitted: &2, inheritable: @bind)

      for verbs <- [
            [ids, &sets.(&1, @bind), ambient],
            [&sets.(&1, @able), ids, ambient],
            [&sets.(&1, @able), ambient, ids]
          ] do
        facts =
          probe([:ids, :capabilities], [], fn session, _host_pid ->
            for verb <- verbs, do: assert(:ok = verb.(session))
          end)

        assert facts["uid"] == "1000 1000 1000"

        for set <- ~w(effective permitted inheritable ambient),
            do: assert(Probe.mask(facts, "cap." <> set) == bind)
      end
    end

    test "that would have none of what it is permitted is refused, with what to do" do
      {session, _host_pid} = parked()
      :ok = Linx.User.set_credentials(session, uid: 1000, gid: 1000)
      :ok = Capabilities.set_thread_sets(session, permitted: @bind, inheritable: @bind)
      :ok = Linx.Process.proceed(session)

      assert {:error, %Error{stage: :cap_set_thread, errno: :einval} = error} =
               Linx.Process.wait(session)

      assert Exception.message(error) =~ "Linx.Capabilities.set_ambient/2"
    end
  end

  @tag :root
  test "a workload of root's has the sets it was given, and exec gives nothing back" do
    for names <- [[], [:cap_kill], [:cap_kill, :cap_setpcap]] do
      {:ok, mask} = Capabilities.mask(names)

      facts =
        probe([:capabilities], [], fn session, _host_pid ->
          assert :ok = Capabilities.set_thread_sets(session, effective: names, permitted: names)
        end)

      assert Probe.mask(facts, "cap.effective") == mask
      assert Probe.mask(facts, "cap.permitted") == mask
      assert Probe.mask(facts, "cap.inheritable") == 0
      assert Probe.mask(facts, "cap.bounding") == mask
    end
  end

  @tag :userns
  test "empty sets of a user namespace's root stay empty" do
    facts =
      probe([:capabilities], [namespaces: [:user]], fn session, host_pid ->
        :ok = become_root(host_pid)
        assert :ok = Capabilities.set_thread_sets(session, [])
      end)

    for set <- ~w(effective permitted inheritable bounding ambient),
        do: assert(Probe.mask(facts, "cap." <> set) == 0)
  end

  @tag :userns
  test "an ambient set is not taken by sets that come later" do
    {session, _host_pid} = privileged()
    kill = [:cap_kill]

    :ok =
      Capabilities.set_thread_sets(session, effective: kill, permitted: kill, inheritable: kill)

    :ok = Capabilities.set_ambient(session, kill)

    assert {:error, %Error{stage: :cap_set_thread, errno: :einval} = error} =
             Capabilities.set_thread_sets(session, permitted: kill)

    assert {:error, ^error} = Linx.Process.wait(session)
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
