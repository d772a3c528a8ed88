# SPDX-License-Identifier: MIT

defmodule Linx.Tty.SandboxTest do
  # SHELL is the VM's, so not async.
  use ExUnit.Case, async: false

  alias Linx.Tty.Sandbox

  @moduletag :tmp_dir

  setup %{tmp_dir: dir} do
    before = System.get_env("SHELL")

    on_exit(fn ->
      if before, do: System.put_env("SHELL", before), else: System.delete_env("SHELL")
    end)

    shell = Path.join(dir, "shell")
    File.write!(shell, "#!/bin/sh\n")
    File.chmod!(shell, 0o755)
    {:ok, shell: shell}
  end

  defp shell do
    {:ok, options} = Sandbox.options(%{namespaces: [:user], as_root?: false, command: []})
    options[:argv]
  end

  test "the shell is that of SHELL, by its absolute path alone", %{shell: shell} do
    System.put_env("SHELL", shell)
    assert shell() == [shell]

    relative = Path.relative_to_cwd(shell)
    assert Path.type(relative) == :relative and File.exists?(relative)

    for name <- [relative, "./" <> relative, "cat", "", "/no/such/shell"] do
      System.put_env("SHELL", name)
      assert shell() == ["/bin/sh"]
    end
  end
end
