# SPDX-License-Identifier: MIT

defmodule Linx.Plan.Phase do
  @moduledoc """
  A named step of a `Linx.Plan`: set-up commands, keys of the request, or both.

    * `:name` - an atom, or `{atom, term}`; unique in the plan
    * `:where` - who does it, and when: the `:agent`, before the child exists; the child in its `:setup`, before the
      checkpoint, or at the `:seal`, after `Linx.Process.proceed/1`; or `:exec`, with the program. nil until the phase
      is in a plan, and then that of its neighbour
    * `:commands` - checkpoint commands as the wire has them (`pages/wire.md`), in their order; of a phase at `:setup` or
      `:seal`
    * `:keys` - keys of the request, as the wire has them
    * `:needs` - what has to be so where it stands, which `Linx.Plan.check/2` looks at: see `t:need/0`
    * `:why` - a clause that says why it stands where it stands
    * `:origin` - where in another format, such as a `config.json`, it came from; nil for a plan of options
  """

  defstruct name: nil, where: nil, commands: [], keys: %{}, needs: [], why: nil, origin: nil

  @typedoc "The name of a phase."
  @type name :: atom() | {atom(), term()}

  @typedoc "Who does it, and when."
  @type where :: :agent | :setup | :seal | :exec

  @typedoc "A checkpoint command."
  @type command :: atom() | tuple()

  @typedoc """
    * `{:after, name}` - that phase, when the plan has it, comes before this one
    * `{:namespace, kind}` - a fresh namespace of that kind
    * `{:capability, name}` - a capability that no earlier phase has given up
    * `{:slot, number}` - a slot that an earlier command has filled
  """
  @type need ::
          {:after, name()}
          | {:namespace, atom()}
          | {:capability, atom()}
          | {:slot, non_neg_integer()}

  @type t :: %__MODULE__{
          name: name() | nil,
          where: where() | nil,
          commands: [command()],
          keys: %{atom() => term()},
          needs: [need()],
          why: String.t() | nil,
          origin: [term()] | nil
        }

  defimpl Inspect do
    import Inspect.Algebra

    # A command may have a filter of 32 KiB or the content of a file.
    def inspect(phase, opts) do
      what = [
        phase.where && Atom.to_string(phase.where),
        phase.commands != [] && "#{Enum.count(phase.commands)} commands",
        phase.keys != %{} && phase.keys |> Map.keys() |> Enum.join(" ")
      ]

      text = what |> Enum.filter(& &1) |> Enum.join(", ")
      concat(["#Linx.Plan.Phase<", to_doc(phase.name, opts), ": ", text, ">"])
    end
  end
end
