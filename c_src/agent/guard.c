/* SPDX-License-Identifier: MIT */
#include "agent/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>

#include "base/syscalls.h"

/* Milliseconds that an agent which is not blocked has to handle the hang-up itself. */
#define NOTICE_MS 500

/* Milliseconds between two rounds of SIGKILL, and between two calls of a poll(2) that fails. */
#define PACE_MS    200

#define STACK_SIZE 8192

static struct guard guard;
static char stack[STACK_SIZE] __attribute__((aligned(16)));

/* Nothing here calls libc: its wrappers would write the errno of the agent's own thread. */

static void sleep_ms(int64_t count) {
  struct kernel_timespec left = {count / 1000, count % 1000 * 1000000};
  while (sys_call(LINX_SYS_CLOCK_NANOSLEEP, CLOCK_MONOTONIC, 0, &left, &left) == -EINTR)
    continue;
}

/* Whether fd 3 is readable and empty, which is its end. Asked for when poll(2) fails, as it does in
 * a process whose RLIMIT_NOFILE is 0. */
static bool has_hung_up(void) {
  unsigned long readable[1024 / (8 * sizeof(unsigned long))] = {1UL << guard.control};
  struct kernel_timespec at_once = {0, 0};
  int waiting = 0;
  return sys_call(LINX_SYS_PSELECT, guard.control + 1, readable, 0, 0, &at_once) > 0 &&
         sys_call(SYS_ioctl, guard.control, FIONREAD, &waiting) == 0 && waiting == 0;
}

static void await_hang_up(void) {
  struct pollfd control = {.fd = guard.control};
  for (;;) {
    long ready = sys_call(SYS_ppoll, &control, 1);
    if (ready > 0 || (ready != -EINTR && has_hung_up()))
      return;
    if (ready != -EINTR)
      sleep_ms(PACE_MS);
  }
}

static bool is_reaped(void) {
  return sys_call(SYS_pidfd_send_signal, guard.pidfd, 0) == -ESRCH;
}

/* The workload's process group, by its leader's pidfd; before Linux 6.9 by its number, while the
 * leader is not reaped. */
static void signal_group(int signum) {
  if (sys_call(SYS_pidfd_send_signal, guard.pidfd, signum, 0, LINX_PIDFD_SIGNAL_PROCESS_GROUP) !=
          -EINVAL ||
      is_reaped())
    return;
  if (sys_call(SYS_kill, -guard.pid, signum) < 0)
    sys_call(SYS_pidfd_send_signal, guard.pidfd, signum);
}

static bool is_child(int kind, long id) {
  siginfo_t unused;
  return sys_call(SYS_waitid, kind, id, &unused, WEXITED | WNOHANG | WNOWAIT, 0, 0) == 0;
}

/* waitid(2) succeeds for a child of the agent, and not for another process that has got the number
 * since. Where no pidfd can be opened, because the workload has lowered the agent's limit of
 * descriptors, the number is used. */
static void kill_child(long pid) {
  long pidfd = sys_call(SYS_pidfd_open, pid, 0, 0, 0, 0, 0);
  if (pidfd >= 0) {
    if (is_child(LINX_P_PIDFD, pidfd))
      sys_call(SYS_pidfd_send_signal, pidfd, SIGKILL, 0, 0, 0, 0);
    sys_call(SYS_close, pidfd, 0, 0, 0, 0, 0);
  } else if (pidfd != -ESRCH && is_child(P_PID, pid)) {
    sys_call(SYS_kill, pid, SIGKILL, 0, 0, 0, 0);
  }
}

/* Kills the agent's children, whose pids are in /proc/<pid>/task/<tid>/children, each with a space
 * behind it. */
static void kill_children(void) {
  char text[512] = "";
  long number = 0;
  long count;
  long offset = 0;
  while ((count = sys_call(SYS_pread64, guard.children, text, sizeof text, offset, 0, 0)) > 0) {
    for (long i = 0; i < count; i++) {
      if (text[i] >= '0' && text[i] <= '9') {
        number = number * 10 + (text[i] - '0');
        continue;
      }
      kill_child(number);
      number = 0;
    }
    offset += count;
  }
}

static _Noreturn void run(void) {
  await_hang_up();
  sleep_ms(NOTICE_MS);
  if (!*guard.noticed && guard.grace_ms > 0) {
    signal_group(SIGTERM);
    signal_group(SIGCONT); /* a stopped process handles no signal before it is continued */
  }
  sleep_ms(guard.grace_ms);
  for (;;) {
    signal_group(SIGKILL);
    if (guard.children >= 0)
      kill_children();
    sleep_ms(PACE_MS);
  }
}

int guard_start(const struct guard *wanted) {
  const unsigned long flags =
      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
  guard = *wanted;
  long result = raw_clone(flags, stack + sizeof stack, run, NULL);
  return result < 0 ? (int)result : 0;
}
