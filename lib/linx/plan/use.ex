# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Use do
  @moduledoc false
  # A plan as an option of sessions and calls. Pure.

  alias Linx.{Option, Plan}
  alias Linx.Plan.{Options, Problem, Request}

  # The options of a session that stand for a part of what another option of a plan does.
  @parts [:group, :groups]

  @doc """
  The options of a session that are those of a plan, or that have one: what the plan says of `:process` goes behind
  them.

      iex> plan = %{Linx.Plan.new!("ls") | process: [stdio: :devnull]}
      iex> Linx.Plan.Use.options(plan) == [plan: plan, stdio: :devnull]
      true
      iex> Linx.Plan.Use.options(linger: true)
      [linger: true]
  """
  @spec options(term()) :: term()
  def options(%Plan{} = plan), do: options(plan: plan)

  def options(opts) do
    with true <- Keyword.keyword?(opts),
         {:plan, %Plan{process: [_ | _] = process}} <- List.keyfind(opts, :plan, 0),
         true <- Keyword.keyword?(process) do
      opts ++ process
    else
      _without -> opts
    end
  end

  @doc """
  The program of a plan with more arguments, and the plan as an option beside others.

      iex> {["ls", "-l"], [plan: _plan, timeout: 9]} = Linx.Plan.Use.argv(Linx.Plan.new!("ls"), ["-l"], timeout: 9)
  """
  @spec argv(Plan.t(), [term()], term()) :: {term(), term()}
  def argv(%Plan{argv: argv} = plan, more, opts) do
    argv = if is_list(argv) and is_list(more), do: argv ++ more, else: argv
    {argv, if(is_list(opts), do: [{:plan, plan} | opts], else: opts)}
  end

  @doc """
  A plan that does not contradict itself; the error has its problems.

      iex> Linx.Plan.Use.check(:no_plan)
      :error
      iex> {:error, {:bad_plan, [problem]}} = Linx.Plan.Use.check(Linx.Plan.new!("ls", cwd: "tmp"))
      iex> problem.option
      :cwd
  """
  @spec check(term()) :: {:ok, Plan.t()} | {:error, {:bad_plan, [Problem.t(), ...]}} | :error
  def check(%Plan{} = plan) do
    case Plan.check(plan) do
      :ok -> {:ok, plan}
      {:error, problems} -> {:error, {:bad_plan, problems}}
    end
  end

  def check(_other), do: :error

  # What a plan has options for it decides, also where it says nothing: the lists of commands of a request are made of
  # all of them.
  defp decides?(name), do: name in @parts or Options.option?(name)

  @doc """
  Checked options of a session's request with those of a plan; the error names an option that the plan decides.

      iex> plan = Linx.Plan.new!("ls", cwd: "/")
      iex> Linx.Plan.Use.put(%{argv: ["cat"]}, plan, [])
      {:ok, %{argv: ["cat"], cwd: "/"}}
      iex> Linx.Plan.Use.put(%{}, plan, umask: 0)
      {:error, {:bad_option, {:umask, 0}}}
  """
  @spec put(map(), Plan.t(), keyword()) :: {:ok, map()} | {:error, Option.error()}
  def put(request, %Plan{argv: argv, phases: phases}, given) do
    case Enum.find(given, fn {name, _value} -> decides?(name) end) do
      nil -> {:ok, %{argv: argv} |> Map.merge(request) |> Map.merge(Request.options(phases))}
      option -> {:error, {:bad_option, option}}
    end
  end

  @doc """
  The error of a plan whose key does not fit the session.

      iex> {:error, {:bad_plan, [problem]}} = Linx.Plan.Use.unfit(Linx.Plan.new!("ls", cwd: "/"), :cwd, "it is long")
      iex> to_string(problem)
      "phase cwd: it is long"
  """
  @spec unfit(Plan.t(), atom(), String.t()) :: {:error, {:bad_plan, [Problem.t(), ...]}}
  def unfit(%Plan{phases: phases}, key, message) do
    where = %{setup: :setup, final: :seal}[key]

    phase =
      Enum.find(phases, fn phase ->
        is_map_key(phase.keys, key) or (where != nil and phase.where == where)
      end)

    {:error, {:bad_plan, [%Problem{phase: phase && phase.name, message: message}]}}
  end
end
