# SPDX-License-Identifier: MIT

defmodule Mix.Tasks.Compile.LinxAgent do
  @shortdoc "Builds the agent, priv/linx_process, through make"

  @moduledoc """
  Builds the agent, `priv/linx_process`, by running `make` in the project's directory.

  The variables are those that packages with a Makefile share:

    * `MIX_APP_PATH` - set to the application's build directory; the agent goes to its `priv/`
    * `ERL_EI_INCLUDE_DIR`, `ERL_EI_LIBDIR` - where `ei.h` and `libei.a` are; set to the running
      Erlang's unless the environment has them
    * `CC`, `CFLAGS`, `LDFLAGS`, `CROSSCOMPILE` - passed on from the environment; a path in them is absolute,
      because the compiler runs in `MIX_APP_PATH/obj`

  The output of `make` is shown.
  """

  use Mix.Task.Compiler

  @impl Mix.Task.Compiler
  def run(_args) do
    own_priv()

    case make(["-j#{System.schedulers_online()}", "agent"]) do
      0 -> {:ok, []}
      status -> {:error, [diagnostic("make failed with exit code #{status}")]}
    end
  end

  @impl Mix.Task.Compiler
  def clean do
    make(["clean-agent"])
    :ok
  end

  # Mix makes the priv of each build a link to the checkout's. With a fetched dependency, which it compiles once a
  # build, all builds would then have the agent of the last one, though that may be for another machine; and
  # a checkout that is read-only takes none. So priv is a directory in these cases.
  defp own_priv do
    priv = Path.join(Mix.Project.app_path(), "priv")

    if match?({:ok, _target}, File.read_link(priv)) and (fetched?() or not writable?(priv)),
      do: File.rm!(priv)
  end

  defp fetched?, do: Path.dirname(File.cwd!()) == Mix.Project.deps_path()

  defp writable?(directory) do
    case File.stat(directory) do
      {:ok, %{access: access}} -> access in [:write, :read_write]
      {:error, _reason} -> false
    end
  end

  defp make(targets) do
    case System.find_executable("make") do
      nil ->
        Mix.shell().error("make is needed to build the agent, and is not on PATH")
        127

      make ->
        arguments = ["--no-print-directory" | targets]
        options = [env: environment(), stderr_to_stdout: true, into: IO.stream()]
        {_, status} = System.cmd(make, arguments, options)
        status
    end
  end

  # MAKEFLAGS and MAKELEVEL may be those of a make that called mix, whose job server this make cannot use.
  defp environment do
    usr = Path.join(:code.root_dir(), "usr")

    %{
      "MIX_APP_PATH" => Mix.Project.app_path(),
      "ERL_EI_INCLUDE_DIR" => setting("ERL_EI_INCLUDE_DIR", Path.join(usr, "include")),
      "ERL_EI_LIBDIR" => setting("ERL_EI_LIBDIR", Path.join(usr, "lib")),
      "MAKEFLAGS" => nil,
      "MAKELEVEL" => nil
    }
  end

  # The Makefile exports the variables to what it runs, an unset one as an empty one.
  defp setting(name, default) do
    case System.get_env(name, "") do
      "" -> default
      value -> value
    end
  end

  defp diagnostic(message) do
    %Mix.Task.Compiler.Diagnostic{
      compiler_name: "linx_agent",
      file: Path.expand("Makefile"),
      message: message,
      position: nil,
      severity: :error
    }
  end
end
