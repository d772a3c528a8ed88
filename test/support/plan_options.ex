# SPDX-License-Identifier: MIT

defmodule Linx.Test.PlanOptions do
  @moduledoc "Options of plans at random."

  import :proper_types, only: [exactly: 1, list: 1, oneof: 1, tuple: 1]

  # A value of each option that goes with every other one, and more that may not.
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
    search_path: [true, false]
  ]

  @doc "Some values of each option."
  def values, do: @values

  @doc "A PropEr type of lists of options."
  def options do
    option =
      for {name, values} <- @values,
          do: tuple([exactly(name), oneof(Enum.map(values, &exactly/1))])

    list(oneof(option))
  end
end
