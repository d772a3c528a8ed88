# SPDX-License-Identifier: MIT

defmodule Linx.RecipesTest do
  # Runs the blocks of pages/recipes.md. The modules and names that they define are the VM's: not async.
  use ExUnit.Case, async: false

  @page File.read!(Path.expand("../../pages/recipes.md", __DIR__))

  @moduletag :capture_log

  # The sections that scripts/test-dependency runs, because they are of a project of its own.
  @projects ["A release", "Tests of a project that uses linx"]

  defp sections do
    for section <- tl(String.split(@page, ~r/^## /m)) do
      [title, text] = String.split(section, "\n", parts: 2)
      {title, for([_, code] <- Regex.scan(~r/```elixir\n(.*?)```/s, text), do: code)}
    end
  end

  defp run(title) do
    {^title, blocks} = List.keyfind(sections(), title, 0)

    Enum.reduce(blocks, [], fn code, binding ->
      {_result, binding} = Code.eval_string(code, binding)
      binding
    end)
  end

  test "each section with Elixir is run here or by scripts/test-dependency" do
    script = File.read!(Path.expand("../../scripts/test-dependency", __DIR__))

    here = [
      "A daemon under a supervisor",
      "A job with a time limit",
      "A terminal that is typed into"
    ]

    assert for({title, [_ | _]} <- sections(), do: title) == here ++ @projects

    for title <- @projects, {^title, blocks} <- sections(), code <- blocks do
      [_, module] = Regex.run(~r/^defmodule (\S+) do/, code)
      assert script =~ "recipe #{module} "
    end
  end

  test "a daemon under a supervisor" do
    run("A daemon under a supervisor")
    assert Process.whereis(MyApp.Server) == nil
  end

  test "its log is what the page says" do
    log = ExUnit.CaptureLog.capture_log(fn -> run("A daemon under a supervisor") end)

    for line <- ["server: connecting", "server: listening on 8080", "server: bye"],
        do: assert(log =~ line)
  end

  test "a job with a time limit" do
    run("A job with a time limit")
  end

  test "a terminal that is typed into" do
    run("A terminal that is typed into")
    :code.purge(MyApp.Expect)
    :code.delete(MyApp.Expect)
  end
end
