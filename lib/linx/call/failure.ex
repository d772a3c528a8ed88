# SPDX-License-Identifier: MIT

defmodule Linx.Call.Failure do
  @moduledoc false
  # The errors of calls: what `Linx.run/2` returns, and what `Linx.cmd/3` and `Linx.stream!/2` raise instead.

  alias Linx.Process.Error
  alias Linx.Reason

  @doc """
  The error as `Linx.run/2` returns it, which names the program and the option as the call has them; an
  exception of the input's enumeration is raised again.
  """
  @spec error(Linx.Call.Job.reason(), Linx.Call.t()) :: {:error, term()}
  def error(:timeout, call), do: error(Error.new(:timeout, :etimedout), call)
  def error({:unfit, reason}, _call), do: {:error, reason}
  def error({:checkpoint, reason}, _call), do: {:error, reason}

  def error({:input, kind, reason, stacktrace}, _call),
    do: :erlang.raise(kind, reason, stacktrace)

  def error(%Error{} = error, call), do: {:error, about(error, call)}
  def error(reason, _call), do: {:error, reason}

  # The call's own program and options, because the session's are made of them.
  defp about(error, %{argv: [program | _arguments]} = call),
    do: %{error | program: program, option: option(error.option, call)}

  defp option({:cwd, _path}, %{cd: path}) when path != nil, do: {:cd, path}
  defp option({:stdio, _composed}, %{pty: pty}) when pty != false, do: {:pty, pty}
  defp option({:stdio, _composed}, %{stdio: stdio}) when stdio != nil, do: {:stdio, stdio}
  defp option(option, _call), do: option

  @doc """
  Whether it is one of the program, rather than an option that does not fit or an exception of the input, which
  every call raises.
  """
  @spec of_program?(Linx.Call.Job.reason()) :: boolean()
  def of_program?({:unfit, _reason}), do: false
  def of_program?({:input, _kind, _reason, _stacktrace}), do: false
  def of_program?(_reason), do: true

  @doc "Raises it."
  @spec raise!(Linx.Call.Job.reason(), Linx.Call.t()) :: no_return()
  def raise!({:unfit, reason}, _call), do: raise(ArgumentError, Reason.sentence(reason))

  def raise!(reason, call) do
    case error(reason, call) do
      {:error, exception} when is_exception(exception) -> raise exception
      {:error, other} -> raise message(reason, other)
    end
  end

  defp message({:checkpoint, _}, reason),
    do: "the checkpoint returned {:error, #{inspect(reason)}}"

  defp message(_reason, reason), do: Reason.sentence(reason)

  # What `ErlangError` says besides the errno that `Linx.cmd/3` raises as `System.cmd/3` does (erl_error(3erl)).
  @doc false
  def format_error(_errno, [{_module, :cmd, [program | _more], _location} | _stack]),
    do: %{1 => [inspect(program), " cannot be executed"]}

  def format_error(_errno, [{_module, :shell, _arguments, _location} | _stack]),
    do: %{general: "sh cannot be executed"}

  def format_error(_errno, _stack), do: %{}
end
