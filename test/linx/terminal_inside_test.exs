# SPDX-License-Identifier: MIT

defmodule Linx.TerminalInsideTest do
  use Linx.SessionCase, async: true

  @moduletag :root

  @own_devpts "mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts"

  # A container: a session whose /dev/pts was mounted at its checkpoint.
  defp container(opts) do
    {session, host_pid} = parked([namespaces: [:mount, :pid]] ++ opts)
    arguments = ["-t", "#{host_pid}", "-m", "sh", "-ec", @own_devpts]
    assert {"", 0} = System.cmd("nsenter", arguments, stderr_to_stdout: true)
    :ok = Linx.Process.proceed(session)
    :running = next_event(session)
    session
  end

  # What a workload says of its terminal.
  @say ["/bin/sh", "-c", "tty; [ -e $(tty) ] && echo there; stty size"]

  defp told(session, shown \\ []) do
    case next_event(session) do
      {:pty_out, data} -> told(session, [shown | data])
      {:exited, 0} -> shown |> IO.iodata_to_binary() |> String.split()
      _start -> told(session, shown)
    end
  end

  test "tty works in a container, by itself and for one that enters" do
    session = container(argv: ["/bin/sh"], env: %{PS1: "inside$ "}, stdio: {:pty, size: {7, 90}})
    await_output(session, "inside$ ")
    :ok = Linx.Process.pty_write(session, "tty; stty size\n")
    await_output(session, "/dev/pts/0\r\n7 90\r\n")

    for stdio <- [:pty, {:pty, inside: true}] do
      {:ok, visitor} =
        Linx.Process.enter(session, argv: @say, stdio: stdio, auto_proceed: true, events: :tagged)

      assert ["/dev/pts/" <> number, "there", "24", "80"] = told(visitor)
      assert number != "0"
    end

    host =
      Linx.Process.enter(session,
        argv: @say,
        stdio: {:pty, inside: false},
        auto_proceed: true,
        events: :tagged
      )

    assert {:ok, host} = host
    refute "there" in told(host)
    GenServer.stop(session)
  end

  test "inside: true without a devpts is an error at :terminal" do
    {session, host_pid} = parked(argv: @say, namespaces: [:mount], stdio: {:pty, inside: true})
    arguments = ["-t", "#{host_pid}", "-m", "mount", "-t", "tmpfs", "none", "/dev/pts"]
    assert {"", 0} = System.cmd("nsenter", arguments, stderr_to_stdout: true)
    :ok = Linx.Process.proceed(session)
    assert {:error, %{stage: :terminal}} = Linx.Process.wait(session)
  end
end
