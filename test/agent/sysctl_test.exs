# SPDX-License-Identifier: MIT

defmodule AgentTest.SysctlTest do
  use AgentTest.Case, async: true

  # sysctl: kernel parameters of the session's namespaces, and of no others.

  @file_of %{
    "net.ipv4.ip_default_ttl" => "/proc/sys/net/ipv4/ip_default_ttl",
    "kernel.msgmax" => "/proc/sys/kernel/msgmax",
    "fs.mqueue.msg_max" => "/proc/sys/fs/mqueue/msg_max",
    "user.max_uts_namespaces" => "/proc/sys/user/max_uts_namespaces"
  }
  @values %{
    "net.ipv4.ip_default_ttl" => "77",
    "kernel.msgmax" => "4097",
    "fs.mqueue.msg_max" => "7",
    "user.max_uts_namespaces" => "3"
  }

  defp argv(names), do: ["/bin/cat" | Enum.map(names, &@file_of[&1])]
  defp commands(names), do: for(name <- names, do: {:sysctl, name, @values[name]})
  defp expected(names), do: Enum.map_join(names, &(@values[&1] <> "\n"))
  defp host, do: Map.new(@file_of, fn {name, file} -> {name, File.read!(file)} end)

  @tag :userns
  test "those of one's own net and user namespace are set, in each list and at the checkpoint" do
    before = host()
    names = ["net.ipv4.ip_default_ttl", "user.max_uts_namespaces"]

    for place <- [:setup, :final, :checkpoint] do
      request = %{argv: argv(names), namespaces: [:user, :net]}

      request =
        if place == :checkpoint, do: request, else: Map.put(request, place, commands(names))

      wire = parked(request)
      map_own_ids(wire)
      sent = if place == :checkpoint, do: commands(names), else: []
      for command <- sent ++ [:proceed], do: send_term(wire, command)
      assert {place, finish(wire).output} == {place, expected(names)}
    end

    assert host() == before
  end

  @tag :userns
  test "without the namespace of a parameter it is refused before the child exists" do
    before = host()

    for {name, value} <- @values, list <- [:setup, :final] do
      {_prefix, namespace} =
        Enum.find(
          [{"net.", :net}, {"user.", :user}, {"", :ipc}],
          fn {prefix, _namespace} -> String.starts_with?(name, prefix) end
        )

      others = [:user, :uts, :net, :ipc, :pid] -- [namespace]

      for namespaces <- [[], others] do
        request = %{argv: argv([name]), namespaces: namespaces}
        request = Map.put(request, list, [{:umask, 0}, {:sysctl, name, value}])
        result = finish(requested(request), exit: 3)
        assert {name, result.frames} == {name, [{:error, errno(:eperm), :sysctl, 1}]}
      end
    end

    assert host() == before
  end

  test "a parameter of no namespace is EINVAL, and so is what is no name" do
    for name <- [
          "kernel.panic",
          "kernel.hostname",
          "vm.swappiness",
          "net/../kernel/panic",
          "net",
          "",
          "kernel.core_pattern"
        ] do
      request = %{argv: argv([]), namespaces: [:user, :net, :ipc, :uts]}
      result = finish(requested(Map.put(request, :setup, [{:sysctl, name, "1"}])), exit: 3)
      assert {name, result.frames} == {name, [{:error, errno(:einval), :sysctl, 0}]}
    end
  end

  test "what is no binary is malformed" do
    for {name, value} <- [{:net, "1"}, {"net.x", 1}, {~c"net.x", "1"}, {"net.x\0", "1"}] do
      request = %{argv: argv([]), namespaces: [:net], setup: [{:sysctl, name, value}]}
      result = finish(requested(request), exit: 2)
      assert final(result) == {:error, errno(:einval), :malformed_request}
    end
  end

  @tag :userns
  test "a parameter that the kernel has not got, and a value that it refuses, are its errors" do
    for {name, value, error} <- [
          {"net.ipv4.no_such", "1", :enoent},
          {"net.ipv4.ip_default_ttl", "many", :einval},
          {"net.ipv4.ip_default_ttl", "", :einval},
          {"net.ipv4.ip_default_ttl", "256", :einval},
          {"net.ipv4", "1", :eisdir}
        ] do
      setup = [{:sysctl, name, value}]
      wire = requested(%{argv: argv([]), namespaces: [:user, :net], setup: setup})
      assert {name, final(finish(wire))} == {name, {:error, errno(error), :sysctl, 0}}
    end
  end

  @tag :userns
  test "the host's /proc is not the workload's" do
    names = ["net.ipv4.ip_default_ttl"]
    argv = ["/bin/sh", "-c", "ls -l /proc/self/fd; cat /proc/sys/net/ipv4/ip_default_ttl"]
    request = %{argv: argv, namespaces: [:user, :net], setup: commands(names)}
    wire = parked(request)
    map_own_ids(wire)
    send_term(wire, :proceed)
    output = finish(wire).output
    assert output =~ "77\n"
    refute output =~ ~r{-> /proc$}m
  end

  describe "of root" do
    @describetag :root

    test "all are set without a checkpoint" do
      before = host()
      names = Map.keys(@values) -- ["user.max_uts_namespaces"]
      request = %{argv: argv(names), namespaces: [:net, :ipc], setup: commands(names)}
      assert finish(requested(Map.put(request, :proceed, true))).output == expected(names)
      assert host() == before
    end

    test "all are set in a user namespace with a range of ids" do
      before = host()
      names = Map.keys(@values)

      wire = parked(%{argv: argv(names), namespaces: [:user, :net, :ipc], final: commands(names)})

      map_ids(wire, "0 100000 65536\n")
      send_term(wire, :proceed)
      assert finish(wire).output == expected(names)
      assert host() == before
    end

    test "the domain name of a UTS namespace is one" do
      argv = ["/bin/cat", "/proc/sys/kernel/domainname"]
      setup = [{:sysctl, "kernel.domainname", "inside.test"}]
      request = %{argv: argv, namespaces: [:uts], setup: setup, proceed: true}
      assert finish(requested(request)).output == "inside.test\n"
    end

    # The command of a list has the /proc of the host, which mounts of the child's do not change; at the checkpoint it
    # is looked for in the child's root.
    test "what is mounted over a parameter is never written" do
      dir = scratch("sysctl")
      File.mkdir_p!(Path.join(dir, "net/ipv4"))
      fake = Path.join(dir, "net/ipv4/ip_default_ttl")
      File.write!(fake, "untouched")
      on_exit(fn -> File.rm_rf!(dir) end)
      [command] = commands(["net.ipv4.ip_default_ttl"])
      argv = ["/bin/sh", "-c", "umount -l $0; cat /proc/sys/net/ipv4/ip_default_ttl"]

      for target <- ["/proc/sys", "/proc/sys/net", "/proc"], place <- [:final, :checkpoint] do
        request = %{argv: argv ++ [target], namespaces: [:mount, :net]}
        request = if place == :final, do: Map.put(request, :final, [command]), else: request
        wire = parked(request)
        mount = ["mount", "--bind", dir, target]
        {_, 0} = System.cmd("nsenter", ["-t", "#{wire.host_pid}", "-m" | mount])
        sent = if place == :checkpoint, do: [command], else: []
        for command <- sent ++ [:proceed], do: send_term(wire, command)
        result = finish(wire)

        # umount(8) wants a /proc.
        case {target, place} do
          {"/proc", :final} ->
            assert ran?(result)

          {_below, :final} ->
            assert {target, result.output} == {target, "77\n"}

          _checkpoint ->
            assert {target, final(result)} == {target, {:error, errno(:exdev), :sysctl}}
        end

        assert File.read!(fake) == "untouched"
      end
    end

    test "the parameters of a namespace that is entered are set" do
      target = Target.unshare(["--net"])
      names = ["net.ipv4.ip_default_ttl"]
      request = %{target: target.pid, argv: argv(names), setup: commands(names)}
      assert run({:enter, request}).output == expected(names)
      result = finish(requested({:enter, %{request | target: Target.plain().pid}}), exit: 3)
      assert result.frames == [{:error, errno(:eperm), :sysctl, 0}]
    end
  end
end
