# SPDX-License-Identifier: MIT

defmodule Linx.Agent.Request do
  @moduledoc false
  # The first frame to an agent, which says what it is to do: run a workload (`encode/3`), kill one
  # (`kill/1`), hold the BEAM's own terminal (`terminal/0`), or a copy of its program (`keep/0`). Pure.

  alias Linx.Agent.Wire
  alias Linx.Process.{Environment, Final, Namespaces}

  @typedoc "Fresh namespaces, or those of a process on this host."
  @type mode :: :spawn | {:enter, pos_integer()}

  @typedoc """
    * `:auto_proceed` - whether the child goes on to exec without a stop at the checkpoint
    * `:demand` - how many bytes of which output to send before more is asked for; nil when no output is
      asked for at all
  """
  @type how :: [auto_proceed: boolean(), demand: keyword(pos_integer()) | nil]

  @doc """
  The request for a workload, from the checked options that it has under their own names.

      iex> alias Linx.Agent.Request
      iex> {:ok, bytes} = Request.encode(:spawn, %{argv: ["/bin/true"]}, auto_proceed: true, demand: nil)
      iex> :erlang.binary_to_term(bytes)
      {:spawn, %{argv: ["/bin/true"], hold: true, proceed: true}}
      iex> Request.encode(:spawn, %{argv: [:binary.copy("x", 17_000_000)]}, demand: nil)
      :too_big
  """
  @spec encode(mode(), map(), how()) :: {:ok, binary()} | :too_big
  def encode(mode, options, how) do
    encoded = mode |> term(fields(options, how)) |> Wire.encode()
    if byte_size(encoded) <= Wire.request_max(), do: {:ok, encoded}, else: :too_big
  end

  @doc """
  Whether a request is not too big. It is encoded for that only when an upper bound of its size is too big.

      iex> Linx.Agent.Request.fits?(:spawn, %{argv: ["/bin/true"]}, [])
      true
  """
  @spec fits?(mode(), map(), how()) :: boolean()
  def fits?(mode, options, how) do
    bound = mode |> term(fields(options, how)) |> :erlang.external_size()
    bound <= Wire.request_max() or encode(mode, options, how) != :too_big
  end

  defp term(:spawn, fields), do: {:spawn, fields}
  defp term({:enter, target}, fields), do: {:enter, Map.put(fields, :target, target)}

  # With `hold` the agent stays until the port is closed. Without it a frame that the BEAM writes to an
  # agent that has just exited breaks the port, and the frames that were not read yet are lost.
  defp fields(options, how) do
    options
    |> Environment.to_keys()
    |> Final.to_keys()
    |> orphan_policy()
    |> Namespaces.fields()
    |> put_terminal()
    |> Map.put(:hold, true)
    |> Map.put(if(how[:auto_proceed], do: :proceed, else: :ack), true)
    |> put_demand(how[:demand])
    |> put_waits()
  end

  # A file may be a named pipe, and the session then wants to know when its child waits for the other side.
  defp put_waits(%{stdio: [_ | _] = streams} = fields) do
    if Enum.any?(streams, &match?({_stream, {:file, _path, _how}}, &1)),
      do: Map.put(fields, :waits, true),
      else: fields
  end

  defp put_waits(fields), do: fields

  # On the wire the policy keeps the name that it had first.
  defp orphan_policy(%{orphan_policy: :leave} = options), do: %{options | orphan_policy: :linger}
  defp orphan_policy(options), do: options

  # The environment that a workload inherits is the agent's, so the agent looks into it for a TERM.
  defp put_terminal(%{stdio: {:pty, size, termios, term, inside}} = options) do
    options = Map.merge(options, %{stdio: stdio(size, inside), termios: termios})

    case options do
      %{env: env} -> %{options | env: if(term?(env), do: env, else: env ++ ["TERM=" <> term])}
      _changes -> if changes_term?(options), do: options, else: Map.put(options, :term, term)
    end
  end

  defp put_terminal(options), do: options

  defp stdio(size, false), do: {:pty, size}
  defp stdio(size, true), do: {:pty, size, :inside}
  defp stdio(size, :auto), do: {:pty, size, :auto}

  defp changes_term?(options),
    do: term?(Map.get(options, :env_set, [])) or "TERM" in Map.get(options, :env_unset, [])

  defp term?(variables), do: Enum.any?(variables, &match?("TERM=" <> _value, &1))

  # The first demand is part of the request, because a short workload may end before the agent reads a
  # frame behind it.
  defp put_demand(fields, nil), do: fields
  defp put_demand(fields, []), do: Map.put(fields, :flow, :demand)
  defp put_demand(fields, demand), do: Map.merge(fields, %{flow: :demand, demand: demand})

  @typedoc """
  What has changed since an agent was started, or may have:

    * `:dir` - the VM's working directory
    * `:set`, `:unset` - `"KEY=VALUE"` and `"KEY"`, of the VM's environment
    * `:file` - the path that the agent was started from, and what `Linx.Agent.Identity.of/1` said of it
  """
  @type changes :: %{
          optional(:dir) => binary(),
          optional(:set) => [binary()],
          optional(:unset) => [binary()],
          optional(:file) => {binary(), integer(), integer(), integer(), integer()}
        }

  @doc """
  An encoded request, to an agent that was started before it. The agent sends `{:status, :accepted}` once
  it has read it.

      iex> request = Linx.Agent.Request.kill(%{target: 4711})
      iex> %{dir: "/"} |> Linx.Agent.Request.pooled(request) |> IO.iodata_to_binary() |> :erlang.binary_to_term()
      {:pooled, %{dir: "/"}, {:kill, %{target: 4711}}}
  """
  @spec pooled(changes(), binary()) :: iodata()
  def pooled(changes, <<131, request::binary>>) do
    <<131, changes::binary>> = :erlang.term_to_binary(changes)
    [<<131, 104, 3, 119, 6, "pooled">>, changes, request]
  end

  @doc """
  The request to kill what another agent does not: the process `target` with its group, and with
  `agent` all that descends from that agent.

      iex> Linx.Agent.Request.kill(%{target: 4711}) |> :erlang.binary_to_term()
      {:kill, %{target: 4711}}
  """
  @spec kill(%{required(:target) => pos_integer(), optional(:agent) => pos_integer()}) :: binary()
  def kill(whom), do: Wire.encode({:kill, whom})

  @doc """
  The request to make the BEAM's own terminal raw, and to restore it.

      iex> Linx.Agent.Request.terminal() |> :erlang.binary_to_term()
      {:terminal, %{}}
  """
  @spec terminal() :: binary()
  def terminal, do: Wire.encode({:terminal, %{}})

  @doc """
  The request to hold a sealed copy of the agent's program.

      iex> Linx.Agent.Request.keep() |> :erlang.binary_to_term()
      {:keep, %{}}
  """
  @spec keep() :: binary()
  def keep, do: Wire.encode({:keep, %{}})

  @doc """
  Whether a process in another namespace can open the child's program file, `/proc/<pid>/exe`, so that the agent
  has to run from a sealed copy (`is_seen_from_elsewhere` of `c_src/linx_process.c`). The options are checked ones.

      iex> Linx.Agent.Request.seen_from_elsewhere?(:spawn, %{namespaces: [:net, :pid]})
      true
      iex> Linx.Agent.Request.seen_from_elsewhere?(:spawn, %{namespaces: [:net]})
      false
  """
  @spec seen_from_elsewhere?(:spawn | :enter, map()) :: boolean()
  def seen_from_elsewhere?(:enter, _options), do: true

  def seen_from_elsewhere?(:spawn, options),
    do: options |> Map.get(:namespaces, []) |> Enum.any?(&(&1 in [:pid, :mount, :user]))
end
