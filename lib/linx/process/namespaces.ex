# SPDX-License-Identifier: MIT

defmodule Linx.Process.Namespaces do
  @moduledoc false
  # The options of a session that are about its fresh namespaces. Pure.

  alias Linx.Agent.Request
  alias Linx.Process.Checks

  # The namespace that has to be fresh for an option to have a meaning.
  @needs [loopback: :net, time_offsets: :time, hostname: :uts, uid_map: :user, gid_map: :user]

  # What has a meaning only together with another one.
  @with [uid_map: :gid_map, gid_map: :uid_map, setgroups: :gid_map]

  @hostname_max 64

  @clocks [:boottime, :monotonic]

  # Seconds of an offset that fit into the kernel's number for them.
  @seconds -0x8000_0000_0000_0000..0x7FFF_FFFF_FFFF_FFFF
  @nanoseconds 1_000_000_000

  @doc """
  A host name (sethostname(2)).

      iex> Linx.Process.Namespaces.hostname("inside")
      {:ok, "inside"}
      iex> Linx.Process.Namespaces.hostname(String.duplicate("n", 65))
      :error
  """
  @spec hostname(term()) :: {:ok, binary()} | :error
  def hostname(value) do
    case Checks.string(value) do
      {:ok, name} when byte_size(name) <= @hostname_max -> {:ok, name}
      _bad -> :error
    end
  end

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

    lacks =
      Enum.find_value(@needs, fn {name, namespace} ->
        if options[name] not in [nil, false, []] and namespace not in fresh, do: name
      end)

    lacks =
      lacks ||
        Enum.find_value(@with, fn {name, other} ->
          if is_map_key(options, name) and not is_map_key(options, other), do: name
        end)

    if lacks, do: {:lacks, lacks}, else: :ok
  end

  @doc """
  The fields of a request that the options stand for.

      iex> Linx.Process.Namespaces.fields(%{namespaces: [:net], loopback: true})
      %{namespaces: [:net], setup: [:loopback]}
      iex> Linx.Process.Namespaces.fields(%{loopback: false})
      %{}
      iex> Linx.Process.Namespaces.fields(%{loopback: true, hostname: "inside"})
      %{setup: [:loopback, {:hostname, "inside"}]}
  """
  @spec fields(map()) :: map()
  def fields(options) do
    {own, fields} = Map.split(options, [:loopback, :hostname])
    commands = if own[:loopback], do: [:loopback], else: []
    commands = if own[:hostname], do: commands ++ [{:hostname, own.hostname}], else: commands
    if commands == [], do: fields, else: Map.update(fields, :setup, commands, &(&1 ++ commands))
  end
end
