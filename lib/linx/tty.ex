defmodule Linx.Tty do
  @moduledoc """
  A person's terminal, put into a session: whoever sits at the BEAM's own terminal types to the workload
  and sees what it writes.

      Linx.Tty.attach(argv: ["/bin/sh"], namespaces: [:user, :pid, :mount])

  `mix linx.shell` does it from the command line, with everything that a shell of its own needs.

  While a session is attached the terminal is raw: every key goes to the workload, ctrl-C, ctrl-Z and
  ctrl-\\ among them, and its own terminal makes signals of them. So full-screen programs and line
  editors work as anywhere. A change of the window's size reaches the workload within a fifth of a second.

  The terminal is restored to what it was, whatever comes to an end: the workload, the session, the
  calling process, the BEAM by SIGTERM or by `kill -9`, the agent. After a full-screen program that was
  killed the screen may still show it; `reset` clears that.

  ## Where it works

  Standard input has to be a terminal that the BEAM reads plainly: under `mix`, `elixir`, a release's
  `start`, `erl -noshell`. In `iex` it does not work, because the line editor there owns the terminal and takes
  what is typed: `attach/1` answers `{:error, :line_editor}`.
  """

  alias Linx.Process.Error
  alias Linx.Tty.Relay

  # What a session at a person's terminal can't be told otherwise.
  @fixed [stdio: :pty, active: false, events: :tagged, linger: true, auto_proceed: false]
  @fixed_names [:owner, :stream_to, :node, :link] ++ Keyword.keys(@fixed)

  @typedoc """
  Called at the checkpoint with the session and the workload's host pid; anything but `:ok` is an error
  that ends the session.
  """
  @type prepare :: (pid(), pos_integer() -> :ok | {:error, term()})

  @typedoc "Why a session could not be attached; `format_error/1` puts it into words."
  @type error ::
          :not_a_terminal
          | :line_editor
          | :no_input
          | :busy
          | :terminal_closed
          | :no_pty
          | :no_process
          | {:bad_prepare, term()}
          | Linx.Process.start_error()

  @doc """
  Gives the terminal to a session until the workload ends, and answers how it ended.

  With options a session is started: those of `Linx.Process.spawn/1`, but for those that
  say how to talk to it (`:stdio`, `:owner`, `:events`, `:active`, `:stream_to`, `:linger`, `:link`, `:auto_proceed`, `:node`), and
  one more:

    * `:prepare` - a function that is called at the checkpoint, in the calling process, with the session
      and the workload's host pid. `:ok` lets the workload go; `{:error, reason}` ends the session, and is the
      answer.

  The session ends with the call. One that exists already can be given instead, with `stdio: :pty` and
  events. It is let go if it is at its checkpoint, its events go to the terminal meanwhile instead of
  to its owner, and it lives on when the terminal is taken away. When it was started with the option
  `:active` (`active: false` is enough), what it wrote before is shown too, and a workload that writes faster
  than the terminal shows is held up.

  `{:ok, outcome}` and `{:error, %Linx.Process.Error{}}` are those of `Linx.Process.wait/2`. Before anything is started:
  `{:error, :not_a_terminal}` when standard input is none, `{:error, :line_editor}` under `iex`,
  `{:error, :no_input}` with `-noinput`, `{:error, :busy}` while another session has the terminal,
  `{:error, {:bad_prepare, value}}`, and the errors of `Linx.Process.spawn/1`, of `Linx.Process.pty_master/1` for a session.
  `{:error, :terminal_closed}` when the terminal is gone. `format_error/1` puts each into words.

      iex> Linx.Tty.attach(argv: ["/bin/sh"], prepare: :nothing)
      {:error, {:bad_prepare, :nothing}}
  """
  @spec attach(Linx.Process.session() | [Linx.Process.option() | {:prepare, prepare()}]) ::
          {:ok, {:exited, 0..255} | {:signaled, 1..64} | :aborted} | {:error, error()}
  def attach(session_or_options) do
    with {:ok, target, prepare} <- target(session_or_options),
         :ok <- check_input(),
         {:ok, relay} <- Relay.start() do
      try do
        with {:ok, session, host_pid} <- Relay.take(relay, target),
             :ok <- prepare.(session, host_pid),
             do: Relay.run(relay)
      after
        Relay.stop()
      end
    end
  end

  @doc """
  Why a session could not be attached, for a person.

      iex> Linx.Tty.format_error(:not_a_terminal)
      "standard input is not a terminal"
  """
  @spec format_error(error() | Error.t()) :: String.t()
  def format_error(:not_a_terminal), do: "standard input is not a terminal"

  def format_error(:line_editor),
    do:
      "the Erlang shell's line editor owns this terminal; attach from `mix`, `elixir` or another " <>
        "program without a shell, as `mix linx.shell` does"

  def format_error(:no_input),
    do: "the BEAM was started with -noinput, so nobody reads what is typed"

  def format_error(:busy), do: "another session has this terminal"
  def format_error(:terminal_closed), do: "the terminal is gone"

  def format_error(:no_pty),
    do: "the session has no terminal; it has to be started with stdio: :pty"

  def format_error({:bad_prepare, value}),
    do: "bad option :prepare: a function of the session and the host pid, got: #{inspect(value)}"

  def format_error(reason), do: Linx.Process.format_error(reason)

  defp target(opts) when is_list(opts) do
    if Keyword.keyword?(opts),
      do: check_options(Keyword.pop(opts, :prepare, &go/2)),
      else: {:error, {:bad_options, opts}}
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
      given?(:noinput) -> {:error, :no_input}
      given?(:noshell) and not shell?() -> :ok
      true -> {:error, :line_editor}
    end
  end

  defp given?(flag), do: :init.get_argument(flag) != :error

  # A shell may have been started since: by the line editor's own process before OTP 26, of which
  # `shell` knows from then on.
  defp shell? do
    if Code.ensure_loaded?(:shell) and function_exported?(:shell, :whereis, 0),
      do: apply(:shell, :whereis, []) not in [:undefined, :noshell],
      else: Process.whereis(:user_drv) != nil
  end
end
