# SPDX-License-Identifier: MIT

defmodule Linx.PublicTest do
  # What a user calls is documented: every module under lib/ either has a `@moduledoc` or is hidden with
  # `@moduledoc false`, and every public function has a spec, a doc and an example.
  use ExUnit.Case, async: true

  @lib Path.expand("../../lib", __DIR__)

  @modules [
    Linx,
    Linx.Capabilities,
    Linx.Daemon,
    Linx.Errno,
    Linx.ExitError,
    Linx.Plan,
    Linx.Plan.Phase,
    Linx.Plan.Problem,
    Linx.Pool,
    Linx.Process,
    Linx.Process.Error,
    Linx.Process.Info,
    Linx.Result,
    Linx.Rlimit,
    Linx.Seccomp,
    Linx.Signal,
    Linx.Stdin,
    Linx.Sysctl,
    Linx.Telemetry,
    Linx.Tty,
    Linx.User,
    Mix.Tasks.Compile.LinxAgent,
    Mix.Tasks.Linx.Shell
  ]

  # Public functions whose doc has no example, each with the reason: {module, name, arity} => reason.
  @without_example %{}

  defp modules do
    {:ok, modules} = :application.get_key(:linx, :modules)
    Enum.filter(modules, &(source(&1) |> String.starts_with?(@lib <> "/")))
  end

  defp source(module), do: module.module_info(:compile)[:source] |> List.to_string()

  defp moduledoc(module) do
    {:docs_v1, _line, :elixir, _format, moduledoc, _metadata, _docs} = Code.fetch_docs(module)
    moduledoc
  end

  defp functions do
    for module <- @modules,
        {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(module),
        {{kind, name, arity}, _line, _signature, doc, _metadata} <- docs,
        kind in [:function, :macro] and doc != :hidden,
        do: {{module, name, arity}, doc}
  end

  test "every module has a doc or is hidden, and these are the ones that a user calls" do
    documented = Enum.filter(modules(), &is_map(moduledoc(&1)))
    assert Enum.sort(documented) == Enum.sort(@modules)
    undocumented = for module <- modules(), moduledoc(module) == :none, do: module
    # Only the protocol calls its implementation.
    assert Enum.reject(undocumented, &implementation?/1) == []
  end

  defp implementation?(module), do: function_exported?(module, :__impl__, 1)

  test "every public function has a doc and a spec" do
    assert length(functions()) > 40

    for {{module, name, arity} = function, doc} <- functions() do
      assert is_map(doc), "no doc: #{inspect(function)}"
      {:ok, specs} = Code.Typespec.fetch_specs(module)
      assert List.keymember?(specs, {name, arity}, 0), "no spec: #{inspect(function)}"
    end
  end

  test "every public type has a doc" do
    for module <- @modules,
        {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(module),
        {{:type, name, arity}, _line, _signature, doc, _metadata} <- docs,
        name != :t,
        do: assert(doc != :none, "no doc: #{inspect(module)}.#{name}/#{arity}")
  end

  test "every public function has an example, or a reason for having none" do
    without = for {function, %{"en" => doc}} <- functions(), not (doc =~ "iex>"), do: function
    assert Enum.sort(without) == @without_example |> Map.keys() |> Enum.sort()
    for {_function, reason} <- @without_example, do: assert(is_binary(reason))
  end

  test "ex_doc finds a group for every module, and every page" do
    docs = Mix.Project.config()[:docs]
    grouped = for {_group, modules} <- docs[:groups_for_modules], module <- modules, do: module
    tasks = Enum.filter(@modules, &(&1 |> inspect() |> String.starts_with?("Mix.Tasks.")))
    assert Enum.sort(grouped) == Enum.sort(@modules -- tasks)

    for extra <-
          ~w(README.md CHANGELOG.md SECURITY.md CONTRIBUTING.md) ++ Path.wildcard("pages/*.md") do
      assert extra in docs[:extras]
      assert File.regular?(extra)
    end
  end

  test "the package holds all that a build needs, and the pages" do
    files = Mix.Project.config()[:package][:files]
    for file <- files, do: assert(File.exists?(file), file)

    packed? = fn path ->
      Enum.any?(files, &(path == &1 or String.starts_with?(path, &1 <> "/")))
    end

    for path <-
          ~w(Makefile scripts/toolchain c_src/linx_process.c c_src/setup/commands.def) ++
            ~w(lib/linx.ex lib/mix/tasks/compile.linx_agent.ex README.md CONTRIBUTING.md) ++
            Path.wildcard("pages/*.md"),
        do: assert(packed?.(path) and File.regular?(path), path)
  end

  test "a link from one document to another leads to a file" do
    documents =
      ~w(README.md CHANGELOG.md SECURITY.md CONTRIBUTING.md c_src/README.md) ++
        Path.wildcard("pages/*.md")

    for document <- documents,
        [_all, link] <- Regex.scan(~r/\]\(([^)#]+)[^)]*\)/, File.read!(document)),
        not (link =~ ~r/^https?:/),
        do: assert(File.regular?(Path.join(Path.dirname(document), link)), "#{document}: #{link}")
  end
end
