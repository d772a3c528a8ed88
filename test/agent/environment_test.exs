# SPDX-License-Identifier: MIT

defmodule AgentTest.EnvironmentTest do
  use AgentTest.Case, async: true

  # env_set and env_unset: changes to env, or to the environment that the agent was started with.

  defp environment(request) do
    output = run(Map.merge(%{argv: ["/usr/bin/env", "-0"]}, request)).output
    String.split(output, <<0>>, trim: true)
  end

  test "variables are removed, then set, in the environment of the request or the agent's" do
    env = ["A=1", "B=2", "A=3", <<255, "=", 254>>]
    assert environment(%{env: env, env_unset: ["A"]}) == ["B=2", <<255, "=", 254>>]

    assert environment(%{env: env, env_set: ["A=4", "C="], env_unset: ["A", "B", "X"]}) ==
             [<<255, "=", 254>>, "A=4", "C="]

    assert environment(%{env: env, env_set: ["D=1", "D=2"]}) == env ++ ["D=2"]
    assert environment(%{env: env, env_unset: [<<255>>]}) == ["A=1", "B=2", "A=3"]
    assert environment(%{env: env, env_unset: [], env_set: []}) == env

    own = environment(%{})
    [name, _value] = own |> hd() |> String.split("=", parts: 2)
    refute Enum.any?(environment(%{env_unset: [name]}), &String.starts_with?(&1, name <> "="))
    assert environment(%{env_set: ["LINX_NEW=1"]}) == own ++ ["LINX_NEW=1"]
  end

  test "20 000 variables, all of them changed" do
    env = for n <- 1..20_000, do: "V#{n}=#{n}"
    changed = for n <- 1..20_000, do: "V#{n}=x"
    unset = for n <- 1..20_000, rem(n, 2) == 0, do: "V#{n}"
    assert Enum.sort(environment(%{env: env, env_set: changed})) == Enum.sort(changed)
    assert length(environment(%{env: env, env_unset: unset})) == 10_000
  end
end
