# SPDX-License-Identifier: MIT

defmodule Linx.Rlimit do
  @moduledoc """
  Resource limits of a workload (getrlimit(2)): how many files it may have open, how much memory, CPU time and so on.

  The option `:rlimits` of `Linx.Process.spawn/1` and of calls sets them right before exec; `set/2` at the checkpoint,
  where they count for the commands that follow as well.

  A process may lower its own limits. A hard limit is raised only with CAP_SYS_RESOURCE in the initial user namespace, so not
  by an ordinary user and not in a user namespace of the session's own. What is not set is inherited from the BEAM.

      iex> {:ok, %{stdout: limit}} = Linx.run(["/bin/sh", "-c", "ulimit -n"], rlimits: [nofile: 64])
      iex> limit
      "64\\n"
  """

  alias Linx.Process.{Error, Limits}

  @typedoc "A resource, as getrlimit(2) names it after `RLIMIT_`. `:rttime` is there since Linux 2.6.25."
  @type resource ::
          :cpu
          | :fsize
          | :data
          | :stack
          | :core
          | :rss
          | :nproc
          | :nofile
          | :memlock
          | :as
          | :locks
          | :sigpending
          | :msgqueue
          | :nice
          | :rtprio
          | :rttime

  @typedoc "Seconds, bytes or a number, whichever the resource is counted in."
  @type limit :: non_neg_integer() | :infinity

  @typedoc "A limit that is both, or the soft one, which the process may raise to the hard one."
  @type limits :: [{resource(), limit() | {soft :: limit(), hard :: limit()}}]

  @doc """
  Sets limits of the workload at the checkpoint, one after the other.

  `:ok` means that the kernel has done it. `{:error, {:bad_rlimits, value}}` for what is no `t:limits/0`, has a resource twice or a
  soft limit above its hard one; nothing is sent then. A refusal by the kernel is `{:error, %Linx.Process.Error{}}` at `:rlimit` and
  ends the session: `:eperm` for a hard limit that may not be raised, or is more descriptors than `fs.nr_open`.
  `{:error, :not_ready}` before the checkpoint, `{:error, :running}` after it, `{:error, :no_process}` after the end.

      iex> Linx.Rlimit.set(self(), files: 64)
      {:error, {:bad_rlimits, [files: 64]}}
  """
  @spec set(Linx.Process.session(), limits()) ::
          :ok
          | {:error, {:bad_rlimits, term()} | Error.t() | :not_ready | :running | :no_process}
  def set(session, limits) do
    case Limits.commands(limits) do
      {:ok, commands} -> Linx.Process.checkpoint_each(session, commands)
      :error -> {:error, {:bad_rlimits, limits}}
    end
  end
end
