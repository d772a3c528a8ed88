/* SPDX-License-Identifier: MIT */
#include "leftovers.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROCESSES_MAX 64

static void read_text(pid_t pid, const char *name, char *text, size_t size) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t count = fd < 0 ? 0 : read(fd, text, size - 1);
  text[count < 0 ? 0 : count] = '\0';
  if (fd >= 0)
    close(fd);
}

static void read_line(pid_t pid, const char *name, char *text, size_t size) {
  read_text(pid, name, text, size);
  text[strcspn(text, "\n")] = '\0';
}

static int add_children(pid_t pid, pid_t *pids, int count) {
  char name[64];
  char text[1024];
  snprintf(name, sizeof name, "task/%d/children", (int)pid);
  read_line(pid, name, text, sizeof text);
  char *rest = NULL;
  for (char *word = strtok_r(text, " ", &rest); word != NULL && count < PROCESSES_MAX;
       word = strtok_r(NULL, " ", &rest))
    pids[count++] = (pid_t)atoi(word);
  return count;
}

/* Parents first. */
static int list(pid_t pids[PROCESSES_MAX]) {
  int count = add_children(getpid(), pids, 0);
  for (int i = 0; i < count; i++)
    count = add_children(pids[i], pids, count);
  return count;
}

long leftovers_cpu_ms(pid_t pid) {
  char stat[512];
  unsigned long user = 0;
  unsigned long kernel = 0;
  read_line(pid, "stat", stat, sizeof stat);
  const char *end = strrchr(stat, ')');
  if (end == NULL ||
      sscanf(end, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
    return 0;
  return (long)(user + kernel) * 1000 / sysconf(_SC_CLK_TCK);
}

void leftovers_describe(char *text, size_t size) {
  pid_t pids[PROCESSES_MAX];
  int count = list(pids);
  size_t length = 0;
  text[0] = '\0';
  for (int i = 0; i < count && length < size; i++) {
    char stat[160];
    char wchan[64];
    char call[128];
    read_line(pids[i], "stat", stat, sizeof stat);
    read_line(pids[i], "wchan", wchan, sizeof wchan);
    read_line(pids[i], "syscall", call, sizeof call);
    length += (size_t)snprintf(text + length, size - length, "    %.70s; wchan %s; syscall %s\n",
                               stat, wchan, call);
  }
}

static bool has_no_limit(long number, unsigned long third_argument) {
  switch (number) {
#ifdef SYS_poll
  case SYS_poll:
    return (int)third_argument < 0;
#endif
#ifdef SYS_pause
  case SYS_pause:
#endif
  case SYS_read:
  case SYS_write:
  case SYS_wait4:
  case SYS_waitid:
    return true;
  case SYS_ppoll:
    return third_argument == 0;
  default:
    return false;
  }
}

static enum rest rest_of(pid_t pid, unsigned long *switches) {
  char stat[512];
  char call[256];
  char status[4096];
  char state = '?';
  long number = 0;
  unsigned long third = 0;
  read_line(pid, "stat", stat, sizeof stat);
  const char *end = strrchr(stat, ')');
  if (end != NULL)
    sscanf(end, ") %c", &state);
  if (state == 'Z')
    return REST_STUCK;
  read_text(pid, "status", status, sizeof status);
  const char *count = strstr(status, "\nvoluntary_ctxt_switches:");
  if (state != 'S' || count == NULL)
    return REST_NONE;
  *switches += strtoul(strchr(count, ':') + 1, NULL, 10);
  read_line(pid, "syscall", call, sizeof call);
  if (call[0] == '\0')
    return REST_ASLEEP;
  bool is_stuck =
      sscanf(call, "%ld %*x %*x %lx", &number, &third) == 2 && has_no_limit(number, third);
  return is_stuck ? REST_STUCK : REST_NONE;
}

enum rest leftovers_rest(unsigned long *switches) {
  pid_t pids[PROCESSES_MAX];
  enum rest least = REST_STUCK;
  int count = list(pids);
  *switches = 0;
  for (int i = 0; i < count; i++) {
    enum rest rest = rest_of(pids[i], switches);
    least = rest < least ? rest : least;
  }
  return least;
}

void leftovers_kill(void) {
  pid_t pids[PROCESSES_MAX];
  int count = list(pids);
  for (int i = 0; i < count; i++)
    kill(pids[i], SIGKILL);
}
