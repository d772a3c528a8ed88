# SPDX-License-Identifier: MIT

defmodule Linx.Call.Executable do
  @moduledoc false
  # Finds the file that a program's name stands for: an absolute path is taken as it is, a relative path with a
  # slash is relative to the BEAM's working directory, as in execvp(3), and any other name is looked for along
  # the BEAM's `PATH`. `System.cmd/3` also looks for a relative path with a slash along `PATH`.
  #
  # The child executes the files along `PATH` in turn until one exists, because asking the file system from
  # the BEAM takes a third of the time that it takes to run a short program.

  alias Linx.Call.{Environment, OnNode}
  alias Linx.Process.Error

  @doc """
  The options of a session that executes the program on a node.

      iex> Linx.Call.Executable.options(["/bin/ls", "-l"], node())
      {:ok, [argv: ["/bin/ls", "-l"]]}
      iex> {:ok, [argv: ["ls", "-l"], files: files]} = Linx.Call.Executable.options(["ls", "-l"], node())
      iex> Enum.all?(files, &String.ends_with?(&1, "/ls"))
      true
      iex> Linx.Call.Executable.options([""], node())
      {:error, :enoent}
  """
  @spec options(nonempty_list(binary()), node()) ::
          {:ok, keyword()} | {:error, :enoent | Error.t() | OnNode.error()}
  def options([""], _node), do: {:error, :enoent}
  def options(["/" <> _ | _] = argv, _node), do: {:ok, [argv: argv]}

  def options([program | arguments] = argv, node) do
    with {:ok, {:ok, files}} <- on(node, :candidates, [program]) do
      cond do
        files == [] -> {:error, :enoent}
        String.contains?(program, "/") -> {:ok, [argv: files ++ arguments]}
        true -> {:ok, [argv: argv, files: files]}
      end
    else
      {:ok, {:error, errno}} -> {:error, Error.new(:chdir, errno)}
      error -> error
    end
  end

  @doc """
  Why a program could not be executed when the kernel has returned an errno: EACCES also stands for a directory
  along `PATH` that may not be searched or a file there that is not executable, and ENAMETOOLONG for a name
  that no file has; the program does not exist then.

      iex> Linx.Call.Executable.refusal("no such program", :eacces, node())
      :enoent
      iex> Linx.Call.Executable.refusal("sh", :enoexec, node())
      :enoexec
  """
  @spec refusal(binary(), atom(), node()) :: atom()
  def refusal(program, errno, node) do
    with true <- errno in [:eacces, :enametoolong],
         false <- String.contains?(program, "/"),
         {:ok, true} <- on(node, :missing?, [program]) do
      :enoent
    else
      _there -> errno
    end
  end

  @doc false
  @spec candidates(binary()) :: {:ok, [binary()]} | {:error, atom()}
  def candidates(program) do
    if String.contains?(program, "/") do
      with {:ok, directory} <- :file.get_cwd(), do: {:ok, [:filename.absname(program, directory)]}
    else
      {:ok, for(directory <- path(), do: directory <> "/" <> program)}
    end
  end

  @doc false
  def missing?(program) do
    case :unicode.characters_to_list(program) do
      name when is_list(name) -> :os.find_executable(name) == false
      _no_characters -> true
    end
  end

  # A relative element of PATH is relative to the BEAM's working directory, an empty one is that directory. There is
  # nothing below a directory that has been deleted.
  defp path do
    case :os.getenv(~c"PATH") do
      false -> []
      path -> path |> Environment.bytes() |> String.split(":") |> Enum.flat_map(&absolute/1)
    end
  end

  defp absolute("/" <> _ = directory), do: [directory]

  defp absolute(directory) do
    case :file.get_cwd() do
      {:ok, current} -> [:filename.absname(directory, current)]
      {:error, _deleted} -> []
    end
  end

  defp on(node, function, arguments), do: OnNode.call(node, __MODULE__, function, arguments)
end
