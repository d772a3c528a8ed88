# SPDX-License-Identifier: MIT

defmodule Linx.Agent.WireTest do
  use ExUnit.Case, async: true

  alias Linx.Agent.Wire

  doctest Wire

  @source Path.expand("../../../c_src/wire/stage.h", __DIR__)
  @commands Path.expand("../../../c_src/setup/commands.def", __DIR__)
  @page Path.expand("../../../pages/wire.md", __DIR__)

  test "the wire page has a row for every set-up command" do
    rows = Regex.scan(~r/^\| `\{?:([a-z0-9_]+)[^|]*` \|/m, File.read!(@page))
    on_page = MapSet.new(rows, fn [_all, name] -> name end)

    for [_all, name] <- Regex.scan(~r/^SETUP\(([a-z0-9_]+),/m, File.read!(@commands)),
        do: assert(name in on_page, "no row for #{name}")
  end

  test "the wire page names every stage that is no command" do
    [_before, section] = @page |> File.read!() |> String.split("\n## Stages\n")
    [section | _after] = String.split(section, "\n## ")
    on_page = ~r/`([a-z0-9_]+\*?)`/ |> Regex.scan(section) |> Enum.map(&List.last/1)

    for [_all, name] <- Regex.scan(~r/^\s*X\([A-Z0-9_]+, "([a-z0-9_]+)"/m, File.read!(@source)) do
      family = Regex.replace(~r/ns_[a-z]+$/, name, "ns_*")
      assert name in on_page or family in on_page, "the page has no stage #{name}"
    end
  end

  test "the library knows exactly the stages of the agent's table" do
    in_c =
      for {source, pattern} <- [
            {@source, ~r/^\s*X\([A-Z0-9_]+, "([a-z0-9_]+)"[,)]/m},
            {@commands, ~r/^SETUP\(([a-z0-9_]+),/m}
          ],
          [_all, name] <- Regex.scan(pattern, File.read!(source)),
          do: name

    assert length(in_c) > 40
    assert Enum.sort(in_c) == Wire.stages() |> Enum.map(&Atom.to_string/1) |> Enum.sort()
  end

  test "stages are listed once" do
    assert Enum.uniq(Wire.stages()) == Wire.stages()
  end

  @frames [
    {:status, :spawned, 4711},
    {:status, :ready, 1},
    {:status, :running},
    {:status, :kept, 7},
    {:status, :applied, 1},
    {:status, :exited, 0},
    {:status, :exited, 255},
    {:status, :signaled, 64},
    {:status, :aborted, 1},
    {:error, 2, :execve},
    {:error, 1, :cap_drop_bounding, 3},
    {:pty_out, ""},
    {:pty_out, "text"},
    {:written, :pty, 65_536},
    {:eof, :pty},
    {:stdout, "text"},
    {:stdout, :binary.copy("x", 1_000)},
    {:stderr, <<0, 255>>},
    {:eof, :stdout},
    {:eof, :stderr},
    {:written, :stdin, 1},
    {:closed, :stdin, 32},
    {:settings, <<0, 255>>},
    {:winsize, {24, 80, 0, 65_535}},
    {:usage,
     %{
       utime_us: 1,
       stime_us: 2,
       maxrss_kb: 3,
       minflt: 4,
       majflt: 5,
       inblock: 6,
       oublock: 7,
       nvcsw: 8,
       nivcsw: 9,
       core_dumped: false
     }}
  ]

  test "a frame that the agent may send comes through as it is" do
    for frame <- @frames, do: assert(frame |> Wire.encode() |> Wire.decode() == {:ok, frame})
  end

  test "data comes through without a copy" do
    # As the agent encodes atoms (erl_ext_dist, SMALL_ATOM_UTF8_EXT).
    bytes = :erlang.term_to_binary({:stdout, :binary.copy("x", 100_000)}, minor_version: 2)
    {:ok, {:stdout, data}} = Wire.decode(bytes)
    assert :binary.referenced_byte_size(data) == byte_size(bytes)
  end

  test "what is written is a term like any other" do
    for data <- ["", "input", :binary.copy("x", 100_000)] do
      bytes = {:stdin, data} |> Wire.encode() |> IO.iodata_to_binary()
      assert bytes == :erlang.term_to_binary({:stdin, data}, minor_version: 2)
    end
  end

  test "an error frame of every stage comes through" do
    for stage <- Wire.stages() do
      frame = {:error, 22, stage}
      assert frame |> Wire.encode() |> Wire.decode() == {:ok, frame}
    end
  end

  test "a frame cut off anywhere, or with bytes behind it, is none" do
    for frame <- @frames, bytes = Wire.encode(frame) do
      for size <- 0..(byte_size(bytes) - 1),
          do: assert(bytes |> binary_part(0, size) |> Wire.decode() == :error)

      assert Wire.decode(bytes <> <<0>>) == :error
    end
  end

  test "any other term is no frame" do
    terms = [
      :running,
      "running",
      1,
      nil,
      [],
      %{},
      {},
      {:status},
      {:status, "running"},
      {:status, :spawned},
      {:status, :spawned, 0},
      {:status, :spawned, -1},
      {:status, :spawned, 1.0},
      {:status, :ready, "1"},
      {:status, :exited, -1},
      {:status, :exited, 256},
      {:status, :signaled, 0},
      {:status, :signaled, 65},
      {:status, :applied, 0},
      {:status, :running, 1},
      {:status, :ended, 1},
      {:error, -1, :execve},
      {:error, :enoent, :execve},
      {:error, 2, :no_stage},
      {:error, 2, "execve"},
      {:error, 2, :execve, -1},
      {:error, 2},
      {:pty_out, 'text'},
      {:pty_out, [<<"text">>]},
      {:written, :pty, -1},
      {:written, :stdin},
      {:eof},
      {:eof, :stdin},
      {:stdout, 'text'},
      {:stdin, "text"},
      {:written, :stdout, 1},
      {:closed, :stdin, -1},
      {:closed, :stdout, 1},
      {:usage, %{}},
      {:usage, %{core_dumped: true}},
      {:usage, []},
      {:settings, 'text'},
      {:winsize, {24, 80}},
      {:winsize, {24, 80, 0, 65_536}},
      {:winsize, {24, 80, 0, -1}},
      {:winsize, [24, 80, 0, 0]},
      {:linx, 1, 2, 3, 4}
    ]

    for term <- terms, do: assert(term |> Wire.encode() |> Wire.decode() == :error)
  end

  test "an atom that the BEAM does not know is not created" do
    name = "an_atom_made_up_by_an_agent_#{System.unique_integer([:positive])}"
    bytes = <<131, 104, 2, 100, 0, 6, "status", 100, byte_size(name)::16, name::binary>>
    assert Wire.decode(bytes) == :error
    assert_raise ArgumentError, fn -> String.to_existing_atom(name) end
  end

  test "a term with a fun, a pid or a reference is no frame" do
    for value <- [self(), make_ref(), &Wire.decode/1],
        do: assert({:pty_out, value} |> Wire.encode() |> Wire.decode() == :error)
  end
end
