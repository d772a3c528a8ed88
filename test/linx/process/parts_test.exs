defmodule Linx.Process.PartsTest do
  use ExUnit.Case, async: true

  # The session's parts, which its own tests and properties cover.
  doctest Linx.Process.Caller
  doctest Linx.Process.Ending
  doctest Linx.Process.Pipes
  doctest Linx.Process.Verbs
end
