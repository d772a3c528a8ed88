# SPDX-License-Identifier: MIT

defmodule Linx.Seccomp do
  @moduledoc """
  System call filters for a workload (seccomp(2)), given to it at the checkpoint, where its child is parked
  before exec (see `Linx.Process`).
  """

  alias Linx.Process.Error
  alias Linx.Seccomp.TerminalInjection

  # A struct sock_filter has 8 bytes, and the kernel takes BPF_MAXINSNS of them.
  @instruction 8
  @instructions_max 4096

  @doc """
  Gives the workload a filter, at the checkpoint.

  `filter` is an array of `struct sock_filter` in the machine's byte order, 1 to 4096 instructions, as
  libseccomp's `seccomp_export_bpf` writes it. Sets no_new_privs first when it is off.

  `:ok` means that the kernel accepts the filter. It is installed as the last step before exec, so it need not
  allow the system calls of the steps before. Every filter that is given is installed.

  `{:error, {:bad_filter, value}}` for a value of another size; nothing is sent then. A filter that the kernel
  refuses is `{:error, %Linx.Process.Error{stage: :seccomp_install}}`, and ends the session.
  `{:error, :not_ready}` before the checkpoint, `{:error, :running}` after it, `{:error, :no_process}` after the end.

      iex> Linx.Seccomp.install(self(), "odd")
      {:error, {:bad_filter, "odd"}}
  """
  @spec install(Linx.Process.session(), binary()) ::
          :ok
          | {:error, {:bad_filter, term()} | Error.t() | :not_ready | :running | :no_process}
  def install(session, filter)
      when is_binary(filter) and byte_size(filter) > 0 and
             rem(byte_size(filter), @instruction) == 0 and
             byte_size(filter) <= @instruction * @instructions_max,
      do: Linx.Process.checkpoint(session, {:seccomp_install, filter})

  def install(_session, filter), do: {:error, {:bad_filter, filter}}

  @doc """
  Gives the workload a filter, at the checkpoint, that keeps it from putting input into its terminal: ioctl(2)
  with TIOCSTI or TIOCLINUX then fails with EPERM.

  A workload leads a session (setsid(2)). With `stdio: :inherit` a terminal that is no other session's
  controlling terminal becomes its own, and the input that it puts there is read by the next reader, such as
  the shell that the BEAM was started from. Since Linux 6.2 an administrator can forbid this for all processes
  (`dev.tty.legacy_tiocsti`).

  Returns what `install/2` returns. The filter covers all system call tables of the machine. On an architecture
  for which there is no filter here (other than x86-64, arm64 and riscv64) it returns
  `{:error, %Linx.Process.Error{stage: :seccomp_install, errno: :enosys}}`, and the session goes on.

      iex> Linx.Seccomp.deny_terminal_injection(self(), "sparc")
      {:error, Linx.Process.Error.new(:seccomp_install, :enosys)}
  """
  @spec deny_terminal_injection(Linx.Process.session(), String.t()) ::
          :ok | {:error, Error.t() | :not_ready | :running | :no_process}
  def deny_terminal_injection(session, machine \\ TerminalInjection.machine()) do
    case TerminalInjection.filter(machine) do
      {:ok, filter} -> install(session, filter)
      :error -> {:error, Error.new(:seccomp_install, :enosys)}
    end
  end
end
