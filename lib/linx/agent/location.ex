# SPDX-License-Identifier: MIT

defmodule Linx.Agent.Location do
  @moduledoc false
  # Finds the agent that belongs to the modules that run.
  #
  # Every path here is absolute. A relative one stands for another file in another working directory, which another user
  # may have written to.

  alias Linx.Agent.Files
  alias Linx.Call.Environment

  @name "linx_process"

  @typedoc """
    * `{:file, path, version}` - a file, and the version that `linx.app` beside it has, nil without one
    * `{:archived, path, bytes}` - the contents of a file in an archive, such as an escript
    * `{:none, path}` - nothing; the path is the first that was looked at, `""` when there was none to look at
  """
  @type t ::
          {:file, Path.t(), charlist() | nil}
          | {:archived, Path.t(), binary()}
          | {:none, Path.t()}

  @doc "Looks for the agent, in the file system and in the archive that the modules were loaded from."
  @spec find() :: t()
  def find do
    candidates = Enum.reject(candidates(), &in_shared_directory?/1)
    Enum.find_value(candidates, &at/1) || {:none, first(candidates)}
  end

  defp first([]), do: ""
  defp first([{path, _parent, _ebin} | _rest]), do: path

  # The code server knows the application's directory by its name alone, which another linx on the code path may
  # have. It comes first once the directory that the modules were loaded from has left the code path: a release
  # was upgraded, and this module is the same in both.
  defp candidates do
    loaded = loaded()

    if loaded && loaded in :code.get_path(),
      do: beside(loaded) ++ named(),
      else: named() ++ beside(loaded)
  end

  # The directory is absolute also where the code path is not, because the code server makes it so when it loads a
  # module. It is none when this module did not come from a file.
  defp loaded do
    case :code.which(__MODULE__) do
      [?/ | _] = file -> :filename.dirname(file)
      _no_file -> nil
    end
  end

  # In a directory of another name than ebin the agent is beside the modules. `mix escript.build` with
  # `include_priv_for` puts it there as well, and in later versions of Elixir into linx/priv.
  defp beside(nil), do: []

  defp beside(directory) do
    ebin = Environment.bytes(directory)
    parent = Path.dirname(ebin)
    outside = if Path.basename(ebin) == "ebin", do: [{[parent, "priv", @name], parent}], else: []

    for {parts, parent} <- outside ++ [{[ebin, @name], ebin}, {[ebin, "linx/priv", @name], ebin}],
        do: {Path.join(parts), parent, ebin}
  end

  defp named do
    case :code.priv_dir(:linx) do
      [?/ | _] = priv ->
        parent = priv |> Environment.bytes() |> Path.dirname()
        [{Path.join([parent, "priv", @name]), parent, Path.join(parent, "ebin")}]

      _relative_or_error ->
        []
    end
  end

  defp at({path, _parent, ebin}) do
    case Files.stat(path) do
      {:ok, %{type: :regular}} -> {:file, path, version(ebin)}
      {:error, :enotdir} -> archived(path)
      _nothing -> nil
    end
  end

  # Users who may add a file to such a directory, as to /tmp, cannot replace the modules there. So a file there is not
  # started, and neither is its path returned, because another user may make the file at any time.
  defp in_shared_directory?({_path, parent, _ebin}) do
    case Files.stat(parent) do
      {:ok, %{mode: mode}} -> Files.sharing(mode) == :sticky
      {:error, _in_an_archive_or_gone} -> false
    end
  end

  defp archived(path) do
    with {:ok, bytes} <- read(path), do: {:archived, path, bytes}, else: (:error -> nil)
  end

  # One term, as in each of these files.
  defp version(ebin) do
    with {:ok, text} <- read(Path.join(ebin, "linx.app")),
         {:ok, tokens, _line} <- text |> :binary.bin_to_list() |> :erl_scan.string(),
         {:ok, {:application, :linx, properties}} <- :erl_parse.parse_term(tokens) do
      properties[:vsn]
    else
      _none -> nil
    end
  end

  # By the loader of the VM, which has the archives of the code path open. The file server, which all processes share,
  # may be at work for as long as a program does not write to a FIFO. get_file/1 has the name read_file/1 in later
  # versions of Erlang.
  defp read(path) do
    function =
      if function_exported?(:erl_prim_loader, :read_file, 1), do: :read_file, else: :get_file

    with name when is_list(name) <-
           :unicode.characters_to_list(path, :file.native_name_encoding()),
         found when found != :error <- apply(:erl_prim_loader, function, [name]) do
      {:ok, elem(found, 1)}
    else
      _not_there -> :error
    end
  end
end
