/* SPDX-License-Identifier: MIT */
#include "launch/own_namespaces.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>

#include "base/syscalls.h"

/* The CLONE_NEW* bits of all that are fresh, whoever makes them. */
static uint64_t fresh(const struct child_start *start) {
  return start->target != NULL ? 0 : start->request->namespaces;
}

uint64_t own_namespaces_of_clone(const struct child_start *start) {
  return fresh(start) & ~(uint64_t)CLONE_NEWCGROUP;
}

struct failure own_namespaces_make_mounts_slave(const struct child_start *start) {
  if ((fresh(start) & CLONE_NEWNS) == 0)
    return failure_none();
  return failure_of(STAGE_MOUNT_SLAVE,
                    (int)sys_call(SYS_mount, "none", "/", NULL, MS_REC | MS_SLAVE, NULL));
}

struct failure own_namespaces_make_cgroup(const struct child_start *start) {
  if ((fresh(start) & CLONE_NEWCGROUP) == 0)
    return failure_none();
  return failure_of(STAGE_UNSHARE_CGROUP, (int)sys_call(SYS_unshare, CLONE_NEWCGROUP));
}
