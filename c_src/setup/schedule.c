/* SPDX-License-Identifier: MIT */
#include "setup/schedule.h"

#include <sys/resource.h>

#include "base/syscalls.h"

int schedule_set_nice(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  return (int)sys_call(SYS_setpriority, PRIO_PROCESS, 0, arguments->niceness);
}
