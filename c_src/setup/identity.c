/* SPDX-License-Identifier: MIT */
#include "setup/identity.h"

#include <errno.h>
#include <sys/prctl.h>

#include "base/syscalls.h"
#include "setup/capabilities.h"
#include "setup/stdio_owner.h"

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

/* So that a change from uid 0 leaves the permitted set (PR_SET_KEEPCAPS(2const)); exec clears the
 * flag. EPERM: it is locked as it is. A command may have said how it is to be. Where that loses
 * capabilities which commands ask for, those fail. */
static int keep_permitted(const struct capability_promise *promise) {
  int result = promise->has_keep ? 0 : sys_prctl(PR_SET_KEEPCAPS, 1, 0);
  return result == -EPERM ? 0 : result;
}

int identity_change(struct setup *setup, uint32_t uid, uint32_t gid) {
  if (uid != UINT32_MAX)
    stdio_owner_follow(setup, uid);
  int result = identity_set_gid(gid);
  if (result == 0)
    result = keep_permitted(&setup->promise);
  if (result == 0)
    result = identity_set_uid(uid);
  if (result < 0)
    return result;
  setup->promise.has_ids = true;
  return capabilities_after_ids(&setup->promise);
}

int identity_set(struct setup *setup, const struct argument *arguments) {
  const struct argument *groups = &arguments[2];
  int result = groups->ids.is_kept ? 0 : identity_set_groups(groups->ids.count, groups->ids.values);
  if (result == -EPERM && groups->ids.count == 0 && sys_call(SYS_getgroups, 0, NULL) == 0)
    result = 0;
  return result < 0 ? result : identity_change(setup, arguments[0].id, arguments[1].id);
}

int identity_set_umask(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  int result = (int)sys_call(SYS_umask, arguments->mode); /* only a filter makes it fail */
  return result < 0 ? result : 0;
}

int identity_set_personality(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  int result = (int)sys_call(SYS_personality, arguments->word); /* the domain from before */
  return result < 0 ? result : 0;
}

int identity_forbid_new_privs(struct setup *setup, const struct argument *arguments) {
  (void)setup;
  (void)arguments;
  return identity_set_no_new_privs();
}
