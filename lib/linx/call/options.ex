# SPDX-License-Identifier: MIT

defmodule Linx.Call.Options do
  @moduledoc false
  # The table of the options of `Linx.cmd/3`, `Linx.shell/2`, `Linx.run/2`, `Linx.stream!/2` and `Linx.stream/2`. An option that is not in it is
  # one of a session, see `Linx.Process.Options`.

  alias Linx.Call.Checks
  alias Linx.Process.Checks, as: Session
  alias Linx.Option
  alias Linx.Process.Environment

  @streams [:stream!, :stream]
  @cmds [:cmd, :shell]
  @all @cmds ++ [:run | @streams]
  @lines "a positive number of bytes; for a stream also true or false"
  @into "a Collectable, or for Linx.run/2 also a function of a binary"

  # The rows of `Linx.Option`, with the calls that take the option.
  @table [
    {:cd, @all, &Linx.Process.Checks.string/1, "a path, without NUL bytes"},
    {:env, @all, &Environment.check_changes/1,
     "an enumerable of {name, value} with strings, or nil for a variable to remove"},
    {:input, @all, &Checks.input/1,
     "iodata, an enumerable of iodata, or a function of a Linx.Stdin"},
    {:timeout, @all, &Checks.timeout/1, "milliseconds or :infinity"},
    {:kill_after, @all, &Checks.milliseconds/1, "milliseconds"},
    {:checkpoint, @all, &Checks.checkpoint/1,
     "a function of the session and its host pid, or nil"},
    {:stderr_to_stdout, @all, [true, false],
     "true or false; without a place for stderr in :stdio"},
    {:stdio, @all, &Checks.any/1,
     ":inherit, :devnull, or a keyword list over :stdin (:pipe with :input, and only then), :stdout and " <>
       ":stderr (not together with :stderr_to_stdout; no :pipe in Linx.cmd/3) of the directives of " <>
       "Linx.Process.spawn/1"},
    {:pty, @all, &Checks.pty/1,
     "true or false, or a list of :size, :echo, :mode, :term and :inside"},
    {:enter, @all, &Session.target/1,
     "the pid of a process on this host, or a session on the call's node"},
    {:close_stdin, [:shell], [true, false], nil},
    {:into, @cmds, &Checks.into/1, @into},
    {:into, [:run], &Checks.sink/1, @into},
    {:stderr_into, [:run], &Checks.sink/1, "a Collectable or a function of a binary"},
    {:lines, @cmds, &Checks.lines/1, @lines},
    {:lines, @streams, &Checks.stream_lines/1, @lines},
    {:max_chunk, @all, &Checks.lines/1, "a positive number of bytes"},
    {:parallelism, @cmds, [true, false], nil},
    {:use_stdio, @cmds, [true, false], nil},
    {:max_output, [:run], &Checks.max_output/1, "a number of bytes or :infinity"},
    {:ignore_exit, [:stream!], [true, false], nil}
  ]

  @doc "The table."
  @spec table() :: [Option.row()]
  def table, do: @table

  @doc """
  Checks the value of an option of a call; `:other` when the call has no such option.

      iex> Linx.Call.Options.check(:run, :timeout, 1_000)
      {:ok, 1_000}
      iex> Linx.Call.Options.check(:run, :lines, 80)
      :other
  """
  @spec check(Linx.Call.kind(), atom(), term()) ::
          {:ok, term()} | {:error, Option.error()} | :other
  def check(kind, name, value) do
    row = Enum.find(@table, fn {other, kinds, _, _} -> other == name and kind in kinds end)
    if row, do: Option.check(row, value), else: :other
  end

  @doc "Whether a call has an option of that name."
  @spec option?(term()) :: boolean()
  def option?(name), do: List.keymember?(@table, name, 0)

  @doc "What is wrong with the value of an option, in words; nil when the error is of none of the table."
  @spec message(term()) :: String.t() | nil
  def message(error), do: Option.message(@table, error)

  @doc "Whether the value of an error fits by itself, see `Linx.Option.fits/2`."
  @spec fits(Option.error()) :: boolean() | nil
  def fits(error), do: Option.fits(@table, error)
end
