# SPDX-License-Identifier: MIT

defmodule AgentTest.Beacon do
  @moduledoc """
  Waits until a workload and everything that it forked is dead, without polling /proc: the actor's `--beacon`
  opens a connection that its children inherit, and that ends with the last of them.
  """

  import ExUnit.Assertions

  @patience 30_000

  @doc "A listener, and the argv that makes the actor connect to it."
  def actor(part), do: program(AgentTest.Programs.actor(part))

  @doc "As `actor/1`, for another program that takes `--beacon`."
  def program([program | arguments]) do
    path = AgentTest.Programs.scratch("beacon")
    {:ok, listener} = :gen_tcp.listen(0, [:binary, active: false, ifaddr: {:local, path}])
    File.chmod!(path, 0o777)
    ExUnit.Callbacks.on_exit(fn -> File.rm(path) end)
    {listener, [program, "--beacon", path | arguments]}
  end

  @doc "Waits until the workload has connected."
  def await_lit(listener) do
    assert {:ok, socket} = :gen_tcp.accept(listener, @patience)
    socket
  end

  @doc "Waits until a workload that has connected has sent a line, and returns it."
  def await_word(socket) do
    assert {:ok, word} = :gen_tcp.recv(socket, 0, @patience)
    word
  end

  @doc "Waits until no process that the workload left is alive."
  def await_dark(socket), do: assert({:error, :closed} = :gen_tcp.recv(socket, 0, @patience))

  @doc "Whether a process of the workload is still alive."
  def lit?(socket), do: :gen_tcp.recv(socket, 0, 0) == {:error, :timeout}
end
