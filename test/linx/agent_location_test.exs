# SPDX-License-Identifier: MIT

defmodule Linx.AgentLocationTest do
  # Where the agent is looked for, each time in a VM of its own, whose working directory has programs planted that
  # would leave a mark.
  use ExUnit.Case, async: true

  alias AgentTest.Host

  @moduletag :tmp_dir

  @name "linx_process"

  setup %{tmp_dir: dir} do
    evil = Path.join(dir, "evil")
    mark = Path.join(dir, "mark")

    for place <- ["", "priv", "linx/priv", "release/linx-0.1.0/priv", "bin"] do
      path = Path.join([evil, place, @name])
      File.mkdir_p!(Path.dirname(path))
      File.write!(path, "#!/bin/sh\necho ran >>'#{mark}'\n")
      File.chmod!(path, 0o755)
    end

    {:ok, evil: evil, mark: mark}
  end

  # A directory like that of an installed application.
  defp install(directory, agent? \\ true) do
    copy_beams(Path.join(directory, "ebin"))
    if agent?, do: copy_agent(Path.join(directory, "priv"))
    directory
  end

  defp copy_beams(directory) do
    File.mkdir_p!(directory)
    File.cp_r!(Application.app_dir(:linx, "ebin"), directory)
    directory
  end

  defp copy_agent(directory) do
    File.mkdir_p!(directory)
    path = Path.join(directory, @name)
    File.cp!(Application.app_dir(:linx, "priv/linx_process"), path)
    path
  end

  # A removed directory has no modules to load.
  @start """
  {:ok, _} = Application.ensure_all_started(:linx)
  for module <- Application.spec(:linx, :modules), do: Code.ensure_loaded!(module)
  """

  # The result of an expression in a VM with these directories on its code path, and with the application.
  defp evaluate(ebins, code, options) do
    paths = Enum.flat_map(List.wrap(ebins), &["-pa", &1])
    code = @start <> code
    command([System.find_executable("elixir") | paths] ++ ["-e", show(code)], options)
  end

  # The result is between lines, because the VM writes to its output as well.
  defp show(code), do: "result = (#{code})\nIO.puts([\"\\n<\", inspect(result), \">\"])"

  defp command([program | arguments], options) do
    environment = [{"LINX_AGENT", nil}] ++ Keyword.get(options, :env, [])
    options = [cd: options[:cd], env: environment, stderr_to_stdout: true]
    {output, status} = System.cmd(program, arguments, options)

    case Regex.run(~r/^<(.*)>$/m, output) do
      [_all, result] when status == 0 -> result
      _none -> flunk("status #{status}: #{output}")
    end
  end

  @hello ~s|Linx.run(["echo", "hello"]) \|> then(fn {:ok, r} -> r.stdout; error -> error end)|
  @hello_in_namespaces ~s|Linx.run(["echo", "hello"], namespaces: [:pid]) \|> elem(0)|

  defp missing(path), do: inspect({:error, {:missing_agent, path}})

  test "what is planted leaves a mark when it is the agent", %{evil: evil, mark: mark} do
    for place <- ["", "priv", "linx/priv", "release/linx-0.1.0/priv", "bin"] do
      environment = [{"LINX_AGENT", Path.join([evil, place, @name])}]
      ebin = Application.app_dir(:linx, "ebin")
      assert evaluate(ebin, @hello, cd: evil, env: environment) =~ "agent_died"
      assert File.read!(mark) == "ran\n"
      File.rm!(mark)
    end
  end

  # File.chmod/2 leaves the sticky bit out.
  defp sticky(directory), do: {_, 0} = System.cmd("chmod", ["1777", directory])

  describe "modules in a directory of any name" do
    test "find the agent in priv beside their ebin", context do
      directory = install(Path.join(context.tmp_dir, "other"))
      assert evaluate(Path.join(directory, "ebin"), @hello, cd: context.evil) == ~S|"hello\n"|
      refute File.exists?(context.mark)
    end

    test "find it among themselves", context do
      directory = copy_beams(Path.join(context.tmp_dir, "beams"))
      copy_agent(directory)
      assert evaluate(directory, @hello, cd: context.evil) == ~S|"hello\n"|
      refute File.exists?(context.mark)
    end

    test "without an agent are an error with an absolute path", context do
      directory = install(Path.join(context.tmp_dir, "other"), false)
      expected = missing(Path.join(directory, "priv/linx_process"))
      ebin = Path.join(directory, "ebin")
      assert evaluate(ebin, @hello, cd: context.evil) == expected
      # The agent is found once it is there.
      late = ~s|{#{@hello}, File.cp!("#{agent()}", "#{directory}/linx_process"), #{@hello}}|
      File.rm(Path.join(ebin, @name))
      late = String.replace(late, "#{directory}/linx_process", "#{ebin}/linx_process")
      assert evaluate(ebin, late, cd: context.evil) == ~s|{#{expected}, :ok, "hello\\n"}|
      refute File.exists?(context.mark)
    end

    # As /tmp. Modules in a directory of the user's there are the user's own; a file beside that directory may not be.
    test "start none that another user could have put there", context do
      shared = Path.join(context.tmp_dir, "shared")
      install(shared, false)
      sticky(shared)
      File.cp_r!(Path.join(context.evil, "priv"), Path.join(shared, "priv"))
      code = ~s|{:error, {:missing_agent, "/" <> _}} = #{@hello}; :refused|
      assert evaluate(Path.join(shared, "ebin"), code, cd: context.evil) == ":refused"
      refute File.exists?(context.mark)
      # The modules themselves may be in such a directory, too.
      beams = copy_beams(Path.join(context.tmp_dir, "beams"))
      sticky(beams)
      File.cp!(Path.join(context.evil, @name), Path.join(beams, @name))
      assert evaluate(beams, @hello, cd: context.evil) == missing("")
      refute File.exists?(context.mark)
      # It is its directory that makes the difference.
      File.chmod!(shared, 0o755)
      assert evaluate(Path.join(shared, "ebin"), @hello, cd: context.evil) =~ "agent_died"
      assert File.exists?(context.mark)
    end

    test "that are not from files are an error that names LINX_AGENT", context do
      code = """
      for module <- Application.spec(:linx, :modules) do
        {_, binary, _} = :code.get_object_code(module)
        :code.purge(module)
        :code.delete(module)
        :code.purge(module)
        {:module, _} = :code.load_binary(module, ~c"nofile", binary)
      end

      :code.del_path(:linx)
      {:error, reason} = #{@hello}
      {reason, Linx.Process.format_error(reason)}
      """

      ebin = copy_beams(Path.join(context.tmp_dir, "beams"))
      assert "{{:missing_agent, \"\"}, " <> message = evaluate(ebin, code, cd: context.evil)
      assert message =~ "LINX_AGENT"
      refute File.exists?(context.mark)
    end
  end

  defp agent, do: Application.app_dir(:linx, "priv/linx_process")

  # The code server then has the application's directory as a relative path.
  test "on a relative code path the agent is that of the modules that run", context do
    install(Path.join(context.tmp_dir, "linx"))

    for where <- ["", ~s|File.cd!("#{context.evil}"); |] do
      assert evaluate("linx/ebin", where <> @hello, cd: context.tmp_dir) == ~S|"hello\n"|
    end

    refute File.exists?(context.mark)
  end

  test "another linx on the code path is not that of the modules that run", context do
    ebin = copy_beams(Path.join(context.tmp_dir, "beams"))
    copy_agent(ebin)
    # Behind it, by name, which has a planted agent.
    other = Path.join(context.evil, "linx/ebin")
    copy_beams(other)
    assert evaluate([other, ebin], @hello, cd: context.evil) == ~S|"hello\n"|
    refute File.exists?(context.mark)
  end

  describe "a relative LINX_AGENT" do
    for path <- ["bin/linx_process", "./linx_process", "linx_process", "~/linx_process"] do
      test "is an error that names it: #{path}", context do
        path = unquote(path)

        code = """
        {:ok, pool} = Linx.Pool.start_link(size: 2)
        false = match?(:ok, Linx.Pool.await(pool, 100))
        {:error, reason} = #{@hello}
        {:error, ^reason} = Linx.run(["echo"], namespaces: [:pid])
        {:error, ^reason} = Linx.run(["echo"], pool: pool)
        {:error, ^reason} = Linx.Process.enter(1, argv: ["/bin/true"])
        {:error, ^reason} = Linx.Tty.attach(argv: ["/bin/true"])
        nil = Linx.Agent.Keeper.copy(Linx.Agent.path())
        :sys.get_state(Linx.Agent.Keeper)
        {reason, Linx.Process.format_error(reason)}
        """

        environment = [{"LINX_AGENT", path}, {"HOME", context.evil}]
        ebin = Path.join(install(Path.join(context.tmp_dir, "linx")), "ebin")
        result = evaluate(ebin, code, cd: context.evil, env: environment)
        assert [_, message] = String.split(result, "{{:missing_agent, #{inspect(path)}}, ")
        assert message =~ path
        assert message =~ "absolute path"
        refute File.exists?(context.mark)
      end
    end
  end

  describe "a release" do
    setup context do
      old = install(Path.join(context.tmp_dir, "release/linx-0.1.0"))
      new = install(Path.join(context.tmp_dir, "release/linx-0.2.0"))
      # Bytes behind the end of the program change nothing but the file.
      File.write!(Path.join(new, "priv/linx_process"), "2", [:append])
      app = Path.join(new, "ebin/linx.app")
      File.write!(app, app |> File.read!() |> String.replace(~s|"0.1.0"|, ~s|"0.2.0"|))
      {:ok, old: old, new: new}
    end

    # An instruction for release_handler:upgrade_app/2, which is what it does for each application of a release.
    defp appup(new, instructions) do
      text = ~s|{"0.2.0", [{"0.1.0", #{instructions}}], [{"0.1.0", #{instructions}}]}.|
      File.write!(Path.join(new, "ebin/linx.appup"), text)
    end

    @paths "Path.relative_to(Linx.Agent.path(), Path.dirname(Path.dirname(Path.dirname(Linx.Agent.path()))))"

    for {name, instructions} <- [
          {"that loads the modules", "[{load_module, 'Elixir.Linx.Agent'}]"},
          {"that leaves the modules in place", "[{load_module, 'Elixir.Linx.Signal'}]"}
        ] do
      test "after an upgrade #{name} starts the new agent", %{old: old, new: new} = context do
        appup(new, unquote(instructions))

        code = """
        {:ok, pool} = Linx.Pool.start_link(size: 2)
        hello = fn opts -> {:ok, %{stdout: "hello\\n"}} = Linx.run(["echo", "hello"], opts); :ok end
        :ok = Linx.Pool.await(pool)
        for opts <- [[], [pool: pool]], do: hello.(opts)
        before = #{@paths}
        {:ok, _unpurged} = :release_handler.upgrade_app(:linx, ~c"#{new}")
        later = #{@paths}
        for opts <- [[], [pool: pool], [pool: pool], [pool: pool]], do: hello.(opts)
        File.rm_rf!("#{old}")
        for opts <- [[], [pool: pool], [pool: pool], [pool: pool]], do: hello.(opts)
        {before, later, #{@paths}}
        """

        sasl = ~s|{:ok, _} = Application.ensure_all_started(:sasl)\n|

        assert evaluate(Path.join(old, "ebin"), sasl <> code, cd: context.evil) ==
                 inspect(
                   {"linx-0.1.0/priv/linx_process", "linx-0.2.0/priv/linx_process",
                    "linx-0.2.0/priv/linx_process"}
                 )

        refute File.exists?(context.mark)
      end
    end

    # The release handler changes the version before the code path.
    test "is looked at again as long as its version is not that of its modules", context do
      %{old: old, new: new} = context

      code = """
      before = #{@paths}
      {:ok, [app]} = :file.consult("#{new}/ebin/linx.app")
      :ok = :application_controller.change_application_data([app], [])
      between = #{@paths}
      true = :code.replace_path(:linx, ~c"#{new}/ebin")
      {before, between, #{@paths}}
      """

      assert evaluate(Path.join(old, "ebin"), code, cd: context.evil) ==
               inspect(
                 {"linx-0.1.0/priv/linx_process", "linx-0.1.0/priv/linx_process",
                  "linx-0.2.0/priv/linx_process"}
               )
    end

    test "whose directory is removed is no reason to fail", %{old: old, new: new} = context do
      code = """
      {:ok, pool} = Linx.Pool.start_link(size: 2)
      :ok = Linx.Pool.await(pool)
      "hello\\n" = #{@hello}
      true = :code.replace_path(:linx, ~c"#{new}/ebin")
      File.rm_rf!("#{old}")
      results = for _ <- 1..20, opts <- [[], [pool: pool]], do: Linx.run(["echo", "hello"], opts) |> elem(0)
      :ok = Linx.Pool.await(pool)
      {Enum.uniq(results), #{@paths}}
      """

      assert evaluate(Path.join(old, "ebin"), code, cd: context.evil) ==
               inspect({[:ok], "linx-0.2.0/priv/linx_process"})

      refute File.exists?(context.mark)
    end

    # What is planted has the same path below the working directory.
    test "that is removed without a successor is an error", %{old: old} = context do
      code = ~s|"hello\\n" = #{@hello}; File.rm_rf!("#{old}"); #{@hello}|
      expected = missing(Path.join(old, "priv/linx_process"))
      assert evaluate(Path.join(old, "ebin"), code, cd: context.evil) == expected
      refute File.exists?(context.mark)
    end
  end

  # An escript that evaluates its argument. Mix puts all modules into the root of its archive, and with them what
  # `include_priv_for` names; rebar3 keeps the directories of the applications.
  defp escript(dir, files, paths \\ []) do
    main = """
    -module(evaluates).
    -export([main/1]).
    main([Code]) ->
      {ok, _} = application:ensure_all_started(elixir),
      {ok, _} = application:ensure_all_started(linx),
      'Elixir.Code':eval_string(unicode:characters_to_binary(Code)).
    """

    source = Path.join(dir, "evaluates.erl")
    File.write!(source, main)
    {:ok, :evaluates, beam} = :compile.file(to_charlist(source), [:binary])
    elixir = for app <- [:elixir, :logger], do: to_string(:code.lib_dir(app, :ebin))
    flags = Enum.map_join(elixir ++ paths, &" -pa #{&1}")
    archive = [{~c"evaluates.beam", beam} | files]
    script = Path.join(dir, "script")
    parts = [:shebang, {:emu_args, ~c"-escript main evaluates" ++ to_charlist(flags)}]
    :ok = :escript.create(to_charlist(script), parts ++ [{:archive, archive, []}])
    File.chmod!(script, 0o755)
    script
  end

  defp archived(prefix) do
    for file <- File.ls!(Application.app_dir(:linx, "ebin")),
        do: {to_charlist(prefix <> file), File.read!(Application.app_dir(:linx, "ebin/#{file}"))}
  end

  defp with_agent(files, path), do: [{to_charlist(path), File.read!(agent())} | files]

  defp run(script, code, options), do: command([script, show(code)], options)

  describe "an escript" do
    test "without the agent is an error that says what to do", context do
      script = escript(context.tmp_dir, archived(""))
      code = "{:error, reason} = #{@hello}; {reason, Linx.Process.format_error(reason)}"
      path = inspect(Path.join(script, @name))
      assert "{{:missing_agent, " <> rest = run(script, code, cd: context.evil)
      assert String.starts_with?(rest, path)
      assert rest =~ "include_priv_for"
      assert rest =~ "LINX_AGENT"
      refute File.exists?(context.mark)
    end

    test "runs the one that LINX_AGENT names", context do
      script = escript(context.tmp_dir, archived(""))
      options = [cd: context.evil, env: [{"LINX_AGENT", agent()}]]
      assert run(script, @hello, options) == ~S|"hello\n"|
    end

    for {name, beams, place} <- [
          {"of mix", "", "linx_process"},
          {"of later versions of mix", "", "linx/priv/linx_process"},
          {"of rebar3", "linx/ebin/", "linx/priv/linx_process"}
        ] do
      test "#{name} with the agent in its archive runs it, and leaves nothing", context do
        files = with_agent(archived(unquote(beams)), unquote(place))
        paths = if unquote(beams) == "", do: [], else: ["script/linx/ebin"]
        script = escript(context.tmp_dir, files, paths)
        tmp = Path.join(context.tmp_dir, "tmp")
        File.mkdir!(tmp)

        code = """
        results = for _ <- 1..8, do: Task.async(fn -> #{@hello} end)
        {Enum.uniq(Task.await_many(results)), File.read_link!(Linx.Agent.path()), File.ls!("#{tmp}")}
        """

        result = run(script, code, cd: context.evil, env: [{"TMPDIR", tmp}])
        {[hello], link, files} = Code.eval_string(result) |> elem(0)
        assert {hello, files, File.ls!(tmp)} == {"hello\n", [], []}
        assert String.starts_with?(link, Path.join(tmp, "linx-"))
        assert String.ends_with?(link, "/linx_process (deleted)")
        refute File.exists?(context.mark)
      end
    end

    test "takes its agent from a pool, and gets another copy when its holder is killed",
         context do
      script = escript(context.tmp_dir, with_agent(archived(""), @name))

      code = """
      {:ok, pool} = Linx.Pool.start_link(size: 2)
      :ok = Linx.Pool.await(pool)
      path = Linx.Agent.path()
      results = for _ <- 1..4, do: Linx.run(["echo", "hello"], pool: pool) |> elem(0)
      %{hits: hits} = Linx.Pool.info(pool)
      monitor = Process.monitor(Linx.Agent.Unpacked)
      Process.exit(Process.whereis(Linx.Agent.Unpacked), :kill)
      receive do: ({:DOWN, ^monitor, _, _, _} -> :ok)
      more = for _ <- 1..4, do: Linx.run(["echo", "hello"], pool: pool) |> elem(0)
      {Enum.uniq(results ++ more), hits > 0, Linx.Agent.path() =~ ~r"^/proc/[0-9]+/fd/[0-9]+$", path =~ "/proc/"}
      """

      assert run(script, code, cd: context.evil) == "{[:ok], true, true, true}"
    end

    @tag :root
    test "runs in namespaces from the sealed copy", context do
      script = escript(context.tmp_dir, with_agent(archived(""), @name))
      code = "for(_ <- 1..20, do: #{@hello_in_namespaces}) |> Enum.uniq()"
      assert run(script, code, cd: context.evil) == "[:ok]"
    end

    # Another user could rename what is made there, and put something else in its place.
    test "does not use a directory that others may write to, or a relative one", context do
      script = escript(context.tmp_dir, with_agent(archived(""), @name))
      tmp = Path.join(context.tmp_dir, "tmp")
      File.mkdir!(tmp)
      code = "{#{@hello}, File.read_link!(Linx.Agent.path())}"
      link = fn env -> run(script, code, cd: context.evil, env: [{"TMPDIR", env}]) end
      File.chmod!(tmp, 0o777)
      assert link.(tmp) =~ ~r|^{"hello\\n", "/tmp/linx-[0-9a-f]{32}/|
      assert link.("priv") =~ ~r|^{"hello\\n", "/tmp/linx-[0-9a-f]{32}/|
      sticky(tmp)
      assert link.(tmp) =~ ~s|{"hello\\n", "#{tmp}/linx-|
      File.chmod!(tmp, 0o700)
      assert link.(tmp) =~ ~s|{"hello\\n", "#{tmp}/linx-|
    end

    @tag :root
    test "goes on to a directory that is not mounted with noexec, or is an error", context do
      script = escript(context.tmp_dir, with_agent(archived(""), @name))

      mount = fn directory ->
        "mount --bind #{directory} #{directory}\nmount -o remount,bind,noexec #{directory}\n"
      end

      tmp = Path.join(context.tmp_dir, "tmp")
      File.mkdir!(tmp)

      within = fn directories, code ->
        shell = Enum.map_join(directories, mount) <> ~s|cd "$1"; shift; exec "$@"|
        escript = [System.find_executable("escript"), script, show(code)]
        arguments = ["unshare", "-m", "sh", "-ec", shell, "sh", context.evil] ++ escript
        command(arguments, env: [{"TMPDIR", tmp}], cd: context.tmp_dir)
      end

      code = "{#{@hello}, File.read_link!(Linx.Agent.path())}"
      # The suite may run below /tmp, which is why this says nothing of /tmp.
      assert within.([tmp], code) =~ ~r|^{"hello\\n", "/[a-z/]+/linx-|
      code = "{#{@hello}, File.ls!(\"#{tmp}\")}"
      result = within.([tmp, "/tmp", "/dev/shm", "/var/tmp"], code)
      assert result == "{#{missing(Path.join(script, @name))}, []}"
      refute File.exists?(context.mark)
    end

    test "that is killed leaves nothing", context do
      script = escript(context.tmp_dir, with_agent(archived(""), @name))
      tmp = Path.join(context.tmp_dir, "tmp")
      File.mkdir!(tmp)
      code = ~s|"hello\\n" = #{@hello}; IO.puts(System.pid()); Process.sleep(:infinity)|

      options = [
        :binary,
        args: [code],
        env: [{~c"TMPDIR", to_charlist(tmp)}, {~c"LINX_AGENT", false}]
      ]

      port = Port.open({:spawn_executable, script}, [{:line, 100}, :exit_status | options])
      assert_receive {^port, {:data, {:eol, pid}}}, 60_000
      Host.signal(String.to_integer(pid), :KILL)
      assert_receive {^port, {:exit_status, _killed}}, 30_000
      assert File.ls!(tmp) == []
    end
  end
end
