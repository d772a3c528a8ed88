# SPDX-License-Identifier: MIT

defmodule Linx.Process.Namespaces do
  @moduledoc false
  # The options of a session that are about its fresh namespaces. Pure.

  alias Linx.Agent.Request

  # The namespace that has to be fresh for an option to have a meaning.
  @needs [loopback: :net]

  @doc """
  Whether the checked options have the fresh namespaces that they need; else the name of one that lacks its own.

      iex> alias Linx.Process.Namespaces
      iex> Namespaces.check(:spawn, %{namespaces: [:net], loopback: true})
      :ok
      iex> Namespaces.check(:spawn, %{loopback: true})
      {:lacks, :loopback}
      iex> Namespaces.check({:enter, 4711}, %{namespaces: [:net], loopback: true})
      {:lacks, :loopback}
  """
  @spec check(Request.mode(), map()) :: :ok | {:lacks, atom()}
  def check(mode, options) do
    fresh = if mode == :spawn, do: Map.get(options, :namespaces, []), else: []

    Enum.find_value(@needs, :ok, fn {name, namespace} ->
      if options[name] not in [nil, false] and namespace not in fresh, do: {:lacks, name}
    end)
  end

  @doc """
  The fields of a request that the options stand for.

      iex> Linx.Process.Namespaces.fields(%{namespaces: [:net], loopback: true})
      %{namespaces: [:net], setup: [:loopback]}
      iex> Linx.Process.Namespaces.fields(%{loopback: false})
      %{}
  """
  @spec fields(map()) :: map()
  def fields(%{loopback: up?} = options) do
    fields = Map.delete(options, :loopback)
    if up?, do: Map.update(fields, :setup, [:loopback], &(&1 ++ [:loopback])), else: fields
  end

  def fields(options), do: options
end
