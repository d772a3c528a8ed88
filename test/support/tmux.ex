# SPDX-License-Identifier: MIT

defmodule Linx.Test.Tmux do
  @moduledoc """
  A real terminal: a shell in a window of a tmux server of its own.

  A client in control mode (tmux(1), CONTROL MODE) gets a message at every output, so that a test can wait for the
  output that it expects without polling.
  """

  import ExUnit.Assertions
  import ExUnit.Callbacks

  alias AgentTest.Host

  @patience 60_000
  @prompt "outside$ "

  defstruct [:socket, :client, :shell, :tty]

  @doc "Opens a window of 100 columns and 30 rows, which is closed at the end of the test."
  def start do
    directory =
      Path.join(
        System.tmp_dir!(),
        "linx-tmux-#{System.pid()}-#{System.unique_integer([:positive])}"
      )

    File.mkdir_p!(directory)
    socket = Path.join(directory, "socket")
    command(socket, ~w(-f /dev/null new-session -d -x 100 -y 30) ++ ["exec /bin/sh -i"])

    [server, shell, tty] =
      socket
      |> command(["display-message", "-p", "\#{pid} \#{pane_pid} \#{pane_tty}"])
      |> String.split()

    client =
      Port.open(
        {:spawn_executable, System.find_executable("tmux")},
        [:binary, args: ["-S", socket, "-C", "attach-session", "-f", "ignore-size"]]
      )

    {:os_pid, client_pid} = Port.info(client, :os_pid)

    # kill-server would wait for the client, which would wait to write to the port that has ended.
    on_exit(fn ->
      System.cmd("kill", ["-9", server, "#{client_pid}"], stderr_to_stdout: true)
      File.rm_rf!(directory)
    end)

    tmux = %__MODULE__{
      socket: socket,
      client: client,
      shell: String.to_integer(shell),
      tty: tty
    }

    await(tmux, @prompt)
    tmux
  end

  @doc "Types a line."
  def type(tmux, line) do
    command(tmux.socket, ["send-keys", "-l", line])
    key(tmux, "Enter")
  end

  @doc "Runs an Elixir program in the window, with the modules of the build that is tested."
  def run_elixir(tmux, program, arguments \\ "") do
    path = Path.join(Path.dirname(tmux.socket), "program.exs")
    File.write!(path, program)
    type(tmux, "elixir -pa #{ebin()} #{arguments} #{path}")
  end

  @doc "Where the modules of the build that is tested are, as a shell in the window writes it."
  def ebin, do: ~S("$LINX_TEST_EBIN")

  @doc "Presses a key by tmux's name for it, such as `C-c`."
  def key(tmux, key), do: command(tmux.socket, ["send-keys", key])

  @doc "Has the terminal send bytes, as they are."
  def paste(tmux, bytes) do
    command(tmux.socket, ["set-buffer", "--", bytes])
    command(tmux.socket, ["paste-buffer", "-r"])
  end

  @doc "Makes the window another size."
  def resize(tmux, columns, rows),
    do: command(tmux.socket, ~w(resize-window -x #{columns} -y #{rows}))

  @doc "What the window shows now."
  def screen(tmux), do: command(tmux.socket, ["capture-pane", "-p", "-J"])

  @doc "What the window shows, with the lines that have scrolled away."
  def history(tmux), do: command(tmux.socket, ["capture-pane", "-p", "-J", "-S", "-"])

  @doc "Waits until what the window shows matches; returns all that it shows."
  def await(tmux, expected) do
    shown = screen(tmux)

    if shown =~ expected do
      shown
    else
      await_change(tmux, expected, shown)
      await(tmux, expected)
    end
  end

  defp await_change(%{client: client}, expected, shown) do
    receive do
      {^client, {:data, _notice}} -> :ok
    after
      @patience -> flunk("no #{inspect(expected)} on the screen:\n#{shown}")
    end
  end

  @doc """
  Waits for the prompt of the outer shell.

  A BEAM that was killed leaves its input non-blocking, which the shell may report.
  """
  def await_prompt(tmux),
    do: await(tmux, ~r/#{Regex.escape(@prompt)}(sh: turning off NDELAY mode)?\s*\z/)

  @doc "Has the shell clear the window, and waits until it has, so that no old output is on the screen."
  def clear(tmux) do
    type(tmux, "clear")
    await(tmux, ~r/\A#{Regex.escape(@prompt)}\s*\z/)
  end

  @doc "The settings of the window's terminal."
  def settings(tmux) do
    {settings, 0} = System.cmd("stty", ["-F", tmux.tty, "-g"])
    settings
  end

  @doc "The BEAM that runs in the window."
  def beam(tmux) do
    [beam] = Host.children(tmux.shell)
    beam
  end

  @doc """
  The agents of that BEAM: the one that has the terminal, which was started first, and the session's, which has a
  child. An agent that set up the session may still be ending.
  """
  def agents(tmux) do
    [helper] = for child <- Host.children(beam(tmux)), children(child) != [], do: child
    {[session], others} = helper |> children() |> Enum.split_with(&(children(&1) != []))
    %{terminal: Enum.min_by(others, &started/1), session: session}
  end

  defp children(pid) do
    Host.children(pid)
  rescue
    # The process has ended since the parent's children were read.
    File.Error -> []
  end

  # The start time, or :gone, which sorts behind every number.
  defp started(pid) do
    with %{starttime: ticks} <- Host.stat(pid), do: ticks, else: (nil -> :gone)
  end

  @doc "The workload of the session."
  def workload(tmux) do
    [workload] = Host.children(agents(tmux).session)
    workload
  end

  # The shell in the window has the build that is tested in its environment, and a prompt of the test's.
  defp command(socket, arguments) do
    environment = %{
      "PS1" => @prompt,
      "ENV" => nil,
      "SHELL" => "/bin/sh",
      "TMUX" => nil,
      "LC_ALL" => "C.UTF-8",
      "MIX_ENV" => to_string(Mix.env()),
      "MIX_BUILD_PATH" => Mix.Project.build_path(),
      "LINX_TEST_EBIN" => Mix.Project.compile_path()
    }

    {output, 0} = System.cmd("tmux", ["-S", socket | arguments], env: environment)
    output
  end
end
