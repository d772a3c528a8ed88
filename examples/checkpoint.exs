# SPDX-License-Identifier: MIT

# A shell that is root inside and an ordinary user outside: created in namespaces of its own,
# configured while it is parked at the checkpoint, let go, talked to over its terminal, entered by
# another process, and watched to its end. Runs as root and as an ordinary user.
#
#   make demo

Code.require_file("timeline.exs", __DIR__)

defmodule Filter do
  @moduledoc """
  A system call filter for `Linx.Seccomp`, written by hand: classic BPF over struct seccomp_data
  (seccomp(2)), which has the call's number at offset 0 and the architecture at offset 4.
  """

  @load 0x20
  @jump_if_equal 0x15
  @jump_if_at_least 0x35
  @return 0x06

  @kill_process 0x80000000
  @fail_with_eperm 0x00050001
  @allow 0x7FFF0000

  # AUDIT_ARCH_* and the numbers of mkdir(2) and mkdirat(2): a number means something only on the
  # architecture it was looked up for.
  @machines %{"x86_64" => {0xC000003E, [83, 258]}, "aarch64" => {0xC00000B7, [34]}}

  # The calls of x32, which goes by the same architecture as x86_64, have this bit set.
  @x32 0x40000000

  def without_mkdir do
    [machine | _rest] = String.split("#{:erlang.system_info(:system_architecture)}", "-")
    {architecture, numbers} = Map.fetch!(@machines, machine)
    count = length(numbers)

    IO.iodata_to_binary([
      instruction(@load, 4),
      instruction(@jump_if_equal, architecture, 1, 0),
      instruction(@return, @kill_process),
      instruction(@load, 0),
      instruction(@jump_if_at_least, @x32, count + 1, 0),
      for(
        {number, to_end} <- Enum.zip(numbers, count..1),
        do: instruction(@jump_if_equal, number, to_end, 0)
      ),
      instruction(@return, @allow),
      instruction(@return, @fail_with_eperm)
    ])
  end

  # struct sock_filter: code, how many instructions to skip if so and if not, operand.
  defp instruction(code, operand, if_so \\ 0, if_not \\ 0),
    do: <<code::native-16, if_so, if_not, operand::native-32>>
end

defmodule Checkpoint do
  alias Linx.{Capabilities, Process, Seccomp, User}

  @namespaces [:user, :mount, :pid, :uts, :ipc, :net]
  @prompt "inside# "
  @env ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "PS1=" <> @prompt, "TERM=dumb", "HOME=/"]

  # Done inside by a helper while the shell waits: the shell itself will not be allowed to.
  @preparation "mount -t proc proc /proc; mount -t tmpfs tmpfs /mnt; hostname sandbox"

  # What is typed, and what must come of it.
  @first_steps [
    {"id -u; hostname", ~r/0\r\nsandbox/},
    {"echo I am $$, and /proc has: /proc/[0-9]*", ~r/am 1, and .* has: \/proc\/1\r/},
    {"grep : /proc/net/dev | cut -d: -f1", ~r/^ *lo\r$/m},
    {"hostname changed", ~r/must be root|not permitted/i},
    {"mkdir /mnt/mine", ~r/not permitted/i}
  ]
  @visit "mkdir /mnt/visitor; grep -E '^(CapBnd|Seccomp):' /proc/1/status"
  @last_steps [{"ls /mnt", ~r/^visitor\r$/m}]

  def run do
    {uid, gid} = outside_ids()
    t = Timeline.start()

    ## A shell is created, and parks at the checkpoint.

    Timeline.mark(
      t,
      :first,
      "spawn",
      "/bin/sh -i, on a terminal; new: " <> Enum.join(@namespaces, " ")
    )

    created = Timeline.now()

    {:ok, shell} =
      Process.spawn(
        argv: ["/bin/sh", "-i"],
        namespaces: @namespaces,
        stdio: :pty,
        env: @env,
        cwd: "/",
        events: :tagged
      )

    Timeline.follow(t, :first, shell, &match?({:ready, _pid}, &1))
    t = Timeline.span(t, :first, "creating", created)
    parked = Timeline.now()
    {:ok, pid} = Process.host_pid(shell)

    ## There it is configured, from outside ...

    :ok = User.setup_maps(pid, uid: [{0, uid, 1}], gid: [{0, gid, 1}])
    Timeline.mark(t, :first, "map", "uid 0 inside is uid #{uid} outside; gid 0 is gid #{gid}")
    t = visit(t, shell, "preparing", @preparation, ~r/hostname sandbox/)

    ## ... and from inside.

    {:ok, %{bounding: capabilities}} = Capabilities.read(pid)
    drop = MapSet.delete(capabilities, :cap_kill)
    :ok = Capabilities.drop_bounding(shell, drop)
    Timeline.mark(t, :first, "drop", "#{MapSet.size(drop)} capabilities; cap_kill is left")

    filter = Filter.without_mkdir()
    :ok = Seccomp.install(shell, filter)
    Timeline.mark(t, :first, "filter", "mkdir fails with EPERM")

    :ok = Process.pty_set_winsize(shell, {24, 80, 0, 0})
    Timeline.mark(t, :first, "terminal", "24 rows, 80 columns")

    ## It is let go.

    :ok = Process.proceed(shell)
    Timeline.mark(t, :first, "proceed", "")
    Timeline.follow(t, :first, shell, &(&1 == :running))
    t = Timeline.span(t, :first, "parked", parked)
    running = Timeline.now()
    Timeline.follow(t, :first, shell, &prompted?/1)
    type(t, shell, @first_steps)

    ## Another process enters: the same namespaces, but neither the filter nor the lost capabilities.

    t = visit(t, shell, "visiting", @visit, ~r/CapBnd:\s+0000000000000020.*Seccomp:\s+2/s)
    type(t, shell, @last_steps)

    ## The end.

    :ok = Process.pty_write(shell, "exit 7\n")
    Timeline.follow(t, :first, shell, &(&1 == {:exited, 7}), @prompt)
    {:ok, {:exited, 7}} = Process.wait(shell)
    {:error, :enoent} = File.stat("/proc/#{pid}")
    t |> Timeline.span(:first, "running", running) |> Timeline.chart()
  end

  defp visit(t, shell, what, command, expected) do
    Timeline.mark(t, :second, "enter", "/bin/sh, into the same namespaces")
    entered = Timeline.now()

    {:ok, visitor} =
      Process.enter(shell,
        argv: ["/bin/sh", "-exc", command],
        stdio: :pty,
        env: @env,
        auto_proceed: true,
        events: :tagged
      )

    output = Timeline.follow(t, :second, visitor, &(&1 == {:exited, 0}))
    check(command, output, expected)
    Timeline.span(t, :second, what, entered)
  end

  defp type(t, shell, steps) do
    for {command, expected} <- steps do
      :ok = Process.pty_write(shell, command <> "\n")
      check(command, Timeline.follow(t, :first, shell, &prompted?/1, @prompt), expected)
    end
  end

  defp prompted?({:output, text}), do: String.ends_with?(text, @prompt)
  defp prompted?(_event), do: false

  defp check(command, output, expected) do
    unless output =~ expected, do: raise("#{command} was not to print #{inspect(output)}")
  end

  # Root maps an id that owns nothing; another user has only their own to map.
  defp outside_ids do
    case {id("-u"), id("-g")} do
      {0, _gid} -> {65_534, 65_534}
      ids -> ids
    end
  end

  defp id(option) do
    {text, 0} = System.cmd("id", [option])
    text |> String.trim() |> String.to_integer()
  end
end

try do
  Checkpoint.run()
rescue
  error in [Linx.Process.Error, RuntimeError] ->
    IO.puts(:stderr, "\n" <> Exception.message(error))
    exit({:shutdown, 1})
end
