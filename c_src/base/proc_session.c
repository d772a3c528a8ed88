/* SPDX-License-Identifier: MIT */
#include "base/proc_session.h"

#include <fcntl.h>
#include <signal.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/decimal.h"
#include "base/directory.h"
#include "base/proc.h"
#include "base/syscalls.h"

static bool is_left_by(pid_t leader, pid_t pid, struct proc_stat *stat) {
  return pid != leader && proc_read_stat(pid, stat) == 0 &&
         (stat->session == leader || stat->group == leader) && stat->state != 'Z' &&
         stat->state != 'X';
}

/*
 * A signal to a group reaches all of it at once, also a process that is being forked. So a process
 * is stopped with the group that it leads before its descendants are looked for: they may fork and
 * end faster than they are found, and are found while their ancestor lives.
 */
static bool kill_left(pid_t leader, pid_t pid) {
  struct proc_stat stat;
  /* Looked at again once it is pinned, because the number may be another process's by now. */
  cleanup_close int pidfd = is_left_by(leader, pid, &stat) ? sys_pidfd_open(pid) : -1;
  if (pidfd < 0 || !is_left_by(leader, pid, &stat))
    return false;
  sys_pidfd_signal_group(pidfd, pid, SIGSTOP);
  proc_signal_descendants(pid, SIGKILL);
  sys_pidfd_signal_group(pidfd, pid, SIGKILL);
  sys_pidfd_send_signal(pidfd, SIGKILL); /* it may have left the group */
  return true;
}

bool proc_kill_session(pid_t leader, int64_t until) {
  struct directory directory;
  bool found = false;
  cleanup_close int proc = sys_open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  kill(-leader, proc < 0 ? SIGKILL : SIGSTOP);
  if (proc < 0)
    return false;
  directory_begin(&directory, proc);
  const char *name;
  while ((name = directory_next(&directory)) != NULL) {
    unsigned long pid = 0;
    if (!decimal_parse(&name, &pid) || *name != '\0')
      continue;
    found = kill_left(leader, (pid_t)pid) || found;
    /* Numbers rise, so processes may be forked ahead of the one that was read as fast as they are
     * looked at. */
    if (clock_ms() >= until) {
      found = true;
      break;
    }
  }
  kill(-leader, SIGKILL);
  return found;
}
