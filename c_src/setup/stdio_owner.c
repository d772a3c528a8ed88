/* SPDX-License-Identifier: MIT */
#include "setup/stdio_owner.h"

#include <errno.h>

#include "base/syscalls.h"

/* chown(2): leaves the id as it is. */
#define KEEP UINT32_MAX

static int change_owner(int fd, uint32_t uid, uint32_t gid) {
  return (int)sys_call(SYS_fchown, fd, uid, gid);
}

/* CAP_CHOWN is for files both of whose ids the user namespace maps (user_namespaces(7)). The owner,
 * who needs no capability for it, gives the file to a group that is mapped. */
static int leave_group(int fd, bool is_terminal) {
  int result = is_terminal ? (int)sys_call(SYS_fchmod, fd, 0600) : 0;
  return result < 0 ? result : change_owner(fd, KEEP, (uint32_t)sys_call(SYS_getegid));
}

static int give(const struct setup *setup, int fd, uint32_t uid) {
  int result = change_owner(fd, uid, KEEP);
  if (result != -EPERM || !setup->stdio.may_leave_group || leave_group(fd, setup->has_terminal) < 0)
    return result;
  return change_owner(fd, uid, KEEP);
}

int stdio_owner_set(const struct setup *setup, uint32_t uid) {
  int result = 0;
  for (int fd = 0; fd <= 2 && result == 0; fd++)
    if ((setup->stdio.made & 1U << fd) != 0)
      result = give(setup, fd, uid);
  return result;
}

void stdio_owner_follow(const struct setup *setup, uint32_t uid) {
  if (!setup->stdio.is_given)
    stdio_owner_set(setup, uid);
}

int stdio_owner_command(struct setup *setup, const struct argument *arguments) {
  setup->stdio.is_given = true;
  return stdio_owner_set(setup, arguments->id);
}
