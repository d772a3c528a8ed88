# SPDX-License-Identifier: MIT

defmodule AgentTest.MountUsernsTest do
  use AgentTest.Case, async: true

  alias AgentTest.Image

  # The same commands at the checkpoint of a session with a user namespace, once its maps are written
  # (user_namespaces(7)): by root, and by an ordinary user.

  @moduletag :userns

  defp parked_with_maps(request) do
    wire = parked(Map.merge(%{namespaces: [:user, :mount, :pid, :net, :ipc]}, request))
    if not Host.root?(), do: File.write!("/proc/#{wire.host_pid}/setgroups", "deny")

    for {map, flag} <- [{"uid_map", "-u"}, {"gid_map", "-g"}] do
      {id, 0} = System.cmd("id", [flag])
      File.write!("/proc/#{wire.host_pid}/#{map}", "0 #{String.trim(id)} 1\n")
    end

    wire
  end

  defp finished_with(wire, commands) do
    for command <- commands ++ [:proceed], do: send_term(wire, command)
    finish(wire)
  end

  test "a session has a root of its own, with a proc and a sysfs of its namespaces" do
    sysfs = [{:mount_open, 0, "sysfs", "sysfs", []}]
    then = [{:attach, 0, "/sys", [:rdonly, :nosuid, :nodev, :noexec], []}]
    list = Image.setup(proc: true, before: sysfs, then: then)

    script = "cat /proc/self/mountinfo; ls /sys/class/net; echo $$; stat -c '%U %G' /; id -u"

    wire = parked_with_maps(%{argv: ["/bin/sh", "-c", script]})
    output = finished_with(wire, list).output

    mounts =
      output
      |> String.split("\n")
      |> Enum.filter(&(&1 =~ " - "))
      |> Enum.join("\n")
      |> Image.mounts()

    assert %{type: "tmpfs", options: ["rw" | _]} = mounts["/"]
    assert mounts["/proc"].type == "proc"
    assert mounts["/sys"].type == "sysfs"
    assert output =~ "\nlo\n1\n"
    refute mounts["/etc"]
  end

  test "without maps it is the kernel's error" do
    request = %{argv: ["/bin/true"], namespaces: [:user, :mount]}

    commands = [
      {:mount_open, 0, "tmpfs", "x", []},
      {:root, 0, :private},
      {:mount_open, 1, "tmpfs", "y", []},
      {:attach, 1, "/made", [], []}
    ]

    wire = parked(request)
    for command <- commands, do: send_term(wire, command)
    result = finish(wire)
    assert {:error, errno, :attach} = final(result)
    assert errno in [75, errno(:eperm), errno(:eacces)]
  end

  test "a tree without what is mounted in it is EINVAL, because it would show what that covers" do
    tree = fn flags -> [{:tree_open, 0, "/", flags}, {:attach, 0, "/proc", [], []}] end
    wire = parked_with_maps(%{argv: ["/bin/true"]})
    result = finished_with(wire, tree.([]))
    assert final(result) == {:error, errno(:einval), :tree_open}
  end

  test "what the host has locked stays so" do
    wire = parked_with_maps(%{argv: ["/bin/cat", "/proc/self/mountinfo"]})
    before = Image.mounts(File.read!("/proc/#{wire.host_pid}/mountinfo"))["/proc"].options

    result =
      finished_with(wire, [{:tree_open, 0, "/proc", [:recursive]}, {:attach, 0, "/mnt", [], []}])

    assert before -- Image.mounts(result.output)["/mnt"].options == []
  end

  test "an attribute that the host has set is not cleared" do
    wire = parked_with_maps(%{argv: ["/bin/true"]})
    mounts = Image.mounts(File.read!("/proc/#{wire.host_pid}/mountinfo"))
    assert {path, _} = Enum.find(mounts, fn {_, mount} -> "nosuid" in mount.options end)
    commands = [{:mount_attr, path, [:nodev], [], []}, {:mount_attr, path, [], [:nosuid], []}]
    result = finished_with(wire, commands)
    assert final(result) == {:error, errno(:eperm), :mount_attr}
  end

  test "files are made, hidden and made read-only; devices are the kernel's EPERM, but for FIFOs" do
    slots = [{:tree_open, 8, "/dev/null", []}, {:mount_open, 9, "tmpfs", "empty", []}]

    commands = [
      {:umask, 0o077},
      {:mkdir, "/d/e", 0o755, 0, 0},
      {:file, "/d/f", 0o644, "text"},
      {:symlink, "d/f", "/l"},
      {:device, "/fifo", :fifo, 0, 0, 0o622, 0, 0},
      {:mask, "/l", 8, 9},
      {:mask, "/d/e", 8, 9},
      {:readonly, "/d"},
      {:mount_attr, "/", [:rdonly], [], []}
    ]

    script = "stat -c '%a %F' /d /fifo; cat /l; mkdir /d/e/x || mkdir /d/x || mkdir /x || echo no"
    list = Image.setup(before: slots, then: commands)
    wire = parked_with_maps(%{argv: ["/bin/sh", "-c", script <> " 2>&1"]})
    assert finished_with(wire, list).output == "755 directory\n622 fifo\nno\n"

    wire = parked_with_maps(%{argv: ["/bin/true"]})
    device = {:device, "/null", :char, 1, 3, 0o666, 0, 0}
    result = finished_with(wire, Image.setup(then: [device]))
    assert final(result) == {:error, errno(:eperm), :device}

    wire = parked_with_maps(%{argv: ["/bin/true"]})
    result = finished_with(wire, Image.setup(then: [{:mkdir, "/d", 0o755, 1, 0}]))
    assert final(result) == {:error, errno(:einval), :mkdir}
  end
end
