# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Arguments do
  @moduledoc false
  # What the arguments of set-up commands have to be, a letter each, as `c_src/wire/argument.h`,
  # `c_src/wire/mount_argument.h` and `c_src/wire/process_argument.h` have them. Pure.

  @mask_max 0xFFFF_FFFF_FFFF_FFFF
  @id_max 0xFFFF_FFFE
  @ids_max 65_536
  @text_max 4095
  @texts_max 256
  @slot_max 63
  @node_max 0xFFFFF

  @name_max 64
  @cpu_max 8191
  @personality_max 0xFFFF_FFFE

  @resources ~w(
    cpu fsize data stack core rss nproc nofile memlock as locks sigpending msgqueue nice rtprio rttime
  )a
  @policies [:other, :fifo, :rr, :batch, :idle, :deadline]
  @policy_flags [:reset_on_fork, :reclaim, :dl_overrun]
  @io_classes [:none, :realtime, :best_effort, :idle]

  @times [:noatime, :relatime, :strictatime]
  @attributes [:rdonly, :nosuid, :nodev, :noexec, :nosymfollow, :nodiratime | @times]

  @words %{
    ?m => "a mask of 64 bits",
    ?o => "permission bits, 0 to 0o777",
    ?u => "an id, 0 to 4294967294",
    ?U => "a list of ids, 0 to 4294967294",
    ?n => "a niceness, -20 to 19",
    ?s => "a binary of up to 4095 bytes without NUL",
    ?S => "a list of up to 256 binaries without NUL",
    ?b => "a binary",
    ?w => "{rows, cols, xpixel, ypixel}, each from 0 to 65535",
    ?P => "an absolute path of up to 4095 bytes without NUL",
    ?L => "a binary of 1 to 4095 bytes without NUL",
    ?K => "a slot, 0 to 63",
    ?k => "a slot, 0 to 63",
    ?c => "a slot, 0 to 63",
    ?t => "a list of :recursive, :nofollow and :optional",
    ?f => "a list of :nofollow, :recursive, :keep and {:mode, 0..0o7777}",
    ?R => "a list of :recursive",
    ?D => "a list of :detach",
    ?a =>
      "a list of :rdonly, :nosuid, :nodev, :noexec, :nosymfollow and :nodiratime, and of one of :noatime, :relatime " <>
        "and :strictatime",
    ?p => ":private, :slave, :shared or :unbindable",
    ?O => "a list of up to 256 options, a name or {name, value}, of binaries without NUL",
    ?d => ":char, :block or :fifo",
    ?i => "a number, 0 to 1048575",
    ?M => "permission bits, 0 to 0o7777",
    ?v => "an id, 0 to 4294967294, or :keep",
    ?V => "a list of ids, 0 to 4294967294, or :keep",
    ?h => "a binary of up to 64 bytes without NUL",
    ?r => "one of #{Enum.map_join(@resources, " ", &inspect/1)}",
    ?l => "a number of 64 bits, or :infinity",
    ?N => "a number, 0 to 4294967294",
    ?B => "true or false",
    ?C => "a list of numbers of CPUs, 0 to 8191, which is not empty",
    ?e => "one of #{Enum.map_join(@policies, " ", &inspect/1)}",
    ?E => "a map of :nice, :priority, :flags, :runtime, :deadline and :period (sched_setattr(2))",
    ?g => "one of #{Enum.map_join(@io_classes, " ", &inspect/1)}",
    ?G => "a level, 0 to 7"
  }

  @doc """
  The letters that are known.

      iex> ?m in Linx.Plan.Arguments.letters()
      true
  """
  @spec letters() :: [char()]
  def letters, do: Map.keys(@words)

  @doc """
  The resources that have a limit (getrlimit(2)).

      iex> :nofile in Linx.Plan.Arguments.resources()
      true
  """
  @spec resources() :: [atom()]
  def resources, do: @resources

  @doc """
  What an argument of a letter is, in words.

      iex> Linx.Plan.Arguments.words(?n)
      "a niceness, -20 to 19"
  """
  @spec words(char()) :: String.t()
  def words(letter), do: Map.fetch!(@words, letter)

  @doc """
  Whether a value is an argument of a letter.

      iex> {Linx.Plan.Arguments.fits?(?n, 19), Linx.Plan.Arguments.fits?(?n, 20)}
      {true, false}
  """
  @spec fits?(char(), term()) :: boolean()
  def fits?(?m, value), do: number?(value, @mask_max)
  def fits?(?o, value), do: number?(value, 0o777)
  def fits?(?u, value), do: number?(value, @id_max)
  def fits?(?U, value), do: list?(value, @ids_max, &number?(&1, @id_max))
  def fits?(?n, value), do: is_integer(value) and value in -20..19
  def fits?(?s, value), do: text?(value)
  def fits?(?S, value), do: list?(value, @texts_max, &text?/1)
  def fits?(?b, value), do: is_binary(value)
  def fits?(?P, <<"/", _rest::binary>> = value), do: text?(value)
  def fits?(?L, value), do: text?(value) and value != ""
  def fits?(slot, value) when slot in [?K, ?k, ?c], do: number?(value, @slot_max)
  def fits?(?t, value), do: words?(value, [:recursive, :nofollow, :optional])
  def fits?(?f, value), do: list?(value, @texts_max, &target_flag?/1)
  def fits?(?R, value), do: words?(value, [:recursive])
  def fits?(?D, value), do: words?(value, [:detach])

  def fits?(?a, value),
    do: words?(value, @attributes) and Enum.count(Enum.uniq(value), &(&1 in @times)) <= 1

  def fits?(?p, value), do: value in [:private, :slave, :shared, :unbindable]
  def fits?(?O, value), do: list?(value, @texts_max, &file_system_option?/1)
  def fits?(?d, value), do: value in [:char, :block, :fifo]
  def fits?(?i, value), do: number?(value, @node_max)
  def fits?(?M, value), do: number?(value, 0o7777)

  def fits?(?v, value), do: value == :keep or number?(value, @id_max)
  def fits?(?V, value), do: value == :keep or fits?(?U, value)
  def fits?(?h, value), do: text?(value) and byte_size(value) <= @name_max
  def fits?(?r, value), do: value in @resources
  def fits?(?l, value), do: value == :infinity or number?(value, @mask_max)
  def fits?(?N, value), do: number?(value, @personality_max)
  def fits?(?B, value), do: is_boolean(value)

  def fits?(?C, value),
    do: value != [] and list?(value, @cpu_max + 1, &number?(&1, @cpu_max))

  def fits?(?e, value), do: value in @policies
  def fits?(?E, value), do: is_map(value) and Enum.all?(value, &scheduling?/1)
  def fits?(?g, value), do: value in @io_classes
  def fits?(?G, value), do: number?(value, 7)

  def fits?(?w, {_rows, _cols, _xpixel, _ypixel} = size),
    do: size |> Tuple.to_list() |> Enum.all?(&number?(&1, 65_535))

  def fits?(_letter, _value), do: false

  defp number?(value, most), do: is_integer(value) and value >= 0 and value <= most

  defp text?(value) do
    is_binary(value) and byte_size(value) <= @text_max and not nul?(value)
  end

  # :binary.match/2 costs a process a thousand reductions, also for a text of a few bytes.
  defp nul?(<<0, _rest::binary>>), do: true
  defp nul?(<<_byte, rest::binary>>), do: nul?(rest)
  defp nul?(<<>>), do: false

  defp words?(value, words), do: list?(value, @texts_max, &(&1 in words))

  defp scheduling?({:nice, value}), do: fits?(?n, value)
  defp scheduling?({:priority, value}), do: number?(value, 99)
  defp scheduling?({:flags, value}), do: words?(value, @policy_flags)

  defp scheduling?({key, value}) when key in [:runtime, :deadline, :period],
    do: number?(value, @mask_max)

  defp scheduling?(_other), do: false

  defp target_flag?({:mode, mode}), do: number?(mode, 0o7777)
  defp target_flag?(flag), do: flag in [:nofollow, :recursive, :keep]

  defp file_system_option?({name, value}), do: fits?(?L, name) and text?(value)
  defp file_system_option?(name), do: fits?(?L, name)

  defp list?([head | rest], left, check) when left > 0,
    do: check.(head) and list?(rest, left - 1, check)

  defp list?(rest, _left, _check), do: rest == []
end
