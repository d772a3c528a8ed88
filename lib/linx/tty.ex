# SPDX-License-Identifier: MIT

defmodule Linx.Tty do
  @moduledoc """
  Connects the BEAM's own terminal with a session's: what is typed there is the workload's input, and the
  workload's output is shown there.

      Linx.Tty.attach(argv: ["/bin/sh"], namespaces: [:user, :pid, :mount])

  `mix linx.shell` does it from the command line, with everything that a shell of its own needs.

  While a session is attached the terminal is raw: every key goes to the workload, also ctrl-C, ctrl-Z and
  ctrl-\\, and the workload's terminal makes signals of them. So full-screen programs and line editors work
  as usual. A change of the window's size reaches the workload within a fifth of a second.

  The terminal of a session that `attach/1` starts is as the person's: it has its size, its `TERM`, and what the
  person has set with stty(1): control characters (erase, kill, interrupt, …) and flags such as `iutf8`. The
  settings of a session that exists are left alone, because its workload may have set them.

  The terminal is restored to its previous settings when any of these ends: the workload, the session, the
  calling process, the BEAM by SIGTERM or by `kill -9`, the agent. After a full-screen program that was
  killed the screen may still show it; `reset` clears that.

  ## Where it works

  Standard input has to be a terminal that the BEAM reads without a line editor: under `mix`, `elixir`, a
  release's `start`, `erl -noshell`. In `iex` it does not work, because the line editor there reads what is
  typed: `attach/1` returns `{:error, :line_editor}`.

  The calling process has to be at that terminal too: what it prints is shown there. A caller over ssh, in a remote
  shell or on another node, or whose output is captured, would lend the terminal of the server to a session; it
  gets `{:error, :no_local_tty}`.
  """

  alias Linx.Tty.{Caller, DetachKeys, Relay}

  # The options of a session that the terminal needs, which cannot be given.
  @fixed [stdio: :pty, active: false, events: :tagged, linger: true, auto_proceed: false]
  @fixed_names [:owner, :stream_to, :node, :link] ++ Keyword.keys(@fixed)

  @typedoc """
  Called at the checkpoint with the session and the workload's host pid; a result other than `:ok` is an
  error that ends the session.
  """
  @type prepare :: (pid(), pos_integer() -> :ok | {:error, term()})

  @typedoc "Keys that detach the terminal; nil, the default, and false are none."
  @type detach :: String.t() | nil | false

  @typedoc "Why a session could not be attached; `format_error/1` puts it into words."
  @type error ::
          :no_local_tty
          | :not_a_terminal
          | :line_editor
          | :no_input
          | :busy
          | :terminal_closed
          | :no_pty
          | :no_process
          | {:bad_prepare, term()}
          | {:bad_detach, term()}
          | Linx.Process.start_error()

  @doc """
  Connects the terminal with a session until the workload ends, and returns how it ended.

  With options a session is started: those of `Linx.Process.spawn/1` except for the ones that say how its events
  and streams are handled (`:stdio`, `:owner`, `:events`, `:active`, `:stream_to`, `:linger`, `:link`,
  `:auto_proceed`, `:node`), and two more:

    * `:prepare` - a function that is called at the checkpoint, in the calling process, with the session
      and the workload's host pid. After `:ok` the workload is executed; `{:error, reason}` ends the session,
      and is returned.

    * `:detach` - keys that detach the terminal, see below

  The session ends when the function returns. A session that exists can be given instead of options; it needs
  `stdio: :pty` and events. It proceeds if it is at its checkpoint, the function is its owner meanwhile, and it
  goes on afterwards. When it was started with the option `:active` (`active: false` is enough), its earlier
  output is shown too, and a workload that writes faster than the terminal shows is blocked meanwhile.

  ## Detaching

  With `detach: "ctrl-p,ctrl-q"`, among the options or beside a session, typing these keys in a row makes the function
  return `{:ok, :detached}`, and the workload goes on. The keys are as Docker writes them: letters, and `ctrl-` with a
  letter from a to z or one of `@ [ \\ ] ^ _`, with commas between them. There are none by default. The workload does
  not see them; the beginning of them is passed on with the first key that does not belong to them.

  A session that was started with options is then the caller's, as if that had called `Linx.Process.spawn/1`: it ends
  with the caller, who receives its events. `:name`, or `:prepare`, says which session it is. Its output is
  not read until it is attached again, so a workload that writes much is blocked:

      Linx.Tty.attach(argv: ["/bin/sh"], name: :shell, detach: "ctrl-p,ctrl-q")
      Linx.Tty.attach(:shell, detach: "ctrl-p,ctrl-q")

  ## Results

  `{:ok, outcome}` and `{:error, %Linx.Process.Error{}}` are those of `Linx.Process.wait/2`. Before anything is started:
  `{:error, :no_local_tty}` when the caller is not at the BEAM's terminal,
  `{:error, :not_a_terminal}` when standard input is none, `{:error, :line_editor}` under `iex`,
  `{:error, :no_input}` with `-noinput`, `{:error, :busy}` while another session has the terminal,
  `{:error, {:bad_prepare, value}}`, `{:error, {:bad_detach, value}}`, and the errors of `Linx.Process.spawn/1`, of `Linx.Process.pty_master/1` for a session.
  `{:error, :terminal_closed}` when the terminal was closed. `format_error/1` puts each into words.

      iex> Linx.Tty.attach(argv: ["/bin/sh"], prepare: :nothing)
      {:error, {:bad_prepare, :nothing}}
      iex> Linx.Tty.attach(:shell, detach: "ctrl-1")
      {:error, {:bad_detach, "ctrl-1"}}
  """
  @spec attach(
          Linx.Process.session()
          | [Linx.Process.option() | {:prepare, prepare()} | {:detach, detach()}],
          detach: detach()
        ) ::
          {:ok, {:exited, 0..255} | {:signaled, 1..64} | :aborted | :detached} | {:error, error()}
  def attach(session_or_options, options \\ []) do
    with {:ok, options, target} <- split(session_or_options, options),
         {:ok, detach} <- detach(options[:detach]),
         {:ok, target, prepare} <- target(target),
         :ok <- check_input(),
         {:ok, relay} <- Relay.start() do
      try do
        with {:ok, session, host_pid} <- Relay.take(relay, target, detach),
             :ok <- prepare.(session, host_pid),
             do: Relay.run(relay)
      after
        Relay.stop()
      end
    end
  end

  @doc """
  Why a session could not be attached, in words: the same as `Linx.format_error/1`.

      iex> Linx.Tty.format_error(:not_a_terminal)
      "standard input is not a terminal"
  """
  @spec format_error(term()) :: String.t()
  defdelegate format_error(reason), to: Linx.Reason, as: :sentence

  defp split(opts, []) when is_list(opts) do
    if Keyword.keyword?(opts),
      do: Tuple.insert_at(Keyword.split(opts, [:detach]), 0, :ok),
      else: {:error, {:bad_options, opts}}
  end

  defp split(session, options) do
    cond do
      not Keyword.keyword?(options) -> {:error, {:bad_options, options}}
      rest = Keyword.delete(options, :detach) |> List.first() -> {:error, {:bad_option, rest}}
      true -> {:ok, options, session}
    end
  end

  defp detach(keys) do
    with :error <- DetachKeys.parse(keys), do: {:error, {:bad_detach, keys}}
  end

  defp target(opts) when is_list(opts) do
    check_options(Keyword.pop(opts, :prepare, &go/2))
  end

  defp target(session) do
    with {:ok, session} <- whereis(session),
         {:ok, _session} <- Linx.Process.pty_master(session),
         do: {:ok, {:session, session}, &go/2}
  end

  defp check_options({prepare, _opts}) when not is_function(prepare, 2),
    do: {:error, {:bad_prepare, prepare}}

  defp check_options({prepare, opts}) do
    case Enum.find(opts, fn {name, _value} -> name in @fixed_names end) do
      nil -> {:ok, {:spawn, @fixed ++ opts}, prepare}
      fixed -> {:error, {:bad_option, fixed}}
    end
  end

  defp go(_session, _host_pid), do: :ok

  defp whereis(session) do
    case GenServer.whereis(session) do
      pid when is_pid(pid) -> {:ok, pid}
      _not_here -> {:error, :no_process}
    end
  end

  defp check_input do
    cond do
      not Caller.local?(Process.group_leader()) -> {:error, :no_local_tty}
      given?(:noinput) -> {:error, :no_input}
      given?(:noshell) and not shell?() -> :ok
      true -> {:error, :line_editor}
    end
  end

  defp given?(flag), do: :init.get_argument(flag) != :error

  # A shell may have been started since. From OTP 26 on `shell` knows of it; before, the line editor had a
  # process named user_drv.
  defp shell? do
    if Code.ensure_loaded?(:shell) and function_exported?(:shell, :whereis, 0),
      do: apply(:shell, :whereis, []) not in [:undefined, :noshell],
      else: Process.whereis(:user_drv) != nil
  end
end
