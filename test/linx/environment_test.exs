# SPDX-License-Identifier: MIT

defmodule Linx.EnvironmentTest do
  # Changes the environment of this VM, so not async.
  use Linx.SessionCase, async: false

  @env "/usr/bin/env"

  setup do
    System.put_env("LINX_KEPT", "kept")
    System.put_env("LINX_OTHER", "other")
    on_exit(fn -> Enum.each(["LINX_KEPT", "LINX_OTHER"], &System.delete_env/1) end)
  end

  # What a program has of these variables.
  defp seen(printed, names),
    do: printed |> variables() |> Enum.filter(&(name(&1) in names)) |> Enum.sort()

  defp variables(printed), do: String.split(printed, <<0>>, trim: true)
  defp name(variable), do: variable |> String.split("=", parts: 2) |> hd()

  defp of_session(opts) do
    opts = [argv: [@env, "-0"], stdio: [stdout: :pipe], auto_proceed: true] ++ opts
    opts |> session() |> read_all(:stdout)
  end

  defp of_call(opts) do
    {:ok, %{stdout: printed}} = Linx.run([@env, "-0"], opts)
    printed
  end

  @names ["LINX_KEPT", "LINX_OTHER", "LINX_NEW"]

  test ":env is changes to the VM's environment, in sessions and in calls" do
    for changes <- [
          [{"LINX_OTHER", nil}, {"LINX_NEW", "1=2"}],
          %{"LINX_OTHER" => nil, "LINX_NEW" => "1=2"},
          Stream.map([{"LINX_OTHER", nil}, {"LINX_NEW", "1=2"}], & &1),
          [{"LINX_NEW", "0"}, {"LINX_OTHER", "0"}, {"LINX_OTHER", nil}, {"LINX_NEW", "1=2"}]
        ],
        run <- [&of_session/1, &of_call/1] do
      assert seen(run.(env: changes), @names) == ["LINX_KEPT=kept", "LINX_NEW=1=2"]
    end

    for run <- [&of_session/1, &of_call/1] do
      assert seen(run.(env: %{}), @names) == ["LINX_KEPT=kept", "LINX_OTHER=other"]
      assert seen(run.(env: %{"LINX_KEPT" => ""}), @names) == ["LINX_KEPT=", "LINX_OTHER=other"]
    end

    assert seen(of_call(env: []), @names) == ["LINX_KEPT=kept", "LINX_OTHER=other"]
  end

  test "names and values of a session may be charlists, and names atoms" do
    for changes <- [
          [LINX_KEPT: nil, LINX_NEW: ~c"1"],
          [{~c"LINX_KEPT", nil}, {~c"LINX_NEW", "1"}]
        ] do
      assert seen(of_session(env: changes), @names) == ["LINX_NEW=1", "LINX_OTHER=other"]
    end
  end

  test ":clear_env leaves nothing but :env" do
    for run <- [&of_session/1, &of_call/1] do
      assert run.(clear_env: true) == ""
      assert run.(clear_env: true, env: %{"B" => "2", "A" => "1", "C" => nil}) == "A=1\0B=2\0"
      assert seen(run.(clear_env: false), @names) == ["LINX_KEPT=kept", "LINX_OTHER=other"]
    end

    assert of_session(env: ["B=2", "A=1"]) == "B=2\0A=1\0"
    assert of_session(env: ["B=2", "A=1"], clear_env: true) == "B=2\0A=1\0"
    assert of_session(env: []) == ""
  end

  test "a list of variables and changes together is an error, and a list of variables is none of a call's" do
    mixed = ["A=1", {"B", "2"}]
    assert Linx.Process.spawn(argv: [@env], env: mixed) == {:error, {:bad_env, mixed}}
    assert Linx.run(@env, env: ["A=1"]) == {:error, {:bad_env, ["A=1"]}}
  end

  test "the agents of other namespaces and of a pool apply the same changes" do
    pool = start_supervised!({Linx.Pool, size: 2})
    changes = %{"LINX_OTHER" => nil, "LINX_NEW" => "1"}

    for opts <- [[pool: pool], [namespaces: [:pid]], [namespaces: [:pid], pool: pool]],
        opts[:namespaces] == nil or Host.root?() do
      System.put_env("LINX_KEPT", "kept since #{length(opts)}")

      assert seen(of_session([env: changes] ++ opts), @names) ==
               ["LINX_KEPT=kept since #{length(opts)}", "LINX_NEW=1"]
    end
  end

  test "a session's program is looked for along the PATH that it is given, a call's along the VM's" do
    found = fn opts ->
      [argv: ["true"], search_path: true, auto_proceed: true]
      |> Keyword.merge(opts)
      |> session()
      |> Linx.Process.wait()
    end

    assert found.([]) == {:ok, {:exited, 0}}
    assert {:error, %Error{stage: :execve, errno: :enoent}} = found.(env: %{"PATH" => "/no"})
    assert {:error, %Error{stage: :execve, errno: :enoent}} = found.(search_path: false)
    assert {:ok, %{status: 0}} = Linx.run("true", env: %{"PATH" => "/no"})
    assert Linx.run("true", search_path: true) == {:error, {:bad_option, {:search_path, true}}}
  end

  test "20 000 variables and as many changes to them" do
    many = for n <- 1..20_000, into: %{}, do: {"LINX_MANY_#{n}", "#{n}"}
    # A variable is at most 128 KiB, and all of them a quarter of the stack's limit (execve(2)).
    printed = of_session(env: many)
    assert length(variables(printed)) == length(variables(of_session([]))) + 20_000

    inherited = for {name, value} <- many, do: name <> "=" <> value
    script = ~S(exec "$0" "$@")
    assert {:ok, _} = Linx.run(["/bin/sh", "-c", script, "true"], env: many)
    assert length(variables(of_session(env: inherited))) == 20_000
  end

  # The VM returns such variables as other characters than those that would be written back as they were.
  @tag timeout: 120_000
  test "variables that are not UTF-8 stay what they are" do
    code = """
    {:ok, pool} = Linx.Pool.start_link(size: 2)
    call = fn opts -> {:ok, result} = Linx.run(["/usr/bin/env", "-0"], opts); result.stdout end
    outputs = [
      call.([]), call.(env: [{"ADDED", "1"}]), call.(env: %{<<"N", 255>> => nil}), call.(env: %{"B" => <<254>>}),
      call.(env: [{"ADDED", "1"}], pool: pool)
    ]
    IO.puts(["<", outputs |> :erlang.term_to_binary() |> Base.encode16(), ">"])
    """

    # Not by a shell, which would leave out the variable whose name is none of its own (sh(1)).
    bin = Path.join([:code.root_dir(), "erts-#{:erlang.system_info(:version)}", "bin"])
    ebins = for path <- :code.get_path(), path != ~c".", do: to_string(path)

    argv =
      [Path.join(bin, "erlexec"), "-noshell"] ++
        Enum.flat_map(ebins, &["-pa", &1]) ++ ["-s", "elixir", "start_cli", "-extra", "-e", code]

    env = %{
      "BINDIR" => bin,
      "ROOTDIR" => to_string(:code.root_dir()),
      "EMU" => "beam",
      "B" => <<"a", 255, 195>>,
      <<"N", 255>> => "v"
    }

    {:ok, %{stdout: output, status: 0}} = Linx.run(argv, env: env, stdio: [stderr: :inherit])
    [_all, hex] = Regex.run(~r/<([0-9A-F]+)>/, output)
    of = fn printed -> seen(printed, ["B", <<"N", 255>>, "ADDED"]) end
    bytes = [<<"B=a", 255, 195>>, <<"N", 255, "=v">>]

    assert hex |> Base.decode16!() |> :erlang.binary_to_term() |> Enum.map(of) == [
             bytes,
             ["ADDED=1" | bytes],
             [<<"B=a", 255, 195>>],
             [<<"B=", 254>>, <<"N", 255, "=v">>],
             ["ADDED=1" | bytes]
           ]
  end
end
