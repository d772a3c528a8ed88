# SPDX-License-Identifier: MIT

defmodule Linx.Call.OnNode do
  @moduledoc false
  # Calls a function on the node where a call's program is to run.

  @type error :: :nodedown | {:bad_node, node()}

  @doc """
  What the function returns there.

      iex> Linx.Call.OnNode.call(node(), Enum, :sum, [[1, 2]])
      {:ok, 3}
  """
  @spec call(node(), module(), atom(), [term()]) :: {:ok, term()} | {:error, error()}
  def call(node, module, function, arguments) when node == node(),
    do: {:ok, apply(module, function, arguments)}

  def call(node, module, function, arguments) do
    {:ok, :erpc.call(node, module, function, arguments)}
  catch
    :error, {:erpc, _reason} -> {:error, :nodedown}
    # The node runs, and does not have this library.
    :error, {:exception, :undef, _stack} -> {:error, {:bad_node, node}}
  end
end
