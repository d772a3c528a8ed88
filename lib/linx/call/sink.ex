# SPDX-License-Identifier: MIT

defmodule Linx.Call.Sink do
  @moduledoc false
  # Where `Linx.run/2` puts what one output of a program has written: into a binary, through a function as well, or
  # into a `Collectable`.

  # `bytes` is iodata, nil for a `Collectable`; `start` is its first accumulator, with which it is halted, as in
  # `Enum.into/2`.
  defstruct bytes: [], fun: nil, collected: nil, start: nil, written?: false

  @type t :: %__MODULE__{}
  @type into :: Collectable.t() | (binary() -> term())

  @doc """
  Whether an output only becomes a binary, so that nothing is called before the program's end.

      iex> {Linx.Call.Sink.binary?(""), Linx.Call.Sink.binary?([]), Linx.Call.Sink.binary?(&is_binary/1)}
      {true, false, false}
  """
  @spec binary?(into()) :: boolean()
  def binary?(into), do: into == ""

  @doc "Whether what is put into it stays in memory for the result."
  @spec captures?(into()) :: boolean()
  def captures?(into), do: binary?(into) or is_function(into)

  @doc "Opens sinks by their names. When one cannot be opened, those before it are halted."
  @spec open([{name, into()}]) :: %{name => t()} when name: atom()
  def open(intos) do
    Enum.reduce(intos, %{}, fn {name, into}, opened ->
      try do
        Map.put(opened, name, new(into))
      catch
        kind, reason ->
          halt(opened)
          :erlang.raise(kind, reason, __STACKTRACE__)
      end
    end)
  end

  defp new(into) when is_function(into), do: %__MODULE__{fun: into}

  defp new(into) do
    if binary?(into) do
      %__MODULE__{}
    else
      {start, collect} = Collectable.into(into)
      %__MODULE__{bytes: nil, fun: collect, collected: start, start: start}
    end
  end

  @doc """
  Puts a chunk.

      iex> alias Linx.Call.Sink
      iex> %{stdout: sink} = Sink.open(stdout: [])
      iex> sink |> Sink.put("a") |> Sink.put("b") |> Sink.finish()
      ["a", "b"]
  """
  @spec put(t(), binary()) :: t()
  def put(%{bytes: nil} = sink, data),
    do: %{sink | collected: sink.fun.(sink.collected, {:cont, data}), written?: true}

  def put(sink, data) do
    if sink.fun, do: sink.fun.(data)
    %{sink | bytes: [sink.bytes | data], written?: true}
  end

  @doc "What was put into it."
  @spec finish(t()) :: binary() | Collectable.t()
  def finish(%{bytes: nil} = sink), do: sink.fun.(sink.collected, :done)
  def finish(sink), do: IO.iodata_to_binary(sink.bytes)

  @doc "Ends sinks whose call has failed."
  @spec halt(%{atom() => t()}) :: :ok
  def halt(sinks) do
    for {_name, %{bytes: nil} = sink} <- sinks, do: sink.fun.(sink.start, :halt)
    :ok
  end
end
