defmodule Bench.Machine do
  @moduledoc "What the figures were taken on."

  @doc "Facts as `{name, text}`, in the order to be printed in."
  def facts(workload) do
    [
      {"kernel", first_line("/proc/sys/kernel/osrelease")},
      {"processor", "#{cpu("model name")}, #{cores()}"},
      {"virtualisation", virtualisation()},
      {"load", first_line("/proc/loadavg")},
      {"runtime", "Elixir #{System.version()}, OTP #{otp()}, ERTS #{erts()}"},
      {"agent", agent()},
      {"workload", workload},
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

  # What the agent was linked with is known to its build.
  defp agent do
    path = Linx.Agent.path()
    toolchain = Path.join([Application.app_dir(:linx), "obj", "toolchain.mk"])

    with nil <- System.get_env("LINX_AGENT"),
         {:ok, text} <- File.read(toolchain),
         [_line, linkage] <- Regex.run(~r/^AGENT_LIBC := (.*)$/m, text) do
      "#{linkage}, #{div(File.stat!(path).size, 1024)} KiB"
    else
      _other -> path
    end
  end

  defp cpu(name) do
    case Regex.run(~r/^#{name}\s*: (.*)$/m, File.read!("/proc/cpuinfo")) do
      [_line, value] -> value
      nil -> "unknown"
    end
  end

  defp first_line(path), do: path |> File.read!() |> String.split("\n") |> hd()
end
