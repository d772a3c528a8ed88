# SPDX-License-Identifier: MIT

defmodule Linx.Call.Stdio do
  @moduledoc false
  # Where the standard streams of a call's program lead. Pure.
  #
  # A call reads the outputs that are pipes. The option `:stdio` overrides the call's own choice; a pipe that
  # the call would not read or write is an error.

  @streams [:stdin, :stdout, :stderr]

  @type directive :: Linx.Process.directive()

  @doc """
  The `:stdio` of the session, all three streams named.

      iex> {:ok, call} = Linx.Call.parse(:cmd, ["ls"], stderr_to_stdout: true)
      iex> Linx.Call.Stdio.compose(call)
      {:ok, [stdin: :devnull, stdout: :pipe, stderr: :stdout]}
  """
  @spec compose(Linx.Call.t()) ::
          {:ok, [{:stdin | :stdout | :stderr, directive()}] | {:pty, keyword()}}
          | {:error, {atom(), term()}}
  def compose(%{pty: pty, use_stdio: true, stdio: nil, input: nil, stderr_to_stdout: false})
      when pty != false,
      do: {:ok, {:pty, if(pty == true, do: [], else: pty)}}

  def compose(%{pty: pty}) when pty != false, do: {:error, {:bad_pty, pty}}

  def compose(%{use_stdio: false, stdio: nil, input: nil, stderr_to_stdout: false} = call),
    do: compose(%{call | use_stdio: true, stdio: :inherit})

  def compose(%{use_stdio: false}), do: {:error, {:bad_use_stdio, false}}

  def compose(call) do
    with {:ok, given} <- given(call.stdio),
         stdio = for(stream <- @streams, do: {stream, given[stream] || default(stream, call)}),
         true <- served?(stdio, given, call) do
      {:ok, stdio}
    else
      _unfit -> {:error, {:bad_stdio, call.stdio}}
    end
  end

  @doc """
  The outputs that the call reads: those that are pipes, or the terminal.

      iex> Linx.Call.Stdio.piped(stdin: :pipe, stdout: :pipe, stderr: :inherit)
      [:stdout]
  """
  @spec piped([{:stdin | :stdout | :stderr, directive()}] | {:pty, keyword()}) ::
          [:stdout | :stderr] | [:pty]
  def piped({:pty, _options}), do: [:pty]
  def piped(stdio), do: for({stream, :pipe} <- stdio, stream != :stdin, do: stream)

  defp given(nil), do: {:ok, []}
  defp given(mode) when mode in [:inherit, :devnull], do: {:ok, for(s <- @streams, do: {s, mode})}

  defp given(list) do
    if Keyword.keyword?(list) and Keyword.keys(list) -- @streams == [],
      do: {:ok, list},
      else: :error
  end

  defp default(:stdin, %{input: nil}), do: :devnull
  defp default(:stdin, _with_input), do: :pipe
  defp default(:stdout, _call), do: :pipe
  defp default(:stderr, %{stderr_to_stdout: true}), do: :stdout
  defp default(:stderr, %{kind: :run}), do: :pipe
  defp default(:stderr, _call), do: :inherit

  defp served?(stdio, given, call) do
    stdio[:stdin] == :pipe == (call.input != nil) and
      not (call.stderr_to_stdout and Keyword.has_key?(given, :stderr)) and
      not (call.kind in [:cmd, :shell] and stdio[:stderr] == :pipe)
  end
end
