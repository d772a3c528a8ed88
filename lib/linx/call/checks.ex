# SPDX-License-Identifier: MIT

defmodule Linx.Call.Checks do
  @moduledoc false
  # What the values of a call's options have to be. Each function returns `{:ok, checked}` or `:error`.

  alias Linx.Process.Pty

  # The longest time, in milliseconds, that a timer of the VM takes.
  @timeout_max 0xFFFF_FFFF

  # Bytes that a line of a stream has at most with `lines: true`, because output without newlines may have no
  # end.
  @line_max 1024 * 1024

  @type result(value) :: {:ok, value} | :error

  @doc """
  Milliseconds or `:infinity`.

      iex> Linx.Call.Checks.timeout(-1)
      :error
  """
  @spec timeout(term()) :: result(timeout())
  def timeout(:infinity), do: {:ok, :infinity}
  def timeout(ms), do: milliseconds(ms)

  @doc "Milliseconds."
  @spec milliseconds(term()) :: result(non_neg_integer())
  def milliseconds(ms) when is_integer(ms) and ms in 0..@timeout_max, do: {:ok, ms}
  def milliseconds(_other), do: :error

  @doc "A number of bytes or `:infinity`."
  @spec max_output(term()) :: result(non_neg_integer() | :infinity)
  def max_output(:infinity), do: {:ok, :infinity}
  def max_output(max) when is_integer(max) and max >= 0, do: {:ok, max}
  def max_output(_other), do: :error

  @doc "A positive number of bytes."
  @spec lines(term()) :: result(pos_integer())
  def lines(max) when is_integer(max) and max > 0, do: {:ok, max}
  def lines(_other), do: :error

  @doc """
  The bound of a stream's lines: also `true`, which is a MiB, or `false`.

      iex> Linx.Call.Checks.stream_lines(true)
      {:ok, 1_048_576}
  """
  @spec stream_lines(term()) :: result(pos_integer() | nil)
  def stream_lines(true), do: {:ok, @line_max}
  def stream_lines(false), do: {:ok, nil}
  def stream_lines(max), do: lines(max)

  @doc "A function of a session and its host pid, or nil."
  @spec checkpoint(term()) :: result((pid(), pos_integer() -> term()) | nil)
  def checkpoint(fun) when is_function(fun, 2) or is_nil(fun), do: {:ok, fun}
  def checkpoint(_other), do: :error

  @doc """
  Iodata, as a binary, another enumerable, or a function of a sink; nil for none. A list is iodata, also one of
  chunks.

      iex> Linx.Call.Checks.input(["a", ?b])
      {:ok, "ab"}
      iex> Linx.Call.Checks.input([:a])
      :error
  """
  @spec input(term()) :: result(binary() | Enumerable.t() | (Linx.Stdin.t() -> term()) | nil)
  def input(input) when is_list(input) do
    {:ok, IO.iodata_to_binary(input)}
  rescue
    ArgumentError -> :error
  end

  def input(input) when is_nil(input) or is_binary(input), do: {:ok, input}

  # Every function has the protocol, and one of two arguments can be enumerated.
  def input(input) when is_function(input, 1), do: {:ok, input}
  def input(input) when is_function(input) and not is_function(input, 2), do: :error
  def input(input), do: if(Enumerable.impl_for(input), do: {:ok, input}, else: :error)

  @doc "A `Collectable`."
  @spec into(term()) :: result(Collectable.t())
  def into(into), do: if(Collectable.impl_for(into), do: {:ok, into}, else: :error)

  @doc """
  A `Collectable`, or a function of a binary.

      iex> {:ok, _fun} = Linx.Call.Checks.sink(&IO.write/1)
      iex> Linx.Call.Checks.sink(fn -> :ok end)
      :error
  """
  @spec sink(term()) :: result(Linx.Call.Sink.into())
  def sink(fun) when is_function(fun, 1), do: {:ok, fun}
  def sink(other), do: into(other)

  @doc """
  Whether there is a terminal, or what it is.

      iex> Linx.Call.Checks.pty(size: {50, 132})
      {:ok, [size: {50, 132}]}
  """
  @spec pty(term()) :: result(boolean() | keyword())
  def pty(value) when is_boolean(value), do: {:ok, value}
  def pty(options), do: with({:ok, _terminal} <- Pty.check(options), do: {:ok, options})

  @doc "Any value, which is checked with the other options."
  @spec any(term()) :: result(term())
  def any(value), do: {:ok, value}
end
