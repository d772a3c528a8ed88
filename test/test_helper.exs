# SPDX-License-Identifier: MIT

# The programs that tests run are built by the Makefile, in the checkout. MAKEFLAGS and MAKELEVEL
# would be those of a make that called mix.
root = Path.expand("..", __DIR__)
environment = [{"MAKEFLAGS", nil}, {"MAKELEVEL", nil}, {"MIX_APP_PATH", nil}]

case System.cmd("make", ["--no-print-directory", "-C", root, "agent", "test-programs"],
       env: environment,
       stderr_to_stdout: true,
       into: IO.stream()
     ) do
  {_, 0} -> :ok
  {_, _} -> exit({:shutdown, 1})
end

Linx.Test.Reach.everyone()

ExUnit.start(
  exclude: Keyword.keys(Linx.Test.Machine.lacks()),
  formatters: [Linx.Test.Formatter],
  timeout: 120_000
)
