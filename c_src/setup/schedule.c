/* SPDX-License-Identifier: MIT */
#include "setup/schedule.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include "base/syscalls.h"

/* struct sched_attr in its first size (sched_setattr(2)) */
struct scheduling {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
};

_Static_assert(sizeof(struct scheduling) == 48, "SCHED_ATTR_SIZE_VER0");

/* ioprio_set(2), linux/ioprio.h */
#define IO_OF_PROCESS  1
#define IO_CLASS_SHIFT 13

#define BITS           (8 * sizeof(unsigned long))

/* As sched_setaffinity(2) has it on every architecture: words, the lowest CPUs first. */
struct cpus {
  unsigned long words[(CPU_NUMBER_MAX + 1) / BITS];
};

int schedule_set_nice(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  return (int)sys_call(SYS_setpriority, PRIO_PROCESS, 0, arguments->niceness);
}

/* The system call returns 20 - niceness, so that it is no negative number (getpriority(2)). */
static int keep_niceness(int32_t *niceness) {
  int result = (int)sys_call(SYS_getpriority, PRIO_PROCESS, 0);
  *niceness = 20 - result;
  return result < 0 ? result : 0;
}

int schedule_set_policy(struct setup *setup, const struct argument *arguments) {
  const struct argument_scheduling *wanted = &arguments[1].scheduling;
  (void)setup;
  struct scheduling scheduling = {
      .size = sizeof scheduling,
      .policy = arguments[0].word,
      .flags = wanted->flags,
      .nice = wanted->nice,
      .priority = wanted->priority,
      .runtime = wanted->runtime,
      .deadline = wanted->deadline,
      .period = wanted->period,
  };
  int result = wanted->has_nice ? 0 : keep_niceness(&scheduling.nice);
  return result < 0 ? result : (int)sys_call(SYS_sched_setattr, 0, &scheduling, 0);
}

int schedule_set_cpus(struct setup *setup, const struct argument *arguments) {
  struct cpus wanted = {.words = {0}};
  struct cpus found = {.words = {0}};
  (void)setup;
  for (size_t i = 0; i < arguments->ids.count; i++) {
    uint32_t cpu = arguments->ids.values[i];
    wanted.words[cpu / BITS] |= 1UL << cpu % BITS;
  }
  int result = (int)sys_call(SYS_sched_setaffinity, 0, sizeof wanted, &wanted);
  if (result == 0)
    result = (int)sys_call(SYS_sched_getaffinity, 0, sizeof found, &found);
  return result < 0 ? result : memcmp(&wanted, &found, sizeof found) == 0 ? 0 : -EINVAL;
}

int schedule_set_io(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  return (int)sys_call(SYS_ioprio_set, IO_OF_PROCESS, 0,
                       arguments[0].word << IO_CLASS_SHIFT | arguments[1].word);
}
