# SPDX-License-Identifier: MIT

defmodule Linx.Test.Nodes do
  @moduledoc """
  Other nodes for a test, on this machine and reachable from it alone.

  They need Erlang's port mapper (epmd), which is started when it does not run, and stopped afterwards in that
  case. The test's own VM becomes a node, so such tests are not async.
  """

  import ExUnit.Callbacks

  @loopback {127, 0, 0, 1}

  @doc "Makes this VM a node until the test module is done."
  def start_distribution do
    started? = start_mapper()
    Application.put_env(:kernel, :inet_dist_use_interface, @loopback)

    # The name is another one each time, because the port mapper may not have seen the end of the last node.
    name = :"linx-test-#{System.pid()}-#{System.unique_integer([:positive])}@127.0.0.1"
    {:ok, _pid} = Node.start(name, :longnames)

    on_exit(fn ->
      Node.stop()
      Application.delete_env(:kernel, :inet_dist_use_interface)
      if started?, do: mapper(["-kill"])
    end)
  end

  defp start_mapper do
    case mapper(["-names"]) do
      {_, 0} ->
        false

      _not_running ->
        await_mapper()
        true
    end
  end

  # A port mapper that has just been stopped may still have the port open, and then another one does not start.
  defp await_mapper do
    {_, 0} = mapper(["-daemon"])

    case mapper(["-names"]) do
      {_, 0} -> :ok
      _not_yet -> await_mapper()
    end
  end

  defp mapper(arguments) do
    erts = "erts-#{:erlang.system_info(:version)}"
    program = Path.join([:code.root_dir(), erts, "bin", "epmd"])

    System.cmd(program, arguments,
      env: [{"ERL_EPMD_ADDRESS", "127.0.0.1"}],
      stderr_to_stdout: true
    )
  end

  @doc "Starts a node with this library, or without it with `paths: []`. It ends with the test."
  def start_node(opts \\ []) do
    paths = Enum.flat_map(Keyword.get(opts, :paths, :code.get_path()), &['-pa', &1])
    interface = ['-kernel', 'inet_dist_use_interface', '{127,0,0,1}']

    {:ok, peer, node} =
      :peer.start(%{
        name: :peer.random_name(),
        host: '127.0.0.1',
        longnames: true,
        wait_boot: 30_000,
        args: paths ++ interface
      })

    on_exit(fn ->
      # The VM may be ending by itself.
      try do
        :peer.stop(peer)
      catch
        :exit, _reason -> :ok
      end
    end)

    node
  end
end
