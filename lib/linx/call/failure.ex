# SPDX-License-Identifier: MIT

defmodule Linx.Call.Failure do
  @moduledoc false
  # What `Linx.cmd/3` and `Linx.stream!/2`, which return no errors, raise instead.

  alias Linx.Process.Error

  @doc "The error as `Linx.run/2` returns it; an exception of the input's enumeration is raised again."
  @spec error(Linx.Call.Job.reason()) :: {:error, term()}
  def error(:timeout), do: {:error, Error.new(:timeout, :etimedout)}
  def error({:unfit, reason}), do: {:error, reason}
  def error({:checkpoint, reason}), do: {:error, reason}
  def error({:input, kind, reason, stacktrace}), do: :erlang.raise(kind, reason, stacktrace)
  def error(reason), do: {:error, reason}

  @doc "Raises it."
  @spec raise!(Linx.Call.Job.reason()) :: no_return()
  def raise!({:unfit, reason}), do: raise(ArgumentError, Linx.Call.message(reason))

  def raise!(reason) do
    case error(reason) do
      {:error, exception} when is_exception(exception) -> raise exception
      {:error, other} -> raise message(reason, other)
    end
  end

  defp message({:checkpoint, _}, reason),
    do: "the checkpoint returned {:error, #{inspect(reason)}}"

  defp message(:aborted, _reason), do: "the program was aborted at its checkpoint"
  defp message(_reason, :nodedown), do: "the node is not connected"
  defp message(_reason, reason), do: Linx.Process.format_error(reason)
end
