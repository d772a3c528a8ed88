# SPDX-License-Identifier: MIT

defmodule Linx.Plan.TreeWords do
  @moduledoc false
  # What commands on files and mounts do, in words, and the path that they do it to. Nothing of a file is shown. Pure.

  alias Linx.Option
  alias Linx.Plan.Phase

  @doc """
  What a command does; nil for one that is not of files and mounts, or is not well-formed.

      iex> Linx.Plan.TreeWords.command({:attach, 3, "/data", [:rdonly, :nosuid], [:recursive]})
      "slot 3 on /data, rdonly nosuid, recursive"
      iex> Linx.Plan.TreeWords.command({:file, "/etc/key", 0o600, "hush"})
      "/etc/key, a file of 4 bytes, 0600"
  """
  @spec command(Phase.command()) :: String.t() | nil
  def command({:tree_open, slot, path, flags}) when is_binary(path) and is_list(flags),
    do: "slot #{Option.shorten(slot)}: #{path}#{words(flags)}"

  def command({:mount_open, slot, type, source, options})
      when is_binary(type) and is_binary(source) and is_list(options) do
    source = if source == type, do: "", else: " " <> source
    "slot #{Option.shorten(slot)}: a new #{type}#{source}#{options(options)}"
  end

  def command({:root, slot, propagation}),
    do: "slot #{Option.shorten(slot)} becomes /, #{Option.shorten(propagation)}"

  def command({:attach, slot, target, attributes, flags})
      when is_binary(target) and is_list(attributes) and is_list(flags),
      do: "slot #{Option.shorten(slot)} on #{target}#{words(attributes)}#{words(flags)}"

  def command({:mount_attr, target, set, clear, flags})
      when is_binary(target) and is_list(set) and is_list(clear) and is_list(flags) do
    cleared = if clear == [], do: "", else: ", not" <> String.trim_leading(words(clear), ",")
    "#{target}#{words(set)}#{cleared}#{words(flags)}"
  end

  def command({:propagation, target, kind, flags}) when is_binary(target) and is_list(flags),
    do: "#{target}, #{Option.shorten(kind)}#{words(flags)}"

  def command({:unmount, target, flags}) when is_binary(target) and is_list(flags),
    do: "#{target} is unmounted#{words(flags)}"

  def command({:mask, path, _file, _directory}) when is_binary(path), do: path
  def command({:readonly, path}) when is_binary(path), do: path
  def command({:chroot, path}) when is_binary(path), do: "/ is #{path}, which is no boundary"

  def command({:mkdir, path, mode, uid, gid}) when is_binary(path) and is_integer(mode),
    do: "#{path}, a directory, #{octal(mode)}#{owner(uid, gid)}"

  def command({:symlink, content, path}) when is_binary(content) and is_binary(path),
    do: "#{path}, a link to #{content}"

  def command({:file, path, mode, data})
      when is_binary(path) and is_integer(mode) and is_binary(data),
      do: "#{path}, a file of #{byte_size(data)} bytes, #{octal(mode)}"

  def command({:device, path, kind, major, minor, mode, uid, gid})
      when is_binary(path) and is_integer(mode) do
    "#{path}, #{Option.shorten(kind)} #{Option.shorten(major)}:#{Option.shorten(minor)}, #{octal(mode)}" <>
      owner(uid, gid)
  end

  def command(_other), do: nil

  defp words([]), do: ""
  defp words(words), do: ", " <> Enum.map_join(words, " ", &word/1)

  defp word({:mode, mode}) when is_integer(mode), do: octal(mode)
  defp word(word) when is_atom(word), do: Atom.to_string(word)
  defp word(other), do: Option.shorten(other)

  defp options([]), do: ""
  defp options(options), do: ", " <> Enum.map_join(options, " ", &option/1)

  defp option({name, value}) when is_binary(name) and is_binary(value), do: "#{name}=#{value}"
  defp option(name) when is_binary(name), do: name
  defp option(other), do: Option.shorten(other)

  defp owner(0, 0), do: ""
  defp owner(uid, gid), do: ", of #{Option.shorten(uid)}:#{Option.shorten(gid)}"

  defp octal(mode), do: mode |> Integer.to_string(8) |> String.pad_leading(4, "0")

  @doc """
  The path that a command is about; nil when it is about none.

      iex> Linx.Plan.TreeWords.subject({:symlink, "usr/bin", "/bin"})
      "/bin"
  """
  @spec subject(Phase.command()) :: String.t() | nil
  def subject({:symlink, _content, path}) when is_binary(path), do: path
  def subject({:tree_open, _slot, path, _flags}) when is_binary(path), do: path
  def subject({:mount_open, _slot, type, _source, _options}) when is_binary(type), do: type
  def subject({:attach, _slot, target, _attributes, _flags}) when is_binary(target), do: target
  def subject({:root, _slot, _propagation}), do: "/"

  def subject(command)
      when is_tuple(command) and tuple_size(command) > 1 and
             elem(command, 0) in [
               :mount_attr,
               :propagation,
               :unmount,
               :mask,
               :readonly,
               :chroot,
               :mkdir,
               :file,
               :device
             ],
      do: if(is_binary(elem(command, 1)), do: elem(command, 1))

  def subject(_other), do: nil
end
