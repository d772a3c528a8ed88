/* SPDX-License-Identifier: MIT */
#include "launch/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/syscalls.h"
#include "launch/child.h"
#include "launch/id_map.h"
#include "launch/oom_score.h"
#include "launch/own_namespaces.h"
#include "launch/sharing.h"
#include "launch/slot_check.h"
#include "launch/user_namespace.h"

/*
 * Removes what a child in a user namespace must not have of the agent's ids. The supplementary
 * groups are dropped where the agent's own namespace allows it; where it does not, they may stay in
 * a namespace that belongs to the agent's own user. A privileged agent refuses a fresh namespace
 * without a checkpoint and without maps, because there is no moment in which they could be written.
 */
static struct failure leave_ids_behind(const struct request *request,
                                       const struct enter_target *target, bool is_privileged) {
  if (target == NULL && request->proceed && request->uid_map.count == 0 && is_privileged)
    return failure_of(STAGE_SETRESUID, -EINVAL);
  int groups = user_namespace_clear_groups();
  if (groups > 0 && (target != NULL ? !target->is_own : !user_namespace_may_keep_groups()))
    groups = -EPERM;
  return failure_of(STAGE_SETGROUPS, groups);
}

/* A child that execs at once is sent nothing, unless it may have to ask whose its stdio is, or
 * waits for its maps. */
static int open_pipes(const struct child_start *child, int down[2], int up[2]) {
  const struct request *request = child->request;
  bool asks =
      (request->setup.count > 0 && stdio_made(&child->plan) != 0) || id_map_is_agents(child);
  int result = (int)sys_call(SYS_pipe2, up, O_CLOEXEC | O_NONBLOCK);
  if (result == 0 && (!request_execs_at_once(request) || asks))
    result = (int)sys_call(SYS_pipe2, down, O_CLOEXEC | O_NONBLOCK);
  return result;
}

/* The child's end and the agent's. */
static int open_terminal_socket(struct child_start *child, int *agent) {
  int ends[2] = {-1, -1};
  uint64_t namespaces = child->target != NULL ? child->target->flags : child->request->namespaces;
  int result = 0;
  if (request_looks_inside(child->request, namespaces))
    result = (int)sys_call(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
  child->terminal = ends[0];
  *agent = ends[1];
  return result;
}

/* /proc as the host has it, because the child's root may have none by the time of its commands. A
 * child that enters namespaces is seen by others there, who may take its descriptors, and so opens
 * the one that it finds. */
static int open_proc(struct child_start *child) {
  bool is_wanted = child->request->sets_parameters && child->target == NULL;
  child->proc = is_wanted ? sys_open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
  return is_wanted && child->proc < 0 ? child->proc : 0;
}

/* Here, and not on the stack, because a child that shares the agent's memory reads it while the
 * agent goes on. */
static struct child_start start;
static char stack[CHILD_STACK_SIZE] __attribute__((aligned(16)));

static void run_child(void) {
  child_run(&start);
}

static long clone_child(uint64_t namespaces, int *pidfd) {
  if (start.shares) {
    unsigned long flags = (unsigned long)namespaces | CLONE_VM | CLONE_PIDFD | SIGCHLD;
    return raw_clone(flags, stack + sizeof stack, run_child, pidfd);
  }
  long pid = sys_fork_with(namespaces, SIGCHLD, pidfd);
  if (pid == 0)
    run_child();
  return pid;
}

struct failure launch(struct launched *launched, const struct request *request,
                      struct stdio_plan *plan, const struct enter_target *target) {
  int down[2] = {-1, -1};
  int up[2] = {-1, -1};
  struct oom_score score;
  start = (struct child_start){.request = request,
                               .plan = *plan,
                               .target = target,
                               .uid = geteuid(),
                               .gid = request->gid_map.count > 0 ? getegid() : 0};
  start.is_root = start.uid == 0;
  struct failure refused = id_map_check(&start);
  if (!failure_is(refused))
    refused = own_namespaces_check(&start);
  if (!failure_is(refused))
    refused = slot_check(request);
  if (failure_is(refused))
    return refused;
  if (child_has_user_namespace(&start)) {
    start.is_privileged = user_namespace_is_privileged();
    struct failure failure = leave_ids_behind(request, target, start.is_privileged);
    if (failure_is(failure))
      return failure;
  }
  int result = open_pipes(&start, down, up);
  if (result < 0)
    return failure_of(STAGE_PIPE2, result);
  result = open_terminal_socket(&start, &launched->terminal);
  if (result < 0)
    return failure_of(STAGE_SETUP_terminal, result);
  result = open_proc(&start);
  if (result < 0)
    return failure_of(STAGE_SETUP_sysctl, result);
  start.down = down[0];
  start.up = up[1];
  start.agent_down = down[1];
  start.agent_up = up[0];
  start.shares = sharing_is_safe(&start);
  struct failure failure = oom_score_set(&score, request);
  if (failure_is(failure))
    return failure;
  long pid = clone_child(own_namespaces_of_clone(&start), &launched->pidfd);
  failure = oom_score_restore(&score);
  if (pid < 0)
    return failure_of(STAGE_CLONE, (int)pid);
  if (failure_is(failure)) {
    kill((pid_t)pid, SIGKILL);
    return failure;
  }
  launched->pid = (pid_t)pid;
  launched->down = down[1];
  launched->up = up[0];
  launched->awaits_maps = id_map_is_agents(&start);
  launched->is_intermediate = child_enters_pid_namespace(&start);
  fd_close(&down[0]);
  fd_close(&up[1]);
  int terminal = start.terminal; /* the child may still read `start` */
  int proc = start.proc;
  fd_close(&terminal);
  fd_close(&proc);
  stdio_close_child_ends(plan);
  return failure_none();
}

struct failure launch_map_ids(const struct launched *launched) {
  return id_map_write(&start, launched->pid);
}
