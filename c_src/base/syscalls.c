/* SPDX-License-Identifier: MIT */
/* The one system call whose fallback needs more than a line. Touches nothing but the kernel. */
#include "base/syscalls.h"

#include <sched.h>

long sys_fork_with(uint64_t flags, int exit_signal, int *pidfd) {
  struct linx_clone_args args = {
      .flags = flags | (pidfd != NULL ? CLONE_PIDFD : 0),
      .pidfd = (uint64_t)(uintptr_t)pidfd,
      .exit_signal = (uint64_t)exit_signal,
  };
  long pid = sys_call(SYS_clone3, &args, sizeof args);
  if ((pid != -ENOSYS && pid != -EPERM) || (flags & CLONE_NEWTIME) != 0)
    return pid;
  /* clone(2): the third argument is the pidfd's place on every architecture that linx runs on. */
  return sys_call(SYS_clone, args.flags | (uint64_t)exit_signal, NULL, pidfd, NULL, NULL);
}
