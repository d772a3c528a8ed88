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

  @tag :capture_log
  test "the README's daemon works when it is pasted" do
    [_, daemon] = Regex.run(~r/## Under a supervisor\n\n```elixir\n(.*?)```/s, @readme)
    {{:ok, pid}, binding} = Code.eval_string(daemon)
    assert AgentTest.Host.alive?(pid)
    Supervisor.stop(binding[:supervisor])
    refute AgentTest.Host.alive?(pid)
  end

  # The README's escript is built and run by scripts/test-dependency.
  test "the README's Erlang works in a VM of plain Erlang" do
    [_, code] = Regex.run(~r/```erlang\n(.*?)\.\n```/s, @readme)

    paths =
      Enum.flat_map([:linx, :elixir, :logger], &["-pa", to_string(:code.lib_dir(&1, :ebin))])

    arguments = ["-noshell" | paths] ++ ["-eval", code <> ", io:format(\"all of it\"), halt()."]
    erl = System.find_executable("erl")
    {output, status} = System.cmd(erl, arguments, stderr_to_stdout: true)
    assert {status, output} == {0, format_error() <> "\nall of it"}
  end

  defp format_error do
    {:error, reason} = Linx.Process.spawn(argv: [])
    Linx.Process.format_error(reason)
  end
end
