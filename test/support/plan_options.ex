# SPDX-License-Identifier: MIT

defmodule Linx.Test.PlanOptions do
  @moduledoc "Options of plans at random."

  import :proper_types, only: [exactly: 1, list: 1, oneof: 1, tuple: 1]

  # What makes or mounts nothing, or only in a mount namespace that is the session's own.
  @values [
    namespaces: [[:net, :time, :mount], [], [:pid, :user]],
    time_offsets: [[boottime: 1], [], [monotonic: -0.5, boottime: 3]],
    loopback: [true, false],
    keyring: [:new, :inherit],
    cwd: ["/", "/tmp", "tmp"],
    env: [%{"A" => "1", "B" => nil}, ["A=1"], []],
    clear_env: [true, false],
    umask: [0, 0o777],
    nice: [0, 19],
    user: ["root", 1234, {1234, 44, [7]}, "root:root"],
    capabilities: [
      :none,
      :all,
      :default,
      [keep: [:cap_kill]],
      [ambient: [:cap_kill]],
      [drop: :default]
    ],
    no_new_privs: [true, false],
    seccomp: [<<0::64>>],
    search_path: [true, false],
    setgroups: [:deny],
    oom_score_adj: [0, 1000],
    hostname: ["inside", ""],
    domainname: ["example"],
    rlimits: [[core: 0, nofile: {64, 512}], []],
    scheduler: [:batch, {:idle, [nice: 5]}],
    cpu_affinity: [[0]],
    io_priority: [{:best_effort, 7}],
    personality: [:linux, :linux32],
    securebits: [[], [:noroot, :locked]],
    rootfs: [:tmpfs, :host],
    propagation: [:private, :slave],
    readonly: [true, false],
    mounts: [[], [{:tmpfs, "/tmp", size: "1m"}]],
    dev: [:minimal, false],
    masked_paths: [[], ["/proc/kcore", "/proc/no/such"]],
    readonly_paths: [["/proc/sys"], []]
  ]

  # What would be made on the host without a root of its own.
  @files [
    contents: [%{"/a" => "1"}],
    dirs: [["/b"]],
    links: [%{"/c" => "b"}],
    dev: [:host],
    uid_map: [[{0, 1000, 1}]],
    gid_map: [[{0, 1000, 1}]],
    masked_paths: [:default],
    readonly_paths: [:default]
  ]

  # Options that add to what is there.
  @lists [:rootfs, :mounts, :dev, :masked_paths, :readonly_paths]

  @doc "Some values of each option."
  def values, do: Keyword.merge(@values, @files, fn _name, some, more -> some ++ more end)

  @doc "A PropEr type of lists of options, which make nothing on the host; `without` the options of lists or with them."
  def options(without \\ nil) do
    option =
      for {name, values} <- @values,
          without == nil or name not in @lists,
          do: tuple([exactly(name), oneof(Enum.map(values, &exactly/1))])

    list(oneof(option))
  end
end
