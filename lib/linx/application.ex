# SPDX-License-Identifier: MIT

defmodule Linx.Application do
  @moduledoc false
  # The application: one process, which sessions can do without.

  use Application

  # With the usual limit a process that is killed again and again would end the application, and with it a
  # VM for which the application is permanent.
  @max_restarts 1_000_000

  @impl true
  def start(_type, _arguments) do
    Supervisor.start_link([Linx.Agent.Keeper],
      strategy: :one_for_one,
      max_restarts: @max_restarts,
      name: Linx.Supervisor
    )
  end
end
