defmodule Linx.Seccomp do
  @moduledoc """
  System call filters for a workload (seccomp(2)).
  """

  alias Linx.Process.Error

  # A struct sock_filter has 8 bytes, and the kernel takes BPF_MAXINSNS of them.
  @instruction 8
  @instructions_max 4096

  @doc """
  Gives the workload a filter, at the checkpoint.

  `filter` is an array of `struct sock_filter` in the machine's byte order, 1 to 4096 instructions, as
  libseccomp's `seccomp_export_bpf` writes it. Sets no_new_privs first when it is off.

  `:ok` says that the kernel accepts the filter. It is installed as the very last step before exec, so
  it need not allow what comes before. Filters add up: every one that was given is installed.

  `{:error, {:bad_filter, value}}` for what has no such size, before anything is sent. A filter that the kernel
  refuses is `{:error, %Linx.Process.Error{stage: :seccomp_install}}`, and the end of the session.
  `{:error, :not_ready}` before the checkpoint, `{:error, :running}` after it, `{:error, :no_process}` after the end.

      iex> Linx.Seccomp.install(self(), "odd")
      {:error, {:bad_filter, "odd"}}
  """
  @spec install(Linx.Process.session(), binary()) ::
          :ok
          | {:error, {:bad_filter, term()} | Error.t() | :not_ready | :running | :no_process}
  def install(session, filter)
      when is_binary(filter) and byte_size(filter) > 0 and
             rem(byte_size(filter), @instruction) == 0 and
             byte_size(filter) <= @instruction * @instructions_max,
      do: Linx.Process.checkpoint(session, {:seccomp_install, filter})

  def install(_session, filter), do: {:error, {:bad_filter, filter}}
end
