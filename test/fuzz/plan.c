/* SPDX-License-Identifier: MIT */
#include "plan.h"

const char *const namespace_names[8] = {"user",   "mount", "uts",  "ipc",
                                        "cgroup", "net",   "time", "pid"};

bool plan_is_damaged(const struct plan *plan) {
  return plan->mutation == MUTATION_FLIPPED || plan->mutation == MUTATION_GARBAGE;
}

bool plan_is_malformed(const struct plan *plan) {
  bool works = plan->kind == KIND_SPAWN || plan->kind == KIND_ENTER;
  switch (plan->mutation) {
  case MUTATION_TRUNCATED:
  case MUTATION_TWICE:
  case MUTATION_WRONG_TYPE:
    return true;
  case MUTATION_NO_ARGV:
    return works;
  case MUTATION_NO_TARGET:
    return plan->kind == KIND_ENTER || plan->kind == KIND_KILL;
  case MUTATION_NONE:
  case MUTATION_FLIPPED:
  case MUTATION_GARBAGE:
  case MUTATION_TOO_BIG:
    break;
  }
  return false;
}

bool plan_has_user_namespace(const struct plan *plan) {
  bool asked = (plan->namespaces & NAMESPACE_USER) != 0;
  if (plan->kind == KIND_SPAWN)
    return asked;
  bool has = plan->target == TARGET_USER_MAPPED || plan->target == TARGET_USER_NOBODY ||
             plan->target == TARGET_USER_UNMAPPED;
  return plan->kind == KIND_ENTER && has && (asked || !plan->gives_namespaces);
}

bool plan_enters_pid_namespace(const struct plan *plan) {
  bool has = plan->target == TARGET_PID_MOUNT || plan->target == TARGET_USER_MAPPED ||
             plan->target == TARGET_USER_NOBODY;
  bool asked = (plan->namespaces & NAMESPACE_PID) != 0;
  return plan->kind == KIND_ENTER && has && (asked || !plan->gives_namespaces);
}

bool plan_enters_foreign_mounts(const struct plan *plan) {
  bool has = plan->target == TARGET_USER_MAPPED || plan->target == TARGET_USER_NOBODY;
  bool asked = plan->gives_namespaces && (plan->namespaces & NAMESPACE_MOUNT) != 0 &&
               (plan->namespaces & NAMESPACE_USER) == 0;
  return plan->kind == KIND_ENTER && has && asked;
}

bool plan_lacks_time(const struct plan *plan) {
  bool fresh = plan->kind == KIND_SPAWN && (plan->namespaces & NAMESPACE_TIME) != 0;
  return plan->offsets != OFFSETS_NONE && !fresh;
}

bool plan_lacks_net(const struct plan *plan) {
  bool asked = (plan->namespaces & NAMESPACE_NET) != 0;
  bool entered = plan->kind == KIND_ENTER && plan->target == TARGET_NO_USER &&
                 (asked || !plan->gives_namespaces);
  bool own = plan->kind == KIND_SPAWN ? asked : entered;
  return plan_sends(plan, MESSAGE_LOOPBACK) && !own;
}

bool plan_is_init(const struct plan *plan) {
  return plan->kind == KIND_SPAWN && (plan->namespaces & NAMESPACE_PID) != 0;
}

bool plan_works(const struct plan *plan, enum work work) {
  for (int i = 0; i < plan->work_count; i++)
    if (plan->work[i].work == work)
      return true;
  return false;
}

bool plan_ends_by_itself(const struct plan *plan) {
  return !plan_works(plan, WORK_PAUSE) && !plan_works(plan, WORK_FLOOD) &&
         !plan_works(plan, WORK_STOP);
}

bool plan_relays(const struct plan *plan, enum stream stream) {
  if (plan->pty || stream == STREAM_PTY)
    return plan->pty && stream == STREAM_PTY;
  return !plan->devnull && plan->stdio[stream] == DIRECTIVE_PIPE;
}

static bool has_message(const struct command *commands, int count, enum message message) {
  for (int i = 0; i < count; i++)
    if (commands[i].message == message)
      return true;
  return false;
}

bool plan_sends(const struct plan *plan, enum message message) {
  if (has_message(plan->setup, plan->setup_count, message) ||
      has_message(plan->seal, plan->seal_count, message))
    return true;
  for (int i = 0; i < plan->step_count; i++)
    if (has_message(plan->steps[i].commands, plan->steps[i].command_count, message))
      return true;
  return false;
}

static void plan_start(struct plan *plan, bool privileged) {
  static const int buffers[] = {0, 0, 0, 0, 1, 4608, 20000};
  static const enum standard_fd standard[] = {STANDARD_NULL, STANDARD_NULL, STANDARD_NULL,
                                              STANDARD_FILE, STANDARD_CLOSED};
  struct random random = random_stream(plan->seed, 1);
  plan->as_nobody = random_chance(&random, 30) || !privileged;
  plan->wiring = (enum wiring)random_below(&random, WIRING_COUNT);
  plan->send_buffer = RANDOM_PICK(&random, buffers);
  for (int fd = 0; fd < 3; fd++)
    plan->standard[fd] = RANDOM_PICK(&random, standard);
  if (random_chance(&random, 3))
    plan->standard[0] = STANDARD_TERMINAL;
  plan->ignores_signals = random_chance(&random, 8);
  plan->blocks_signals = random_chance(&random, 8);
  plan->hides_proc = privileged && random_chance(&random, 2);
  plan->has_groups = !plan->as_nobody && random_chance(&random, 50);
  plan->extra_fds = random_chance(&random, 10) ? (int)random_below(&random, 30) : 0;
}

static void plan_ending(struct plan *plan) {
  static const enum ending endings[] = {
      ENDING_NATURAL,   ENDING_NATURAL,   ENDING_NATURAL,    ENDING_NATURAL,   ENDING_KILL,
      ENDING_KILL,      ENDING_KILL,      ENDING_CLOSE_IN,   ENDING_CLOSE_IN,  ENDING_CLOSE_BOTH,
      ENDING_CLOSE_OUT, ENDING_NO_READER, ENDING_KILL_AGENT, ENDING_TERM_AGENT};
  struct random random = random_stream(plan->seed, 5);
  plan->ending = RANDOM_PICK(&random, endings);
  plan->ending_scope = (enum scope)random_below(&random, SCOPE_TREE + 1);
  plan->serves_to_the_end = random_chance(&random, 60);
  plan->idles = random_chance(&random, 15);
}

/* A session that is over while it starts: both ends close within this time of it. */
#define HASTE_US 40000

static void plan_haste(struct plan *plan) {
  struct random random = random_stream(plan->seed, 6);
  if (!random_chance(&random, 5))
    return;
  plan->step_count = 1;
  plan->steps[0] =
      (struct step){.trigger = TRIGGER_MICROSECONDS,
                    .amount = random_below(&random, HASTE_US),
                    .action = random_chance(&random, 50) ? ACTION_CLOSE_IN : ACTION_CLOSE_OUT};
  plan->ending = ENDING_CLOSE_BOTH;
}

void plan_make(struct plan *plan, uint64_t seed, bool privileged) {
  *plan = (struct plan){.seed = seed, .request_pieces = 1};
  plan_start(plan, privileged);
  plan_request(plan);
  plan_work(plan);
  plan_steps(plan);
  plan_ending(plan);
  plan_haste(plan);
}
