# SPDX-License-Identifier: MIT

defmodule Linx.Tty.Input do
  @moduledoc false
  # The input of the BEAM's own terminal, byte for byte.
  #
  # Only the process `user` can read standard input, so it is asked for what it has read (Erlang's I/O
  # protocol). Its encoding has to be `:latin1`, so that no bytes are converted; `Linx.Tty.Relay` sets it.

  @doc """
  Waits for the next bytes; `:eof` when the terminal was closed.
  """
  @spec read() :: {:ok, binary()} | :eof
  def read do
    user = Process.whereis(:user)
    ref = Process.monitor(user)
    send(user, {:io_request, self(), ref, request(self())})

    receive do
      {:io_reply, ^ref, reply} ->
        Process.demonitor(ref, [:flush])
        bytes(reply)

      {:DOWN, ^ref, :process, ^user, _reason} ->
        :eof
    end
  end

  # From OTP 26 on `user` serves a request with a function of its own line by line, and a request for
  # characters at once. Before OTP 26 a request with a function is served at once.
  defp request(reader) do
    if otp_release() >= 26,
      do: {:get_chars, :latin1, '', 1},
      else: {:get_until, :latin1, '', __MODULE__, :take, [reader]}
  end

  defp otp_release, do: :otp_release |> :erlang.system_info() |> List.to_integer()

  # Called by `user` with what has been read. A request that waits cannot be withdrawn, so when its reader has
  # ended, the bytes are left for the next request.
  @doc false
  def take(_continuation, :eof, _reader), do: {:done, :eof, []}

  def take(_continuation, bytes, reader) do
    if Process.alive?(reader),
      do: {:done, {:bytes, bytes}, []},
      else: {:done, :eof, bytes}
  end

  defp bytes({:bytes, bytes}), do: {:ok, IO.iodata_to_binary(bytes)}
  defp bytes(bytes) when is_list(bytes) or is_binary(bytes), do: {:ok, IO.iodata_to_binary(bytes)}
  defp bytes(_eof_or_error), do: :eof
end
