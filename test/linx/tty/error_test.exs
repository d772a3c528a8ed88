# SPDX-License-Identifier: MIT

defmodule Linx.Tty.ErrorTest do
  use ExUnit.Case, async: true

  doctest Linx.Tty
  doctest Linx.Tty.Sandbox

  test "every error has words of its own" do
    errors = [
      :no_local_tty,
      :not_a_terminal,
      :line_editor,
      :no_input,
      :busy,
      :terminal_closed,
      :no_pty,
      :no_process,
      :argv_required,
      {:bad_prepare, :no},
      {:bad_detach, "ctrl-1"},
      {:bad_option, {:stdio, :pipe}},
      {:missing_agent, "/none"},
      Linx.Process.Error.new(:tcsetattr, :eio)
    ]

    words = Enum.map(errors, &Linx.Tty.format_error/1)
    assert Enum.all?(words, &String.valid?/1)
    assert Enum.uniq(words) == words
  end
end
