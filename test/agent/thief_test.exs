# SPDX-License-Identifier: MIT

defmodule AgentTest.ThiefTest do
  use AgentTest.Case, async: true

  # A container of root without a user namespace, whose first process has CAP_SYS_PTRACE and copies every
  # descriptor that it can of each process that enters, from the moment that the process exists.

  @moduletag :root

  @container ~w(--fork --kill-child --pid --mount-proc --mount)
  @entries 100

  # The inodes of the agent's channel and of its other descriptors.
  defp channel(agent) do
    for fd <- [3, 4], link = Host.fds(agent)[fd], do: link |> inode()
  end

  defp inode(link) do
    [_, kind, inode] = Regex.run(~r/^(socket|pipe):\[(\d+)\]$/, link)
    "#{kind} #{inode}"
  end

  defp taken(said, kinds) do
    for [_, kind, what] <- Regex.scan(~r/^took (\w+) (.+)$/m, said),
        kind in kinds,
        do: "#{kind} #{what}"
  end

  # Enters many times, and returns which of the agents' descriptors the thief had.
  defp rob(thief, count, request) do
    channels =
      for _ <- 1..count do
        wire = start()
        channel = channel(wire.agent)
        request = Map.merge(%{target: thief.pid, argv: actor(["exit", 0])}, request)
        send_term(wire, {:enter, request})
        assert [_] = wire |> await_gone() |> Map.fetch!(:frames) |> Enum.filter(&final?/1)
        channel
      end

    haul(thief, List.flatten(channels))
  end

  defp haul(thief, channels) do
    said = Target.order(thief, "report", "reported ")
    ends = taken(said, ["socket", "pipe"])

    %{
      channels: Enum.filter(channels, &(&1 in ends)),
      proc: taken(said, ["proc"]),
      directories: taken(said, ["directory"])
    }
  end

  test "never gets the channel between the agent and the BEAM, nor a way to the host's files" do
    thief = Target.neighbour("thief", [], unshare: @container)
    haul = rob(thief, @entries, %{proceed: true})
    assert haul == %{channels: [], proc: [], directories: []}
  end

  test "never gets them of an entry that joins the pid namespace alone" do
    thief = Target.neighbour("thief", [], unshare: @container)
    haul = rob(thief, div(@entries, 3), %{proceed: true, namespaces: [:pid]})
    assert haul == %{channels: [], proc: [], directories: []}
  end

  test "never gets them of a child that is parked, nor what the agent inherited" do
    thief = Target.neighbour("thief", [], unshare: @container)
    request = {:enter, %{target: thief.pid, argv: actor(["exit", 0])}}
    wire = parked(request, driver: ["--open-fds", 5])
    assert haul(thief, channel(wire.agent)) == %{channels: [], proc: [], directories: []}
    send_term(wire, :abort)
    finish(wire)
  end
end
