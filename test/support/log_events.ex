# SPDX-License-Identifier: MIT

defmodule Linx.Test.LogEvents do
  @moduledoc """
  A handler of `:logger` that sends a test the events whose metadata has its pid as `:test`, as
  `{:logged, level, text, metadata}`.
  """

  import ExUnit.Callbacks

  @doc "Adds the handler for the rest of the test, once, and returns the metadata that its events need."
  def listen do
    if Process.put(__MODULE__, true) == nil do
      id = :"linx_test_#{System.unique_integer([:positive])}"
      :ok = :logger.add_handler(id, __MODULE__, %{config: %{test: self()}})
      on_exit(fn -> :logger.remove_handler(id) end)
    end

    [test: self()]
  end

  @doc false
  def log(%{level: level, msg: {:string, text}, meta: %{test: test} = meta}, %{
        config: %{test: test}
      }),
      do: send(test, {:logged, level, IO.chardata_to_string(text), meta})

  def log(_event, _config), do: :ok
end
