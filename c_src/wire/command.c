#include "wire/command.h"

#include <errno.h>
#include <string.h>

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

static int decode_masks(struct command *command, struct term_reader *reader, int arguments) {
  for (int i = 0; i < arguments; i++)
    if (term_read_mask(reader, &command->masks[i]) < 0)
      return -EINVAL;
  return 0;
}

static int decode_credentials(struct command *command, struct term_reader *reader, int arguments) {
  (void)arguments;
  int64_t uid = 0;
  int64_t gid = 0;
  int count = 0;
  if (term_read_integer(reader, 0, COMMAND_ID_MAX, &uid) < 0 ||
      term_read_integer(reader, 0, COMMAND_ID_MAX, &gid) < 0)
    return -EINVAL;
  command->ids.uid = (uint32_t)uid;
  command->ids.gid = (uint32_t)gid;
  command->ids.groups = *reader;
  return term_read_unsigned_list(reader, COMMAND_ID_MAX, NULL, 0, &count);
}

static int decode_data(struct command *command, struct term_reader *reader, int arguments) {
  (void)arguments;
  return term_read_binary(reader, &command->data.bytes, &command->data.size);
}

static int decode_winsize(struct command *command, struct term_reader *reader, int arguments) {
  (void)arguments;
  int arity = 0;
  int64_t cells[4];
  if (term_read_tuple(reader, &arity) < 0 || arity != 4)
    return -EINVAL;
  for (int i = 0; i < 4; i++)
    if (term_read_integer(reader, 0, UINT16_MAX, &cells[i]) < 0)
      return -EINVAL;
  command->winsize = (struct winsize_cells){(uint16_t)cells[0], (uint16_t)cells[1],
                                            (uint16_t)cells[2], (uint16_t)cells[3]};
  return 0;
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
  const char *name;
  int min_arguments, max_arguments;
  unsigned when;
  enum stage stage; /* STAGE_NONE: not a command for the child */
  decode_fn *decode;
} table[COMMAND_COUNT] = {
    [COMMAND_PROCEED] = {"proceed", 0, 0, WHEN_PARKED, STAGE_NONE, decode_nothing},
    [COMMAND_ABORT] = {"abort", 0, 0, WHEN_PARKED, STAGE_NONE, decode_nothing},
    [COMMAND_CAP_DROP_BOUNDING] = {"cap_drop_bounding", 1, 1, WHEN_PARKED, STAGE_CAP_DROP_BOUNDING,
                                   decode_masks},
    [COMMAND_CAP_SET_THREAD] = {"cap_set_thread", 3, 3, WHEN_PARKED, STAGE_CAP_SET_THREAD,
                                decode_masks},
    [COMMAND_CAP_SET_AMBIENT] = {"cap_set_ambient", 1, 1, WHEN_PARKED, STAGE_CAP_SET_AMBIENT,
                                 decode_masks},
    [COMMAND_SET_CREDENTIALS] = {"set_credentials", 3, 3, WHEN_PARKED, STAGE_SET_CREDENTIALS,
                                 decode_credentials},
    [COMMAND_SECCOMP_INSTALL] = {"seccomp_install", 1, 1, WHEN_PARKED, STAGE_SECCOMP_INSTALL,
                                 decode_data},
    [COMMAND_PTY_WINSIZE] = {"pty_winsize", 1, 1, WHEN_PARKED | WHEN_RUNNING, STAGE_PTY_WINSIZE,
                             decode_winsize},
    [COMMAND_SIGNAL] = {"signal", 1, 2, WHEN_RUNNING, STAGE_NONE, decode_signal},
    [COMMAND_PTY_IN] = {"pty_in", 1, 1, WHEN_RUNNING, STAGE_NONE, decode_data},
    [COMMAND_STDIN] = {"stdin", 1, 1, WHEN_ALWAYS, STAGE_NONE, decode_data},
    [COMMAND_CLOSE] = {"close", 1, 1, WHEN_ALWAYS, STAGE_NONE, decode_stream},
    [COMMAND_DEMAND] = {"demand", 2, 2, WHEN_ALWAYS, STAGE_NONE, decode_stream},
};

int command_decode(struct command *command, struct term_reader *reader) {
  struct term_reader ahead = *reader;
  char name[TERM_ATOM_SIZE];
  int arity = 1;
  if (!term_is_atom(&ahead) && (term_read_tuple(&ahead, &arity) < 0 || arity < 2))
    return -EINVAL;
  if (term_read_atom(&ahead, name) < 0)
    return -EINVAL;
  for (int id = 0; id < COMMAND_COUNT; id++) {
    const struct row *row = &table[id];
    if (strcmp(name, row->name) != 0)
      continue;
    if (arity - 1 < row->min_arguments || arity - 1 > row->max_arguments)
      return -EINVAL;
    *command = (struct command){.id = (enum command_id)id};
    if (row->decode(command, &ahead, arity - 1) < 0)
      return -EINVAL;
    *reader = ahead;
    return 0;
  }
  return -EINVAL;
}

int command_decode_frame(struct command *command, const uint8_t *bytes, size_t size) {
  struct term_reader reader;
  if (term_reader_init(&reader, bytes, size) < 0)
    return -EINVAL;
  return command_decode(command, &reader);
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
    size_t length = (size_t)bytes[at] << 24 | (size_t)bytes[at + 1] << 16 |
                    (size_t)bytes[at + 2] << 8 | bytes[at + 3];
    return at + 4 + length == frame_size ? at + 4 : 0;
  }
  return 0;
}

bool command_is_valid(const struct command *command, unsigned when) {
  return (table[command->id].when & (when | WHEN_ALWAYS)) != 0;
}

bool command_is_for_child(const struct command *command) {
  return table[command->id].stage != STAGE_NONE;
}

enum stage command_stage(enum command_id id) {
  return table[id].stage;
}
