# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Look do
  @moduledoc false
  # What is known to be in the way of a plan on this machine, without trying it. Reads /proc and looks for files.

  import Bitwise

  alias Linx.Option
  alias Linx.Plan.{Phase, Problem}

  # The file of a namespace in /proc/<pid>/ns, and that of the limit of their number (namespaces(7)).
  @namespaces %{
    user: {"user", "max_user_namespaces"},
    mount: {"mnt", "max_mnt_namespaces"},
    pid: {"pid", "max_pid_namespaces"},
    uts: {"uts", "max_uts_namespaces"},
    ipc: {"ipc", "max_ipc_namespaces"},
    net: {"net", "max_net_namespaces"},
    cgroup: {"cgroup", "max_cgroup_namespaces"},
    time: {"time", "max_time_namespaces"}
  }

  # Switches of distributions that keep user namespaces from ordinary users, and the value that does.
  @switches [
    {"kernel/unprivileged_userns_clone", "0"},
    {"kernel/apparmor_restrict_unprivileged_userns", "1"}
  ]

  @cap_sys_admin 21

  @doc "The problems of a program and its phases."
  @spec problems([binary()], [Phase.t()]) :: [Problem.t()]
  def problems(argv, phases),
    do: namespaces(phases) ++ directory(phases) ++ program(argv, phases)

  defp namespaces(phases) do
    for phase <- phases,
        {:namespaces, kinds} <- phase.keys,
        message <- Enum.flat_map(kinds, &absent/1) ++ unprivileged(kinds),
        do: %Problem{phase: phase.name, option: :namespaces, message: message}
  end

  defp absent(kind) do
    {file, limit} = @namespaces[kind]

    cond do
      not File.exists?("/proc/self/ns/#{file}") -> ["this kernel has no #{kind} namespaces"]
      setting("user/#{limit}") == "0" -> ["/proc/sys/user/#{limit} is 0 here"]
      true -> []
    end
  end

  defp unprivileged([]), do: []

  defp unprivileged(kinds) do
    cond do
      privileged?() ->
        []

      :user not in kinds ->
        [
          "the namespaces take CAP_SYS_ADMIN, which the BEAM has not; with :user among them they may not"
        ]

      true ->
        for {file, value} <- @switches,
            setting(file) == value,
            do:
              "/proc/sys/#{file} is #{value} here, which keeps user namespaces from ordinary users"
    end
  end

  defp setting(file) do
    case File.read("/proc/sys/" <> file) do
      {:ok, text} -> String.trim(text)
      {:error, _none} -> nil
    end
  end

  defp privileged? do
    with {:ok, status} <- File.read("/proc/self/status"),
         [_line, mask] <- Regex.run(~r/^CapEff:\s*([0-9a-f]+)$/m, status) do
      (String.to_integer(mask, 16) >>> @cap_sys_admin &&& 1) == 1
    else
      _unknown -> true
    end
  end

  # The paths are the host's, unless the plan has a root of its own.
  defp directory(phases) do
    for phase <- phases,
        {:cwd, path} <- phase.keys,
        not own_root?(phases) and not File.dir?(path),
        do: %Problem{
          phase: phase.name,
          option: :cwd,
          message: "there is no directory #{Option.shorten(path)}"
        }
  end

  defp program(["/" <> _ = program | _arguments], phases) do
    if own_root?(phases) or File.exists?(program),
      do: [],
      else: [%Problem{phase: :exec, message: "there is no file #{Option.shorten(program)}"}]
  end

  defp program(_argv, _phases), do: []

  defp own_root?(phases) do
    Enum.any?(phases, fn phase ->
      Enum.any?(phase.commands, &(is_tuple(&1) and elem(&1, 0) in [:root, :chroot]))
    end)
  end
end
