/* SPDX-License-Identifier: MIT */
#include "agent/kill.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/syscalls.h"

/* At most 15 bytes (PR_SET_NAME(2const)). */
#define AGENT_NAME "linx_process"

int kill_name_agent(void) {
  return prctl(PR_SET_NAME, AGENT_NAME, 0UL, 0UL, 0UL) < 0 ? -errno : 0;
}

/* Whether the process of that number is an agent: 0, or -ESRCH. */
static int check_agent(pid_t agent) {
  struct proc_stat stat;
  cleanup_close int pidfd = sys_pidfd_open(agent);
  int result = pidfd < 0 ? pidfd : proc_read_stat(agent, &stat);
  if (result == 0 && strcmp(stat.name, AGENT_NAME) != 0)
    result = -ESRCH;
  return result;
}

/* Kills all that descends from an agent, and the process group that its child `target` leads. The
 * descendants are killed before and after the group, because a process whose parent ends becomes
 * another's child. */
static int kill_session(pid_t target_pid, pid_t agent) {
  struct proc_stat stat;
  int result = check_agent(agent);
  if (result < 0)
    return result;
  cleanup_close int pidfd = sys_pidfd_open(target_pid);
  bool is_child = pidfd >= 0 && proc_read_stat(target_pid, &stat) == 0 && stat.parent == agent;
  proc_signal_descendants(agent, SIGKILL);
  if (is_child)
    sys_pidfd_signal_group(pidfd, target_pid, SIGKILL);
  proc_signal_descendants(agent, SIGKILL);
  return 0;
}

struct failure kill_target(const struct request *request) {
  if (request->target == 1) /* kill(2): -1 is no group but every process there is */
    return failure_of(STAGE_KILL, -EPERM);
  if (request->agent != 0)
    return failure_of(STAGE_KILL, kill_session(request->target, request->agent));
  if (kill(-request->target, SIGKILL) < 0 && kill(request->target, SIGKILL) < 0)
    return failure_of(STAGE_KILL, -errno);
  return failure_none();
}
