# SPDX-License-Identifier: MIT

defmodule Linx.Process.ErrorMountsTest do
  use ExUnit.Case, async: true

  alias Linx.Process.Error
  alias Linx.Process.Error.Mounts

  doctest Mounts

  test "each failure of a command on files and mounts is a stage and an errno that there are" do
    hints = Mounts.hints()

    assert length(Enum.uniq_by(hints, fn {stage, errno, _} -> {stage, errno} end)) ==
             length(hints)

    for {stage, errno, text} <- hints do
      assert stage in Linx.Agent.Wire.stages()
      assert is_integer(Linx.Errno.code(errno))
      refute String.ends_with?(text, ".")
    end
  end

  test "its message says what it means" do
    error = Error.new(:attach, :eisdir)
    assert Exception.message(error) =~ "a file or a device covers no directory"
  end
end
