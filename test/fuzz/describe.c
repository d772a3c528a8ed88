/* SPDX-License-Identifier: MIT */
/* A plan and its parts as text. Pure. */
#include <stdarg.h>
#include <stdio.h>

#include "encode.h"

const char *const kind_names[KIND_COUNT] = {"spawn", "enter", "kill", "terminal"};
const char *const target_names[TARGET_COUNT] = {"plain",       "uts-ipc-net", "pid-mount",
                                                "user-mapped", "user-nobody", "user-unmapped",
                                                "zombie",      "dead"};
const char *const ending_names[ENDING_COUNT] = {"natural",    "kill",       "close fd 3",
                                                "close fd 4", "close both", "no reader",
                                                "KILL agent", "TERM agent"};

static const char *const scope_names[] = {"", ", :workload", ", :group", ", :tree"};
static const char *const wiring_names[] = {"two pipes", "two sockets", "one socket",
                                           "a pipe and a socket"};
static const char *const standard_names[] = {"null", "closed", "file", "terminal"};
static const char *const program_names[] = {"workload", "files",          "missing", "directory",
                                            "script",   "not executable", "empty"};
static const char *const directory_names[] = {"absent", "good", "missing", "a file"};
static const char *const directive_names[] = {
    "absent",     "inherit",         "devnull",     "pipe",   "file read",
    "file write", "file append",     "connect",     "stdout", "file missing",
    "directory",  "connect missing", "connect full"};
static const char *const trigger_names[] = {"now",     "frame",    "spawned", "ready", "running",
                                            "started", "terminal", "bytes",   "us"};
static const char *const action_names[] = {
    "send",         "send half",      "write the id maps",   "close fd 3",
    "close fd 4",   "shut down fd 3", "do not read",         "stop the agent",
    "signal agent", "signal child",   "signal intermediate", "signal target",
    "idle"};
static const char *const mutation_names[] = {"none",      "truncated",  "flipped",
                                             "key twice", "wrong type", "no argv",
                                             "no target", "garbage",    "too big"};

/* snprintf at the end of a text, which is cut when it is full. */
__attribute__((format(printf, 3, 4))) static void add(char *text, size_t size, const char *format,
                                                      ...) {
  size_t length = strlen(text);
  va_list values;
  va_start(values, format);
  vsnprintf(text + length, size - length, format, values);
  va_end(values);
}

void describe_command(char *text, size_t size, const struct command *command) {
  const char *name = message_names[command->message];
  switch (command->message) {
  case MESSAGE_PROCEED:
  case MESSAGE_ABORT:
    snprintf(text, size, ":%s", name);
    return;
  case MESSAGE_SIGNAL:
    snprintf(text, size, "{:signal, %d%s}", command->number, scope_names[command->scope]);
    return;
  case MESSAGE_STDIN:
  case MESSAGE_PTY_IN:
    snprintf(text, size, "{:%s, %llu bytes}", name, (unsigned long long)command->amount);
    return;
  case MESSAGE_CLOSE:
    snprintf(text, size, "{:close, :%s}", stream_names[command->stream]);
    return;
  case MESSAGE_DEMAND:
    snprintf(text, size, "{:demand, :%s, %llu}", stream_names[command->stream],
             (unsigned long long)command->amount);
    return;
  case MESSAGE_DROP_BOUNDING:
  case MESSAGE_SET_THREAD:
  case MESSAGE_SET_AMBIENT:
  case MESSAGE_CREDENTIALS:
  case MESSAGE_SECCOMP:
  case MESSAGE_WINSIZE:
  case MESSAGE_LOOPBACK:
  case MESSAGE_UMASK:
  case MESSAGE_NICE:
  case MESSAGE_ALLOWANCE:
  case MESSAGE_HOSTNAME:
  case MESSAGE_MOUNT:
  case MESSAGE_MALFORMED:
  case MESSAGE_COUNT:
    snprintf(text, size, "%s variant %u", name, command->variant);
    return;
  }
}

static void add_commands(char *text, size_t size, const struct command *commands, int count) {
  char one[96];
  for (int i = 0; i < count; i++) {
    describe_command(one, sizeof one, &commands[i]);
    add(text, size, "%s%s", i == 0 ? " " : ", ", one);
  }
}

void describe_step(char *text, size_t size, const struct step *step) {
  snprintf(text, size, "on %s", trigger_names[step->trigger]);
  if (step->amount > 0)
    add(text, size, " %u", step->amount);
  add(text, size, ": %s", action_names[step->action]);
  if (step->action >= ACTION_SIGNAL_AGENT && step->action <= ACTION_SIGNAL_TARGET)
    add(text, size, " %d", step->number);
  if (step->action == ACTION_READ_NOT || step->action == ACTION_PAUSE_AGENT ||
      step->action == ACTION_IDLE)
    add(text, size, " %d ms", step->milliseconds);
  add_commands(text, size, step->commands, step->command_count);
  if (step->pieces > 1)
    add(text, size, " in %d pieces", step->pieces);
}

static void add_start(char *text, size_t size, const struct plan *plan) {
  add(text, size, "  start: as %s, %s, send buffer %d, fds 0-2 %s/%s/%s",
      plan->as_nobody ? "nobody" : "self", wiring_names[plan->wiring], plan->send_buffer,
      standard_names[plan->standard[0]], standard_names[plan->standard[1]],
      standard_names[plan->standard[2]]);
  add(text, size, "%s%s%s%s", plan->ignores_signals ? ", signals ignored" : "",
      plan->blocks_signals ? ", signals blocked" : "", plan->hides_proc ? ", /proc hidden" : "",
      plan->has_groups ? ", groups" : "");
  if (plan->extra_fds > 0)
    add(text, size, ", %d more fds", plan->extra_fds);
  add(text, size, "\n");
}

static void add_request(char *text, size_t size, const struct plan *plan) {
  add(text, size, "  request: %s", kind_names[plan->kind]);
  if (plan->kind == KIND_ENTER || plan->kind == KIND_KILL)
    add(text, size, " of %s", target_names[plan->target]);
  if (plan->mutation != MUTATION_NONE)
    add(text, size, ", %s at %u", mutation_names[plan->mutation], plan->mutation_at);
  if (plan->gives_namespaces)
    add(text, size, ", namespaces");
  for (int i = 0; plan->gives_namespaces && i < 8; i++)
    if ((plan->namespaces >> i & 1) != 0)
      add(text, size, " %s", namespace_names[i]);
  if (plan->program != PROGRAM_WORKLOAD)
    add(text, size, ", program %s", program_names[plan->program]);
  if (plan->cwd != CWD_ABSENT)
    add(text, size, ", cwd %s", directory_names[plan->cwd]);
  if (plan->pty || plan->devnull)
    add(text, size, ", stdio %s",
        plan->describes_pty ? "{pty, size}"
        : plan->pty         ? "pty"
                            : "devnull");
  else
    add(text, size, ", stdio %s/%s/%s", directive_names[plan->stdio[0]],
        directive_names[plan->stdio[1]], directive_names[plan->stdio[2]]);
}

static const char *const offsets_names[OFFSETS_COUNT] = {"as they are", "ahead", "back", "beyond"};

static void add_options(char *text, size_t size, const struct plan *plan) {
  add(text, size, "%s%s%s%s%s%s", plan->proceed ? ", proceed" : "", plan->ack ? ", ack" : "",
      plan->usage ? ", usage" : "", plan->hold ? ", hold" : "",
      plan->kill_descendants ? ", descendants kill" : "",
      plan->no_new_privs ? ", no_new_privs" : "");
  if (plan->linger)
    add(text, size, ", linger");
  else
    add(text, size, ", grace %d ms", plan->grace_ms);
  if (plan->demand)
    add(text, size, ", demand %llu/%llu/%llu", (unsigned long long)plan->demanded[STREAM_STDOUT],
        (unsigned long long)plan->demanded[STREAM_STDERR],
        (unsigned long long)plan->demanded[STREAM_PTY]);
  add(text, size, "%s%s%s%s%s%s", plan->unknown_keys ? ", unknown keys" : "",
      plan->charlists ? ", charlists" : "", plan->gives_env ? ", env" : "",
      plan->changes_env ? ", changes" : "", plan->searches ? ", search" : "",
      plan->gives_arg0 ? ", arg0" : "");
  if (plan->offsets != OFFSETS_NONE)
    add(text, size, ", clocks %s", offsets_names[plan->offsets]);
  if (plan->keyring != KEYRING_ABSENT)
    add(text, size, ", keyring %s", plan->keyring == KEYRING_NEW ? "new" : "inherit");
  if (plan->setup_count > 0)
    add(text, size, "\n  setup:");
  add_commands(text, size, plan->setup, plan->setup_count);
  if (plan->seal_count > 0)
    add(text, size, "\n  seal:");
  add_commands(text, size, plan->seal, plan->seal_count);
}

void describe_plan(char *text, size_t size, const struct plan *plan) {
  char one[600];
  text[0] = '\0';
  add_start(text, size, plan);
  add_request(text, size, plan);
  add_options(text, size, plan);
  add(text, size, "\n  workload:");
  for (int i = 0; i < plan->work_count; i++)
    add(text, size, " %s:%ld", work_names[plan->work[i].work], plan->work[i].number);
  add(text, size, "\n");
  for (int i = 0; i < plan->step_count; i++) {
    describe_step(one, sizeof one, &plan->steps[i]);
    add(text, size, "  step %d: %s\n", i, one);
  }
  add(text, size, "  then: %s%s%s\n", ending_names[plan->ending], scope_names[plan->ending_scope],
      plan->serves_to_the_end ? ", streams to their end" : "");
  if (plan->idles)
    add(text, size, "  idle before and after the end\n");
}
