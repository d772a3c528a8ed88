/* SPDX-License-Identifier: MIT */
#include "wire/request_terminal.h"

#include <errno.h>
#include <string.h>

static int decode_place(struct terminal_request *terminal, struct term_reader *reader) {
  char name[TERM_ATOM_SIZE];
  if (term_read_atom(reader, name) < 0)
    return -EINVAL;
  bool is_inside = strcmp(name, "inside") == 0;
  terminal->place = is_inside ? TERMINAL_INSIDE : TERMINAL_AUTO;
  return is_inside || strcmp(name, "auto") == 0 ? 0 : -EINVAL;
}

int terminal_request_decode(struct terminal_request *terminal, struct term_reader *reader) {
  struct argument size[ARGUMENTS_MAX];
  char name[TERM_ATOM_SIZE];
  int arity = 0;
  if (term_read_tuple(reader, &arity) < 0 || arity < 2 || arity > 3 ||
      term_read_atom(reader, name) < 0 || strcmp(name, "pty") != 0 ||
      arguments_decode("w", reader, size, NULL) < 0)
    return -EINVAL;
  terminal->has_size = true;
  terminal->size = size[0];
  return arity == 2 ? 0 : decode_place(terminal, reader);
}

static int decode_like(struct pty_modes *modes, struct term_reader *reader) {
  const uint8_t *bytes = NULL;
  size_t size = 0;
  if (term_read_binary(reader, &bytes, &size) < 0 || size != sizeof modes->like)
    return -EINVAL;
  memcpy(&modes->like, bytes, size);
  modes->has_like = true;
  return 0;
}

static int decode_raw(struct pty_modes *modes, struct term_reader *reader) {
  return term_read_boolean(reader, &modes->raw);
}

static int decode_flag(enum pty_flag *flag, struct term_reader *reader) {
  bool on = false;
  int result = term_read_boolean(reader, &on);
  *flag = on ? PTY_FLAG_ON : PTY_FLAG_OFF;
  return result;
}

static int decode_echo(struct pty_modes *modes, struct term_reader *reader) {
  return decode_flag(&modes->echo, reader);
}

static int decode_iutf8(struct pty_modes *modes, struct term_reader *reader) {
  return decode_flag(&modes->iutf8, reader);
}

static const struct {
  const char *name;
  int (*decode)(struct pty_modes *modes, struct term_reader *reader);
} modes[] = {
    {"like", decode_like},
    {"raw", decode_raw},
    {"echo", decode_echo},
    {"iutf8", decode_iutf8},
};

#define MODE_COUNT (sizeof modes / sizeof modes[0])

int terminal_request_decode_modes(struct terminal_request *terminal, struct term_reader *reader) {
  bool given[MODE_COUNT] = {false};
  char name[TERM_ATOM_SIZE];
  int pairs = 0;
  if (term_read_map(reader, &pairs) < 0)
    return -EINVAL;
  for (int i = 0; i < pairs; i++) {
    size_t mode = 0;
    if (term_read_atom(reader, name) < 0)
      return -EINVAL;
    while (mode < MODE_COUNT && strcmp(modes[mode].name, name) != 0)
      mode++;
    if (mode == MODE_COUNT || given[mode] || modes[mode].decode(&terminal->modes, reader) < 0)
      return -EINVAL;
    given[mode] = true;
  }
  return 0;
}

int terminal_request_decode_type(struct terminal_request *terminal, struct term_reader *reader,
                                 struct arena *arena) {
  return term_read_string(reader, arena, &terminal->type);
}
