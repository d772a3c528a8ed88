# SPDX-License-Identifier: MIT

defmodule Linx.ReadmeTest do
  use ExUnit.Case, async: true

  @readme File.read!(Path.expand("../../README.md", __DIR__))

  test "the module's documentation is the README's" do
    {:docs_v1, _, :elixir, _, %{"en" => moduledoc}, _, _} = Code.fetch_docs(Linx)
    assert moduledoc =~ "Linx.cmd("
    assert @readme =~ moduledoc
  end

  @tag :userns
  test "the README's first session works when it is pasted" do
    [_, session] = Regex.run(~r/```elixir\n(.*?)```/s, @readme)
    assert {{:ok, {:exited, 0}}, _binding} = Code.eval_string(session)
  end
end
