# SPDX-License-Identifier: MIT

defmodule Linx.Process.Elements do
  @moduledoc false
  # A running session's output as a lazy enumerable: what `Linx.Process.stream/3` returns. Each element is a read.

  alias Linx.Reason

  @outputs [:stdout, :stderr, :pty]

  # Bytes that an element has at most.
  @max 64 * 1024

  @type read(element) :: {:ok, element} | :eof | {:error, Linx.Process.read_error()}

  @doc """
  The enumerable; raises `ArgumentError` for what cannot be one. `read` reads one stream and `read_any` whichever of
  stdout and stderr has output, up to a number of bytes.
  """
  @spec new(
          term(),
          term(),
          (Linx.Process.stream(), pos_integer() -> read(binary())),
          (pos_integer() -> read({Linx.Process.stream(), binary()}))
        ) :: Enumerable.t()
  def new(streams, opts, read, read_any) do
    max = max_chunk(opts)
    element = element(streams, read, read_any)
    Stream.resource(fn -> :ok end, fn :ok -> next(element.(max)) end, fn :ok -> :ok end)
  end

  defp element(stream, read, _read_any) when stream in @outputs, do: &read.(stream, &1)

  defp element([stream], read, _read_any) when stream in @outputs do
    fn max -> with {:ok, data} <- read.(stream, max), do: {:ok, {stream, data}} end
  end

  defp element(streams, _read, read_any) when streams in [[:stdout, :stderr], [:stderr, :stdout]],
    do: read_any

  defp element(other, _read, _read_any), do: refuse({:bad_stream, other})

  defp max_chunk(max_chunk: max) when is_integer(max) and max > 0, do: max
  defp max_chunk([]), do: @max
  defp max_chunk([{:max_chunk, other}]), do: refuse({:bad_max_chunk, other})
  defp max_chunk([{name, value} | _]), do: refuse({:bad_option, {name, value}})
  defp max_chunk(other), do: refuse({:bad_options, other})

  defp next({:ok, element}), do: {[element], :ok}
  defp next(:eof), do: {:halt, :ok}
  defp next({:error, error}) when is_exception(error), do: raise(error)
  defp next({:error, reason}) when reason in [:active, :not_piped, :closed], do: refuse(reason)
  defp next({:error, reason}), do: raise(Reason.sentence(reason))

  @spec refuse(term()) :: no_return()
  defp refuse(reason), do: raise(ArgumentError, Reason.sentence(reason))
end
