/* SPDX-License-Identifier: MIT */
/* Commands: valid ones for a state, or any, or none. Pure. */
#include "plan.h"

/* The first rows of what encode_command.c chooses from are those that succeed. */
static unsigned variant(struct random *random) {
  return random_chance(random, 75) ? 0 : random_below(random, 64);
}

struct command plan_setup_command(struct random *random, const struct plan *plan) {
  static const enum message messages[] = {
      MESSAGE_DROP_BOUNDING, MESSAGE_SET_AMBIENT, MESSAGE_SECCOMP, MESSAGE_SECCOMP,
      MESSAGE_SET_THREAD,    MESSAGE_CREDENTIALS, MESSAGE_UMASK,   MESSAGE_NICE};
  struct command command = {.message = RANDOM_PICK(random, messages), .variant = variant(random)};
  if (command.message == MESSAGE_CREDENTIALS && random_chance(random, 50))
    command.variant |= 1;
  if (plan->as_nobody && command.message == MESSAGE_CREDENTIALS && random_chance(random, 85))
    command.message = MESSAGE_SECCOMP;
  if (random_chance(random, plan->pty ? 30 : 2))
    command.message = MESSAGE_WINSIZE;
  return command;
}

static struct command data(struct random *random, enum message message) {
  return (struct command){.message = message,
                          .variant = random_below(random, 64),
                          .amount =
                              random_size(random, random_chance(random, 5) ? 1 << 20 : 65536)};
}

static struct command stream_command(struct random *random, const struct plan *plan,
                                     enum message message) {
  struct command command = {.message = message, .variant = random_below(random, 64)};
  command.stream = (enum stream)random_below(random, STREAM_COUNT);
  if (message == MESSAGE_DEMAND && random_chance(random, 85))
    command.stream = plan->pty ? STREAM_PTY : (enum stream)(1 + random_below(random, 2));
  command.amount = random_chance(random, 10) ? UINT64_MAX : random_size(random, 1 << 21);
  return command;
}

struct command plan_stream_command(struct random *random, const struct plan *plan) {
  unsigned number = random_below(random, 100);
  if (number < 45)
    return stream_command(random, plan, MESSAGE_DEMAND);
  if (number < 60)
    return stream_command(random, plan, MESSAGE_CLOSE);
  return data(random, plan->pty && random_chance(random, 90) ? MESSAGE_PTY_IN : MESSAGE_STDIN);
}

static struct command signal_command(struct random *random) {
  static const int signals[] = {1, 2, 9, 10, 12, 15, 15, 17, 18, 19, 20, 28, 33, 34, 64};
  return (struct command){.message = MESSAGE_SIGNAL,
                          .number = RANDOM_PICK(random, signals),
                          .scope = (enum scope)random_below(random, SCOPE_TREE + 1)};
}

struct command plan_any_command(struct random *random, const struct plan *plan) {
  unsigned number = random_below(random, 100);
  if (number < 30)
    return plan_stream_command(random, plan);
  if (number < 55)
    return signal_command(random);
  if (number < 70)
    return plan_setup_command(random, plan);
  if (number < 76)
    return (struct command){.message = MESSAGE_WINSIZE, .variant = random_below(random, 64)};
  if (number < 84)
    return (struct command){.message = MESSAGE_PROCEED};
  if (number < 90)
    return (struct command){.message = MESSAGE_ABORT};
  return (struct command){.message = MESSAGE_MALFORMED, .variant = (unsigned)random_next(random)};
}
