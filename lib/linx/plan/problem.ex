# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Problem do
  @moduledoc """
  Why a `Linx.Plan` cannot be run as it is: a contradiction that `Linx.Plan.check/2` has found.

    * `:phase` - the name of the phase; nil when it is about the plan as a whole
    * `:position` - which command of the phase, from 1; nil when it is about no command
    * `:option` - the option of `Linx.Plan.new/2` that has to do with it, where there is one
    * `:message` - what is wrong, in words
  """

  defstruct [:phase, :position, :option, :message]

  @type t :: %__MODULE__{
          phase: Linx.Plan.Phase.name() | nil,
          position: pos_integer() | nil,
          option: atom() | nil,
          message: String.t()
        }

  defimpl String.Chars do
    def to_string(%{phase: nil, message: message}), do: message

    def to_string(%{phase: phase, position: position, message: message}) do
      step = if position, do: ", step #{position}", else: ""
      "phase #{Linx.Plan.Names.text(phase)}#{step}: #{message}"
    end
  end
end
