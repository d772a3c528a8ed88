# SPDX-License-Identifier: MIT

defmodule AgentTest.CapabilityTest do
  use AgentTest.Case, async: true

  import Bitwise

  @moduletag :root

  @chown 1 <<< 0
  @net_bind 1 <<< 10
  @setuid 1 <<< 7

  defp last_cap,
    do: "/proc/sys/kernel/cap_last_cap" |> File.read!() |> String.trim() |> String.to_integer()

  defp all, do: (1 <<< (last_cap() + 1)) - 1

  # The child's sets at the checkpoint, after the commands were applied.
  defp parked_with(commands, request \\ %{}, opts \\ []) do
    wire = parked(Map.merge(%{argv: actor(["pause"]), ack: true}, request), opts)

    for {command, n} <- Enum.with_index(commands, 1) do
      send_term(wire, command)
      assert_frame(wire, {:status, :applied, ^n})
    end

    wire
  end

  defp proceed(wire) do
    send_term(wire, :proceed)
    assert_frame(wire, {:status, :running})
    await_output(wire, "ready\n")
  end

  defp sets(wire),
    do: Map.new(~w(CapEff CapPrm CapInh CapBnd CapAmb), &{&1, Host.mask(wire.host_pid, &1)})

  defp assert_refused(command, name, request \\ %{}, opts \\ []) do
    wire = parked(Map.merge(%{argv: actor(["pause"]), ack: true}, request), opts)
    send_term(wire, command)
    stage = elem(command, 0)
    result = finish(wire)
    assert final(result) == {:error, errno(name), stage}
    refute {:status, :applied, 1} in result.frames
  end

  test "{:cap_drop_bounding, mask} drops what the mask names, and no more" do
    wire = parked_with([{:cap_drop_bounding, @chown ||| @net_bind}])
    agent = Host.mask(wire.agent, "CapBnd")
    assert sets(wire)["CapBnd"] == (agent &&& bnot(@chown ||| @net_bind))
    proceed(wire)
    assert sets(wire)["CapBnd"] == (agent &&& bnot(@chown ||| @net_bind))
    assert (sets(wire)["CapEff"] &&& (@chown ||| @net_bind)) == 0
    kill(wire)
  end

  test "the whole bounding set can be dropped" do
    wire = parked_with([{:cap_drop_bounding, all()}])
    assert sets(wire)["CapBnd"] == 0
    proceed(wire)
    assert %{"CapEff" => 0, "CapPrm" => 0, "CapBnd" => 0} = sets(wire)
    kill(wire)
  end

  test "an empty mask drops nothing, and dropping twice is no error" do
    wire =
      parked_with([
        {:cap_drop_bounding, 0},
        {:cap_drop_bounding, @chown},
        {:cap_drop_bounding, @chown}
      ])

    assert sets(wire)["CapBnd"] == (Host.mask(wire.agent, "CapBnd") &&& bnot(@chown))
    send_term(wire, :abort)
    finish(wire)
  end

  test "{:cap_drop_bounding, mask} with an unknown bit is refused" do
    for bit <- [last_cap() + 1, 62, 63],
        do: assert_refused({:cap_drop_bounding, @chown ||| 1 <<< bit}, :einval)
  end

  test "{:cap_drop_bounding, mask} without CAP_SETPCAP is refused" do
    assert_refused({:cap_drop_bounding, @chown}, :eperm, %{}, driver: ["--user", 65_534])
  end

  test "{:cap_set_thread, effective, permitted, inheritable} sets the three sets" do
    wire = parked_with([{:cap_set_thread, @chown, @chown ||| @setuid, @setuid}])
    assert %{"CapEff" => @chown, "CapInh" => @setuid, "CapPrm" => permitted} = sets(wire)
    assert permitted == (@chown ||| @setuid)
    send_term(wire, :abort)
    finish(wire)
  end

  test "{:cap_set_thread, ...} beyond what the child has is refused" do
    assert_refused({:cap_set_thread, @chown, 0, 0}, :eperm)
    assert_refused({:cap_set_thread, @chown, @chown, 0}, :eperm, %{}, driver: ["--user", 65_534])
  end

  test "{:cap_set_ambient, mask} sets the ambient set to the mask" do
    both = @chown ||| @net_bind
    wire = parked_with([{:cap_set_thread, both, both, both}, {:cap_set_ambient, both}])
    assert sets(wire)["CapAmb"] == both
    send_term(wire, {:cap_set_ambient, @chown})
    assert_frame(wire, {:status, :applied, 3})
    assert sets(wire)["CapAmb"] == @chown
    send_term(wire, {:cap_set_ambient, 0})
    assert_frame(wire, {:status, :applied, 4})
    assert sets(wire)["CapAmb"] == 0
    send_term(wire, :abort)
    finish(wire)
  end

  test "{:cap_set_ambient, mask} of what is not permitted and inheritable is refused" do
    assert_refused({:cap_set_ambient, @chown}, :eperm)
  end

  test "{:cap_set_ambient, mask} with an unknown bit is refused" do
    assert_refused({:cap_set_ambient, 1 <<< 63}, :einval)
  end

  test "ambient capabilities survive the exec of a workload that is no root" do
    both = @chown ||| @net_bind
    ids = {:set_credentials, 1, 1, []}
    commands = [ids, {:cap_set_thread, both, both, both}, {:cap_set_ambient, @net_bind}]
    wire = map_ids(parked(%{argv: actor(["pause"]), namespaces: [:user]}), "1 0 1\n")
    for command <- commands, do: send_term(wire, command)
    proceed(wire)

    # The maps have no id 0, so that the workload is not root, and exec keeps only the ambient set.
    assert %{"CapEff" => @net_bind, "CapPrm" => @net_bind, "CapAmb" => @net_bind} = sets(wire)
    kill(wire)
  end

  test "a root workload has the bounding set after exec" do
    wire = parked_with([{:cap_drop_bounding, bxor(all(), @chown)}])
    proceed(wire)
    assert %{"CapEff" => @chown, "CapPrm" => @chown, "CapBnd" => @chown} = sets(wire)
    kill(wire)
  end

  test "64-bit masks are read whole" do
    for mask <- [1 <<< 27, 1 <<< 28, 1 <<< 31, 1 <<< 32, 1 <<< last_cap()] do
      wire = parked_with([{:cap_drop_bounding, mask}])
      assert sets(wire)["CapBnd"] == (Host.mask(wire.agent, "CapBnd") &&& bnot(mask))
      send_term(wire, :abort)
      finish(wire)
    end
  end
end
