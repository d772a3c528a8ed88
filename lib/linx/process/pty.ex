# SPDX-License-Identifier: MIT

defmodule Linx.Process.Pty do
  @moduledoc false
  # What the options of `stdio: :pty` say of the workload's terminal. Pure.

  alias Linx.Process.Checks

  # Rows and columns of a terminal whose size is not said. Programs that format for a screen divide by them.
  @size {24, 80, 0, 0}

  # What terminal emulators of today are, where the environment names no terminal.
  @term "xterm-256color"

  @typedoc """
  Of `termios` are `:like`, another terminal's settings as the agent sends them, `:raw`, `:echo` and `:iutf8`.
  """
  @type t ::
          {:pty, size :: Checks.winsize(), termios :: map(), term :: binary(),
           inside :: boolean() | :auto}

  @doc """
  The terminal that `options` describe.

      iex> Linx.Process.Pty.check([])
      {:ok, {:pty, {24, 80, 0, 0}, %{iutf8: true}, "xterm-256color"}}
      iex> Linx.Process.Pty.check(size: {50, 132}, echo: false, mode: :raw)
      {:ok, {:pty, {50, 132, 0, 0}, %{iutf8: true, raw: true, echo: false}, "xterm-256color", :auto}}
      iex> Linx.Process.Pty.check(echo: :off)
      :error
  """
  @spec check(term()) :: {:ok, t()} | :error
  def check(options) do
    if Keyword.keyword?(options) and Enum.uniq_by(options, &elem(&1, 0)) == options,
      do: Enum.reduce_while(options, {:ok, {:pty, @size, %{iutf8: true}, @term, :auto}}, &put/2),
      else: :error
  end

  defp put(option, {:ok, terminal}) do
    case put_one(option, terminal) do
      :error -> {:halt, :error}
      terminal -> {:cont, {:ok, terminal}}
    end
  end

  defp put_one({:size, {rows, cols}}, terminal),
    do: put_one({:size, {rows, cols, 0, 0}}, terminal)

  defp put_one({:size, size}, terminal) do
    with {:ok, size} <- Checks.winsize(size), do: put_elem(terminal, 1, size)
  end

  defp put_one({:echo, echo?}, terminal) when is_boolean(echo?), do: set(terminal, :echo, echo?)
  defp put_one({:mode, :cooked}, terminal), do: terminal
  defp put_one({:mode, :raw}, terminal), do: set(terminal, :raw, true)

  defp put_one({:inside, inside}, terminal) when inside in [true, false, :auto],
    do: put_elem(terminal, 4, inside)

  defp put_one({:term, term}, terminal) do
    with {:ok, term} when term != "" <- Checks.string(term),
         do: put_elem(terminal, 3, term),
         else: (_none -> :error)
  end

  # Of `Linx.Tty`: the settings of a person's terminal, IUTF8 among them.
  defp put_one({:like, settings}, terminal) when is_binary(settings),
    do: terminal |> unset(:iutf8) |> set(:like, settings)

  defp put_one(_other, _terminal), do: :error

  defp set(terminal, name, value),
    do: put_elem(terminal, 2, Map.put(elem(terminal, 2), name, value))

  defp unset(terminal, name), do: put_elem(terminal, 2, Map.delete(elem(terminal, 2), name))
end
