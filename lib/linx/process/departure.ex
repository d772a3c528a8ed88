# SPDX-License-Identifier: MIT

defmodule Linx.Process.Departure do
  @moduledoc false
  # How the process of a session ends for a reason that is not :normal: with one line in the log when it was its program
  # that ended, and none otherwise.
  #
  # A GenServer that stops for such a reason is reported by gen_server and by proc_lib, with its state and its messages,
  # which hold what the program reads and writes. Both reports are made by those who catch the exit. An exit signal,
  # which a process may send to itself, is caught by none, and its links and monitors get the same reason.

  @doc "Ends the calling process. It must have cleaned up, because no terminate/2 is called."
  @spec leave(term()) :: no_return()
  def leave(reason) do
    Process.flag(:trap_exit, false)
    Process.exit(self(), reason)
    # exit/2 of a process to itself returns only for a reason that is ignored.
    exit(:normal)
  end

  @doc "Drops all messages, so that no report of an exception in the calling process has them."
  @spec forget_messages() :: :ok
  def forget_messages do
    receive do
      _message -> forget_messages()
    after
      0 -> :ok
    end
  end

  @doc """
  What a line of the log calls a program.

      iex> Linx.Process.Departure.label(["/bin/sh", "-c", "exit 3"], nil)
      ~s(["/bin/sh", "-c", "exit 3"])
      iex> Linx.Process.Departure.label(["/bin/true"], :mine)
      ~s(:mine ["/bin/true"])
  """
  @spec label([binary()], GenServer.name() | nil) :: String.t()
  def label(argv, nil), do: inspect(argv, limit: 20, printable_limit: 300)
  def label(argv, name), do: inspect(name) <> " " <> label(argv, nil)

  @doc "Writes the line when a program has ended in a way that is not success, or could not be run."
  @spec log(String.t(), term()) :: :ok
  def log(label, reason) do
    case describe(reason) do
      nil -> :ok
      text -> :logger.error("~ts ~ts", ["Linx.Process #{inspect(self())} #{label}", text])
    end
  end

  @doc """
  How a session's program ended, in words; nil when the reason says that it was not the program's end.

      iex> Linx.Process.Departure.describe({:exited, 3})
      "exited with code 3"
      iex> Linx.Process.Departure.describe(:shutdown)
      nil
  """
  @spec describe(term()) :: String.t() | nil
  def describe({:exited, code}), do: "exited with code #{code}"

  def describe({:signaled, number}),
    do: "was ended by signal #{number} (#{Linx.Signal.name(number)})"

  def describe({:error, %Linx.Process.Error{} = error}),
    do: "failed: #{Exception.message(error)}"

  def describe(_other), do: nil
end
