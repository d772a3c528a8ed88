# SPDX-License-Identifier: MIT

defmodule Linx.ReasonTest do
  # What `Linx.format_error/1` says of the reasons that the library returns.
  use ExUnit.Case, async: true

  import :proper_types, only: [any: 0, atom: 0, binary: 0, integer: 0, oneof: 1, tuple: 1]

  alias Linx.Process.Error
  alias Linx.Property

  # Returned by functions that are not public alone, or matched in errors of OTP.
  @internal ~w(killed undef exit)a

  test "any term has a sentence, which is a valid string of a bounded size" do
    error = oneof(Enum.map(bad_options(), &:proper_types.exactly/1))
    values = oneof([any(), binary(), integer(), atom()])
    term = oneof([any(), tuple([error, values]), tuple([:bad_option, tuple([atom(), any()])])])

    Property.check(term, 2_000, fn reason ->
      sentence = Linx.format_error(reason)
      assert String.valid?(sentence) and sentence != ""
      assert String.length(sentence) < 2_000
    end)
  end

  test "every reason that the source returns has words of its own" do
    for reason <- atoms() -- @internal do
      assert Linx.format_error(reason) != inspect(reason), "no words for #{inspect(reason)}"
    end

    for error <- bad_options() do
      sentence = Linx.format_error({error, {:no, :such, :value}})
      "bad_" <> option = Atom.to_string(error)

      assert sentence =~ ~r/#{option}.*: .*got: .*:such/,
             "no words for #{inspect(error)}: #{sentence}"
    end
  end

  test "the other functions that format errors delegate to it" do
    for reason <- [:no_process, {:bad_cwd, 7}, Error.new(:chdir, :enoent), :line_editor, 7] do
      assert Linx.Process.format_error(reason) == Linx.format_error(reason)
      assert Linx.Tty.format_error(reason) == Linx.format_error(reason)
    end
  end

  test "reasons inside others, and with values of a size" do
    assert Linx.format_error({:error, :no_process}) == "the session has ended"
    assert Linx.format_error({:shutdown, :aborted}) =~ "aborted"
    assert Linx.format_error({:exited, 3}) == "the program exited with status 3"
    assert Linx.format_error({:signaled, 9}) == "the program was ended by signal 9 (SIGKILL)"
    assert Linx.format_error(%RuntimeError{message: "why"}) == "why"
    assert Linx.format_error(:enospc) == "No space left on device"
    assert Linx.format_error({:no_pool, :mine}) =~ ":mine"
    assert Linx.format_error({:missing_agent, "/opt/x"}) =~ "/opt/x"
    assert Linx.format_error({:bad_cwd, String.duplicate("x", 100_000)}) =~ "16 MiB"
    assert String.length(Linx.format_error({:bad_cd, List.duplicate(0, 100_000)})) < 1_000
  end

  test "an argument that is no string is named by its place" do
    assert Linx.format_error({:bad_argv, ["a\0", "b"]}) =~ "the program is a string without NUL"
    assert Linx.format_error({:bad_argv, ["a", "b", :c]}) =~ "argument 2 is a string"
    assert Linx.format_error({:bad_argv, ["a" | "b"]}) =~ "list"
    assert Linx.format_error({:bad_argv, []}) =~ "non-empty list"
  end

  test "an option is called what the caller wrote" do
    assert {:error, error} = Linx.run(["true"], cd: "/no/such")
    assert {error.program, error.option} == {"true", {:cd, "/no/such"}}
    assert Linx.format_error(error) =~ ~s(for "true" with cd: "/no/such")

    assert {:error, error} = Linx.run(["true"], cwd: "/no/such")
    assert Linx.format_error(error) =~ ~s(with cwd: "/no/such")

    stdio = [stdin: {:file, "/no/such", :read}]
    assert {:error, error} = Linx.run(["./no", "1"], stdio: stdio)
    assert {error.stage, error.program, error.option} == {:file_open, "./no", {:stdio, stdio}}

    assert_raise Error, ~r(with cd: "/no/such"), fn -> Linx.cmd("true", [], cd: "/no/such") end

    assert_raise Error, ~r(with cd: "/no/such"), fn ->
      ["true"] |> Linx.stream!(cd: "/no/such") |> Enum.to_list()
    end

    {:ok, session} =
      Linx.Process.spawn(argv: ["/bin/true"], cwd: "/no/such", auto_proceed: true, events: :none)

    assert {:error, error} = Linx.Process.wait(session)

    assert Linx.format_error(error) =~
             ~s(chdir failed for "/bin/true" with cwd: "/no/such": ENOENT)
  end

  test "a value that fits by itself is said to be refused for what stands beside it" do
    spawn = &Linx.Process.spawn([argv: ["/bin/true"]] ++ &1)

    for {result, words} <- [
          {spawn.(files: ["/bin/true"], search_path: true), "not together with :files"},
          {spawn.(owner: :no_such_name), "has to be registered"},
          {spawn.(stream_to: :no_such_name), "has to be registered"},
          {Linx.run("true", env: ["A=1"]), "an enumerable of {name, value}"},
          {Linx.run("true", pty: true, input: "x"), "not together with :input"},
          {Linx.run("true", into: [], stdio: [stdout: :devnull]), "does not capture"}
        ] do
      assert {:error, reason} = result
      assert Linx.format_error(reason) =~ words
      refute Linx.format_error(reason) =~ "too big"
    end

    assert_raise ArgumentError, ~r/not together with :stdio, :input/, fn ->
      Linx.cmd("true", [], use_stdio: false, input: "x")
    end

    assert_raise ArgumentError, ~r/not together with :input or :stdio/, fn ->
      Linx.shell("true", close_stdin: true, input: "x")
    end
  end

  test "an option of another function is not said to be none" do
    for {result, name} <- [
          {Linx.run("true", lines: 80), ":lines"},
          {Linx.run("true", wait_for: nil), ":wait_for"},
          {Linx.Process.spawn(argv: ["/bin/true"], cd: "/"), ":cd"},
          {Linx.Daemon.start_link(argv: ["true"], cd: "/"), ":cd"},
          {Linx.Daemon.start_link(argv: ["true"], events: :none), ":events"}
        ] do
      assert {:error, {:bad_option, _option} = reason} = result
      assert Linx.format_error(reason) =~ "option #{name} cannot be given here"
    end

    assert Linx.format_error({:bad_option, {:no_such, 1}}) == "there is no option :no_such"
  end

  test "what a function of a daemon's has returned or raised is said" do
    for module <- [Linx, Linx.Daemon] do
      assert module.format_error({:checkpoint, :no}) =~ "given as :checkpoint failed: :no"
      assert module.format_error({:wait_for, "** why"}) =~ "given as :wait_for failed: ** why"
    end
  end

  test "a user or a group that cannot be had is named" do
    for {name, value} <- [user: "no-such", group: "no-such", groups: ["no-such"]] do
      assert {:error, error} = Linx.run("true", [{name, value}])
      assert {error.stage, error.errno, error.option} == {:set_user, :enoent, {name, value}}

      assert Linx.format_error(error) =~
               ~s(set_user failed for "true" with #{name}: #{inspect(value)}: ENOENT)
    end

    assert {:error, error} = Linx.run("true", user: "no-such", group: "no-such")
    assert {error.option, error.program} == {nil, "true"}
    assert Linx.format_error(error) =~ ~s(set_user failed for "true": ENOENT)
  end

  test "a program that cannot be executed is named" do
    for program <- ["no such program", "./no/such", "/no/such"] do
      assert {:error, error} = Linx.run([program, "1"])
      assert error.program == program
      assert Linx.format_error(error) =~ "for #{inspect(program)}: ENOENT"

      error = assert_raise ErlangError, fn -> Linx.cmd(program, ["1"]) end
      assert error.original == :enoent

      banner =
        try do
          Linx.cmd(program, ["1"])
        catch
          :error, reason -> Exception.format_banner(:error, reason, __STACKTRACE__)
        end

      assert banner =~ "#{inspect(program)} cannot be executed"
    end
  end

  test "an environment that is too big is said to be so, and is not shown" do
    env = [{"LINX_SECRET", "hush" <> String.duplicate("x", 17_000_000)}]
    assert {:error, {:bad_env, _env} = reason} = Linx.run(["true"], env: env)
    assert Linx.format_error(reason) =~ "too big"
    refute Linx.format_error(reason) =~ "hush"
  end

  # Every `{:error, reason}` of the library's source that is an atom, in code, specs and docs.
  defp atoms, do: scan(~r/\{:error, (:[a-z_]+)\}/)

  defp bad_options do
    scan(~r/\{(:bad_[a-z_]+), /) -- ~w(bad_option bad_options bad_argv)a
  end

  defp scan(regex) do
    for path <- Path.wildcard("lib/**/*.ex"),
        [_all, ":" <> name] <- Regex.scan(regex, File.read!(path)),
        uniq: true,
        do: String.to_atom(name)
  end
end
