# SPDX-License-Identifier: MIT

defmodule Linx.Process.Checks do
  @moduledoc false
  # What the values of a session's options have to be. Pure, apart from `name/1`, which looks for a module.
  #
  # Each function returns `{:ok, checked}`, with the value as the agent or the session takes it, or `:error`.

  @namespaces [:user, :mount, :uts, :ipc, :cgroup, :net, :time, :pid]

  # The longest grace period that the agent can count, in milliseconds.
  @grace_max 0x7FFF_FFFF_FFFF_FFFF

  # The longest one that the session can, in milliseconds: a timer of the VM.
  @stop_max 0xFFFF_FFFF

  # The most messages that can be asked for at once.
  @active_max 0x7FFF_FFFF

  @type result(value) :: {:ok, value} | :error
  @type winsize :: {0..65535, 0..65535, 0..65535, 0..65535}

  @doc """
  A process to enter: a host pid, or a session other than the caller.

      iex> Linx.Process.Checks.target(4711)
      {:ok, 4711}
      iex> Linx.Process.Checks.target(self())
      :error
  """
  @spec target(term()) :: result(pos_integer() | GenServer.server())
  def target(pid) when is_integer(pid) and pid in 1..0x7FFF_FFFF, do: {:ok, pid}
  def target(pid) when is_pid(pid) and pid != self(), do: {:ok, pid}

  def target(name) when is_atom(name) and name not in [nil, true, false, :undefined],
    do: {:ok, name}

  def target({:global, _term} = name), do: {:ok, name}
  def target({:via, module, _term} = name) when is_atom(module), do: {:ok, name}
  def target(_other), do: :error

  @doc """
  A string for the kernel: a binary, or a list of bytes, without NUL.

      iex> Linx.Process.Checks.string([?l, ?s])
      {:ok, "ls"}
      iex> Linx.Process.Checks.string("l\\0s")
      :error
  """
  @spec string(term()) :: result(binary())
  def string(value) when is_binary(value) do
    if :binary.match(value, <<0>>) == :nomatch, do: {:ok, value}, else: :error
  end

  def string(value) when is_list(value) do
    if bytes?(value), do: value |> :erlang.list_to_binary() |> string(), else: :error
  end

  def string(_other), do: :error

  defp bytes?([byte | rest]) when is_integer(byte) and byte in 0..255, do: bytes?(rest)
  defp bytes?(rest), do: rest == []

  @doc """
  A list of strings that is not empty.

      iex> Linx.Process.Checks.strings([])
      :error
  """
  @spec strings(term()) :: result([binary(), ...])
  def strings([_ | _] = list), do: each(list, &string/1, [])
  def strings(_other), do: :error

  @doc """
  A list of `"KEY=VALUE"` strings.

      iex> Linx.Process.Checks.variables(["A=1", "=2"])
      :error
  """
  @spec variables(term()) :: result([binary()])
  def variables(list) when is_list(list), do: each(list, &variable/1, [])
  def variables(_other), do: :error

  defp variable(value) do
    with {:ok, string} <- string(value) do
      case :binary.match(string, "=") do
        {at, 1} when at > 0 -> {:ok, string}
        _none -> :error
      end
    end
  end

  defp each([head | rest], check, checked) do
    case check.(head) do
      {:ok, string} -> each(rest, check, [string | checked])
      :error -> :error
    end
  end

  defp each([], _check, checked), do: {:ok, Enum.reverse(checked)}
  defp each(_improper, _check, _checked), do: :error

  @doc """
  A list of namespaces, each once.

      iex> Linx.Process.Checks.namespaces([:pid, :user, :pid])
      {:ok, [:pid, :user]}
  """
  @spec namespaces(term()) :: result([Linx.Process.namespace()])
  def namespaces(list) when is_list(list), do: members(list, @namespaces, [])
  def namespaces(_other), do: :error

  defp members([head | rest], allowed, seen) do
    cond do
      head in seen -> members(rest, allowed, seen)
      head in allowed -> members(rest, allowed, [head | seen])
      true -> :error
    end
  end

  defp members([], _allowed, seen), do: {:ok, Enum.reverse(seen)}
  defp members(_improper, _allowed, _seen), do: :error

  @doc """
  What the agent does with a running workload when the BEAM disappears. `:linger` is the deprecated name of
  `:leave`.

      iex> Linx.Process.Checks.orphan_policy(:linger)
      {:ok, :leave}
  """
  @spec orphan_policy(term()) :: result({:kill, non_neg_integer()} | :leave)
  def orphan_policy({:kill, grace_ms} = policy)
      when is_integer(grace_ms) and grace_ms >= 0 and grace_ms <= @grace_max,
      do: {:ok, policy}

  def orphan_policy(policy) when policy in [:leave, :linger], do: {:ok, :leave}
  def orphan_policy(_other), do: :error

  @doc """
  How much output is sent as messages.

      iex> Linx.Process.Checks.active(0)
      :error
  """
  @spec active(term()) :: result(Linx.Process.active())
  def active(active) when active in [true, false, :once], do: {:ok, active}
  def active(count) when is_integer(count) and count in 1..@active_max, do: {:ok, count}
  def active(_other), do: :error

  @doc """
  A process that receives something: a pid or a name.

      iex> Linx.Process.Checks.receiver(MyApp.Receiver)
      {:ok, MyApp.Receiver}
  """
  @spec receiver(term()) :: result(pid() | GenServer.name())
  def receiver(pid) when is_pid(pid), do: {:ok, pid}
  def receiver(name), do: name(name)

  @doc """
  How a workload is ended: a signal, as its number, and the milliseconds after which it is killed.

      iex> Linx.Process.Checks.stop({"TERM", 100})
      {:ok, {15, 100}}
      iex> Linx.Process.Checks.stop({:sigterm, :infinity})
      :error
  """
  @spec stop(term()) :: result({1..64, non_neg_integer()})
  def stop({signal, grace_ms}) when is_integer(grace_ms) and grace_ms in 0..@stop_max do
    with {:ok, number} <- Linx.Signal.number(signal), do: {:ok, {number, grace_ms}}
  end

  def stop(_other), do: :error

  @doc "The name of a node."
  @spec node_name(term()) :: result(node())
  def node_name(name) when is_atom(name) and name not in [nil, true, false], do: {:ok, name}
  def node_name(_other), do: :error

  @doc """
  A pool's pid or name; nil or false, as false, for none.

      iex> Linx.Process.Checks.pool(nil)
      {:ok, false}
  """
  @spec pool(term()) :: result(GenServer.name() | pid() | false)
  def pool(none) when none in [nil, false], do: {:ok, false}
  def pool(pid) when is_pid(pid), do: {:ok, pid}
  def pool(name), do: name(name)

  @doc """
  The size of a terminal, as a tuple or a map.

      iex> Linx.Process.Checks.winsize(%{rows: 24, cols: 80})
      {:ok, {24, 80, 0, 0}}
      iex> Linx.Process.Checks.winsize(%{rows: 24, columns: 80})
      :error
  """
  @spec winsize(term()) :: result(winsize())
  def winsize({rows, cols, xpixel, ypixel} = size)
      when rows in 0..65535 and cols in 0..65535 and xpixel in 0..65535 and ypixel in 0..65535,
      do: {:ok, size}

  def winsize(%{rows: rows, cols: cols} = size) do
    case Map.merge(%{xpixel: 0, ypixel: 0}, Map.drop(size, [:rows, :cols])) do
      %{xpixel: xpixel, ypixel: ypixel} = pixels when map_size(pixels) == 2 ->
        winsize({rows, cols, xpixel, ypixel})

      _unknown_keys ->
        :error
    end
  end

  def winsize(_other), do: :error

  @doc """
  A name that `GenServer.start_link/3` takes.

      iex> Linx.Process.Checks.name({:global, "a session"})
      {:ok, {:global, "a session"}}
      iex> Linx.Process.Checks.name(:undefined)
      :error
  """
  @spec name(term()) :: result(GenServer.name())
  def name(name) when is_atom(name) and name not in [nil, true, false, :undefined],
    do: {:ok, name}

  def name({:global, _term} = name), do: {:ok, name}

  def name({:via, module, _term} = name) when is_atom(module) do
    if Code.ensure_loaded?(module) and function_exported?(module, :register_name, 2) and
         function_exported?(module, :whereis_name, 1),
       do: {:ok, name},
       else: :error
  end

  def name(_other), do: :error
end
