# SPDX-License-Identifier: MIT

defmodule Linx.Process.Namespaces do
  @moduledoc false
  # The options of a session that are about its fresh namespaces. Pure.

  alias Linx.Agent.Request

  # The namespace that has to be fresh for an option to have a meaning.
  @needs [loopback: :net, time_offsets: :time]

  @clocks [:boottime, :monotonic]

  # Seconds of an offset that fit into the kernel's number for them.
  @seconds -0x8000_0000_0000_0000..0x7FFF_FFFF_FFFF_FFFF
  @nanoseconds 1_000_000_000

  @doc """
  The offsets of clocks, `t:Linx.Process.seconds/0` each, as the agent takes them.

      iex> Linx.Process.Namespaces.time_offsets(boottime: 86_400, monotonic: -0.5)
      {:ok, [{:boottime, 86_400, 0}, {:monotonic, -1, 500_000_000}]}
      iex> Linx.Process.Namespaces.time_offsets(realtime: 1)
      :error
  """
  @spec time_offsets(term()) :: {:ok, [{atom(), integer(), non_neg_integer()}]} | :error
  def time_offsets(offsets), do: time_offsets(offsets, [])

  defp time_offsets([{clock, value} | rest], checked) when clock in @clocks do
    with false <- List.keymember?(checked, clock, 0),
         {seconds, nanoseconds} when seconds in @seconds <- seconds(value) do
      time_offsets(rest, [{clock, seconds, nanoseconds} | checked])
    else
      _bad -> :error
    end
  end

  defp time_offsets([], checked), do: {:ok, Enum.reverse(checked)}
  defp time_offsets(_other, _checked), do: :error

  defp seconds(value) when is_integer(value), do: {value, 0}

  defp seconds(value) when is_float(value) do
    whole = floor(value)
    nanoseconds = round((value - whole) * @nanoseconds)
    if nanoseconds < @nanoseconds, do: {whole, nanoseconds}, else: {whole + 1, 0}
  end

  defp seconds({whole, nanoseconds})
       when is_integer(whole) and nanoseconds in 0..(@nanoseconds - 1)//1,
       do: {whole, nanoseconds}

  defp seconds(_other), do: :error

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
      if options[name] not in [nil, false, []] and namespace not in fresh, do: {:lacks, name}
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
