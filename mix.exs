defmodule Linx.MixProject do
  use Mix.Project

  @version "0.1.0"

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
      package: package(),
      deps: []
    ]
  end

  # What is not named is not on the code path, and PropEr comes from the distribution.
  def application do
    [extra_applications: if(Mix.env() == :test, do: [:logger, :proper], else: [])]
  end

  defp elixirc_paths(:test), do: ["lib", "test/support"]
  defp elixirc_paths(_), do: ["lib"]

  defp package do
    [
      licenses: ["MIT"],
      files: ~w(lib c_src scripts examples Makefile mix.exs .formatter.exs README.md SECURITY.md
        LICENSE CHANGELOG.md)
    ]
  end
end
