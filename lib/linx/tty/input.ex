defmodule Linx.Tty.Input do
  @moduledoc false
  # What a person types, byte for byte.
  #
  # The process `user` reads standard input, and nobody else can: it is asked for what it has read
  # (the `:io` module's documentation has the protocol). Its encoding has to be `:latin1`, so that bytes
  # stay bytes, which is `Linx.Tty.Relay`'s to see to.

  @doc """
  The next bytes, as soon as there are any; `:eof` when the terminal is gone.
  """
  @spec read() :: {:ok, binary()} | :eof
  def read do
    user = Process.whereis(:user)
    ref = Process.monitor(user)
    send(user, {:io_request, self(), ref, request(self())})

    receive do
      {:io_reply, ^ref, answer} ->
        Process.demonitor(ref, [:flush])
        bytes(answer)

      {:DOWN, ^ref, :process, ^user, _reason} ->
        :eof
    end
  end

  # Since OTP 26 a request with a function of its own is served by lines, and one for characters at
  # once.
  defp request(reader) do
    if otp_release() >= 26,
      do: {:get_chars, :latin1, '', 1},
      else: {:get_until, :latin1, '', __MODULE__, :take, [reader]}
  end

  defp otp_release, do: :otp_release |> :erlang.system_info() |> List.to_integer()

  # Called by `user` with whatever has been read. A request that waits can't be withdrawn: when its
  # reader is gone, what was typed since is left to the next.
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
