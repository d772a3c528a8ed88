# SPDX-License-Identifier: MIT

defmodule Linx.Tty.CallerTest do
  # Nodes and the group leaders of shells, so not async.
  use Linx.SessionCase, async: false

  alias Linx.Test.{Nodes, Tmux}
  alias Linx.Tty.Caller

  doctest Linx.Tty.Caller

  # What a shell over ssh has for a group leader: one whose driver is not the terminal's.
  defp ssh_like_leader do
    test = self()

    driver =
      spawn_link(fn ->
        leader = :group.start(self(), {:shell, :start, []})
        send(test, {:leader, leader})
        Process.sleep(:infinity)
      end)

    receive do: ({:leader, leader} -> {driver, leader})
  end

  test "init and the masters of applications lead to the terminal" do
    assert Caller.local?(Process.whereis(:init))
    {:group_leader, master} = Process.info(Process.whereis(:kernel_sup), :group_leader)
    assert master != Process.whereis(:user)
    assert Caller.local?(master)
  end

  test "a group leader that collects, that has ended, or of a connection does not" do
    {:ok, string} = StringIO.open("")
    refute Caller.local?(string)

    # One that is a process of an application.
    {:group_leader, master} = Process.info(Process.whereis(:kernel_sup), :group_leader)
    task = spawn_link(fn -> Process.sleep(:infinity) end)
    Process.group_leader(task, master)
    assert :application.get_application(task) == {:ok, :kernel}
    refute Caller.local?(task)

    {gone, ref} = spawn_monitor(fn -> :ok end)
    assert_receive {:DOWN, ^ref, _, _, _}
    refute Caller.local?(gone)

    {driver, leader} = ssh_like_leader()
    refute Caller.local?(leader)
    Process.unlink(driver)
    Process.exit(driver, :kill)
  end

  describe "attach refuses" do
    @describetag :tmux

    @attach ~s|Linx.Tty.attach(argv: ["/bin/sh"])|

    # Prints as the BEAM's own process, whatever the group leader of the caller is.
    defp program(prepared) do
      """
      call = fn -> IO.inspect(:user, #{@attach}, []) end
      #{prepared}
      IO.puts("the end")
      """
    end

    for {who, prepared} <- [
          {"a caller whose output is captured",
           """
           {:ok, string} = StringIO.open("")
           Process.group_leader(self(), string)
           call.()
           Process.group_leader(self(), Process.whereis(:user))
           """},
          {"a shell whose driver is not the terminal's",
           """
           main = self()
           leader = :group.start(main, fn -> spawn_link(fn -> call.(); send(main, :done) end) end)
           receive do: (:done -> leader)
           """}
        ] do
      test who do
        tmux = Tmux.start()
        before = Tmux.settings(tmux)
        Tmux.run_elixir(tmux, program(unquote(prepared)))
        assert Tmux.await(tmux, ~r/^the end$/m) =~ "{:error, :no_local_tty}"
        Tmux.await_prompt(tmux)
        assert Tmux.settings(tmux) == before
      end
    end

    test "a remote shell, and a call from another node" do
      Nodes.start_distribution()
      server = Tmux.start()
      before = Tmux.settings(server)
      name = "linx-tty-#{System.unique_integer([:positive])}@127.0.0.1"
      cookie = Node.get_cookie()
      interface = ~S|-kernel inet_dist_use_interface {127,0,0,1}|

      Tmux.run_elixir(
        server,
        ~S|IO.puts("serving"); IO.gets("quit? ")|,
        ~s|--name #{name} --cookie #{cookie} --erl "#{interface}"|
      )

      Tmux.await(server, "quit?")
      node = String.to_atom(name)
      options = [[argv: ["/bin/sh"]]]
      assert :rpc.call(node, Linx.Tty, :attach, options) == {:error, :no_local_tty}
      assert :erpc.call(node, Linx.Tty, :attach, options) == {:error, :no_local_tty}

      # The nodes are not to be connected with each other, which `global` would report.
      Node.disconnect(node)

      client = Tmux.start()
      Tmux.type(client, "iex --name c#{name} --cookie #{cookie} --remsh #{name}")
      Tmux.await(client, ~r/^iex\(#{name}\)1> \s*\z/m)
      Tmux.type(client, @attach)
      Tmux.await(client, ~r/^{:error, :no_local_tty}$/m)

      refute Tmux.screen(server) =~ ~r/[#$] \s*\z/
      Tmux.type(server, "yes")
      Tmux.await_prompt(server)
      assert Tmux.settings(server) == before
    end
  end
end
