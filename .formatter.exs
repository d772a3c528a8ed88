# SPDX-License-Identifier: MIT

[
  inputs: [
    "{mix,.formatter}.exs",
    "{bench,c_test,examples}/**/*.{ex,exs}",
    "{lib,test}/**/*.{ex,exs}"
  ]
]
