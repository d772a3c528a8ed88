/* SPDX-License-Identifier: MIT */
#include "launch/user_namespace.h"

#include <errno.h>
#include <sys/prctl.h>

#include "base/syscalls.h"
#include "setup/capabilities.h"
#include "setup/identity.h"

bool user_namespace_is_privileged(void) {
  struct capability_data own[2];
  return sys_call(SYS_geteuid) == 0 || capabilities_get(own) < 0 || own[0].effective != 0 ||
         own[1].effective != 0;
}

int user_namespace_clear_groups(void) {
  int result = identity_set_groups(0, NULL);
  if (result != -EPERM)
    return result;
  int count = (int)sys_call(SYS_getgroups, 0, NULL);
  return count < 0 ? count : count > 0;
}

/* capabilities(7) */
#define CAP_SETGID_MASK (1U << 6)

bool user_namespace_may_keep_groups(void) {
  struct capability_data own[2];
  return !user_namespace_is_privileged() ||
         (capabilities_get(own) == 0 && (own[0].effective & CAP_SETGID_MASK) != 0);
}

static int keep_capabilities(unsigned long keep) {
  return sys_prctl(PR_SET_KEEPCAPS, keep, 0);
}

struct failure user_namespace_assume(uint32_t uid, uint32_t gid) {
  struct capability_data before[2];
  int result = capabilities_get(before);
  if (result < 0)
    return failure_of(STAGE_SETUP_cap_set_thread, result);
  result = identity_set_gid(gid);
  if (result < 0)
    return failure_of(STAGE_SETRESGID, result);
  result = keep_capabilities(1);
  if (result == 0)
    result = identity_set_uid(uid);
  if (result == 0)
    result = keep_capabilities(0);
  if (result < 0)
    return failure_of(STAGE_SETRESUID, result);
  return failure_of(STAGE_SETUP_cap_set_thread, capabilities_put(before));
}

struct failure user_namespace_check_mapped(void) {
  uid_t uids[3] = {0};
  gid_t gids[3] = {0};
  int result = (int)sys_call(SYS_getresuid, &uids[0], &uids[1], &uids[2]);
  if (result == 0)
    result = (int)sys_call(SYS_setresuid, uids[0], uids[1], uids[2]);
  if (result < 0)
    return failure_of(STAGE_SETRESUID, result);
  result = (int)sys_call(SYS_getresgid, &gids[0], &gids[1], &gids[2]);
  if (result == 0)
    result = (int)sys_call(SYS_setresgid, gids[0], gids[1], gids[2]);
  return failure_of(STAGE_SETRESGID, result);
}

struct failure user_namespace_become_root(bool *changed) {
  struct capability_data before[2];
  *changed = false;
  int result = capabilities_get(before);
  if (result < 0)
    return failure_of(STAGE_SETUP_cap_set_thread, result);
  result = identity_set_groups(0, NULL);
  if (result < 0 && result != -EPERM)
    return failure_of(STAGE_SETGROUPS, result);
  /* EINVAL: the map has no 0, or is not written yet. */
  int gid = identity_set_gid(0);
  if (gid < 0 && gid != -EINVAL)
    return failure_of(STAGE_SETRESGID, gid);
  int uid = identity_set_uid(0);
  if (uid < 0 && uid != -EINVAL)
    return failure_of(STAGE_SETRESUID, uid);
  *changed = gid == 0 || uid == 0;
  /* Becoming uid 0 raises effective to permitted; undo that. */
  return failure_of(STAGE_SETUP_cap_set_thread, capabilities_put(before));
}
