# SPDX-License-Identifier: MIT

defmodule Linx.Tty.Sandbox do
  @moduledoc false
  # The options and the setup of the shell of `mix linx.shell` besides its namespaces: ids, a `/proc` and a
  # host name of its own, and an environment that is not the BEAM's.

  import Bitwise

  alias Linx.Process.Error

  @default [:user, :mount, :pid, :uts, :ipc]

  @hostname "linx"
  @path "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

  # Variables taken over from the BEAM's environment: what a terminal program needs to know of the terminal, the
  # language and the time zone.
  @kept ~w(TERM COLORTERM LANG LANGUAGE TZ)

  # The overflow id (user_namespaces(7)), which owns no files on the host.
  @nobody 65_534

  # The flags are the usual ones of /proc (mount(8)). A new instance shows the pid namespace of the process that
  # mounts it.
  @mount_proc "mount -t proc -o nosuid,nodev,noexec proc /proc"
  @set_hostname "hostname " <> @hostname

  @typedoc """
    * `:namespaces` - those of the shell
    * `:as_root?` - whether root inside is the host's root; otherwise root inside is the user who runs the
      task, or for root an id that owns nothing
    * `:command` - the program with its arguments; `[]` is the user's shell
  """
  @type config :: %{
          namespaces: [Linx.Process.namespace()],
          as_root?: boolean(),
          command: [String.t()]
        }

  @doc "The namespaces of a shell without the option `--ns`."
  @spec default_namespaces() :: [Linx.Process.namespace()]
  def default_namespaces, do: @default

  @doc "The options of `Linx.Tty.attach/1` for a shell."
  @spec options(config()) :: {:ok, keyword()} | {:error, {:no_program, String.t()}}
  def options(config) do
    identity = identity(config)

    with {:ok, argv} <- argv(config.command) do
      {:ok,
       [
         argv: argv,
         namespaces: config.namespaces,
         env: environment(identity),
         descendants: :kill,
         orphan_policy: {:kill, 500},
         stop: {:sigterm, 500},
         prepare: &prepare(&1, &2, config.namespaces, identity)
       ] ++ directory(identity)}
    end
  end

  # A user whose files these are is in the directory already. For the user nobody it is resolved again, by the agent,
  # with the rights that the shell has.
  defp directory(%{owns_files?: true}), do: []

  defp directory(_nobody) do
    with {:ok, directory} <- File.cwd(),
         true <- reachable?(directory) do
      [cwd: directory]
    else
      _unreachable -> [cwd: "/"]
    end
  end

  @doc """
  Whether the user nobody may search a directory and all that it is in (path_resolution(7)).

      iex> Linx.Tty.Sandbox.reachable?("/")
      true
      iex> Linx.Tty.Sandbox.reachable?("/no/such/directory")
      false
  """
  @spec reachable?(Path.t()) :: boolean()
  def reachable?(directory) do
    directory |> Path.split() |> Enum.scan(&Path.join(&2, &1)) |> Enum.all?(&searchable?/1)
  end

  defp searchable?(directory) do
    case File.stat(directory) do
      {:ok, %{uid: @nobody, mode: mode}} -> (mode &&& 0o100) != 0
      {:ok, %{gid: @nobody, mode: mode}} -> (mode &&& 0o010) != 0
      {:ok, %{mode: mode}} -> (mode &&& 0o001) != 0
      {:error, _reason} -> false
    end
  end

  # The shell's ids inside and outside, and whether the home and the working directory of the user who runs the
  # task are its own.
  defp identity(config) do
    {uid, gid} = own_ids()
    inside? = :user in config.namespaces
    nobody? = inside? and uid == 0 and not config.as_root?

    %{
      outside: if(nobody?, do: {@nobody, @nobody}, else: {uid, gid}),
      root?: inside? or uid == 0,
      owns_files?: not nobody?
    }
  end

  defp own_ids do
    %{uid: uid, gid: gid} = File.stat!("/proc/self")
    {uid, gid}
  end

  # A shell that SHELL names by anything but its absolute path (environ(7)) would be looked for in the working directory,
  # or in one that a relative element of PATH stands for.
  defp argv([]) do
    with "/" <> _ = shell <- System.get_env("SHELL", ""),
         path when path != nil <- System.find_executable(shell) do
      {:ok, [path]}
    else
      _no_shell -> {:ok, ["/bin/sh"]}
    end
  end

  defp argv([program | arguments]) do
    cond do
      String.contains?(program, "/") ->
        {:ok, [program | arguments]}

      path = :os.find_executable(to_charlist(program), to_charlist(@path)) ->
        {:ok, [to_string(path) | arguments]}

      true ->
        {:error, {:no_program, program}}
    end
  end

  defp environment(identity) do
    kept = for {name, _value} = variable <- System.get_env(), kept?(name), do: variable
    home = if identity.owns_files?, do: System.get_env("HOME", "/"), else: "/"
    user = if identity.root?, do: "root", else: System.get_env("USER", "")

    %{"PATH" => @path, "HOME" => home, "USER" => user, "LOGNAME" => user}
    |> Map.merge(Map.new(kept))
    |> Enum.map(fn {name, value} -> name <> "=" <> value end)
  end

  defp kept?(name), do: name in @kept or String.starts_with?(name, "LC_")

  defp prepare(session, host_pid, namespaces, identity) do
    with :ok <- map_ids(host_pid, namespaces, identity),
         do: set_up(session, for({step, needed} <- steps(), needed -- namespaces == [], do: step))
  end

  defp steps, do: [{@mount_proc, [:mount, :pid]}, {@set_hostname, [:uts]}]

  defp map_ids(host_pid, namespaces, %{outside: {uid, gid}}) do
    if :user in namespaces,
      do: Linx.User.setup_maps(host_pid, uid: [{0, uid, 1}], gid: [{0, gid, 1}]),
      else: :ok
  end

  defp set_up(_session, []), do: :ok

  # Done by a second session that enters the same namespaces, the visitor, while the shell is parked.
  defp set_up(session, steps) do
    with {:ok, visitor} <-
           Linx.Process.enter(session,
             argv: ["/bin/sh", "-ec", Enum.join(steps, "\n")],
             env: ["PATH=" <> @path],
             stdio: :pty,
             cwd: "/",
             auto_proceed: true,
             events: :tagged
           ) do
      said = said(visitor, [])
      GenServer.stop(visitor)

      case said do
        {{:exited, 0}, _text} -> :ok
        {{:error, errno, stage}, _text} -> {:error, Error.new(stage, errno)}
        {_ended, text} -> {:error, {:not_set_up, text}}
      end
    end
  end

  defp said(visitor, text) do
    receive do
      {:linx_process, ^visitor, {:pty_out, data}} -> said(visitor, [text | data])
      {:linx_process, ^visitor, {:ready, _host_pid}} -> said(visitor, text)
      {:linx_process, ^visitor, :running} -> said(visitor, text)
      {:linx_process, ^visitor, ended} -> {ended, text |> IO.iodata_to_binary() |> String.trim()}
    end
  end
end
