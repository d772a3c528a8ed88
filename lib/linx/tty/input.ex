# SPDX-License-Identifier: MIT

defmodule Linx.Tty.Input do
  @moduledoc false
  # The input of the BEAM's own terminal, byte for byte.
  #
  # Only the process `user` can read standard input, so it is asked for what it has read (Erlang's I/O
  # protocol). Its encoding has to be `:latin1`, so that no bytes are converted; `Linx.Tty.Relay` sets it.

  alias Linx.Tty.DetachKeys

  @doc """
  Waits for the next bytes; `:eof` when the terminal was closed. With `:detach` the keys of `detach` were typed
  behind them, and what was typed behind the keys is left for others.
  """
  @spec read(DetachKeys.t()) :: {:ok, binary(), DetachKeys.t()} | {:detach, binary()} | :eof
  def read(detach) do
    user = Process.whereis(:user)
    ref = Process.monitor(user)
    send(user, {:io_request, self(), ref, request(self(), detach)})

    receive do
      {:io_reply, ^ref, reply} ->
        Process.demonitor(ref, [:flush])
        taken(reply, detach)

      {:DOWN, ^ref, :process, ^user, _reason} ->
        :eof
    end
  end

  # From OTP 26 on `user` serves a request with a function of its own line by line, and a request for
  # characters at once. Before OTP 26 a request with a function is served at once.
  defp request(reader, detach) do
    if otp_release() >= 26,
      do: {:get_chars, :latin1, '', 1},
      else: {:get_until, :latin1, '', __MODULE__, :take, [reader, detach]}
  end

  defp otp_release, do: :otp_release |> :erlang.system_info() |> List.to_integer()

  # Called by `user` with what has been read, of which it takes back what is left as a binary. A request that waits cannot be withdrawn, so when its reader has
  # ended, the bytes are left for the next request.
  @doc false
  def take(_continuation, :eof, _reader, _detach), do: {:done, :eof, []}

  def take(_continuation, bytes, reader, detach) do
    if Process.alive?(reader) do
      case DetachKeys.take(detach, IO.iodata_to_binary(bytes)) do
        {:pass, passed, detach} -> {:done, {:ok, passed, detach}, []}
        {:detach, passed, rest} -> {:done, {:detach, passed}, rest}
      end
    else
      {:done, :eof, IO.iodata_to_binary(bytes)}
    end
  end

  defp taken(bytes, detach) when is_list(bytes) or is_binary(bytes) do
    # One byte, so that nothing is left behind the keys.
    with {:detach, passed, ""} <- pass(detach, bytes), do: {:detach, passed}
  end

  defp taken({:ok, _passed, _detach} = taken, _before), do: taken
  defp taken({:detach, _passed} = taken, _before), do: taken
  defp taken(_eof_or_error, _detach), do: :eof

  defp pass(detach, bytes) do
    with {:pass, passed, detach} <- DetachKeys.take(detach, IO.iodata_to_binary(bytes)),
         do: {:ok, passed, detach}
  end
end
