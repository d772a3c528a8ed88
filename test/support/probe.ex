# SPDX-License-Identifier: MIT

defmodule Linx.Test.Probe do
  @moduledoc """
  The probe, a static program that prints what a workload inherits, one fact a line. `test/support/probe.c` lists
  the sections and their facts.
  """

  alias AgentTest.Programs

  @doc """
  The argv that makes a workload report `sections` (all of them when none is named).

  With `then: :pause` the probe then runs until it is killed, with `then: :until_eof` until its standard input
  ends.
  """
  def argv(sections \\ [], opts \\ []) do
    flag =
      case opts[:then] do
        nil -> []
        :pause -> ["--pause"]
        :until_eof -> ["--until-eof"]
      end

    [Programs.path("probe")] ++ flag ++ Enum.map(sections, &to_string/1)
  end

  @doc """
  The facts of a report as `%{key => value}`.

      iex> Linx.Test.Probe.facts("umask 0022\\r\\nargv.0 a\\\\x20b\\n")
      %{"umask" => "0022", "argv.0" => "a b"}
  """
  def facts(report) do
    for line <- String.split(report, ["\r\n", "\n"], trim: true), into: %{} do
      [key, value] = String.split(line, " ", parts: 2)
      {key, unescape(value)}
    end
  end

  @doc "A hexadecimal fact, such as `cap.effective`, as an integer."
  def mask(facts, key), do: facts |> Map.fetch!(key) |> String.to_integer(16)

  @doc "A decimal fact as an integer."
  def integer(facts, key), do: facts |> Map.fetch!(key) |> String.to_integer()

  @doc "The open descriptors of a report, `%{fd => target of its link}`."
  def fds(facts),
    do: for({"fd." <> fd, link} <- facts, into: %{}, do: {String.to_integer(fd), link})

  @doc "A list of a report, `argv` or `env`, in order."
  def list(facts, name) do
    case integer(facts, name <> ".count") do
      0 -> []
      count -> for at <- 0..(count - 1), do: Map.fetch!(facts, "#{name}.#{at}")
    end
  end

  defp unescape(value) do
    Regex.replace(~r/\\x(..)/, value, fn _, digits -> <<String.to_integer(digits, 16)>> end)
  end
end
