/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "account.h"
#include "encode.h"

const char *const stream_names[STREAM_COUNT] = {"stdin", "stdout", "stderr", "pty"};
const char *const message_names[MESSAGE_COUNT] = {"proceed",
                                                  "abort",
                                                  "cap_drop_bounding",
                                                  "cap_set_thread",
                                                  "cap_set_ambient",
                                                  "set_credentials",
                                                  "seccomp_install",
                                                  "pty_winsize",
                                                  "signal",
                                                  "stdin",
                                                  "pty_in",
                                                  "close",
                                                  "demand",
                                                  "loopback",
                                                  "umask",
                                                  "nice",
                                                  "(allowance)",
                                                  "hostname",
                                                  "(mount)",
                                                  "(malformed)"};

static const uint64_t masks[] = {0, 1, 0x3f, UINT64_C(0x1ffffffffff), UINT64_C(1) << 63, 1 << 21};

#define PICK(array, number) ((array)[(number) % (sizeof(array) / sizeof((array)[0]))])

/* struct sock_filter of seccomp(2), whose header musl does not have. */
static void put_instruction(struct bytes *bytes, uint16_t code, uint8_t yes, uint8_t no,
                            uint32_t constant) {
  bytes_put(bytes, &code, sizeof code);
  put8(bytes, yes);
  put8(bytes, no);
  bytes_put(bytes, &constant, sizeof constant);
}

enum { LOAD_WORD = 0x20, JUMP_EQUAL = 0x15, RETURN = 0x06 };

#define SECCOMP_ALLOW 0x7fff0000U
#define SECCOMP_ERRNO 0x00050000U
#define SECCOMP_KILL  0x80000000U

static void put_deny(struct bytes *bytes, long number, uint32_t verdict) {
  put_instruction(bytes, LOAD_WORD, 0, 0, 0);
  put_instruction(bytes, JUMP_EQUAL, 0, 1, (uint32_t)number);
  put_instruction(bytes, RETURN, 0, 0, verdict);
  put_instruction(bytes, RETURN, 0, 0, SECCOMP_ALLOW);
}

static void put_filter(struct bytes *bytes, enum filter filter) {
  struct bytes code = {.size = 0};
  switch (filter) {
  case FILTER_ALLOW:
  case FILTER_COUNT:
    put_instruction(&code, RETURN, 0, 0, SECCOMP_ALLOW);
    break;
  case FILTER_KILL_EXEC:
    put_deny(&code, SYS_execve, SECCOMP_KILL);
    break;
  case FILTER_ERRNO_EXEC:
    put_deny(&code, SYS_execve, SECCOMP_ERRNO | 38);
    break;
  case FILTER_ZERO_EXEC:
    put_deny(&code, SYS_execve, SECCOMP_ERRNO);
    break;
  case FILTER_DENY_WRITE:
    put_deny(&code, SYS_write, SECCOMP_ERRNO | 13);
    break;
  case FILTER_ODD_SIZE:
    put_instruction(&code, RETURN, 0, 0, SECCOMP_ALLOW);
    put8(&code, 0);
    break;
  case FILTER_INVALID:
    put_instruction(&code, 0xffff, 0, 0, 0);
    break;
  }
  put_data(bytes, code.data, code.size);
  bytes_free(&code);
}

static const uint32_t ids[] = {NOBODY, NOBODY, 0, 0, 1234, 1234, 4294967294U, 4294967294U};

static bool is_user(const struct command *command) {
  return command->message == MESSAGE_CREDENTIALS && command->variant % 2 == 1;
}

/* The other name of a UTS namespace, by sysctl. */
static bool is_domain(const struct command *command) {
  return command->message == MESSAGE_HOSTNAME && command->variant % 2 == 1;
}

static void put_text(struct bytes *bytes, const char *text) {
  put_data(bytes, (const uint8_t *)text, strlen(text));
}

/* By numbers, and names that no host has. */
static void put_user(struct bytes *bytes, unsigned variant) {
  char user[64];
  uint32_t id = PICK(ids, variant);
  snprintf(user, sizeof user, variant > 40 ? "no user %u" : "%u:%u", (unsigned)id, (unsigned)id);
  put_text(bytes, user);
  unsigned count = variant % 3;
  put_list(bytes, count);
  for (unsigned i = 0; i < count; i++)
    put_text(bytes, i == 0 ? "1000" : "1001");
  put_nil(bytes);
}

static void put_credentials(struct bytes *bytes, unsigned variant) {
  uint32_t id = PICK(ids, variant);
  put_unsigned(bytes, id);
  put_unsigned(bytes, id);
  unsigned count = variant % 3;
  put_list(bytes, count);
  for (unsigned i = 0; i < count; i++)
    put_unsigned(bytes, 1000 + i);
  put_nil(bytes);
}

/* Commands that any process may apply; in the first rows none is refused. */
static const struct allowance {
  const char *name;
  unsigned arity;
} allowances[] = {{"rlimit", 4},      {"no_new_privs", 0},      {"scheduler", 3},
                  {"io_priority", 3}, {"personality", 2},       {"cpu_affinity", 2},
                  {"securebits", 2},  {"keep_capabilities", 2}, {"chdir", 2}};

#define ALLOWANCES (sizeof allowances / sizeof allowances[0])

static const struct allowance *allowance_of(const struct command *command) {
  return &PICK(allowances, command->variant);
}

static void put_rlimit(struct bytes *bytes, unsigned variant) {
  static const char *const resources[] = {"core", "nice", "rtprio", "locks"};
  put_atom(bytes, PICK(resources, variant / 8));
  put_unsigned(bytes, 0);
  put_unsigned(bytes, variant % 2 == 0 ? 0 : 1000);
}

static void put_scheduling(struct bytes *bytes, unsigned variant) {
  static const char *const policies[] = {"batch", "other", "fifo"};
  put_atom(bytes, PICK(policies, variant / 8));
  put_map(bytes, 1);
  put_atom(bytes, "nice");
  put_unsigned(bytes, 5);
}

static void put_allowance(struct bytes *bytes, unsigned variant) {
  switch (variant % ALLOWANCES) {
  case 0:
    put_rlimit(bytes, variant);
    return;
  case 2:
    put_scheduling(bytes, variant);
    return;
  case 3:
    put_atom(bytes, variant < 32 ? "best_effort" : "realtime");
    put_unsigned(bytes, 4);
    return;
  case 5:
    put_list(bytes, 1);
    put_unsigned(bytes, variant < 32 ? 0 : 8191);
    put_nil(bytes);
    return;
  case 7:
    put_atom(bytes, variant < 32 ? "true" : "false");
    return;
  case 4:
  case 6:
    put_unsigned(bytes, 0);
    return;
  case 8:
    put_text(bytes, variant < 32 ? "/" : "/no such directory");
    return;
  default:
    return;
  }
}

static void put_winsize(struct bytes *bytes, unsigned variant) {
  put_tuple(bytes, 4);
  for (unsigned i = 0; i < 4; i++)
    put_unsigned(bytes, (uint64_t)variant * (i + 1));
}

/* The terminal's special characters are among the letters now and then. */
static void put_input(struct bytes *bytes, const struct command *command, long *offset) {
  size_t size = (size_t)command->amount;
  put8(bytes, 109);
  put32(bytes, (uint32_t)size);
  size_t at = bytes->size;
  struct bytes data = {.size = 0};
  for (size_t i = 0; i < size; i++)
    put8(&data, account_pattern((*offset)++));
  bytes_put(bytes, data.data, data.size);
  bytes_free(&data);
  if (command->message == MESSAGE_PTY_IN && size > 0 && command->variant < 6)
    bytes->data[at + size / 2] = (uint8_t) "\n\003\004\032\034\r"[command->variant];
}

static void put_malformed(struct bytes *bytes, unsigned variant) {
  struct random random = {variant};
  switch ((enum malformed)(variant % MALFORMED_COUNT)) {
  case MALFORMED_ATOM:
    put_atom(bytes, "procede");
    return;
  case MALFORMED_ARITY:
    put_tuple(bytes, 2);
    put_atom(bytes, "proceed");
    put_nil(bytes);
    return;
  case MALFORMED_SIGNAL:
    put_tuple(bytes, 2);
    put_atom(bytes, "signal");
    put_unsigned(bytes, (variant >> 8) % 2 == 0 ? 0 : 65);
    return;
  case MALFORMED_STREAM:
    put_tuple(bytes, 2);
    put_atom(bytes, "close");
    put_atom(bytes, "stdfoo");
    return;
  case MALFORMED_EMPTY:
    bytes->size--;
    return;
  case MALFORMED_VERSION:
    bytes->data[bytes->size - 1] = 130;
    put_atom(bytes, "proceed");
    return;
  case MALFORMED_NOISE:
    for (unsigned i = random_below(&random, 200); i > 0; i--)
      put8(bytes, random_below(&random, 256));
    return;
  case MALFORMED_NESTED:
    for (unsigned i = random_below(&random, 4000); i > 0; i--)
      put_list(bytes, 1);
    return;
  case MALFORMED_TRAILING:
    put_atom(bytes, "proceed");
    put8(bytes, 106);
    return;
  case MALFORMED_TOO_BIG:
    put_tuple(bytes, 2);
    put_atom(bytes, "stdin");
    put8(bytes, 109);
    put32(bytes, (1 << 20) + 5000);
    for (unsigned i = 0; i < (1 << 20) + 5000; i += 8)
      bytes_put(bytes, "too much", 8);
    return;
  case MALFORMED_COUNT:
    return;
  }
}

static void put_arguments(struct bytes *bytes, const struct command *command,
                          struct offsets *offsets) {
  static const char *const scopes[] = {NULL, "workload", "group", "tree"};
  switch (command->message) {
  case MESSAGE_DROP_BOUNDING:
  case MESSAGE_SET_AMBIENT:
    put_unsigned(bytes, PICK(masks, command->variant));
    return;
  case MESSAGE_SET_THREAD:
    put_unsigned(bytes, PICK(masks, command->variant));
    put_unsigned(bytes, PICK(masks, command->variant));
    put_unsigned(bytes, 0);
    return;
  case MESSAGE_CREDENTIALS:
    if (is_user(command))
      put_user(bytes, command->variant);
    else
      put_credentials(bytes, command->variant);
    return;
  case MESSAGE_UMASK:
    put_unsigned(bytes, command->variant % 0777);
    return;
  case MESSAGE_NICE:
    put_unsigned(bytes, command->variant % 20);
    return;
  case MESSAGE_ALLOWANCE:
    put_allowance(bytes, command->variant);
    return;
  case MESSAGE_HOSTNAME:
    put_text(bytes, is_domain(command) ? "kernel.domainname" : "fuzzed");
    if (is_domain(command))
      put_text(bytes, "fuzzed");
    return;
  case MESSAGE_MOUNT:
    return;
  case MESSAGE_SECCOMP:
    put_filter(bytes, (enum filter)(command->variant % FILTER_COUNT));
    return;
  case MESSAGE_WINSIZE:
    put_winsize(bytes, command->variant);
    return;
  case MESSAGE_SIGNAL:
    put_unsigned(bytes, (unsigned)command->number);
    if (command->scope != SCOPE_ABSENT)
      put_atom(bytes, scopes[command->scope]);
    return;
  case MESSAGE_STDIN:
    put_input(bytes, command, &offsets->stdin_bytes);
    return;
  case MESSAGE_PTY_IN:
    put_input(bytes, command, &offsets->pty_bytes);
    return;
  case MESSAGE_CLOSE:
    put_atom(bytes, stream_names[command->stream]);
    return;
  case MESSAGE_DEMAND:
    put_atom(bytes, stream_names[command->stream]);
    put_unsigned(bytes, command->amount);
    return;
  case MESSAGE_PROCEED:
  case MESSAGE_ABORT:
  case MESSAGE_LOOPBACK:
  case MESSAGE_MALFORMED:
  case MESSAGE_COUNT:
    return;
  }
}

static unsigned arity(const struct command *command) {
  switch (command->message) {
  case MESSAGE_PROCEED:
  case MESSAGE_ABORT:
  case MESSAGE_LOOPBACK:
  case MESSAGE_MOUNT:
  case MESSAGE_MALFORMED:
  case MESSAGE_COUNT:
    return 0;
  case MESSAGE_SET_THREAD:
    return 4;
  case MESSAGE_CREDENTIALS:
    return is_user(command) ? 3 : 4;
  case MESSAGE_ALLOWANCE:
    return allowance_of(command)->arity;
  case MESSAGE_HOSTNAME:
    return is_domain(command) ? 3 : 2;
  case MESSAGE_DEMAND:
    return 3;
  case MESSAGE_SIGNAL:
    return command->scope == SCOPE_ABSENT ? 2 : 3;
  case MESSAGE_DROP_BOUNDING:
  case MESSAGE_SET_AMBIENT:
  case MESSAGE_SECCOMP:
  case MESSAGE_WINSIZE:
  case MESSAGE_STDIN:
  case MESSAGE_PTY_IN:
  case MESSAGE_CLOSE:
  case MESSAGE_UMASK:
  case MESSAGE_NICE:
    break;
  }
  return 2;
}

static const char *name_of(const struct command *command) {
  if (command->message == MESSAGE_ALLOWANCE)
    return allowance_of(command)->name;
  if (is_domain(command))
    return "sysctl";
  return is_user(command) ? "set_user" : message_names[command->message];
}

/* Without frame: as it stands in :setup and :seal too. */
static void put_command(struct bytes *bytes, const struct command *command,
                        struct offsets *offsets) {
  if (command->message == MESSAGE_MALFORMED) {
    put_malformed(bytes, command->variant);
    return;
  }
  if (command->message == MESSAGE_MOUNT) {
    encode_mount(bytes, command->variant);
    return;
  }
  if (arity(command) > 0)
    put_tuple(bytes, arity(command));
  put_atom(bytes, name_of(command));
  put_arguments(bytes, command, offsets);
}

void encode_command(struct bytes *bytes, const struct command *command, struct offsets *offsets) {
  size_t at = frame_begin(bytes);
  put_command(bytes, command, offsets);
  frame_end(bytes, at);
}

void encode_command_list(struct bytes *bytes, const struct command *commands, int count) {
  struct offsets none = {0};
  put_list(bytes, (uint32_t)count);
  for (int i = 0; i < count; i++)
    put_command(bytes, &commands[i], &none);
  put_nil(bytes);
}
