/* SPDX-License-Identifier: MIT */
/* What a request says of the workload's terminal. Pure. */
#ifndef LINX_WIRE_REQUEST_TERMINAL_H
#define LINX_WIRE_REQUEST_TERMINAL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/pty_modes.h"
#include "wire/argument.h"
#include "wire/etf.h"

/* Whose devpts the terminal is of: the host's, that of the workload's root, or that of the root
 * where there is one. */
enum terminal_place { TERMINAL_HOST, TERMINAL_INSIDE, TERMINAL_AUTO };

struct terminal_request {
  enum terminal_place place;
  bool has_size;
  struct argument size; /* cells */
  struct pty_modes modes;
  char *type; /* TERM where the environment names no terminal; in the arena, or NULL */
};

/* Each decodes the value that the reader stands on: 0, or -EINVAL. {pty, size} or {pty, size,
 * place}; the map of `termios`; the string of `term`, which may be -ENOMEM as well. */
int terminal_request_decode(struct terminal_request *terminal, struct term_reader *reader);
int terminal_request_decode_modes(struct terminal_request *terminal, struct term_reader *reader);
int terminal_request_decode_type(struct terminal_request *terminal, struct term_reader *reader,
                                 struct arena *arena);

#endif
