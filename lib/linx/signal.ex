# SPDX-License-Identifier: MIT

defmodule Linx.Signal do
  @moduledoc """
  The signals of Linux, by name and by number, from one table.

  The numbers are those of x86, ARM and RISC-V (signal(7)). The real-time signals count from
  glibc's `SIGRTMIN`, which is 34: `:sigrtmin`, `:"sigrtmin+1"` … `:"sigrtmax-1"`, `:sigrtmax`. The two
  below it, which the C library reserves, are `:sig32` and `:sig33`.

      iex> Linx.Signal.number(:sigterm)
      {:ok, 15}
      iex> Linx.Signal.name(9)
      :sigkill
  """

  @standard [
    sighup: 1,
    sigint: 2,
    sigquit: 3,
    sigill: 4,
    sigtrap: 5,
    sigabrt: 6,
    sigbus: 7,
    sigfpe: 8,
    sigkill: 9,
    sigusr1: 10,
    sigsegv: 11,
    sigusr2: 12,
    sigpipe: 13,
    sigalrm: 14,
    sigterm: 15,
    sigstkflt: 16,
    sigchld: 17,
    sigcont: 18,
    sigstop: 19,
    sigtstp: 20,
    sigttin: 21,
    sigttou: 22,
    sigurg: 23,
    sigxcpu: 24,
    sigxfsz: 25,
    sigvtalrm: 26,
    sigprof: 27,
    sigwinch: 28,
    sigio: 29,
    sigpwr: 30,
    sigsys: 31,
    sig32: 32,
    sig33: 33
  ]

  @rtmin 34
  @rtmax 64

  from_rtmin = [sigrtmin: @rtmin] ++ for(n <- 1..30, do: {:"sigrtmin+#{n}", @rtmin + n})

  from_rtmax = [sigrtmax: @rtmax] ++ for(n <- 1..30, do: {:"sigrtmax-#{n}", @rtmax - n})

  # A real-time signal is named from the nearer end of their range, as `kill -l` does.
  real_time = Enum.take(from_rtmin, 16) ++ (from_rtmax |> Enum.take(15) |> Enum.reverse())

  @table @standard ++ real_time

  @aliases [sigiot: 6, sigcld: 17, sigpoll: 29] ++ ((from_rtmin ++ from_rtmax) -- real_time)

  # Those of kill(1), without what all names begin with.
  @short for {name, number} <- @table ++ @aliases,
             <<"sig", letter, rest::binary>> = Atom.to_string(name),
             letter in ?a..?z,
             short = <<letter, rest::binary>>,
             do: {:"#{short}", number}

  @typedoc """
  A signal: its number, 1 to 64, or its name, as an atom in lower case or as a string in either case, with or without
  the `sig` that it begins with.
  """
  @type t :: 1..64 | atom() | String.t()

  @doc """
  The number of a signal given by name, alias or number; `:error` for anything else.

      iex> Linx.Signal.number(:"sigrtmin+2")
      {:ok, 36}
      iex> for name <- [:sigterm, :term, "SIGTERM", "TERM", "term"], do: Linx.Signal.number(name)
      [ok: 15, ok: 15, ok: 15, ok: 15, ok: 15]
      iex> Linx.Signal.number(9)
      {:ok, 9}
      iex> Linx.Signal.number(0)
      :error
  """
  @spec number(t() | term()) :: {:ok, 1..64} | :error
  for {name, number} <- @table ++ @aliases do
    def number(unquote(name)), do: {:ok, unquote(number)}
  end

  for {name, number} <- @short do
    def number(unquote(name)), do: {:ok, unquote(number)}
  end

  def number(name) when is_binary(name) do
    case String.downcase(name, :ascii) do
      "sig" <> _rest = name -> named(name)
      <<letter, _rest::binary>> = short when letter in ?a..?z -> named("sig" <> short)
      _number_or_empty -> :error
    end
  end

  def number(number) when is_integer(number) and number in 1..64, do: {:ok, number}
  def number(_other), do: :error

  for {name, number} <- @table ++ @aliases do
    defp named(unquote(Atom.to_string(name))), do: {:ok, unquote(number)}
  end

  defp named(_other), do: :error

  @doc """
  The name of a signal number, `nil` when there is no such signal.

      iex> Linx.Signal.name(34)
      :sigrtmin
      iex> Linx.Signal.name(65)
      nil
  """
  @spec name(integer()) :: atom() | nil
  for {name, number} <- @table do
    def name(unquote(number)), do: unquote(name)
  end

  def name(number) when is_integer(number), do: nil

  @doc """
  Every signal as `{name, number}`, in the order of the numbers.

      iex> Linx.Signal.all() |> length()
      64
  """
  @spec all() :: [{atom(), 1..64}]
  def all, do: @table

  @doc """
  The second names, as `{alias, number}`.

      iex> Linx.Signal.aliases()[:sigcld]
      17
  """
  @spec aliases() :: [{atom(), 1..64}]
  def aliases, do: @aliases
end
