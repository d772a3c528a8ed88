# SPDX-License-Identifier: MIT

defmodule AgentTest.RecycledPidTest do
  use AgentTest.Case, async: true

  # In a pid namespace with few pids a pid that has become free is given to another process at once. A signal to
  # the tree is sent to the session's processes only, not to a process that was given a pid of theirs.

  @moduletag :root

  @signals 500

  for descendants <- [:leave, :kill] do
    test "a signal to the tree never reaches a process that has the number of one that is gone, with descendants: #{descendants}" do
      wire = start(program: [path("recycler"), "run", agent()])

      request = %{
        argv: [path("recycler"), "tree"],
        proceed: true,
        descendants: unquote(descendants),
        stdio: [stdin: :pipe]
      }

      send_term(wire, {:spawn, request})
      await_output(wire, "ready\n")
      burst = 1..100 |> Enum.map(fn _ -> frame({:signal, 12, :tree}) end) |> IO.iodata_to_binary()
      for _ <- 1..div(@signals, 100), do: send_raw(wire, burst)
      send_term(wire, {:close, :stdin})
      result = await_gone(wire)
      assert {:status, :exited, 0} = final(result)
      [_, bystanders, hit] = Regex.run(~r/bystanders (\d+) hit (\d+)\n/, result.output)
      assert String.to_integer(bystanders) > 100
      assert {bystanders, hit} == {bystanders, "0"}
    end
  end
end
