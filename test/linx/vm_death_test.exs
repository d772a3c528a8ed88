# SPDX-License-Identifier: MIT

defmodule Linx.VmDeathTest do
  # A whole BEAM is killed that has sessions in every state.
  use Linx.SessionCase, async: true

  # Keeps what is logged when the second VM is killed out of the test's output.
  @moduletag :capture_log

  defp start_vm do
    arguments = Enum.flat_map(:code.get_path(), &['-pa', &1])

    {:ok, peer, node} =
      :peer.start(%{connection: :standard_io, args: arguments, wait_boot: 30_000})

    {peer, node}
  end

  defp call(peer, module, function, arguments),
    do: :peer.call(peer, module, function, arguments, 30_000)

  # The session's caller in the other VM is a process that goes on after the remote call.
  defp start_session(peer, opts), do: call(peer, Linx.SessionCase, :detached_session, [opts])

  defp kill_vm(peer) do
    os_pid = call(peer, System, :pid, []) |> String.to_integer()
    Process.unlink(peer)
    Host.signal(os_pid, :KILL)
    await_gone(os_pid)
  end

  test "a VM that is killed leaves nothing of its sessions: parked, running, mid-output" do
    {peer, _node} = start_vm()
    {running_listener, running_argv} = Beacon.actor(["pause"])
    {flooding_listener, flooding_argv} = Beacon.actor(["flood", 1])

    pids =
      for {argv, opts} <- [
            {actor(["pause"]), []},
            {running_argv, [auto_proceed: true]},
            {flooding_argv, [auto_proceed: true, stdio: :pty]}
          ] do
        {session, host_pid} =
          start_session(peer, [argv: argv, stdio: :devnull] |> Keyword.merge(opts))

        {:ok, %{agent_pid: agent}} = call(peer, Linx.Process, :info, [session])
        {host_pid, agent}
      end

    beacons =
      for listener <- [running_listener, flooding_listener], do: Beacon.await_lit(listener)

    kill_vm(peer)
    for beacon <- beacons, do: Beacon.await_dark(beacon)

    for {host_pid, agent} <- pids do
      await_gone(host_pid)
      await_gone(agent)
    end
  end

  test "a VM that halts in good order leaves nothing either" do
    {peer, _node} = start_vm()

    {_session, host_pid} =
      start_session(peer, argv: actor(["pause"]), stdio: :devnull, auto_proceed: true)

    :peer.stop(peer)
    await_gone(host_pid)
  end
end
