/* SPDX-License-Identifier: MIT */
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/fds.h"
#include "base/syscalls.h"
#include "launch/child.h"
#include "launch/user_namespace.h"

/*
 * Removes what a child in a user namespace must not have of the agent's ids. The supplementary
 * groups are dropped where the agent's own namespace allows it; where it does not, they may stay in
 * a namespace that belongs to the agent's own user. A privileged agent refuses a fresh namespace
 * without a checkpoint, because there is no moment in which its maps could be written.
 */
static struct failure leave_ids_behind(const struct request *request,
                                       const struct enter_target *target, bool is_privileged) {
  if (target == NULL && request->proceed && is_privileged)
    return failure_of(STAGE_SETRESUID, -EINVAL);
  int groups = user_namespace_clear_groups();
  if (groups > 0 && (target != NULL ? !target->is_own : !user_namespace_may_keep_groups()))
    groups = -EPERM;
  return failure_of(STAGE_SETGROUPS, groups);
}

static int open_pipes(int down[2], int up[2]) {
  if (pipe2(down, O_CLOEXEC) < 0 || pipe2(up, O_CLOEXEC) < 0)
    return -errno;
  int result = fds_set_nonblocking(down[1]);
  return result < 0 ? result : fds_set_nonblocking(up[0]);
}

struct failure launch(struct launched *launched, const struct request *request,
                      struct stdio_plan *plan, const struct enter_target *target) {
  struct child_start start = {
      .request = request, .plan = plan, .target = target, .is_root = geteuid() == 0};
  int down[2] = {-1, -1};
  int up[2] = {-1, -1};
  if (child_has_user_namespace(&start)) {
    start.is_privileged = user_namespace_is_privileged();
    struct failure failure = leave_ids_behind(request, target, start.is_privileged);
    if (failure_is(failure))
      return failure;
  }
  int result = open_pipes(down, up);
  if (result < 0)
    return failure_of(STAGE_PIPE2, result);
  start.down = down[0];
  start.up = up[1];
  start.agent_down = down[1];
  start.agent_up = up[0];
  long pid = sys_fork_with(target != NULL ? 0 : request->namespaces, SIGCHLD, &launched->pidfd);
  if (pid < 0)
    return failure_of(STAGE_CLONE, (int)pid);
  if (pid == 0)
    child_run(&start);
  launched->pid = (pid_t)pid;
  launched->down = down[1];
  launched->up = up[0];
  launched->is_intermediate = target != NULL && (target->flags & CLONE_NEWPID) != 0;
  fd_close(&start.down);
  fd_close(&start.up);
  stdio_close_child_ends(plan);
  return failure_none();
}
