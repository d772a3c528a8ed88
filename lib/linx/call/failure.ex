defmodule Linx.Call.Failure do
  @moduledoc false
  # What a call that cannot answer an error raises instead.

  alias Linx.Process.Error

  @doc "An error as callers of `Linx.run/2` get it; what enumerating the input raised is raised again."
  @spec error(Linx.Call.Job.reason()) :: {:error, term()}
  def error(:timeout), do: {:error, Error.new(:timeout, :etimedout)}
  def error({:checkpoint, reason}), do: {:error, reason}
  def error({:input, kind, reason, stacktrace}), do: :erlang.raise(kind, reason, stacktrace)
  def error(reason), do: {:error, reason}

  @doc "Raises it."
  @spec raise!(Linx.Call.Job.reason()) :: no_return()
  def raise!(reason) do
    case error(reason) do
      {:error, exception} when is_exception(exception) -> raise exception
      {:error, other} -> raise message(reason, other)
    end
  end

  defp message({:checkpoint, _}, answer),
    do: "the checkpoint answered {:error, #{inspect(answer)}}"

  defp message(:aborted, _reason), do: "the program was aborted at its checkpoint"
  defp message(_reason, :nodedown), do: "the node is not connected"
  defp message(_reason, reason), do: Linx.Process.format_error(reason)
end
