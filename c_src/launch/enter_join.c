/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/syscalls.h"
#include "launch/enter.h"
#include "launch/user_namespace.h"

static int join(int fd, uint64_t flags) {
  return (int)sys_call(SYS_setns, fd, flags);
}

/* Before Linux 5.8 a pidfd cannot be joined; the handles can, one by one. */
static struct failure join_one_by_one(const struct enter_target *target) {
  for (int kind = 0; kind < NAMESPACE_COUNT; kind++) {
    const struct namespace_kind *row = &namespace_kinds[kind];
    int result = target->links[kind] < 0 ? 0 : join(target->links[kind], row->flag);
    if (result < 0)
      return failure_of(row->setns_stage, result);
  }
  return failure_none();
}

static struct failure join_all(const struct enter_target *target) {
  int result = join(target->pidfd, target->flags);
  return result == -EINVAL ? join_one_by_one(target) : failure_of(STAGE_SETNS, result);
}

/* `own` is /proc/self/ns from before: after joining a mount namespace, /proc may be another. The
 * pid namespace is joined for children only. */
static struct failure compare(const struct enter_target *target, int own) {
  for (int kind = 0; kind < NAMESPACE_COUNT; kind++) {
    const struct namespace_kind *row = &namespace_kinds[kind];
    if (target->links[kind] < 0)
      continue;
    struct inode joined;
    const char *name = row->flag == CLONE_NEWPID ? "pid_for_children" : row->link;
    int result = inode_find(&joined, own, name);
    if (result == 0 && !inode_is_same(&joined, &target->namespaces[kind]))
      result = -EXDEV;
    if (result < 0)
      return failure_of(row->setns_stage, result);
  }
  return failure_none();
}

struct failure enter_join(const struct enter_target *target) {
  struct failure failure = failure_none();
  if (target->flags == 0)
    return failure;
  cleanup_close int own = sys_open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (own < 0)
    return failure_of(STAGE_SETNS, own);
  if (target->uid != ID_KEEP || target->gid != ID_KEEP)
    failure = user_namespace_assume(target->uid, target->gid);
  if (!failure_is(failure))
    failure = join_all(target);
  if (failure_is(failure))
    return failure;
  /* A change of ids or of the user namespace sets what fs.suid_dumpable says (proc(5)). */
  failure = failure_of(STAGE_PRCTL, sys_prctl(PR_SET_DUMPABLE, 0, 0));
  return failure_is(failure) ? failure : compare(target, own);
}
