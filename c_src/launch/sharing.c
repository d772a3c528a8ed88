/* SPDX-License-Identifier: MIT */
#include "launch/sharing.h"

#include <fcntl.h>
#include <sched.h>

#include "base/cleanup.h"
#include "base/syscalls.h"

/*
 * Whether fs.suid_dumpable is 1, with which a process whose ids or user namespace change is
 * dumpable until it takes that back (proc_sys_fs(5)), and each process that shares its memory too.
 * True when the setting cannot be read.
 */
static bool is_dumpable_after_change(void) {
  char value = '1';
  cleanup_close int fd = sys_open("/proc/sys/fs/suid_dumpable", O_RDONLY | O_CLOEXEC);
  return fd < 0 || sys_read(fd, &value, 1) != 1 || value == '1';
}

/* Whether the child's ids may change: by a command, or with a user namespace. */
static bool may_change_ids(const struct child_start *start) {
  const struct request *request = start->request;
  return child_has_user_namespace(start) || !request->proceed || request->setup.count > 0 ||
         request->final.count > 0;
}

/* `make copying` defines LINX_NEVER_SHARES, so that the tests run without sharing as well. */
#ifdef LINX_NEVER_SHARES
#define MAY_SHARE false
#else
#define MAY_SHARE true
#endif

bool sharing_is_safe(const struct child_start *start) {
  const struct request *request = start->request;
  bool enters = start->target != NULL;
  uint64_t namespaces = enters ? start->target->flags : request->namespaces;
  /* A process that shares memory cannot change its time namespace (setns(2)). */
  if (!MAY_SHARE || (namespaces & CLONE_NEWTIME) != 0)
    return false;
  /* Others in a pid namespace that is joined see the child. If its user namespace is the agent's,
   * they may have CAP_SYS_PTRACE over it. */
  if (enters && (namespaces & CLONE_NEWPID) != 0 && (namespaces & CLONE_NEWUSER) == 0)
    return false;
  if (child_is_mapped_by_user(start) || request->filters) /* dumpable; filters take memory */
    return false;
  if (request->has_oom_score) /* is that of all who share memory */
    return false;
  return !may_change_ids(start) || !is_dumpable_after_change();
}
