# SPDX-License-Identifier: MIT

defmodule Linx.Process.Receiver do
  @moduledoc false
  # A process that an option names, by its pid or its registered name.

  alias Linx.Option

  @type t :: pid() | GenServer.name()

  @doc """
  The process that an option names, nil for none; an error when none is registered. A name is looked for on the calling
  node.

      iex> Linx.Process.Receiver.find(:owner, :no_such_name)
      {:error, {:bad_owner, :no_such_name}}
  """
  @spec find(atom(), t() | nil) :: {:ok, pid() | nil} | {:error, Option.error()}
  def find(_option, nil), do: {:ok, nil}

  def find(option, name) do
    case GenServer.whereis(name) do
      pid when is_pid(pid) -> {:ok, pid}
      _none_or_port -> Option.bad(option, name)
    end
  rescue
    # A registry that does not run.
    ArgumentError -> Option.bad(option, name)
  end
end
