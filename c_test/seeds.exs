# SPDX-License-Identifier: MIT

# Writes the fuzzers' seeds: frames as term_to_binary makes them, and the same ones cut short and
# with bytes flipped (always the same, so that a run can be repeated). elixir c_test/seeds.exs DIR

import Bitwise

argv = ["/bin/sh", "-c", 'exit 7', '']

requests =
  for mode <- [:spawn, :enter],
      extra <- [
        %{},
        %{namespaces: [:user, :mount, :uts, :ipc, :cgroup, :net, :time, :pid]},
        %{namespaces: []},
        %{
          namespaces: [:time],
          time_offsets: [{:boottime, -1, 999_999_999}, {:monotonic, 1 <<< 40, 0}]
        },
        %{namespaces: [:net], setup: [:loopback]},
        %{namespaces: [:mount], setup: [{:tree_open, 5, "/", []}, {:root, 5, :private}]},
        %{env: ["PATH=/bin", 'HOME=/', "E="], cwd: "/tmp"},
        %{env: [], cwd: '/', search_path: true},
        %{env_set: ["A=1", 'B=', "A=2"], env_unset: ["C", 'A']},
        %{stdio: :pty, flow: :demand, demand: [pty: 1 <<< 20, stdout: 5]},
        %{
          stdio: {:pty, {24, 80, 0, 65_535}},
          termios: %{iutf8: true, echo: false},
          term: 'xterm'
        },
        %{stdio: {:pty, {0, 0, 0, 0}, :inside}, setup: [:terminal]},
        %{stdio: {:pty, {1, 2, 3, 4}, :auto}, namespaces: [:mount]},
        %{stdio: :pty, termios: %{like: :binary.copy(<<0>>, 60), raw: true}, term: "vt220"},
        %{stdio: :inherit, hold: true},
        %{stdio: [stdin: :pipe, stdout: {:file, "/tmp/out", :append}, stderr: :stdout]},
        %{stdio: [stdin: {:connect_unix, "/run/s"}, stdout: :devnull, stderr: :inherit]},
        %{orphan_policy: :linger, no_new_privs: true, keyring: :new},
        %{orphan_policy: {:kill, 1 <<< 40}, usage: true, ack: true, proceed: true},
        %{descendants: :kill, unknown: %{[1, 2] => {3.5, <<1::3>>, self(), make_ref()}}},
        %{setup: [{:cap_drop_bounding, 1 <<< 63}, {:cap_set_ambient, 0}]},
        %{seal: [{:seccomp_install, <<6, 0, 0, 0, 0, 0, 255, 127>>}, {:cap_set_thread, 1, 2, 3}]},
        %{
          setup: [{:set_credentials, 1000, 1000, [4, 24, 100_000]}, {:pty_winsize, {1, 2, 3, 4}}]
        },
        %{final: [{:umask, 7}, {:nice, -1}, {:set_user, "a:b", ["c", "1"]}, {:home, 0}]}
      ],
      do: {mode, Map.merge(%{argv: argv, target: 4711}, extra)}

requests = [
  {:terminal, %{}},
  {:keep, %{}},
  {:spawn, %{argv: argv, arg0: '-sh', files: ["/bin/sh", '/usr/bin/sh']}} | requests
]

pooled = %{dir: "/tmp", set: ["A=1", 'B='], unset: ["C"], file: {"/agent", 1, 1 <<< 40, 3, 4}}

requests =
  for({_mode, _map} = request <- Enum.take(requests, 3), do: {:pooled, pooled, request}) ++
    requests

commands = [
  :proceed,
  :abort,
  {:cap_drop_bounding, (1 <<< 64) - 1},
  {:cap_set_thread, 0, 1 <<< 40, 255},
  {:cap_set_ambient, 0},
  {:set_credentials, 0, 4_294_967_294, []},
  {:set_credentials, 1, 2, [3, 4]},
  {:set_user, "nobody:staff", ["audio", "44"]},
  {:home, 1000},
  {:nice, -20},
  {:umask, 0o777},
  {:tree_open, 0, "/usr", [:recursive, :nofollow, :optional]},
  {:mount_open, 63, "tmpfs", "none", ["noswap", {"size", "1m"}]},
  {:root, 1, :unbindable},
  {:attach, 2, "/a", [:rdonly, :nosuid, :strictatime], [:nofollow, :keep, {:mode, 0o7777}]},
  {:mkdir, "/a", 0o1777, 0, 1},
  {:symlink, "to", "/a"},
  {:file, "/a", 0, <<0, 1>>},
  {:device, "/a", :block, 4095, 0xFFFFF, 0o666, 0, 0},
  {:mount_attr, "/a", [:noatime], [:nodev, :nosymfollow], [:recursive]},
  {:propagation, "/a", :slave, []},
  {:unmount, "/a", [:detach]},
  {:mask, "/a", 3, 4},
  {:readonly, "/a"},
  {:chroot, "/a"},
  {:seccomp_install, :binary.copy(<<6, 0, 0, 0, 0, 0, 255, 127>>, 8)},
  {:pty_winsize, {24, 80, 0, 65_535}},
  {:signal, 64},
  {:signal, 9, :tree},
  {:pty_in, "text\n"},
  {:stdin, <<0, 255>>},
  {:close, :stdin},
  {:demand, :stderr, 1 <<< 63}
]

terms = [
  [],
  {},
  %{},
  -1,
  1 <<< 64,
  -(1 <<< 63),
  1 <<< 3000,
  1.5,
  :"",
  :ä,
  "binary",
  'charlist',
  [1, 2, 300],
  <<5::5>>,
  self(),
  make_ref(),
  hd(Port.list()),
  &:lists.map/2,
  fn x -> x end,
  Enum.reduce(1..300, :deep, &{&1, &2}),
  List.to_tuple(Enum.to_list(1..300)),
  [:improper | :tail]
]

flip = fn frame, at ->
  <<head::binary-size(at), byte, rest::binary>> = frame
  <<head::binary, bxor(byte, 1 <<< rem(at * 7, 8)), rest::binary>>
end

mutate = fn frame ->
  size = byte_size(frame)
  cuts = for at <- 1..4, do: binary_part(frame, 0, div(size * at, 5))
  flips = for at <- 1..8, do: flip.(frame, rem(at * 31, size))
  [frame, frame <> <<0>>] ++ cuts ++ flips
end

[directory] = System.argv()

accounts = [
  "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:\n+::::::\n",
  "staff:x:50:a,b,,c\nx:y:4294967295:\n:\nlast:x:1:",
  String.duplicate("x", 4095) <> "\n" <> String.duplicate("y", 5000) <> "\nz:x:1:1"
]

passwd = Path.join(directory, "passwd")
File.mkdir_p!(passwd)

for {file, at} <- Enum.with_index(accounts),
    do: File.write!(Path.join(passwd, "seed-#{at}"), file)

for {name, terms} <- [request: requests, command: commands, etf: terms ++ requests ++ commands] do
  to = Path.join(directory, Atom.to_string(name))
  File.rm_rf!(to)
  File.mkdir_p!(to)

  frames =
    for term <- terms,
        options <- [[], [minor_version: 1]],
        do: :erlang.term_to_binary(term, options)

  for {frame, at} <- frames |> Enum.flat_map(mutate) |> Enum.uniq() |> Enum.with_index() do
    File.write!(Path.join(to, "seed-#{at}"), frame)
  end
end
