/* SPDX-License-Identifier: MIT */
#include "setup/limits.h"

#include "base/syscalls.h"

/* prlimit64(2) has this struct on every architecture. */
struct kernel_rlimit {
  uint64_t soft, hard;
};

int limits_set(struct setup *setup, const struct argument *arguments) {
  struct kernel_rlimit limit = {.soft = arguments[1].mask, .hard = arguments[2].mask};
  (void)setup;
  return (int)sys_call(SYS_prlimit64, 0, arguments[0].word, &limit, NULL);
}
