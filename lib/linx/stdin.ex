# SPDX-License-Identifier: MIT

defmodule Linx.Stdin do
  @moduledoc """
  A session's standard input as a `Collectable`; `Linx.stdin/2` makes one.

  Elements are iodata. Each one is written before the next one is collected: the kernel has taken all of it by
  then. The input is closed at the end, unless the option was `close: false`. Collecting raises
  `Linx.Process.Error` with `errno: :epipe` when the workload no longer reads.
  """

  @enforce_keys [:session]
  defstruct [:session, close: true]

  @type t :: %__MODULE__{session: Linx.Process.session(), close: boolean()}

  defimpl Collectable do
    def into(%{session: session, close: close} = stdin) do
      collect = fn
        :ok, {:cont, data} ->
          write(session, data)

        :ok, :done ->
          if close, do: Linx.Process.close_stdin(session)
          stdin

        :ok, :halt ->
          if close, do: Linx.Process.close_stdin(session)
          :ok
      end

      {:ok, collect}
    end

    defp write(session, data) do
      case Linx.Process.write(session, data, :infinity) do
        :ok -> :ok
        {:error, %Linx.Process.Error{} = error} -> raise error
        {:error, reason} -> raise ArgumentError, "cannot write to stdin: #{describe(reason)}"
      end
    end

    defp describe(:not_piped), do: "it is no pipe"
    defp describe(:closed), do: "it is closed"
    defp describe(:nodedown), do: "the session's node is not connected"
    defp describe(reason), do: Linx.Process.format_error(reason)
  end
end
