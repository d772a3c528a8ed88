# SPDX-License-Identifier: MIT

defmodule AgentTest.Bpf do
  @moduledoc "Seccomp filters, assembled by hand (seccomp(2); struct sock_filter of linux/filter.h)."

  import Bitwise

  @load 0x20
  @jump_if_equal 0x15
  @return 0x06

  @allow 0x7FFF0000
  @errno 0x00050000
  @trap 0x00030000
  @kill_process 0x80000000

  @x86_64 %{
    write: 1,
    close: 3,
    dup: 32,
    dup2: 33,
    ioctl: 16,
    getpid: 39,
    socket: 41,
    exit: 60,
    execve: 59,
    kill: 62,
    fcntl: 72,
    chdir: 80,
    prctl: 157,
    getdents64: 217,
    exit_group: 231,
    dup3: 292,
    keyctl: 250,
    setns: 308,
    seccomp: 317,
    memfd_create: 319,
    execveat: 322,
    pidfd_open: 434,
    clone3: 435,
    close_range: 436,
    openat2: 437,
    mount_setattr: 442
  }

  @aarch64 %{
    dup: 23,
    dup3: 24,
    fcntl: 25,
    ioctl: 29,
    chdir: 49,
    close: 57,
    getdents64: 61,
    write: 64,
    exit: 93,
    exit_group: 94,
    kill: 129,
    prctl: 167,
    getpid: 172,
    keyctl: 219,
    execve: 221,
    setns: 268,
    socket: 198,
    seccomp: 277,
    memfd_create: 279,
    execveat: 281,
    pidfd_open: 434,
    clone3: 435,
    close_range: 436,
    openat2: 437,
    mount_setattr: 442
  }

  @doc "A filter of `length` instructions that allows everything."
  def allow(length \\ 1), do: String.duplicate(instruction(@load), length - 1) <> ret(@allow)

  @doc "Applies `action` to the named system calls, and allows the rest."
  def deny(names, action) do
    numbers = for name <- names, number = syscalls()[name], do: number
    last = length(numbers)

    tests =
      for {number, index} <- Enum.with_index(numbers),
          do: instruction(@jump_if_equal, last - index, 0, number)

    instruction(@load) <> IO.iodata_to_binary(tests) <> ret(@allow) <> ret(action(action))
  end

  @doc "Applies `action` to one system call when the low half of an argument has this value."
  def deny_argument(name, index, value, action) do
    instruction(@load) <>
      instruction(@jump_if_equal, 0, 3, Map.fetch!(syscalls(), name)) <>
      instruction(@load, 0, 0, 16 + 8 * index) <>
      instruction(@jump_if_equal, 0, 1, value) <>
      ret(action(action)) <> ret(@allow)
  end

  @doc "Applies `action` to every system call."
  def deny_all(action), do: ret(action(action))

  @doc "A program that the kernel's verifier refuses: a jump past its end."
  def invalid, do: instruction(@jump_if_equal, 200, 200, 0) <> ret(@allow)

  defp action(:kill), do: @kill_process
  defp action(:trap), do: @trap
  defp action(errno), do: @errno ||| errno

  defp ret(value), do: instruction(@return, 0, 0, value)

  defp instruction(code, jump_true \\ 0, jump_false \\ 0, value \\ 0),
    do: <<code::16-native, jump_true, jump_false, value::32-native>>

  defp syscalls do
    case :erlang.system_info(:system_architecture) |> to_string() do
      "x86_64" <> _ -> @x86_64
      "aarch64" <> _ -> @aarch64
    end
  end
end
