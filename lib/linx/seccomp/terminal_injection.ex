# SPDX-License-Identifier: MIT

defmodule Linx.Seccomp.TerminalInjection do
  @moduledoc false
  # A filter that keeps a process from putting input into its own terminal: ioctl(2) with TIOCSTI or TIOCLINUX
  # (ioctl_tty(2), ioctl_console(2)) fails with EPERM. All other system calls are allowed.

  # BPF instructions (linux/filter.h) and the fields of struct seccomp_data (linux/seccomp.h); the low half
  # of an argument comes first, because each of these architectures is little-endian.
  @load 0x20
  @jump_if_equal 0x15
  @return 0x06
  @number 0
  @architecture 4
  @request 24

  @allow 0x7FFF0000
  @deny 0x00050000 + 1
  @kill_process 0x80000000

  @requests [tiocsti: 0x5412, tioclinux: 0x541C]

  # The system call tables that a machine has: AUDIT_ARCH_* (linux/audit.h), and the numbers of ioctl. The
  # x32 table of x86-64 has the same architecture as the 64-bit one.
  @tables %{
    "x86_64" => [{0xC000003E, [16, 0x40000000 + 514]}, {0x40000003, [54]}],
    "aarch64" => [{0xC00000B7, [29]}, {0x40000028, [54]}],
    "riscv64" => [{0xC00000F3, [29]}]
  }

  @doc """
  The filter for a machine, by the first part of its architecture's name.

      iex> {:ok, filter} = Linx.Seccomp.TerminalInjection.filter("x86_64")
      iex> rem(byte_size(filter), 8)
      0
      iex> Linx.Seccomp.TerminalInjection.filter("pdp11")
      :error
  """
  @spec filter(String.t()) :: {:ok, binary()} | :error
  def filter(machine) do
    with {:ok, tables} <- Map.fetch(@tables, machine) do
      blocks = tables(tables)
      {:ok, IO.iodata_to_binary([instruction(@load, 0, 0, @architecture), blocks, verdict()])}
    end
  end

  @doc "The architecture of this machine, as `filter/1` takes it."
  @spec machine() :: String.t()
  def machine do
    [name | _rest] = :erlang.system_info(:system_architecture) |> to_string() |> String.split("-")
    name
  end

  # A block of instructions for each table. When the architecture is another, a block jumps to the next one;
  # behind the last one the process is killed, because the architecture is none of this machine's.
  defp tables(tables) do
    {code, _size} =
      tables
      |> Enum.reverse()
      |> Enum.reduce({[instruction(@return, 0, 0, @kill_process)], 1}, fn table, {behind, size} ->
        block = block(table, size)
        {[block, behind], size + length(block)}
      end)

    code
  end

  # `behind` is the number of instructions between the block and the verdict.
  defp block({architecture, numbers}, behind) do
    count = length(numbers)

    tests =
      for {number, index} <- Enum.with_index(numbers),
          do: instruction(@jump_if_equal, count - index + behind, 0, number)

    [instruction(@jump_if_equal, 0, count + 2, architecture), instruction(@load, 0, 0, @number)] ++
      tests ++ [instruction(@return, 0, 0, @allow)]
  end

  defp verdict do
    count = length(@requests)

    tests =
      for {{_name, request}, index} <- Enum.with_index(@requests),
          do: instruction(@jump_if_equal, count - index, 0, request)

    [
      instruction(@load, 0, 0, @request),
      tests,
      instruction(@return, 0, 0, @allow),
      instruction(@return, 0, 0, @deny)
    ]
  end

  defp instruction(code, jump_true, jump_false, value),
    do: <<code::16-native, jump_true, jump_false, value::32-native>>
end
