# SPDX-License-Identifier: MIT

defmodule AgentTest.Host do
  @moduledoc "What the host's /proc says of a process, which no workload can forge."

  import Bitwise

  @namespaces ~w(cgroup ipc mnt net pid time user uts)

  @doc "The fields of /proc/<pid>/status by their names, nil when there is no such process."
  def status(pid) do
    with {:ok, text} <- File.read("/proc/#{pid}/status") do
      for line <- String.split(text, "\n", trim: true), into: %{} do
        [name, value] = String.split(line, ":", parts: 2)
        {name, String.trim(value)}
      end
    else
      {:error, _} -> nil
    end
  end

  @doc "A hexadecimal mask of /proc/<pid>/status, such as SigBlk or CapEff."
  def mask(pid, name), do: pid |> status() |> Map.fetch!(name) |> String.to_integer(16)

  @doc "The fields of /proc/<pid>/stat that tests read, nil when there is no such process (proc(5))."
  def stat(pid) do
    with {:ok, text} <- File.read("/proc/#{pid}/stat") do
      [_, rest] = Regex.run(~r/\) (.*)$/s, text)
      fields = String.split(rest)
      at = fn n -> fields |> Enum.at(n) |> String.to_integer() end

      %{
        state: hd(fields),
        ppid: at.(1),
        pgrp: at.(2),
        session: at.(3),
        tty: at.(4),
        flags: at.(6),
        ticks: at.(11) + at.(12),
        starttime: at.(19)
      }
    else
      {:error, _} -> nil
    end
  end

  @doc "Whether there is a process with this pid that is no zombie."
  def alive?(pid), do: match?(%{state: state} when state != "Z", stat(pid))

  @doc "The open descriptors of a process, `%{fd => target}` with the targets of the links in /proc/<pid>/fd."
  def fds(pid) do
    for fd <- File.ls!("/proc/#{pid}/fd"), into: %{} do
      {String.to_integer(fd), link("/proc/#{pid}/fd/#{fd}")}
    end
  end

  @doc "The eight namespaces of a process, as the links of /proc/<pid>/ns."
  def namespaces(pid \\ "self"), do: Map.new(@namespaces, &{&1, link("/proc/#{pid}/ns/#{&1}")})

  @doc "The children of a process."
  def children(pid) do
    "/proc/#{pid}/task/#{pid}/children"
    |> File.read!()
    |> String.split()
    |> Enum.map(&String.to_integer/1)
  end

  def exe(pid), do: link("/proc/#{pid}/exe")
  def cwd(pid), do: link("/proc/#{pid}/cwd")

  @doc "The environment a process was exec'd with, in order."
  def environ(pid), do: "/proc/#{pid}/environ" |> File.read!() |> String.split(<<0>>, trim: true)

  def cmdline(pid), do: "/proc/#{pid}/cmdline" |> File.read!() |> String.split(<<0>>, trim: true)

  @doc "Every signal's bit (sigset_t order)."
  def all_signals, do: (1 <<< 64) - 1

  @doc "Sends a signal to a pid, by the host's pid."
  def signal(pid, signal), do: {_, 0} = System.cmd("kill", ["-#{signal}", "#{pid}"])

  def root?, do: match?({"0\n", 0}, System.cmd("id", ["-u"]))

  defp link(path) do
    case File.read_link(path) do
      {:ok, target} -> target
      {:error, reason} -> {:error, reason}
    end
  end

  @doc "Where the cgroup2 hierarchy is mounted, and whole; nil when it is nowhere."
  def cgroup2 do
    "/proc/self/mountinfo"
    |> File.read!()
    |> String.split("\n", trim: true)
    |> Enum.find_value(fn line ->
      [mount, type] = String.split(line, " - ", parts: 2)
      [_id, _parent, _device, root, dir | _options] = String.split(mount, " ")
      if root == "/" and String.starts_with?(type, "cgroup2 "), do: dir
    end)
  end
end
