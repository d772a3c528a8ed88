/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "encode.h"

const char *const work_names[WORK_COUNT] = {
    "out",     "err",         "flood", "in",     "in-all", "sleep",
    "spin",    "ignore",      "trap",  "close",  "child",  "stubborn-child",
    "daemon",  "daemon-deaf", "brood", "zombie", "raw",    "reopen",
    "packets", "stop",        "pause", "die",    "exit"};

/* The pairs of the request's map, which are counted as they are written. */
struct pairs {
  struct bytes bytes;
  uint32_t count;
  const struct plan *plan;
  const struct places *places;
};

static void key(struct pairs *pairs, const char *name) {
  put_atom(&pairs->bytes, name);
  pairs->count++;
}

static void text(struct pairs *pairs, const char *string) {
  if (pairs->plan->charlists && *string != '\0')
    put_string(&pairs->bytes, string);
  else
    put_binary(&pairs->bytes, string);
}

static void path(struct pairs *pairs, const char *directory, const char *name) {
  char whole[512];
  snprintf(whole, sizeof whole, "%s/%s", directory, name);
  text(pairs, whole);
}

static void file(struct pairs *pairs, const char *name, const char *how) {
  put_tuple(&pairs->bytes, 3);
  put_atom(&pairs->bytes, "file");
  path(pairs, pairs->places->directory, name);
  put_atom(&pairs->bytes, how);
}

static void connection(struct pairs *pairs, const char *name) {
  put_tuple(&pairs->bytes, 2);
  put_atom(&pairs->bytes, "connect_unix");
  path(pairs, pairs->places->directory, name);
}

static void put_directive(struct pairs *pairs, enum directive directive) {
  switch (directive) {
  case DIRECTIVE_ABSENT:
  case DIRECTIVE_INHERIT:
    put_atom(&pairs->bytes, "inherit");
    return;
  case DIRECTIVE_DEVNULL:
    put_atom(&pairs->bytes, "devnull");
    return;
  case DIRECTIVE_PIPE:
    put_atom(&pairs->bytes, "pipe");
    return;
  case DIRECTIVE_FILE_READ:
    file(pairs, "input", "read");
    return;
  case DIRECTIVE_FILE_WRITE:
    file(pairs, "output", "write");
    return;
  case DIRECTIVE_FILE_APPEND:
    file(pairs, "output", "append");
    return;
  case DIRECTIVE_CONNECT:
    connection(pairs, "listener");
    return;
  case DIRECTIVE_TO_STDOUT:
    put_atom(&pairs->bytes, "stdout");
    return;
  case DIRECTIVE_FILE_MISSING:
    file(pairs, "missing/file", "read");
    return;
  case DIRECTIVE_FILE_DIRECTORY:
    file(pairs, ".", "read");
    return;
  case DIRECTIVE_CONNECT_MISSING:
    connection(pairs, "missing");
    return;
  case DIRECTIVE_CONNECT_FULL:
    connection(pairs, "full");
    return;
  }
}

/* Settings that do not change how much is echoed. */
static void put_terminal(struct pairs *pairs) {
  key(pairs, "stdio");
  bool looks_inside = pairs->plan->seed % 2 != 0;
  put_tuple(&pairs->bytes, looks_inside ? 3 : 2);
  put_atom(&pairs->bytes, "pty");
  put_tuple(&pairs->bytes, 4);
  for (unsigned i = 0; i < 4; i++)
    put_unsigned(&pairs->bytes, (pairs->plan->seed >> (16 * i)) & 0xffff);
  if (looks_inside)
    put_atom(&pairs->bytes, "auto");
  key(pairs, "termios");
  put_map(&pairs->bytes, 1);
  put_atom(&pairs->bytes, "iutf8");
  put_boolean(&pairs->bytes, 1);
  key(pairs, "term");
  text(pairs, "vt220");
}

static void put_stdio(struct pairs *pairs) {
  const struct plan *plan = pairs->plan;
  uint32_t count = 0;
  for (int fd = 0; fd < 3; fd++)
    count += plan->stdio[fd] != DIRECTIVE_ABSENT;
  if (plan->pty && plan->describes_pty) {
    put_terminal(pairs);
  } else if (plan->pty || plan->devnull) {
    key(pairs, "stdio");
    put_atom(&pairs->bytes, plan->pty ? "pty" : "devnull");
  } else if (count > 0) {
    key(pairs, "stdio");
    put_list(&pairs->bytes, count);
    for (int fd = 0; fd < 3; fd++) {
      if (plan->stdio[fd] == DIRECTIVE_ABSENT)
        continue;
      put_tuple(&pairs->bytes, 2);
      put_atom(&pairs->bytes, stream_names[fd]);
      put_directive(pairs, plan->stdio[fd]);
    }
    put_nil(&pairs->bytes);
  }
}

static void put_program(struct pairs *pairs) {
  static const char *const none[PROGRAM_COUNT] = {
      [PROGRAM_MISSING] = "missing",       [PROGRAM_DIRECTORY] = ".",
      [PROGRAM_NO_INTERPRETER] = "script", [PROGRAM_NOT_EXECUTABLE] = "not-executable",
      [PROGRAM_EMPTY] = "empty",
  };
  enum program program = pairs->plan->program;
  if (program == PROGRAM_WORKLOAD)
    text(pairs, pairs->places->program);
  else if (program == PROGRAM_BY_FILES)
    path(pairs, pairs->places->empty, "missing");
  else
    path(pairs, pairs->places->empty, none[program]);
}

static void put_argv(struct pairs *pairs) {
  const struct plan *plan = pairs->plan;
  key(pairs, "argv");
  put_list(&pairs->bytes, 3 + (uint32_t)plan->work_count);
  put_program(pairs);
  text(pairs, "workload");
  path(pairs, pairs->places->directory, ACCOUNT_FILE);
  for (int i = 0; i < plan->work_count; i++) {
    char item[64];
    snprintf(item, sizeof item, "%s:%ld", work_names[plan->work[i].work], plan->work[i].number);
    text(pairs, item);
  }
  put_nil(&pairs->bytes);
  if (plan->program != PROGRAM_BY_FILES)
    return;
  key(pairs, "files");
  put_list(&pairs->bytes, 2);
  path(pairs, pairs->places->empty, "missing");
  text(pairs, pairs->places->program);
  put_nil(&pairs->bytes);
}

static void put_namespaces(struct pairs *pairs) {
  uint32_t count = 0;
  if (!pairs->plan->gives_namespaces)
    return;
  for (int i = 0; i < 8; i++)
    count += pairs->plan->namespaces >> i & 1;
  key(pairs, "namespaces");
  put_list(&pairs->bytes, count);
  for (int i = 0; i < 8; i++)
    if ((pairs->plan->namespaces >> i & 1) != 0)
      put_atom(&pairs->bytes, namespace_names[i]);
  put_nil(&pairs->bytes);
}

static void put_cwd(struct pairs *pairs) {
  static const char *const names[] = {
      [CWD_ABSENT] = "", [CWD_GOOD] = ".", [CWD_MISSING] = "missing", [CWD_FILE] = "input"};
  if (pairs->plan->cwd == CWD_ABSENT)
    return;
  key(pairs, "cwd");
  path(pairs, pairs->places->directory, names[pairs->plan->cwd]);
}

static void put_demand(struct pairs *pairs) {
  if (!pairs->plan->demand)
    return;
  key(pairs, "flow");
  put_atom(&pairs->bytes, "demand");
  key(pairs, "demand");
  put_list(&pairs->bytes, STREAM_COUNT - 1);
  for (int stream = STREAM_STDOUT; stream < STREAM_COUNT; stream++) {
    put_tuple(&pairs->bytes, 2);
    put_atom(&pairs->bytes, stream_names[stream]);
    put_unsigned(&pairs->bytes, pairs->plan->demanded[stream]);
  }
  put_nil(&pairs->bytes);
}

static void put_flag(struct pairs *pairs, const char *name, bool value) {
  if (!value)
    return;
  key(pairs, name);
  put_boolean(&pairs->bytes, 1);
}

static void put_orphan_policy(struct pairs *pairs) {
  if (pairs->plan->linger) {
    key(pairs, "orphan_policy");
    put_atom(&pairs->bytes, "linger");
  } else if (pairs->plan->gives_grace) {
    key(pairs, "orphan_policy");
    put_tuple(&pairs->bytes, 2);
    put_atom(&pairs->bytes, "kill");
    put_unsigned(&pairs->bytes, (uint64_t)pairs->plan->grace_ms);
  }
}

static void put_options(struct pairs *pairs) {
  const struct plan *plan = pairs->plan;
  put_flag(pairs, "proceed", plan->proceed);
  put_flag(pairs, "ack", plan->ack);
  put_flag(pairs, "usage", plan->usage);
  put_flag(pairs, "hold", plan->hold);
  put_flag(pairs, "no_new_privs", plan->no_new_privs);
  put_flag(pairs, "search_path", plan->searches && plan->program == PROGRAM_WORKLOAD);
  put_orphan_policy(pairs);
  if (plan->kill_descendants) {
    key(pairs, "descendants");
    put_atom(&pairs->bytes, "kill");
  }
  if (plan->gives_env) {
    key(pairs, "env");
    put_list(&pairs->bytes, 1);
    text(pairs, "NAME=value");
    put_nil(&pairs->bytes);
  }
  if (plan->changes_env) {
    key(pairs, "env_set");
    put_list(&pairs->bytes, 1);
    text(pairs, "NAME=other");
    put_nil(&pairs->bytes);
    key(pairs, "env_unset");
    put_list(&pairs->bytes, 1);
    text(pairs, "PATH");
    put_nil(&pairs->bytes);
  }
  if (plan->gives_arg0) {
    key(pairs, "arg0");
    text(pairs, "workload");
  }
}

static void put_time_offsets(struct pairs *pairs) {
  static const char *const clocks[] = {"boottime", "monotonic"};
  enum clock_offsets offsets = pairs->plan->offsets;
  if (offsets == OFFSETS_NONE)
    return;
  key(pairs, "time_offsets");
  put_list(&pairs->bytes, 2);
  for (int i = 0; i < 2; i++) {
    put_tuple(&pairs->bytes, 3);
    put_atom(&pairs->bytes, clocks[i]);
    if (offsets == OFFSETS_BACK) {
      put8(&pairs->bytes, 98); /* INTEGER_EXT */
      put32(&pairs->bytes, (uint32_t)-1);
    } else {
      put_unsigned(&pairs->bytes, offsets == OFFSETS_AHEAD ? 86400 : UINT64_C(1) << 62);
    }
    put_unsigned(&pairs->bytes, 999999999);
  }
  put_nil(&pairs->bytes);
}

static void put_keyring(struct pairs *pairs) {
  if (pairs->plan->keyring == KEYRING_ABSENT)
    return;
  key(pairs, "keyring");
  put_atom(&pairs->bytes, pairs->plan->keyring == KEYRING_NEW ? "new" : "inherit");
}

static void put_lists(struct pairs *pairs) {
  const struct plan *plan = pairs->plan;
  if (plan->setup_count > 0) {
    key(pairs, "setup");
    encode_command_list(&pairs->bytes, plan->setup, plan->setup_count);
  }
  if (plan->seal_count > 0) {
    key(pairs, "seal");
    encode_command_list(&pairs->bytes, plan->seal, plan->seal_count);
  }
}

static void put_unknown(struct pairs *pairs) {
  if (!pairs->plan->unknown_keys)
    return;
  key(pairs, "linx_later");
  put_map(&pairs->bytes, 1);
  put_binary(&pairs->bytes, "key");
  put_list(&pairs->bytes, 1);
  put_unsigned(&pairs->bytes, UINT64_MAX);
  put_nil(&pairs->bytes);
  put_unsigned(&pairs->bytes, 17);
  pairs->count++;
  put_nil(&pairs->bytes);
}

static void put_pairs(struct pairs *pairs) {
  enum mutation mutation = pairs->plan->mutation;
  bool works = pairs->plan->kind == KIND_SPAWN || pairs->plan->kind == KIND_ENTER;
  if (works && mutation != MUTATION_NO_ARGV)
    put_argv(pairs);
  if ((pairs->plan->kind == KIND_ENTER || pairs->plan->kind == KIND_KILL) &&
      mutation != MUTATION_NO_TARGET) {
    key(pairs, "target");
    put_unsigned(&pairs->bytes, (uint64_t)pairs->places->target);
  }
  if (works) {
    put_namespaces(pairs);
    put_cwd(pairs);
    put_stdio(pairs);
    put_demand(pairs);
    put_options(pairs);
    put_lists(pairs);
    put_time_offsets(pairs);
    put_keyring(pairs);
  }
  put_unknown(pairs);
  for (int i = 0; mutation == MUTATION_TWICE && i < 2; i++)
    put_flag(pairs, "ack", true);
  if (mutation == MUTATION_WRONG_TYPE) {
    key(pairs, "arg0");
    put_unsigned(&pairs->bytes, 7);
    key(pairs, "arg0");
    put_boolean(&pairs->bytes, 1);
  }
}

static void mutate(struct bytes *bytes, size_t at, const struct plan *plan) {
  size_t length = bytes->size - at - 4;
  size_t place = at + 4 + length * plan->mutation_at / 1000;
  switch (plan->mutation) {
  case MUTATION_TRUNCATED:
    bytes->size = place;
    return;
  case MUTATION_FLIPPED:
    bytes->data[place] ^= (uint8_t)(1U << plan->mutation_at % 8);
    return;
  case MUTATION_GARBAGE:
    for (; place < bytes->size; place++)
      bytes->data[place] = (uint8_t)random_mix(plan->seed + place);
    return;
  case MUTATION_TOO_BIG:
  case MUTATION_NONE:
  case MUTATION_TWICE:
  case MUTATION_WRONG_TYPE:
  case MUTATION_NO_ARGV:
  case MUTATION_NO_TARGET:
    return;
  }
}

void encode_request(struct bytes *bytes, const struct plan *plan, const struct places *places) {
  static const char *const modes[KIND_COUNT] = {"spawn", "enter", "kill", "terminal"};
  struct pairs pairs = {.plan = plan, .places = places};
  put_pairs(&pairs);
  size_t at = frame_begin(bytes);
  put_tuple(bytes, 2);
  put_atom(bytes, modes[plan->kind]);
  put_map(bytes, pairs.count);
  bytes_put(bytes, pairs.bytes.data, pairs.bytes.size);
  bytes_free(&pairs.bytes);
  mutate(bytes, at, plan);
  frame_end(bytes, at);
  if (plan->mutation == MUTATION_TOO_BIG)
    frame_set_length(bytes, at, (16U << 20) + 1 + plan->mutation_at);
}
