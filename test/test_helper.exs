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

# LINX_TEST_POOL=4 has the sessions of all tests take their agents from a pool of 4.
with size when size not in [nil, ""] <- System.get_env("LINX_TEST_POOL") do
  {:ok, _pool} = Linx.Pool.start_link(name: Linx.Test.Pool, size: String.to_integer(size))
  Application.put_env(:linx, :pool, Linx.Test.Pool)
end

ExUnit.start(
  exclude: Keyword.keys(Linx.Test.Machine.lacks()),
  formatters: [Linx.Test.Formatter],
  timeout: 120_000
)
