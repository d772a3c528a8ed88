defmodule Linx.Command.Executable do
  @moduledoc """
  Finds a program as a shell would, by the rules of `System.cmd/3`: an absolute path is taken as it
  is, a relative one that has a slash is looked for from the BEAM's working directory, and anything
  else along the BEAM's `PATH`.
  """

  require Record
  alias Linx.Command.Environment

  Record.defrecordp(
    :file_info,
    Record.extract(:file_info, from_lib: "kernel/include/file.hrl")
  )

  @doc """
  The path of a program on a node.

      iex> {:ok, path} = Linx.Command.Executable.find("sh", node())
      iex> Path.type(path)
      :absolute
      iex> Linx.Command.Executable.find("no such program", node())
      {:error, :enoent}
  """
  @spec find(binary(), node()) :: {:ok, binary()} | {:error, :enoent | :nodedown}
  def find("/" <> _ = path, _node), do: {:ok, path}
  def find(name, node) when node == node(), do: look_up(name)

  def find(name, node) do
    :erpc.call(node, __MODULE__, :look_up, [name])
  catch
    :error, {:erpc, _reason} -> {:error, :nodedown}
  end

  # os:find_executable/1 works on lists and in local time, which makes a long PATH a tenth of what a short
  # program costs.
  @doc false
  def look_up(name) do
    directories = if :binary.match(name, "/") == :nomatch, do: path(), else: [""]

    Enum.find_value(directories, {:error, :enoent}, fn directory ->
      path = if directory == "", do: name, else: directory <> "/" <> name
      if name != "" and executable?(path), do: {:ok, :filename.absname(path)}
    end)
  end

  # An empty element is the working directory.
  defp path do
    case :os.getenv('PATH') do
      false -> []
      path -> path |> Environment.bytes() |> :binary.split(":", [:global])
    end
  end

  defp executable?(path) do
    case :file.read_file_info(path, [:raw, time: :posix]) do
      {:ok, file_info(type: :regular, mode: mode)} -> Bitwise.band(mode, 0o111) != 0
      _other -> false
    end
  end
end
