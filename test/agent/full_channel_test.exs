# SPDX-License-Identifier: MIT

defmodule AgentTest.FullChannelTest do
  use AgentTest.Case, async: true

  # fd 4 is full when fd 3 closes. A client that then reads fd 4 gets whole frames, of which the last one is the
  # final frame.

  defp stuck(request) do
    {listener, argv} = Beacon.actor(["flood", 1])
    request = Map.merge(%{argv: argv, proceed: true, orphan_policy: {:kill, 0}}, request)
    wire = requested(request, frames: :socket)
    beacon = Beacon.await_lit(listener)
    # Milliseconds for the flood to fill every buffer, of which there is no event.
    assert {:error, :timeout} = :gen_tcp.recv(beacon, 0, 200)
    {wire, beacon}
  end

  # Milliseconds, after which an agent that does not wait for its reader has ended.
  defp refute_gone(%{ref: ref}), do: refute_receive({^ref, {:agent, _ended}}, 200)

  for {what, request} <- [
        {"a pipe", %{stdio: [stdout: :pipe]}},
        {"a terminal", %{stdio: :pty}},
        {"a pipe of which all was asked for",
         %{stdio: [stdout: :pipe], flow: :demand, demand: [stdout: 1_000_000_000]}},
        {"a pipe, with descendants: :kill", %{stdio: [stdout: :pipe], descendants: :kill}}
      ] do
    test "a client that closes fd 3 and then reads fd 4 gets whole frames and the final one, with #{what}" do
      {wire, beacon} = stuck(unquote(Macro.escape(request)))
      close_commands(wire)
      Beacon.await_dark(beacon)
      refute_gone(wire)
      read_frames(wire)
      result = await_gone(wire)
      assert [final] = Enum.filter(result.frames, &final?/1)
      assert final == {:status, :signaled, 9}
      assert result.rest == ""
      assert {:exited, 0, _} = result.agent
      assert result.orphans == []
    end
  end

  test "a client that closes fd 3 and reads fd 4 only later gets them as well" do
    {wire, beacon} = stuck(%{stdio: [stdout: :pipe]})
    send_term(wire, {:signal, 9})
    Beacon.await_dark(beacon)
    close_commands(wire)
    refute_gone(wire)
    read_frames(wire)
    result = await_gone(wire)
    assert final(result) == {:status, :signaled, 9}
    assert result.rest == ""
  end

  test "a client that closes both ends leaves nothing" do
    {wire, beacon} = stuck(%{stdio: [stdout: :pipe]})
    close_commands(wire)
    Beacon.await_dark(beacon)
    close_frames(wire)
    assert %{orphans: []} = await_gone(wire)
  end
end
