# SPDX-License-Identifier: MIT

defmodule Linx.Inspection do
  @moduledoc false
  # How structs of this library are shown: `#Linx.Result<...>` with what a person looks for, because a result may
  # have megabytes of output, and a set of capabilities 41 names. `inspect(struct, structs: false)` shows everything.

  # The bytes of an output that are shown.
  @shown 80

  @doc """
  The named parts of a struct.

      iex> fields = [a: "1", b: "x y"]
      iex> Linx.Inspection.text("Linx.Result", fields)
      "#Linx.Result<a: 1, b: x y>"
  """
  @spec text(String.t(), [{atom(), String.t()}]) :: String.t()
  def text(name, fields) do
    shown = Enum.map_join(fields, ", ", fn {field, text} -> "#{field}: #{text}" end)
    "##{name}<#{shown}>"
  end

  @doc """
  A binary, or its first bytes with the size.

      iex> Linx.Inspection.bytes("ab")
      ~S("ab")
      iex> Linx.Inspection.bytes(String.duplicate("a", 1000)) |> String.slice(-16, 16)
      "... (1000 bytes)"
      iex> Linx.Inspection.bytes([1])
      "[1]"
  """
  @spec bytes(term()) :: String.t()
  def bytes(binary) when is_binary(binary) and byte_size(binary) > @shown do
    <<first::binary-size(@shown), _rest::binary>> = binary
    "#{inspect(first, limit: @shown, printable_limit: @shown)}... (#{byte_size(binary)} bytes)"
  end

  def bytes(other), do: inspect(other, limit: 10, printable_limit: @shown)

  @doc """
  A set, of which a part of all is shown by what it lacks.

      iex> all = MapSet.new([:a, :b, :c, :d, :e])
      iex> for list <- [[], [:b], [:a, :b, :c, :d], [:a, :b, :c, :d, :e]], do: Linx.Inspection.set(list, all)
      ["[]", "[:b]", "all but [:e]", "all"]
  """
  @spec set(Enumerable.t(), MapSet.t()) :: String.t()
  def set(set, all) do
    set = MapSet.new(set)
    lacking = MapSet.difference(all, set)
    unknown? = not MapSet.subset?(set, all)

    cond do
      unknown? or MapSet.size(lacking) >= MapSet.size(set) -> list(set)
      MapSet.size(lacking) == 0 -> "all"
      true -> "all but #{list(lacking)}"
    end
  end

  defp list(set), do: set |> Enum.sort() |> inspect(limit: :infinity)
end

defimpl Inspect, for: Linx.Result do
  alias Linx.Inspection

  def inspect(result, _opts) do
    Inspection.text(
      "Linx.Result",
      [
        {outcome(result), value(result)},
        {:stdout, Inspection.bytes(result.stdout)},
        {:stderr, Inspection.bytes(result.stderr)},
        {:duration, duration(result.duration)}
      ]
    )
  end

  defp outcome(%{outcome: {name, _value}}) when name in [:exited, :signaled], do: name
  defp outcome(_other), do: :status

  defp value(%{outcome: {:signaled, number}}) when is_integer(number) do
    case Linx.Signal.name(number) do
      nil -> "#{number}"
      name -> "#{number} (#{name |> Atom.to_string() |> String.upcase()})"
    end
  end

  defp value(%{status: status}), do: Kernel.inspect(status)

  defp duration(microseconds) when is_integer(microseconds),
    do: "#{Float.round(microseconds / 1000, 1)} ms"

  defp duration(other), do: Kernel.inspect(other)
end

defimpl Inspect, for: Linx.Capabilities do
  alias Linx.Inspection

  @fields [:effective, :permitted, :inheritable, :bounding, :ambient]

  def inspect(sets, _opts) do
    all = MapSet.new(Linx.Capabilities.all())

    Inspection.text(
      "Linx.Capabilities",
      for(field <- @fields, do: {field, Inspection.set(Map.fetch!(sets, field), all)})
    )
  end
end

defimpl Inspect, for: Linx.Process.Info do
  alias Linx.Inspection

  # Those that say something: a field that is nil or has its default is not shown.
  @fields [
    :mode,
    :state,
    :host_pid,
    :child_pid,
    :agent_pid,
    :pty?,
    :linger,
    :auto_proceed,
    :owner,
    :result
  ]

  def inspect(info, _opts) do
    default = %{pty?: false, linger: true, auto_proceed: false}

    shown =
      for field <- @fields,
          value = Map.fetch!(info, field),
          value != nil and value != default[field],
          do: {field, Kernel.inspect(value)}

    Inspection.text("Linx.Process.Info", shown)
  end
end
