# SPDX-License-Identifier: MIT

defmodule Linx.PlanTest do
  # Plans of options.
  use ExUnit.Case, async: true

  doctest Linx.Plan
end
