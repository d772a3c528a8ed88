# SPDX-License-Identifier: MIT

defmodule Mix.Tasks.Linx.Shell do
  @shortdoc "Runs a shell, or any command, in namespaces of its own"

  @moduledoc """
  Runs a shell in namespaces of its own, on this terminal.

      mix linx.shell [--ns NAMESPACE,...] [--root] [COMMAND [ARGUMENT...]]

  Without a command it is the shell that `SHELL` names, or `/bin/sh`. It sees only its own processes,
  has a host name and System V IPC of its own, and its mounts are not seen outside. It is root there,
  with root's capabilities over these namespaces; on the host it has the ids of the user who runs this
  task or, when that is root, ids that own nothing. Files are the host's, and the shell starts in the directory
  that the task was started in. Where ids that own nothing may not enter that, it starts in `/`, and says so.

  Every key goes to the shell, also ctrl-C; `exit` ends it. The exit status is the command's, and
  128 + n when signal n has ended it.

  ## Options

    * `--ns` - the namespaces, instead of `user,mount,pid,uts,ipc`: of `user`, `mount`, `pid`, `uts`,
      `ipc`, `net`, `cgroup`, `time`. `net` has only a loopback interface, which is down. An ordinary
      user needs `user` for any of the others.
    * `--root` - root inside is root outside: the shell may do to the host's files what root may do.
      Only root can use it.
    * `--help` - this page

  ## Examples

      mix linx.shell
      mix linx.shell vi README.md
      mix linx.shell --ns user,mount,pid,net ip address
      mix linx.shell sh -c 'ps ax; id'
  """

  use Mix.Task

  alias Linx.Tty.Sandbox

  @namespaces Map.new(~w(user mount pid uts ipc net cgroup time)a, &{Atom.to_string(&1), &1})
  @switches [ns: :string, root: :boolean, help: :boolean]

  @impl Mix.Task
  def run(args) do
    case OptionParser.parse_head(args, strict: @switches, aliases: [h: :help]) do
      {opts, command, []} ->
        if opts[:help], do: help(), else: shell(opts, command)

      {_opts, _command, [{switch, _value} | _more]} ->
        refuse("#{switch}: no such option, or no value for it")
    end
  end

  defp help, do: Mix.shell().info(Mix.Task.moduledoc(__MODULE__))

  defp shell(opts, command) do
    config = %{namespaces: namespaces(opts[:ns]), as_root?: as_root?(opts), command: command}
    Mix.Task.run("app.config")

    with {:ok, options} <- Sandbox.options(config),
         :ok <- tell_directory(options),
         {:ok, outcome} <- Linx.Tty.attach(options) do
      leave(outcome)
    else
      {:error, reason} -> Mix.raise("linx.shell: " <> message(reason))
    end
  end

  # A name without a path in the command line would be another file there.
  defp tell_directory(options) do
    if options[:cwd] == "/" and File.cwd() != {:ok, "/"},
      do:
        Mix.shell().error(
          "linx.shell: this directory is not open to others, so the shell is in / (--root stays here)"
        )

    :ok
  end

  defp leave({:exited, 0}), do: :ok
  defp leave({:exited, status}), do: exit({:shutdown, status})
  defp leave({:signaled, number}), do: exit({:shutdown, 128 + number})

  defp namespaces(nil), do: Sandbox.default_namespaces()

  defp namespaces(list) do
    for name <- String.split(list, ",", trim: true) do
      @namespaces[name] ||
        refuse("--ns: #{name} is none of #{Enum.join(Map.keys(@namespaces), ", ")}")
    end
  end

  defp as_root?(opts) do
    if opts[:root] && File.stat!("/proc/self").uid != 0, do: refuse("--root is for root")
    opts[:root] || false
  end

  @spec refuse(String.t()) :: no_return()
  defp refuse(message), do: Mix.raise("linx.shell: #{message} (mix linx.shell --help)")

  defp message({:no_program, program}), do: "there is no program #{program}"
  defp message({:not_set_up, text}), do: "the namespaces could not be set up: " <> text
  defp message(reason), do: Linx.format_error(reason)
end
