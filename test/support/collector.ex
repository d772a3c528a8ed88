# SPDX-License-Identifier: MIT

defmodule Linx.Test.Collector do
  @moduledoc "A Collectable that sends a process what it is given, and calls a function with it."

  defstruct [:pid, :fun]

  defimpl Collectable do
    def into(%{pid: pid, fun: fun}) do
      {:collected,
       fn collected, command ->
         send(pid, {:collected, command})
         fun.(command)
         collected
       end}
    end
  end
end
