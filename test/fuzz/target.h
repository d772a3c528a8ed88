/* SPDX-License-Identifier: MIT */
/*
 * Processes that sessions enter. A worker keeps one of each kind, and makes it anew when it is
 * gone. All of them are the worker's children, lead a session of their own, and reap what falls to
 * them.
 */
#ifndef LINX_FUZZ_TARGET_H
#define LINX_FUZZ_TARGET_H

#include "machine.h"
#include "plan.h"

struct targets {
  const struct machine *machine;
  pid_t pids[TARGET_COUNT]; /* 0: none yet */
};

/* The pid; for TARGET_DEAD one that no process has. */
pid_t target_get(struct targets *targets, enum target_kind kind);
bool target_is_one(const struct targets *targets, pid_t pid);
/* Kills and reaps it, so that the next session has another. */
void target_end(struct targets *targets, enum target_kind kind);
void targets_end(struct targets *targets);

/* Writes the id maps of a process in a user namespace: what a client would. 0 or -errno. */
int target_write_maps(pid_t pid, bool ordinary_user, bool privileged);

#endif
