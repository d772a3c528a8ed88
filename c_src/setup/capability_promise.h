/* SPDX-License-Identifier: MIT */
/*
 * What cap_set_thread, cap_set_ambient and set_credentials have promised of the program's
 * capabilities, and whether exec will keep it (capabilities(7), "Transformation of capabilities
 * during execve()"). A program whose file gives capabilities (set-user-ID, file capabilities) may
 * have those as well. Pure.
 */
#ifndef LINX_SETUP_CAPABILITY_PROMISE_H
#define LINX_SETUP_CAPABILITY_PROMISE_H

#include <stdbool.h>
#include <stdint.h>

struct capability_promise {
  bool has_ids;     /* set_credentials was applied */
  bool has_sets;    /* cap_set_thread was applied, the last time with these three sets: */
  bool has_ambient; /* cap_set_ambient was applied, the last time with `ambient` */
  bool has_keep;    /* keep_capabilities or securebits was applied, and so a change of ids leaves
                     * the flag of PR_SET_KEEPCAPS as it is */
  uint64_t effective;
  uint64_t permitted;
  uint64_t inheritable;
  uint64_t ambient;
};

/* What exec goes by beside the three sets of the thread. */
struct capability_thread {
  bool is_root; /* exec gives the process the capabilities of root */
  uint64_t bounding;
  uint64_t ambient;
};

/* 0; -EINVAL when capset(2) would take a promised ambient capability away, because it is not in
 * both sets. */
int capability_promise_allows(const struct capability_promise *promise, uint64_t permitted,
                              uint64_t inheritable);

/*
 * 0; -EINVAL when the program would not have what cap_set_thread promised. The program's effective
 * set is always its permitted one. That must have no capability beyond `effective` and the promised
 * ambient set; and unless cap_set_ambient has said what the program keeps, it must have all of
 * `permitted`.
 */
int capability_promise_check(const struct capability_promise *promise,
                             const struct capability_thread *thread);

#endif
