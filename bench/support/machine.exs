# SPDX-License-Identifier: MIT

defmodule Bench.Machine do
  @moduledoc "What the figures were taken on."

  @doc "Facts as `{name, text}`, in the order to be printed in."
  def facts(build) do
    [
      {"kernel", first_line("/proc/sys/kernel/osrelease")},
      {"processor", "#{cpu("model name")}, #{cores()}"},
      {"virtualisation", virtualisation()},
      {"load", load()},
      {"runtime", "Elixir #{System.version()}, OTP #{otp()}, ERTS #{erts()}"},
      {"agent", agent()},
      {"workload", "a C program that returns 0 (#{linkage(Path.join(build, "release"))})"},
      {"user", if(root?(), do: "root", else: "an ordinary user")}
    ]
  end

  @doc "Whether this is root."
  def root?, do: match?({"0\n", 0}, System.cmd("id", ["-u"]))

  defp cores do
    case System.schedulers_online() do
      1 -> "1 core"
      count -> "#{count} cores"
    end
  end

  # Sessions are made of processes that wait for each other, and suffer more from a busy machine than
  # what they are compared with.
  defp load do
    text = first_line("/proc/loadavg")
    {now, _rest} = Float.parse(text)

    if now > System.schedulers_online(),
      do: text <> " (busy: take the ratios for no more than a hint)",
      else: text
  end

  defp otp, do: :erlang.system_info(:otp_release)
  defp erts, do: :erlang.system_info(:version)

  defp virtualisation do
    case System.find_executable("systemd-detect-virt") do
      nil -> if cpu("flags") =~ ~r/\bhypervisor\b/, do: "a virtual machine", else: "none seen"
      path -> Enum.map_join(["--vm", "--container"], ", ", &detect(path, &1))
    end
  end

  defp detect(path, kind) do
    {text, _status} = System.cmd(path, [kind])
    "#{String.trim_leading(kind, "-")} #{String.trim(text)}"
  end

  defp agent do
    path = Linx.Agent.path()

    if System.get_env("LINX_AGENT"),
      do: path,
      else:
        "#{linkage(Application.app_dir(:linx, "obj/build/release"))}, #{div(File.stat!(path).size, 1024)} KiB"
  end

  # scripts/toolchain says what programs are linked with.
  defp linkage(directory) do
    text = directory |> Path.join("toolchain.mk") |> File.read!()
    [_line, linkage] = Regex.run(~r/^AGENT_LIBC := (.*)$/m, text)
    linkage
  end

  defp cpu(name) do
    case Regex.run(~r/^#{name}\s*: (.*)$/m, File.read!("/proc/cpuinfo")) do
      [_line, value] -> value
      nil -> "unknown"
    end
  end

  defp first_line(path), do: path |> File.read!() |> String.split("\n") |> hd()
end
