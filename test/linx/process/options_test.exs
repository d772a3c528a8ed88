# SPDX-License-Identifier: MIT

defmodule Linx.Process.OptionsTest do
  use ExUnit.Case, async: true

  import :proper_types, only: [list: 1, oneof: 1, tuple: 1, any: 0]

  alias Linx.Process.Options
  alias Linx.Property

  doctest Options
  doctest Linx.Process.Checks
  doctest Linx.Process.Stdio
  doctest Linx.Process.Environment
  doctest Linx.Process.Final

  @argv ["/bin/true"]

  defp parse(opts), do: Options.parse(:spawn, opts, self())

  defp request(opts) do
    {:ok, options} = parse([argv: @argv] ++ opts)
    {:spawn, request} = :erlang.binary_to_term(options.encoded)
    request
  end

  describe "what is taken" do
    test "argv alone asks for a parked child whose commands are acknowledged" do
      assert request([]) == %{argv: @argv, ack: true, hold: true}
    end

    test "a session without a checkpoint asks for none, and for no acknowledgement" do
      assert request(auto_proceed: true) == %{argv: @argv, proceed: true, hold: true}
    end

    test "a terminal comes with flow control, and its first demand" do
      demand = Linx.Process.Terminal.demand()
      assert %{flow: :demand, demand: [pty: ^demand]} = request(stdio: :pty)
      assert %{flow: :demand, demand: [pty: ^demand]} = request(stdio: {:pty, echo: false})
    end

    test "a terminal has a size and IUTF8, or what is said of it" do
      default = {24, 80, 0, 0}

      for {stdio, size, termios} <- [
            {:pty, default, %{iutf8: true}},
            {{:pty, []}, default, %{iutf8: true}},
            {{:pty, mode: :cooked}, default, %{iutf8: true}},
            {{:pty, size: {50, 132}}, {50, 132, 0, 0}, %{iutf8: true}},
            {{:pty, size: {0, 0, 0, 0}}, {0, 0, 0, 0}, %{iutf8: true}},
            {{:pty, size: %{rows: 1, cols: 2, ypixel: 3}}, {1, 2, 0, 3}, %{iutf8: true}},
            {{:pty, echo: true, mode: :raw}, default, %{iutf8: true, raw: true, echo: true}},
            {{:pty, echo: false}, default, %{iutf8: true, echo: false}},
            {{:pty, like: "settings"}, default, %{like: "settings"}}
          ],
          do: assert(%{stdio: {:pty, ^size, :auto}, termios: ^termios} = request(stdio: stdio))
    end

    test "a terminal is inside where there is one, or as is said" do
      size = {24, 80, 0, 0}
      assert request(stdio: :pty).stdio == {:pty, size, :auto}
      assert request(stdio: {:pty, inside: :auto}).stdio == {:pty, size, :auto}
      assert request(stdio: {:pty, inside: true}).stdio == {:pty, size, :inside}
      assert request(stdio: {:pty, inside: false}).stdio == {:pty, size}
    end

    test "TERM is added to an environment without one, and asked for where it is inherited" do
      assert request(stdio: :pty).term == "xterm-256color"
      assert request(stdio: {:pty, term: ~c"vt220"}).term == "vt220"

      for {env, seen} <- [
            {[], ["TERM=xterm-256color"]},
            {["A=1", "XTERM=2"], ["A=1", "XTERM=2", "TERM=xterm-256color"]},
            {["TERM=dumb", "A=1"], ["TERM=dumb", "A=1"]},
            {["TERM="], ["TERM="]}
          ] do
        request = request(stdio: :pty, env: env)
        assert request.env == seen
        refute is_map_key(request, :term)
        assert request(stdio: :pipe, env: env).env == env
      end

      for env <- [%{TERM: "dumb"}, %{TERM: nil}],
          do: refute(is_map_key(request(stdio: :pty, env: env), :term))

      assert request(stdio: :pty, env: %{A: "1"}).term == "xterm-256color"
      assert request(stdio: :pty, clear_env: true).env == ["TERM=xterm-256color"]
      assert request(stdio: {:pty, term: "vt220"}, env: []).env == ["TERM=vt220"]
      refute is_map_key(request(stdio: :devnull), :term)
    end

    test ":pipe is all three, with flow control and no demand before the first read" do
      assert %{flow: :demand, stdio: [stdin: :pipe, stdout: :pipe, stderr: :pipe]} =
               request = request(stdio: :pipe)

      refute is_map_key(request, :demand)
    end

    test "what is sent without being read is asked for with the request" do
      for active <- [true, :once, 1, 0x7FFF_FFFF] do
        assert request(stdio: :pipe, active: active).demand == [stderr: 262_144, stdout: 262_144]
      end

      assert request(stdio: [stdout: :pipe], stream_to: self()).demand == [stdout: 262_144]
      refute is_map_key(request(stdio: :pipe, stream_to: self(), active: false), :demand)
      refute is_map_key(request(active: true), :flow)
      refute is_map_key(request(stdio: [stdin: :pipe], active: true), :flow)
    end

    test "a terminal is a stream for those who say how to read it" do
      assert request(stdio: :pty, active: true).demand == [pty: 262_144]
      assert request(stdio: :pty, stream_to: self()).demand == [pty: 262_144]
      refute is_map_key(request(stdio: :pty, active: false), :demand)
      assert %{flow: :demand} = request(stdio: :pty, active: false)
    end

    test "enter carries its target" do
      {:ok, options} = Options.parse({:enter, 4711}, [argv: @argv], self())
      assert {:enter, %{target: 4711}} = :erlang.binary_to_term(options.encoded)
    end

    test "each of the request's options as it is" do
      for {name, value} <- [
            namespaces: [],
            namespaces: [:user, :mount, :uts, :ipc, :cgroup, :net, :time, :pid],
            env: [],
            env: ["A=", "B=1=2", "Ä=ö"],
            env: [<<"A", 255, "=", 254>>],
            search_path: true,
            search_path: false,
            cwd: "/",
            cwd: "",
            stdio: :inherit,
            stdio: :devnull,
            stdio: [],
            stdio: [stdin: :devnull, stderr: :inherit],
            stdio: [stdout: {:connect_unix, "/run/s"}],
            no_new_privs: true,
            no_new_privs: false,
            arg0: "",
            arg0: "another name",
            descendants: :kill,
            descendants: :leave,
            usage: true,
            usage: false,
            stdio: [stdin: :pipe],
            stdio: [stdin: {:file, "/in", :read}, stdout: {:file, "/out", :write}],
            stdio: [stderr: {:file, "/log", :append}],
            stdio: [stdout: :pipe, stderr: :stdout],
            orphan_policy: {:kill, 0},
            orphan_policy: {:kill, 0x7FFF_FFFF_FFFF_FFFF}
          ] do
        assert request([{name, value}])[name] == value
      end
    end

    test "a search along PATH excludes the files of another one" do
      files = [files: ["/bin/true"]]

      assert parse([argv: ["true"], search_path: true] ++ files) ==
               {:error, {:bad_search_path, true}}

      assert request([search_path: false] ++ files).files == ["/bin/true"]
    end

    test "the orphan policy :leave is the agent's :linger, which is still taken" do
      for policy <- [:leave, :linger] do
        assert request(orphan_policy: policy).orphan_policy == :linger
        {:ok, options} = parse(argv: @argv, orphan_policy: policy)
        assert options.request.orphan_policy == :leave
      end
    end

    test "a charlist is the string of its bytes" do
      assert request(cwd: '/tmp').cwd == "/tmp"
      assert request(env: ['A=1']).env == ["A=1"]

      assert request(stdio: [stdin: {:connect_unix, '/s'}]).stdio == [
               stdin: {:connect_unix, "/s"}
             ]

      {:ok, options} = parse(argv: ['/bin/echo', [0xFF], []])
      assert options.request.argv == ["/bin/echo", <<0xFF>>, ""]
    end

    test "a namespace named twice counts once" do
      assert request(namespaces: [:pid, :user, :pid]).namespaces == [:pid, :user]
    end

    test "of an option given twice the first counts" do
      assert request(cwd: "/a", cwd: "/b").cwd == "/a"
      assert request(cwd: "/a", cwd: 7).cwd == "/a"
    end

    test "the session's own options stay out of the request" do
      opts = [owner: self(), linger: false, events: :tagged, name: :some_name]
      opts = opts ++ [link: false, node: :a@b, active: :once, stream_to: self()]
      assert request(opts) == request([])
      {:ok, options} = parse([argv: @argv] ++ opts)
      assert %{linger: false, events: :tagged, name: :some_name} = options
    end

    test "the caller is the owner by default" do
      {:ok, options} = parse(argv: @argv)
      assert options.owner == self()
      assert options.linger
      refute options.auto_proceed
      assert options.events == :plain
      assert options.link
      assert options.node == nil
    end

    test "names as GenServer takes them" do
      for name <- [:atom, Some.Module, {:global, {:any, "term"}}, {:via, :global, 1}],
          do: assert({:ok, %{name: ^name}} = parse(argv: @argv, name: name))
    end
  end

  describe "what is refused" do
    @bad %{
      argv: [
        [],
        nil,
        "/bin/true",
        '/bin/true',
        :true_program,
        ["/bin/true", nil],
        ["/bin/true" | "x"],
        ["/bin/true", "a\0b"],
        ["/bin/true", [?a, 0]],
        ["/bin/true", [256]],
        ["/bin/true", [-1]],
        ["/bin/true", [?a | ?b]],
        ["/bin/true", ["nested"]],
        ["/bin/true", 1],
        ["/bin/true", <<1::1>>],
        {"/bin/true"},
        %{0 => "/bin/true"}
      ],
      namespaces: [
        nil,
        :pid,
        "pid",
        ["pid"],
        [:pid, :network],
        [:pid | :user],
        [:pid | [:user | :net]],
        [nil],
        %{pid: true},
        {:pid}
      ],
      env: [
        nil,
        "A=1",
        %{"A" => 1},
        %{"A" => :b},
        %{nil => "1"},
        %{true: "1"},
        %{"A=B" => "1"},
        %{"" => "1"},
        %{"A\0" => "1"},
        %{"A" => "1\0"},
        [{"A", "1"}, "B=2"],
        ["B=2", {"A", "1"}],
        [{"A", "1"}, {"B"}],
        [{"A", "1"} | {"B", "2"}],
        [{'Ä', "ö"}, {[300], "1"}],
        ["A"],
        [""],
        ["=1"],
        ["A=\0"],
        ["A=1" | "B=2"],
        ["A=1", 2],
        ['A'],
        [[0]],
        :inherit
      ],
      cwd: [
        nil,
        7,
        :tmp,
        "a\0",
        [0],
        ["/tmp"],
        '/t' ++ 'm' ++ [300],
        {"/"},
        ["/" | "tmp"],
        <<1::3>>
      ],
      stdio: [
        nil,
        "pty",
        :tty,
        {:connect_unix, "/s"},
        {:pty, nil},
        {:pty, :raw},
        {:pty, [:echo]},
        {:pty, rows: 24},
        {:pty, size: 24},
        {:pty, size: {24}},
        {:pty, size: {24, -1}},
        {:pty, size: {24, 80, 0}},
        {:pty, size: %{rows: 24}},
        {:pty, echo: 1},
        {:pty, echo: true, echo: true},
        {:pty, mode: :cbreak},
        {:pty, term: ""},
        {:pty, term: "vt\0"},
        {:pty, term: :vt220},
        {:pty, like: :settings},
        {:pty, inside: :maybe},
        {:pty, [echo: true], 1},
        %{stdin: :devnull},
        [:devnull],
        [stdin: :pty],
        [stdin: "devnull"],
        [stdin: nil],
        [input: :devnull],
        [stdin: :devnull, stdin: :inherit],
        [stdin: {:connect_unix, "/a\0"}],
        [stdin: {:connect_unix, nil}],
        [stdin: {:connect_unix, "/a", 1}],
        [stdin: {:connect, "/a"}],
        [stdin: :stdout],
        [stdout: :stdout],
        [stdout: :stderr],
        [stdout: {:file, "/a"}],
        [stdout: {:file, "/a", :create}],
        [stdout: {:file, "/a\0", :write}],
        [stdout: {:file, :a, :write}],
        [:pipe],
        [{:stdin, :devnull} | :x],
        [{:stdin, :devnull, 1}],
        [{"stdin", :devnull}]
      ],
      no_new_privs: [nil, 1, 0, "true", :yes],
      orphan_policy: [
        nil,
        :kill,
        {:kill, -1},
        {:kill, 1.5},
        {:kill, 0x8000_0000_0000_0000},
        {:kill, :infinity},
        {:kill, "5"},
        {:kill},
        {:term, 5},
        :left,
        [kill: 5]
      ],
      owner: [nil, :me, "pid", 1, {:via, :global, :x}],
      linger: [nil, 1, "true", :no],
      auto_proceed: [nil, 1, "true", :yes],
      events: [nil, true, "plain", :all, [:tagged]],
      arg0: [nil, :x, 1, "a\0b", [256], ["nested"]],
      descendants: [nil, true, "kill", :linger, [:kill]],
      usage: [nil, 1, "true", :yes],
      link: [nil, 1, "true", :monitor],
      node: [nil, true, false, "node@host", 1, 'node@host', [:node]],
      active: [nil, 0, -1, 0x8000_0000, 1.0, "true", :twice, {:once}],
      stream_to: [nil, :me, "pid", 1, {:via, :global, :x}],
      name: [
        nil,
        true,
        false,
        :undefined,
        "name",
        1,
        {:global},
        {:via, :no_such_module, 1},
        {:via, "m", 1},
        {:name, :node}
      ]
    }

    for {option, values} <- @bad do
      test "every bad value of #{inspect(option)}, by name and value" do
        error = unquote(:"bad_#{option}")

        for value <- unquote(Macro.escape(values)) do
          opts = Keyword.put([argv: @argv], unquote(option), value)
          assert parse(opts) == {:error, {error, value}}
          assert Linx.Reason.sentence({error, value}) =~ to_string(unquote(option))
        end
      end
    end

    test "a pid, a reference and a fun wherever they are not asked for" do
      for option <- Map.keys(@bad) -- [:owner, :stream_to],
          value <- [self(), make_ref(), &parse/1],
          do: assert({:error, {_bad, ^value}} = parse(Keyword.put([argv: @argv], option, value)))
    end

    test "missing argv" do
      assert parse([]) == {:error, :argv_required}
      assert parse(cwd: "/") == {:error, :argv_required}
      assert Linx.Reason.sentence(:argv_required) =~ ":argv"
    end

    test "an option that does not exist" do
      assert parse(argv: @argv, cdw: "/") == {:error, {:bad_option, {:cdw, "/"}}}
      assert Linx.Reason.sentence({:bad_option, {:cdw, "/"}}) =~ ":cdw"
    end

    test "options that are no keyword list" do
      for opts <- [
            nil,
            :argv,
            "argv",
            %{argv: @argv},
            {:argv, @argv},
            [:argv],
            [{"argv", @argv}],
            [{:argv, @argv} | :x],
            [1]
          ] do
        assert parse(opts) == {:error, {:bad_options, opts}}
        assert is_binary(Linx.Reason.sentence({:bad_options, opts}))
      end
    end

    test "a request past 16 MiB, blaming its biggest value" do
      huge = :binary.copy("x", 16 * 1024 * 1024)
      assert {:error, {:bad_argv, ["/bin/true", ^huge]}} = parse(argv: ["/bin/true", huge])
      assert {:error, {:bad_env, ["A=" <> ^huge]}} = parse(argv: @argv, env: ["A=" <> huge])
      assert {:error, {:bad_cwd, ^huge}} = parse(argv: @argv, cwd: huge)

      assert {:error, {:bad_stdio, [stdin: {:connect_unix, ^huge}]}} =
               parse(argv: @argv, stdio: [stdin: {:connect_unix, huge}])

      assert {:error, {:bad_argv, _}} = parse(argv: List.duplicate("", 5_000_000))
    end

    test "a message about a huge value stays short" do
      assert byte_size(Linx.Reason.sentence({:bad_cwd, :binary.copy("x", 1_000_000)})) < 1_000
      assert byte_size(Linx.Reason.sentence({:bad_argv, Enum.to_list(1..100_000)})) < 1_000
    end

    test "a request just below 16 MiB is taken" do
      assert {:ok, options} =
               parse(argv: ["/bin/true", :binary.copy("x", 16 * 1024 * 1024 - 1024)])

      assert byte_size(options.encoded) <= 16 * 1024 * 1024
    end
  end

  test "no value whatever makes it crash" do
    option = oneof([oneof(Map.keys(@bad)), any()])

    Property.check(list(oneof([tuple([option, any()]), any()])), 300, fn opts ->
      for opts <- [opts, [{:argv, @argv} | opts]] do
        case parse(opts) do
          {:ok, %Options{}} -> :ok
          {:error, reason} -> assert is_binary(Linx.Reason.sentence(reason))
        end
      end
    end)
  end
end
