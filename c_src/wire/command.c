/* SPDX-License-Identifier: MIT */
#include "wire/command.h"

#include <errno.h>
#include <string.h>

#include "base/big_endian.h"
#include "wire/etf.h"

typedef int decode_fn(struct command *command, struct term_reader *reader, int arguments);

static const char *const stream_names[STREAM_COUNT] = {"stdin", "stdout", "stderr", "pty"};

const char *stream_name(enum stream_id id) {
  return stream_names[id];
}

bool stream_from_name(const char *name, enum stream_id *id) {
  for (int i = 0; i < STREAM_COUNT; i++)
    if (strcmp(name, stream_names[i]) == 0) {
      *id = (enum stream_id)i;
      return true;
    }
  return false;
}

static int decode_nothing(struct command *command, struct term_reader *reader, int arguments) {
  (void)command;
  (void)reader;
  (void)arguments;
  return 0;
}

static int decode_data(struct command *command, struct term_reader *reader, int arguments) {
  (void)arguments;
  return term_read_binary(reader, &command->data.bytes, &command->data.size);
}

static int decode_winsize(struct command *command, struct term_reader *reader, int arguments) {
  struct argument cells[ARGUMENTS_MAX];
  (void)arguments;
  int result = arguments_decode("w", reader, cells, NULL);
  command->winsize = cells[0];
  return result;
}

static int decode_signal(struct command *command, struct term_reader *reader, int arguments) {
  static const char *const scopes[] = {"workload", "group", "tree"};
  char name[TERM_ATOM_SIZE];
  int64_t number = 0;
  if (term_read_integer(reader, 1, 64, &number) < 0)
    return -EINVAL;
  command->signal.number = (int)number;
  command->signal.scope = SCOPE_WORKLOAD;
  if (arguments == 1)
    return 0;
  if (term_read_atom(reader, name) < 0)
    return -EINVAL;
  for (int scope = SCOPE_WORKLOAD; scope <= SCOPE_TREE; scope++)
    if (strcmp(name, scopes[scope]) == 0) {
      command->signal.scope = (enum signal_scope)scope;
      return 0;
    }
  return -EINVAL;
}

static int decode_stream(struct command *command, struct term_reader *reader, int arguments) {
  char name[TERM_ATOM_SIZE];
  if (term_read_atom(reader, name) < 0 || !stream_from_name(name, &command->stream.id))
    return -EINVAL;
  return arguments == 2 ? term_read_mask(reader, &command->stream.bytes) : 0;
}

static const struct row {
  const char *name; /* NULL: no command of the traffic */
  int min_arguments, max_arguments;
  unsigned when;
  decode_fn *decode;
} table[COMMAND_COUNT] = {
    [COMMAND_PROCEED] = {"proceed", 0, 0, WHEN_PARKED, decode_nothing},
    [COMMAND_ABORT] = {"abort", 0, 0, WHEN_PARKED, decode_nothing},
    [COMMAND_PTY_WINSIZE] = {"pty_winsize", 1, 1, WHEN_RUNNING, decode_winsize},
    [COMMAND_SIGNAL] = {"signal", 1, 2, WHEN_RUNNING, decode_signal},
    [COMMAND_PTY_IN] = {"pty_in", 1, 1, WHEN_RUNNING, decode_data},
    [COMMAND_STDIN] = {"stdin", 1, 1, WHEN_ALWAYS, decode_data},
    [COMMAND_CLOSE] = {"close", 1, 1, WHEN_ALWAYS, decode_stream},
    [COMMAND_DEMAND] = {"demand", 2, 2, WHEN_ALWAYS, decode_stream},
};

static const struct {
  const char *name;
  const char *arguments;
} setup_table[SETUP_COUNT] = {
#define SETUP(name, arguments, by, changes, function) {#name, arguments},
#include "setup/commands.def"
#undef SETUP
};

/* `name` | {name, ...}: the name, and how many arguments the reader stands before. */
static int read_name(struct term_reader *reader, char name[TERM_ATOM_SIZE], int *arguments) {
  int arity = 1;
  if (!term_is_atom(reader) && (term_read_tuple(reader, &arity) < 0 || arity < 2))
    return -EINVAL;
  *arguments = arity - 1;
  return term_read_atom(reader, name);
}

static int decode_traffic(struct command *command, struct term_reader *reader, unsigned when) {
  char name[TERM_ATOM_SIZE];
  int arguments = 0;
  if (read_name(reader, name, &arguments) < 0)
    return -EINVAL;
  for (int id = 0; id < COMMAND_COUNT; id++) {
    const struct row *row = &table[id];
    if (row->name == NULL || strcmp(name, row->name) != 0)
      continue;
    if ((row->when & (when | WHEN_ALWAYS)) == 0 || arguments < row->min_arguments ||
        arguments > row->max_arguments)
      return -EINVAL;
    *command = (struct command){.id = (enum command_id)id};
    return row->decode(command, reader, arguments);
  }
  return -EINVAL;
}

int command_decode_frame(struct command *command, const uint8_t *bytes, size_t size,
                         unsigned when) {
  struct argument arguments[ARGUMENTS_MAX];
  enum setup_command setup;
  struct term_reader reader;
  if (term_reader_init(&reader, bytes, size) < 0)
    return -EINVAL;
  struct term_reader ahead = reader;
  if ((when & WHEN_PARKED) != 0 && setup_command_decode(&setup, arguments, NULL, &ahead) == 0) {
    *command = (struct command){.id = COMMAND_SETUP, .setup = setup};
    return 0;
  }
  return decode_traffic(command, &reader, when);
}

int setup_command_decode(enum setup_command *command, struct argument arguments[ARGUMENTS_MAX],
                         uint32_t *ids, struct term_reader *reader) {
  struct term_reader ahead = *reader;
  char name[TERM_ATOM_SIZE];
  int count = 0;
  if (read_name(&ahead, name, &count) < 0)
    return -EINVAL;
  for (int i = 0; i < SETUP_COUNT; i++) {
    if (strcmp(name, setup_table[i].name) != 0)
      continue;
    if (count != (int)strlen(setup_table[i].arguments) ||
        arguments_decode(setup_table[i].arguments, &ahead, arguments, ids) < 0)
      return -EINVAL;
    *command = (enum setup_command)i;
    *reader = ahead;
    return 0;
  }
  return -EINVAL;
}

int setup_command_decode_frame(enum setup_command *command,
                               struct argument arguments[ARGUMENTS_MAX], uint32_t *ids,
                               const uint8_t *bytes, size_t size) {
  struct term_reader reader;
  if (term_reader_init(&reader, bytes, size) < 0)
    return -EINVAL;
  return setup_command_decode(command, arguments, ids, &reader);
}

const char *setup_command_types(enum setup_command command) {
  return setup_table[command].arguments;
}

enum stage setup_command_stage(enum setup_command command) {
  return (enum stage)((int)STAGE_COUNT - (int)SETUP_COUNT + (int)command);
}

size_t command_stdin_data(const uint8_t *bytes, size_t size, size_t frame_size) {
  /* A tuple of two, the atom as OTP writes it (before 26 and since), a binary. */
  static const struct {
    const char *bytes;
    size_t size;
  } heads[] = {
      {"\203h\002d\000\005stdinm", 12},
      {"\203h\002w\005stdinm", 11},
  };
  for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
    size_t at = heads[i].size;
    if (size < at + 4 || memcmp(bytes, heads[i].bytes, at) != 0)
      continue;
    size_t length = big_endian_read(bytes + at);
    return at + 4 + length == frame_size ? at + 4 : 0;
  }
  return 0;
}
