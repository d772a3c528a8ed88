# SPDX-License-Identifier: MIT

defmodule Linx.Stdin do
  @moduledoc """
  A session's standard input as a `Collectable`; `Linx.stdin/2` makes one.

  Elements are iodata. Small ones are gathered while a write is on its way, so that many cost little more than a few
  large ones; an element that comes when none is on its way is written at once. At most 256 KiB or 4096 elements are
  collected ahead of what the kernel has taken.

  At the end everything is in the kernel, and the input is closed, unless the option was `close: false`. Collecting
  raises `Linx.Process.Error` with `errno: :epipe` when the workload no longer reads: at the end, or at an element before
  it. What the kernel had not taken then is lost.
  """

  @enforce_keys [:session]
  defstruct [:session, close: true]

  @type t :: %__MODULE__{session: Linx.Process.session(), close: boolean()}

  defimpl Collectable do
    alias Linx.Process.Writer

    def into(stdin), do: {Writer.start(stdin.session), &collect(&1, &2, stdin)}

    defp collect(writer, {:cont, data}, _stdin) do
      case Writer.write(writer, to_binary(data)) do
        {:ok, writer} -> writer
        {:error, reason} -> refuse(reason)
      end
    end

    defp collect(writer, :done, stdin) do
      with {:error, reason} <- Writer.finish(writer), do: refuse(reason)
      close(stdin)
      stdin
    end

    defp collect(writer, :halt, stdin) do
      Writer.halt(writer)
      close(stdin)
    end

    defp close(%{session: session, close: true}), do: Linx.Process.close_stdin(session)
    defp close(_stdin), do: :ok

    defp to_binary(data) when is_binary(data), do: data

    defp to_binary(data) do
      IO.iodata_to_binary(data)
    rescue
      ArgumentError ->
        raise ArgumentError, "cannot write to stdin what is no iodata: #{inspect(data)}"
    end

    @spec refuse(Writer.error()) :: no_return()
    defp refuse(%Linx.Process.Error{} = error), do: raise(error)
    defp refuse(reason), do: raise(ArgumentError, "cannot write to stdin: #{describe(reason)}")

    defp describe({:killed, reason}), do: "its writer was killed: #{inspect(reason)}"
    defp describe(reason), do: Linx.Reason.sentence(reason)
  end
end
