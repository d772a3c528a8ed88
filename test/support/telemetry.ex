# SPDX-License-Identifier: MIT

defmodule Linx.Test.Telemetry do
  @moduledoc """
  A module `:telemetry` while a test runs, which sends each event to the test as
  `{:telemetry, event, measurements, metadata}`. All sessions of the VM call it, so such tests are not async.
  """

  import ExUnit.{Assertions, Callbacks}

  @stand_in """
  defmodule :telemetry do
    def execute(event, measurements, metadata),
      do: send(:telemetry_listener, {:telemetry, event, measurements, metadata}) && :ok
  end
  """

  @doc "Loads it until the test is done, with the calling process as its listener."
  def start do
    if function_exported?(:telemetry, :execute, 3),
      do: flunk("the tests bring their own :telemetry")

    Process.register(self(), :telemetry_listener)
    [{:telemetry, _code}] = Code.compile_string(@stand_in)
    on_exit(&stop/0)
  end

  @doc "Removes it."
  def stop do
    :code.purge(:telemetry)
    :code.delete(:telemetry)
  end
end
