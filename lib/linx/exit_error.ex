# SPDX-License-Identifier: MIT

defmodule Linx.ExitError do
  @moduledoc """
  Raised by `Linx.stream!/2` when a program has ended other than with exit code 0.

    * `:argv` - the program and its arguments
    * `:status` - its exit status as shells have it: the exit code, or 128 + n when signal n ended it
    * `:outcome` - `{:exited, code}` or `{:signaled, signum}`

      iex> Exception.message(%Linx.ExitError{argv: ["sh"], status: 137, outcome: {:signaled, 9}})
      "sh was ended by signal 9 (SIGKILL)"
  """

  alias Linx.Signal

  defexception [:argv, :status, :outcome]

  @type t :: %__MODULE__{
          argv: [binary()],
          status: 1..255,
          outcome: {:exited, 1..255} | {:signaled, 1..64}
        }

  @impl true
  def message(%__MODULE__{argv: [program | _], outcome: {:exited, code}}),
    do: "#{program} exited with status #{code}"

  def message(%__MODULE__{argv: [program | _], outcome: {:signaled, number}}),
    do: "#{program} was ended by signal #{number}#{name(number)}"

  defp name(number) do
    case Signal.name(number) do
      nil -> ""
      name -> " (#{name |> Atom.to_string() |> String.upcase()})"
    end
  end
end
