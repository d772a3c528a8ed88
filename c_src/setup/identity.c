/* SPDX-License-Identifier: MIT */
#include "setup/identity.h"

#include <errno.h>
#include <sys/prctl.h>

#include "base/syscalls.h"

int identity_set_groups(size_t count, const uint32_t *groups) {
  return (int)sys_call(SYS_setgroups, count, groups);
}

int identity_set_gid(uint32_t gid) {
  return (int)sys_call(SYS_setresgid, gid, gid, gid);
}

int identity_set_uid(uint32_t uid) {
  return (int)sys_call(SYS_setresuid, uid, uid, uid);
}

int identity_set_no_new_privs(void) {
  return sys_prctl(PR_SET_NO_NEW_PRIVS, 1, 0);
}

int identity_set(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  const struct argument *groups = &arguments[2];
  int result = identity_set_groups(groups->ids.count, groups->ids.values);
  if (result == -EPERM && groups->ids.count == 0 && sys_call(SYS_getgroups, 0, NULL) == 0)
    result = 0;
  if (result == 0)
    result = identity_set_gid(arguments[1].id);
  if (result == 0)
    result = identity_set_uid(arguments[0].id);
  return result;
}

int identity_set_umask(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  sys_call(SYS_umask, arguments->mode);
  return 0;
}
