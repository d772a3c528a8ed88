# SPDX-License-Identifier: MIT

defmodule Linx.MixProject do
  use Mix.Project

  @version "0.1.0"

  # The address of the repository, for ex_doc's links to the source and for the package. The one who
  # publishes a version sets it, because a checkout does not know where it was cloned from.
  @source_url System.get_env("LINX_SOURCE_URL")

  def project do
    [
      app: :linx,
      version: @version,
      description: "Processes in Linux namespaces, configured while they are parked before exec",
      elixir: "~> 1.14",
      # The agent's compiler is a task of this project, so it can run only once Elixir's has.
      compilers: Mix.compilers() ++ [:linx_agent],
      elixirc_paths: elixirc_paths(Mix.env()),
      elixirc_options: [warnings_as_errors: true],
      source_url: @source_url,
      package: package(),
      docs: docs(),
      deps: deps()
    ]
  end

  # What is not named is not on the code path, and PropEr comes from the distribution.
  def application do
    [
      mod: {Linx.Application, []},
      extra_applications: if(Mix.env() == :test, do: [:logger, :proper], else: [])
    ]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_), do: ["lib"]

  # Only the documentation needs a dependency. Without Hex, as on a plain Debian, there is none to fetch.
  defp deps do
    if Code.ensure_loaded?(Hex),
      do: [{:ex_doc, "~> 0.29", only: :dev, runtime: false}],
      else: []
  end

  defp package do
    [
      licenses: ["MIT"],
      links: links(),
      files: ~w(lib c_src pages scripts examples Makefile mix.exs .formatter.exs) ++ texts()
    ]
  end

  defp links, do: if(@source_url, do: %{"Source" => @source_url}, else: %{})

  defp texts, do: ~w(README.md CHANGELOG.md SECURITY.md CONTRIBUTING.md LICENSE)

  defp docs do
    [
      main: "readme",
      source_ref: "v#{@version}",
      extras: texts() ++ Enum.sort(Path.wildcard("pages/*.md")),
      groups_for_extras: [Pages: ~r"^pages/"],
      groups_for_modules: [
        "A program in one call": [Linx, Linx.Result, Linx.ExitError],
        Sessions: [
          Linx.Process,
          Linx.Process.Info,
          Linx.Process.Error,
          Linx.Stdin,
          Linx.Telemetry
        ],
        "Under a supervisor": [Linx.Daemon],
        "Before the program, as data": [Linx.Plan, Linx.Plan.Phase, Linx.Plan.Problem],
        "Agents kept ready": [Linx.Pool],
        "At the checkpoint": [
          Linx.Capabilities,
          Linx.Rlimit,
          Linx.Seccomp,
          Linx.Sysctl,
          Linx.User
        ],
        Terminals: [Linx.Tty],
        "Numbers and names": [Linx.Errno, Linx.Signal]
      ]
    ]
  end
end
