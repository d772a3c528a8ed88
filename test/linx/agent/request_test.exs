# SPDX-License-Identifier: MIT

defmodule Linx.Agent.RequestTest do
  use ExUnit.Case, async: true

  alias Linx.Agent.{Request, Wire}

  doctest Request

  @options %{argv: ["/bin/true"]}

  defp encoded(mode, options, how) do
    {:ok, bytes} = Request.encode(mode, options, how)
    :erlang.binary_to_term(bytes)
  end

  test "the commands of a session with a checkpoint are acknowledged, one without it proceeds" do
    assert encoded(:spawn, @options, []) ==
             {:spawn, Map.merge(@options, %{hold: true, ack: true})}

    assert encoded(:spawn, @options, auto_proceed: true) ==
             {:spawn, Map.merge(@options, %{hold: true, proceed: true})}
  end

  test "enter is the same request with a target" do
    {:spawn, fields} = encoded(:spawn, @options, [])
    assert encoded({:enter, 4711}, @options, []) == {:enter, Map.put(fields, :target, 4711)}
  end

  test "output comes with flow control, and a first demand when there is one" do
    {:spawn, none} = encoded(:spawn, @options, demand: nil)
    refute is_map_key(none, :flow) or is_map_key(none, :demand)

    assert {:spawn, %{flow: :demand} = later} = encoded(:spawn, @options, demand: [])
    refute is_map_key(later, :demand)

    assert {:spawn, %{flow: :demand, demand: [stdout: 7]}} =
             encoded(:spawn, @options, demand: [stdout: 7])
  end

  test "the policy :leave has its first name on the wire, and a grace goes as it is" do
    for {policy, sent} <- [{:leave, :linger}, {{:kill, 7}, {:kill, 7}}] do
      options = Map.put(@options, :orphan_policy, policy)
      assert {:spawn, %{orphan_policy: ^sent}} = encoded(:spawn, options, [])
    end
  end

  test "a request is too big from one byte past the agent's bound on" do
    {:ok, empty} = Request.encode(:spawn, %{argv: [""]}, [])
    fits = Wire.request_max() - byte_size(empty)
    assert {:ok, bytes} = Request.encode(:spawn, %{argv: [:binary.copy("x", fits)]}, [])
    assert byte_size(bytes) == Wire.request_max()
    assert Request.encode(:spawn, %{argv: [:binary.copy("x", fits + 1)]}, []) == :too_big
  end
end
