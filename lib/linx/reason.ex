# SPDX-License-Identifier: MIT

defmodule Linx.Reason do
  @moduledoc false
  # Every reason that a function of this library returns, as a sentence: what `Linx.format_error/1` and the
  # `format_error/1` of the other modules return. Total: another term is shown as it is.

  alias Linx.{Errno, ExitError, Option}
  alias Linx.Call.Options, as: Call
  alias Linx.Daemon.Options, as: Daemon
  alias Linx.Plan.{Names, Problem}
  alias Linx.Plan.Options, as: Plan
  alias Linx.Process.Checks
  alias Linx.Process.Options, as: Session

  @string "a string without NUL bytes"

  @atoms %{
    argv_required: "option :argv is required: the program and its arguments",
    not_ready: "the session has no process yet",
    no_process: "the session has ended",
    running: "the session is not at its checkpoint any more",
    not_running: "the program does not run yet",
    aborted: "the program was aborted at its checkpoint",
    nodedown: "the session's node cannot be reached",
    timeout: "it did not happen within the time given",
    closed: "the stream was closed",
    active: "the stream is sent as messages, and cannot be read",
    not_piped: "the stream is not a pipe of the session",
    no_pty: "the session has no terminal; it has to be started with stdio: :pty",
    not_a_terminal: "standard input is not a terminal",
    line_editor:
      "the Erlang shell's line editor owns this terminal; attach from `mix`, `elixir` or another program " <>
        "without a shell, as `mix linx.shell` does",
    no_local_tty:
      "the caller is not at the terminal of this BEAM: it is in a remote shell, or its output goes " <>
        "elsewhere (its group leader is another)",
    no_input: "the BEAM was started with -noinput, so it does not read what is typed",
    busy: "another session has this terminal",
    terminal_closed: "the terminal is gone"
  }

  # What a value has to be that is not the value of an option in one of the tables.
  @values %{
    target: "the pid of a process on this host, or a session, which is entered on its own node",
    signal: "a number from 1 to 64, or a name of Linx.Signal",
    to: ":workload, :group or :tree",
    grace: "milliseconds",
    data: "iodata",
    stream: ":stdout, :stderr or :pty, and to close one also :stdin",
    max_bytes: "a positive number of bytes",
    winsize: "{rows, cols, xpixel, ypixel}, or a map with :rows and :cols, each from 0 to 65535",
    pid: "the pid of a process on this host",
    uid: "a number from 0 to 4294967294, or rows {inside, outside, count} that do not overlap",
    gid: "a number from 0 to 4294967294, or rows {inside, outside, count} that do not overlap",
    groups: "a list of numbers from 0 to 4294967294",
    setgroups: ":allow or :deny",
    rlimits:
      "a keyword list over resources of Linx.Rlimit, each once, of numbers, :infinity or {soft, hard}",
    sysctl: "an enumerable of {name, value}, of strings, or an integer for the value",
    capabilities:
      "a list or a MapSet of capabilities as Linx.Capabilities.all/0 has them; in a plan also :none, :default or :all, " <>
        "or a keyword list over :keep, :drop and :ambient of such",
    filter: "an array of struct sock_filter, of 8 bytes each, as a binary",
    prepare: "a function of the session and the host pid",
    size: "a positive number of agents",
    node: "a node that has this library",
    detach:
      "keys with commas between them, letters and ctrl- with a letter or one of @[\\]^_, such as " <>
        ~s("ctrl-p,ctrl-q"),
    request: "a request that this version of the library knows"
  }

  # Why a value that fits by itself is not taken. The other options that fit are those of a request that is too big.
  @contexts %{
    owner: "a name has to be registered, and with :checkpoint the call takes the events itself",
    stream_to: "a name has to be registered",
    events: "with :checkpoint the call takes the events itself",
    search_path: "not together with :files",
    use_stdio: "not together with :stdio, :input or :stderr_to_stdout",
    loopback: "it needs :net among the fresh namespaces",
    hostname: "it needs :uts among the fresh namespaces",
    uid_map: "it needs :user among the fresh namespaces, and :gid_map",
    gid_map: "it needs :user among the fresh namespaces, and :uid_map",
    setgroups: "it goes with :uid_map and :gid_map",
    time_offsets: "they need :time among the fresh namespaces",
    node: "this one runs without it",
    into: "the call does not capture that output",
    stderr_into: "the call does not capture that output",
    pty: "not together with :input, :stdio, :stderr_to_stdout or use_stdio: false",
    enter: "a session is entered on its own node",
    close_stdin: "not together with :input or :stdio",
    pool: "there is no pool of that name"
  }

  # Bytes of a value that may be what makes a request too big: of the options of one, the largest has more.
  @big 65_536

  @doc """
  A reason as a sentence, without a final full stop.

      iex> Linx.Reason.sentence({:bad_cwd, 7})
      "bad option :cwd: a path, without NUL bytes, got: 7"
      iex> Linx.Reason.sentence({:exited, 3})
      "the program exited with status 3"
      iex> Linx.Reason.sentence({:what, :is, :this})
      "{:what, :is, :this}"
  """
  @spec sentence(term()) :: String.t()
  def sentence(reason) when is_exception(reason), do: Exception.message(reason)
  def sentence({:error, reason}), do: sentence(reason)
  def sentence({:shutdown, reason}), do: sentence(reason)

  def sentence(reason) when is_map_key(@atoms, reason), do: @atoms[reason]

  def sentence({:exited, code}) when is_integer(code), do: outcome({:exited, code})
  def sentence({:signaled, number}) when is_integer(number), do: outcome({:signaled, number})

  def sentence({:missing_agent, path}) when is_binary(path), do: Linx.Agent.missing_message(path)

  def sentence({function, reason}) when function in [:checkpoint, :wait_for],
    do: "the function given as #{inspect(function)} failed: #{failure(reason)}"

  def sentence({:no_pool, pool}),
    do: "there is no pool #{Option.shorten(pool)} on the session's node"

  def sentence({:no_phase, name, nearest}), do: Names.missing(name, nearest)

  def sentence({:bad_plan, [%Problem{} | _] = problems}),
    do: "the plan contradicts itself: " <> Enum.map_join(problems, "; ", &to_string/1)

  def sentence({:already_started, pid}), do: "the name is taken by #{Option.shorten(pid)}"

  def sentence({:bad_options, value}),
    do: "options are a keyword list, got: #{Option.shorten(value)}"

  def sentence({:bad_option, {name, value}}), do: no_option(name, value)
  def sentence({:bad_argv, argv}), do: bad_argv(argv)
  def sentence({error, value} = reason) when is_atom(error), do: bad(name(error), value, reason)
  def sentence(reason) when is_atom(reason), do: errno(reason)
  def sentence(reason), do: Option.shorten(reason)

  defp failure(text) when is_binary(text), do: text
  defp failure(reason), do: Option.shorten(reason)

  defp outcome(outcome),
    do: Exception.message(%ExitError{argv: ["the program"], outcome: outcome})

  defp errno(name) do
    case Errno.code(name) do
      nil -> Option.shorten(name)
      code -> Errno.describe(code)
    end
  end

  defp no_option(name, value) do
    cond do
      Session.decided_by_call?(name) ->
        "option #{inspect(name)} is the call's own to set; for another value use Linx.Process.spawn/1"

      Session.option?(name) or Call.option?(name) or Daemon.option?(name) ->
        "option #{inspect(name)} cannot be given here, got: #{Option.shorten(value)}"

      true ->
        "there is no option #{Option.shorten(name)}"
    end
  end

  defp bad_argv([program | _arguments] = argv) do
    case proper?(argv) && Enum.find_index(argv, &(Checks.string(&1) == :error)) do
      false -> not_a_list(argv)
      nil -> bad_size("argv", argv)
      0 -> "bad argv: the program is #{@string}, got: #{Option.shorten(program)}"
      at -> "bad argv: argument #{at} is #{@string}, got: #{Option.shorten(Enum.at(argv, at))}"
    end
  end

  defp bad_argv(other), do: not_a_list(other)

  defp not_a_list(value),
    do:
      "bad argv: a non-empty list, of the program and its arguments, got: #{Option.shorten(value)}"

  defp proper?([_head | rest]), do: proper?(rest)
  defp proper?(rest), do: rest == []

  defp bad_size(what, value) do
    "bad #{what}: too big for a request, which has 16 MiB at most, got: " <>
      "#{:erlang.external_size(value)} bytes"
  end

  # The option's name in `:bad_<option>`; nil for another atom.
  defp name(error) do
    case Atom.to_string(error) do
      "bad_" <> name -> name
      _other -> nil
    end
  end

  defp bad(nil, _value, reason), do: Option.shorten(reason)

  # A call takes the :stdio of a session only together with other options, which its own words say.
  defp bad(name, value, reason) do
    case {Session.fits(reason), Call.fits(reason)} do
      {nil, nil} -> Daemon.message(reason) || of_plan(name, reason) || bad_value(name, value)
      {true, true} when name == "stdio" -> Call.message(reason)
      {nil, false} -> Call.message(reason)
      {false, _call} -> Session.message(reason)
      _fits -> context(name, reason) || too_big(name, value) || expected(reason)
    end
  end

  defp too_big(name, value),
    do: if(:erlang.external_size(value) > @big, do: bad_size("option :#{name}", value))

  # A call takes less than a session of an option that both have.
  defp expected(reason), do: Call.message(reason) || Session.message(reason)

  # Linx.Capabilities refuses values under the same name.
  defp of_plan(name, reason), do: if(known(@values, name) == nil, do: Plan.message(reason))

  defp context(name, reason) do
    with text when text != nil <- known(@contexts, name),
         do: (Session.message(reason) || Call.message(reason)) <> "; " <> text
  end

  defp bad_value(name, value) do
    expected = known(@values, name)
    expected = if expected, do: ": #{expected}", else: ""
    "bad #{name}#{expected}, got: #{Option.shorten(value)}"
  end

  # Names come from any term, so they are not made atoms.
  defp known(table, name),
    do: Enum.find_value(table, fn {key, text} -> Atom.to_string(key) == name && text end)
end
