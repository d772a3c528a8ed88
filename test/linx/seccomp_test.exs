# SPDX-License-Identifier: MIT

defmodule Linx.SeccompTest do
  use Linx.SessionCase, async: true

  alias Linx.Test.Filter

  doctest Linx.Seccomp
  doctest Linx.Seccomp.TerminalInjection

  test "a filter is on the workload, and no_new_privs with it" do
    facts =
      probe([:security], [], fn session, _pid ->
        :ok = Linx.Seccomp.install(session, Bpf.allow())
      end)

    assert facts["seccomp.mode"] == "2"
    assert facts["seccomp.filters"] == "1"
    assert facts["no_new_privs"] == "1"
  end

  test "filters add up" do
    facts =
      probe([:security], [], fn session, _pid ->
        for _ <- 1..3, do: :ok = Linx.Seccomp.install(session, Bpf.allow())
      end)

    assert facts["seccomp.filters"] == "3"
  end

  test "what it denies is denied to the workload" do
    {output, listener} = capture()
    {session, _host_pid} = parked(argv: actor(["getpid"]), stdio: [stdout: output])
    assert :ok = Linx.Seccomp.install(session, Filter.bpf([{{:errno, 13}, [:getpid]}]))
    :ok = Linx.Process.proceed(session)
    assert captured(listener) == "getpid errno 13\n"
    assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
  end

  test "a filter of 4096 instructions is taken whole" do
    filter = Filter.bpf([{:pad_to, 4096}, {{:errno, 13}, [:getpid]}])
    assert byte_size(filter) == 4096 * 8
    {session, _host_pid} = parked(argv: actor(["getpid"]))
    assert :ok = Linx.Seccomp.install(session, filter)
    :ok = Linx.Process.proceed(session)
    assert {:ok, {:exited, 0}} = Linx.Process.wait(session)
  end

  test "a filter that the kernel refuses is an error and the end" do
    {session, _host_pid} = parked()

    assert {:error, %Error{stage: :seccomp_install, errno: :einval} = error} =
             Linx.Seccomp.install(session, Bpf.invalid())

    assert {:error, ^error} = Linx.Process.wait(session)
    assert events_so_far(session) == [{:error, 22, :seccomp_install}]
  end

  test "a filter that denies what comes before exec stops nothing of it" do
    deny = Bpf.deny([:write, :dup2, :dup3, :chdir, :fcntl, :close_range, :prctl], 1)
    {session, host_pid} = parked(cwd: "/usr")
    assert :ok = Linx.Seccomp.install(session, deny)
    :ok = Linx.Process.proceed(session)
    assert next_event(session) == :running
    assert Host.cwd(host_pid) == "/usr"
  end

  test "a workload that its own filter kills on the way to exec never ran" do
    {session, _host_pid} = parked()
    assert :ok = Linx.Seccomp.install(session, Bpf.deny([:execve, :execveat], :kill))
    :ok = Linx.Process.proceed(session)
    assert {:ok, {:signaled, 31}} = Linx.Process.wait(session)
    assert events_so_far(session) == [{:signaled, 31}]
  end

  test "what has no filter's size is refused, and nothing is sent" do
    {session, _host_pid} = parked()

    for filter <- [
          "",
          "1234567",
          :binary.copy(<<0>>, 9),
          :binary.copy(<<0>>, 4097 * 8),
          nil,
          :filter,
          8,
          [Bpf.allow()],
          {Bpf.allow()},
          <<0::63>>
        ],
        do: assert({:error, {:bad_filter, ^filter}} = Linx.Seccomp.install(session, filter))

    assert {:ok, %Info{state: :ready}} = Linx.Process.info(session)
    :ok = Linx.Process.abort(session)
  end
end
