# SPDX-License-Identifier: MIT

defmodule Linx.Process.PartsTest do
  use ExUnit.Case, async: true

  # The examples of the session's parts. Their behaviour is tested with the session's.
  doctest Linx.Process.Caller
  doctest Linx.Process.Ending
  doctest Linx.Process.Pipes
  doctest Linx.Process.Verbs
end
