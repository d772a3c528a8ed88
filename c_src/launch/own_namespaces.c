/* SPDX-License-Identifier: MIT */
#include "launch/own_namespaces.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>

#include "base/syscalls.h"
#include "setup/setup.h"

/* The CLONE_NEW* bits of all that are fresh, whoever makes them. */
static uint64_t fresh(const struct child_start *start) {
  return start->target != NULL ? 0 : start->request->namespaces;
}

/* What a row of setup/commands.def may need, as CLONE_NEW* bits. */
static const struct {
  unsigned need;
  uint64_t flag;
} needs[] = {
    {NEEDS_NET, CLONE_NEWNET},
};

struct failure own_namespaces_allow(const struct child_start *start, enum setup_command command) {
  uint64_t own = start->target != NULL ? start->target->flags : fresh(start);
  unsigned changes = setup_rows[command].changes;
  for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
    if ((changes & needs[i].need) != 0 && (own & needs[i].flag) == 0)
      return failure_of(setup_command_stage(command), -EPERM);
  return failure_none();
}

static struct failure check_list(const struct child_start *start, struct command_list list) {
  struct argument arguments[ARGUMENTS_MAX];
  enum setup_command command;
  struct failure failure = failure_none();
  for (int index = 0; index < list.count && !failure_is(failure); index++) {
    if (setup_command_decode(&command, arguments, NULL, &list.at) < 0)
      return failure_of(STAGE_MALFORMED_COMMAND, -EINVAL);
    failure = own_namespaces_allow(start, command);
    failure.index = index;
  }
  return failure;
}

struct failure own_namespaces_check(const struct child_start *start) {
  struct failure failure = check_list(start, start->request->setup);
  return failure_is(failure) ? failure : check_list(start, start->request->final);
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
