# SPDX-License-Identifier: MIT

defmodule Linx.Daemon.Log do
  @moduledoc false
  # Where the lines of a daemon go: to `:logger`, which is also that of Elixir's `Logger`, or to a function.

  alias Linx.Daemon.UTF8
  alias Linx.{Option, Signal}

  # Behind a piece of a line that is longer than the most bytes of one.
  @continued " …"

  @enforce_keys [:prefix, :metadata]
  defstruct [:prefix, :metadata]

  @type sink :: :logger.level() | (String.t() -> term()) | (atom(), String.t() -> term()) | nil
  @type t :: %__MODULE__{prefix: String.t(), metadata: map()}

  @doc "The log of a daemon with these options."
  @spec new(Linx.Daemon.Options.t()) :: t()
  def new(options),
    do: %__MODULE__{prefix: UTF8.repair(options.log_prefix), metadata: options.log_metadata}

  @doc """
  Logs a line or a piece of one. What a function raises is returned: the caller goes on without the line.
  """
  @spec part(t(), sink(), atom(), Linx.Daemon.Lines.part()) :: :ok | {:failed, String.t()}
  def part(_log, nil, _stream, _part), do: :ok

  def part(log, level, stream, part) when is_atom(level) do
    # As Logger's macros do, so that a line which no handler takes costs nothing more.
    if :logger.allow(level, __MODULE__),
      do: write(level, [log.prefix, text(part)], Map.put_new(log.metadata, :stream, stream))

    :ok
  end

  def part(_log, fun, stream, part) do
    if is_function(fun, 1), do: fun.(text(part)), else: fun.(stream, text(part))
    :ok
  catch
    kind, reason -> {:failed, Exception.format_banner(kind, reason, __STACKTRACE__)}
  end

  defp text({:line, bytes}), do: UTF8.repair(bytes)
  defp text({:piece, bytes}), do: UTF8.repair(bytes) <> @continued

  @doc "Logs what the daemon itself has to say, in one line."
  @spec say(t(), :logger.level(), iodata()) :: :ok
  def say(log, level, text) do
    if :logger.allow(level, __MODULE__), do: write(level, [log.prefix, text], log.metadata)
    :ok
  end

  # Elixir's Logger takes an event without this domain for one of OTP's.
  defp write(level, text, metadata),
    do: :logger.log(level, text, Map.put_new(metadata, :domain, [:elixir]))

  @doc """
  How a program ended, in words.

      iex> Linx.Daemon.Log.ending(["sleep", "9"], {:ok, {:signaled, 9}})
      ~s{["sleep", "9"] was ended by signal 9 (SIGKILL)}
  """
  @spec ending([binary()], Linx.Process.result() | {:error, term()}) :: String.t()
  def ending(argv, result), do: UTF8.repair("#{Option.shorten(argv)} #{words(result)}")

  defp words({:ok, {:exited, code}}), do: "exited with status #{code}"

  defp words({:ok, {:signaled, number}}) do
    name = Signal.name(number)
    "was ended by signal #{number}" <> if(name, do: " (#{String.upcase("#{name}")})", else: "")
  end

  defp words({:ok, :aborted}), do: "was aborted at the checkpoint"
  defp words({:error, %Linx.Process.Error{} = error}), do: "failed: #{Exception.message(error)}"
  defp words({:error, reason}), do: "failed: #{Option.shorten(reason)}"
end
