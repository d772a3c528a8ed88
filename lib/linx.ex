defmodule Linx do
  @moduledoc """
  Runs Linux programs from the BEAM: in namespaces of their own, configured before their first
  instruction, and under supervision until nothing of them is left.

    * `Linx.Process` - sessions: start a program or enter a running one's namespaces, let it go, signal
      it, talk to its terminal, learn how it ended
    * `Linx.Capabilities`, `Linx.Seccomp`, `Linx.User` - what a program may do, set while it is parked at the
      checkpoint
    * `Linx.Process.Error`, `Linx.Errno`, `Linx.Signal` - errors and signals by name
  """
end
