# SPDX-License-Identifier: MIT

defmodule Linx.InspectionTest do
  # What is shown of a struct has a bounded size, and can be read.
  use ExUnit.Case, async: true

  import :proper_types, only: [any: 0]

  alias Linx.{Capabilities, Property, Result}
  alias Linx.Process.Info

  doctest Linx.Inspection

  test "a result is shown with its end and the beginning of its output" do
    {:ok, result} = Linx.run(["sh", "-c", "echo out; echo err >&2; exit 3"])

    assert inspect(result) =~
             ~r/^#Linx.Result<exited: 3, stdout: "out\\n", stderr: "err\\n", duration: [0-9.]+ ms>$/

    {:ok, result} = Linx.run(["sh", "-c", "kill -9 $$"])
    assert inspect(result) =~ "signaled: 9 (SIGKILL), "
  end

  test "megabytes of output, of any bytes, are shown as their size" do
    for {byte, size} <- [{"a", 1_000_000}, {<<255>>, 3_000_000}, {<<0>>, 81}] do
      result = %Result{
        stdout: String.duplicate(byte, size),
        stderr: "",
        status: 0,
        outcome: {:exited, 0},
        usage: nil,
        duration: 1_234
      }

      text = inspect(result)
      assert text =~ "... (#{size} bytes)"
      assert text =~ "duration: 1.2 ms"
      assert String.valid?(text) and String.length(text) < 500
    end
  end

  test "capabilities are shown by what is there or what is missing" do
    {:ok, sets} = Capabilities.read(1)
    assert inspect(%Capabilities{}) =~ "effective: [], permitted: [], "
    all = MapSet.new(Capabilities.all())
    most = %Capabilities{bounding: all, effective: MapSet.delete(all, :cap_kill)}
    assert inspect(most) =~ "effective: all but [:cap_kill], "
    assert inspect(most) =~ "bounding: all, "
    assert String.length(inspect(sets)) < 2_000
    assert inspect(%Capabilities{ambient: MapSet.new([:cap_55])}) =~ "ambient: [:cap_55]"
  end

  test "what is known of a session is shown without what is not" do
    {:ok, session} = Linx.Process.spawn(argv: ["/bin/true"], events: :none)
    {:ok, info} = Linx.Process.info(session)
    assert inspect(info) =~ ~r/^#Linx.Process.Info<mode: :spawn, state: :\w+, /
    refute inspect(info) =~ "result"
    :ok = Linx.Process.abort(session)
    {:ok, :aborted} = Linx.Process.wait(session)
    {:ok, info} = Linx.Process.info(session)
    assert inspect(info) =~ "state: :ended"
    assert inspect(info) =~ "result: {:ok, :aborted}"
  end

  test "a struct with values of any kind is shown" do
    Property.check(any(), 300, fn value ->
      result = %Result{
        stdout: value,
        stderr: value,
        status: value,
        outcome: value,
        usage: value,
        duration: value
      }

      refute inspect(result) =~ "Inspect.Error"
      info = %Info{mode: value, state: value, stage: value, owner: value, result: value}
      refute inspect(info) =~ "Inspect.Error"
    end)
  end
end
