/* SPDX-License-Identifier: MIT */
/*
 * Kills a child of an agent at a moment that is chosen to the microsecond, or to the system call.
 *
 *   killer
 *
 * Says "ready". Orders:
 *
 *   after PID MICROSECONDS   waits for the first child of PID, and that much longer, and sends it
 *                            SIGKILL; says "killed CHILD", or "late" when PID was gone before
 *   fork PID                 says "watching PID"; when a child of PID has forked, sends it SIGKILL
 *                            before it can do anything else, and says "killed CHILD"
 *   hold PID                 the same, but the child is held there: says "held CHILD", and with
 *                            the order "release" lets it go on
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "neighbour.h"

static int64_t microseconds(void) {
  struct timespec now;

  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The oldest child of a process (proc(5), children), 0 without one, -1 when the process is gone. */
static int first_child(int pid) {
  char path[64];
  char text[32] = "";
  ssize_t count;
  int fd;

  snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
  fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  count = read(fd, text, sizeof(text) - 1);
  close(fd);
  return count < 0 ? -1 : atoi(text);
}

static void kill_child(int agent, long delay) {
  int child = 0;
  int64_t end;

  while (child == 0)
    child = first_child(agent);
  end = microseconds() + delay;
  while (child > 0 && microseconds() < end)
    continue;
  if (child > 0 && kill(child, SIGKILL) == 0)
    say("killed %d\n", child);
  else
    say("late\n");
}

static int is_fork(int status) {
  int event = status >> 16;

  return event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE;
}

/* Lets a process of the session that has stopped go on, with the signal it has stopped for, if any.
 */
static void go_on(pid_t pid, int status) {
  ptrace(PTRACE_CONT, pid, NULL, status >> 16 ? 0L : (long)WSTOPSIG(status));
}

/* The rest of the session goes on while one of its processes is held. */
static void hold(pid_t held) {
  char order[64];
  int status;
  pid_t pid;

  say("held %d\n", held);
  while (!next_order(order, sizeof(order), 1))
    while ((pid = waitpid(-1, &status, __WALL | WNOHANG)) > 0)
      if (WIFSTOPPED(status) && pid != held)
        go_on(pid, status);
}

/* Traces the agent and what it forks (ptrace(2)) until a child of it forks. */
static void watch(pid_t agent, int holds) {
  const long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
  int status;
  pid_t pid;

  if (ptrace(PTRACE_SEIZE, agent, NULL, options) < 0)
    fail("ptrace");
  say("watching %d\n", agent);
  while ((pid = waitpid(-1, &status, __WALL)) > 0) {
    if (!WIFSTOPPED(status))
      continue;
    if (pid != agent && is_fork(status))
      break;
    go_on(pid, status);
  }
  if (pid < 0) {
    say("late\n");
  } else if (holds) {
    hold(pid);
  } else {
    kill(pid, SIGKILL);
    say("killed %d\n", pid);
  }
}

/* What a tracer has stopped goes on at its end, so each order has a tracer of its own. */
static void watch_apart(pid_t agent, int holds) {
  pid_t tracer = fork();

  if (tracer < 0)
    fail("fork");
  if (tracer == 0) {
    watch(agent, holds);
    _exit(0);
  }
  waitpid(tracer, NULL, 0);
}

int main(void) {
  char order[64];
  int pid;
  long delay;

  say("ready\n");
  for (;;) {
    if (!next_order(order, sizeof(order), -1))
      continue;
    if (sscanf(order, "after %d %ld", &pid, &delay) == 2)
      kill_child(pid, delay);
    else if (sscanf(order, "fork %d", &pid) == 1)
      watch_apart(pid, 0);
    else if (sscanf(order, "hold %d", &pid) == 1)
      watch_apart(pid, 1);
    else
      return 127;
  }
}
