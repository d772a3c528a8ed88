/* SPDX-License-Identifier: MIT */
#include "launch/child_ids.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>

#include "base/syscalls.h"
#include "launch/id_map.h"
#include "launch/user_namespace.h"
#include "setup/identity.h"

bool child_is_mapped_by_user(const struct child_start *start) {
  return start->target == NULL && (start->request->namespaces & CLONE_NEWUSER) != 0 &&
         !start->is_root;
}

/* With maps in the request the child opens its files itself, if it opens any, and ends that in
 * id_map_write_own. */
struct failure child_ids_allow_maps(const struct child_start *start) {
  const struct request *request = start->request;
  bool opens = !id_map_is_given(start) || id_map_is_childs(start) ||
               request->setgroups == SETGROUPS_DENY || request->time_offsets.count > 0;
  bool is_dumpable = child_is_mapped_by_user(start) && opens;
  return failure_of(STAGE_PRCTL, is_dumpable ? sys_prctl(PR_SET_DUMPABLE, 1, 0) : 0);
}

static struct failure take_given(const struct request *request) {
  int result = identity_set_groups(0, NULL); /* EPERM: the namespace denies it */
  if (result < 0 && result != -EPERM)
    return failure_of(STAGE_SETGROUPS, result);
  return user_namespace_assume(id_map_first(&request->uid_map), id_map_first(&request->gid_map));
}

struct failure child_ids_take(const struct child_start *start, struct child_ids *ids,
                              bool *changed) {
  *changed = false;
  if (!child_has_user_namespace(start) || ids->are_set || ids->are_taken)
    return failure_none();
  if (!id_map_is_given(start))
    return user_namespace_become_root(changed);
  ids->are_taken = *changed = true;
  return take_given(start->request);
}

struct failure child_ids_check(const struct child_start *start, const struct child_ids *ids) {
  bool enters = start->target != NULL;
  bool are_known = enters || ids->are_set || ids->are_taken;
  if (!child_has_user_namespace(start) || (!enters && !start->is_privileged))
    return failure_none();
  if (!are_known && sys_call(SYS_geteuid) != 0)
    return failure_of(STAGE_SETRESUID, -EINVAL);
  if (!are_known && sys_call(SYS_getegid) != 0)
    return failure_of(STAGE_SETRESGID, -EINVAL);
  return user_namespace_check_mapped();
}
