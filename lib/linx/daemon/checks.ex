# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.Checks do
  @moduledoc false
  # What the values of a daemon's options have to be. Each function returns `{:ok, checked}` or `:error`.

  @levels ~w(debug info notice warning error critical alert emergency)a

  # Bytes of a line. A character has up to four.
  @line_min 4
  @line_max 16 * 1024 * 1024

  @type result(value) :: {:ok, value} | :error

  @doc "The levels of a log, in words."
  @spec levels() :: String.t()
  def levels, do: "a level of Logger"

  @doc """
  Where lines go: a level, a function of a line or of a stream and a line, or false.

      iex> Linx.Daemon.Checks.log(:warning)
      {:ok, :warning}
      iex> Linx.Daemon.Checks.log(true)
      :error
  """
  @spec log(term()) :: result(:logger.level() | fun() | nil)
  def log(false), do: {:ok, nil}
  def log(level) when level in @levels, do: {:ok, level}
  def log(fun) when is_function(fun, 1) or is_function(fun, 2), do: {:ok, fun}
  def log(_other), do: :error

  @doc "Where the lines of standard error go."
  @spec stderr(term()) :: result(:log | :merge | :logger.level())
  def stderr(where) when where in [:log, :merge] or where in @levels, do: {:ok, where}
  def stderr(_other), do: :error

  @doc "Text in UTF-8."
  @spec text(term()) :: result(String.t())
  def text(text),
    do: if(is_binary(text) and String.valid?(text), do: {:ok, text}, else: :error)

  @doc """
  Metadata for a log.

      iex> Linx.Daemon.Checks.metadata(domain: [:my_app])
      {:ok, %{domain: [:my_app]}}
  """
  @spec metadata(term()) :: result(map())
  def metadata(metadata) when is_map(metadata) and not is_struct(metadata),
    do: if(Enum.all?(Map.keys(metadata), &is_atom/1), do: {:ok, metadata}, else: :error)

  def metadata(list),
    do: if(Keyword.keyword?(list), do: {:ok, Map.new(list)}, else: :error)

  @doc "Bytes of a line."
  @spec max_line(term()) :: result(pos_integer())
  def max_line(max) when is_integer(max) and max in @line_min..@line_max, do: {:ok, max}
  def max_line(_other), do: :error

  @doc "What a program has to do before it is ready."
  @spec wait_for(term()) :: result((pid() -> term()) | {:output, Regex.t()} | nil)
  def wait_for(nil), do: {:ok, nil}
  def wait_for(fun) when is_function(fun, 1), do: {:ok, fun}
  def wait_for({:output, %Regex{}} = output), do: {:ok, output}
  def wait_for(_other), do: :error

  @doc "A function of an exit status."
  @spec exit(term()) :: result((0..255 -> term()))
  def exit(fun) when is_function(fun, 1), do: {:ok, fun}
  def exit(_other), do: :error
end
