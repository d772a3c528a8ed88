[
  inputs: [
    "{mix,.formatter}.exs",
    "{bench,examples}/**/*.{ex,exs}",
    "{lib,test}/**/*.{ex,exs}"
  ]
]
