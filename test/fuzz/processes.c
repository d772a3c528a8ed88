/* SPDX-License-Identifier: MIT */
#include "processes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static ssize_t read_text(pid_t pid, const char *name, char *text, size_t size) {
  char path[96];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -1;
  ssize_t count = read(fd, text, size - 1);
  close(fd);
  if (count >= 0)
    text[count] = '\0';
  return count;
}

int process_read(struct process *process, pid_t pid) {
  char text[1024];
  int parent = 0;
  int group = 0;
  if (read_text(pid, "stat", text, sizeof text) <= 0)
    return -1;
  char *begin = strchr(text, '(');
  char *end = strrchr(text, ')');
  *process = (struct process){.pid = pid};
  if (begin == NULL || end == NULL ||
      sscanf(end + 1, " %c %d %d", &process->state, &parent, &group) != 3)
    return -1;
  *end = '\0';
  snprintf(process->name, sizeof process->name, "%s", begin + 1);
  process->parent = parent;
  process->group = group;
  return 0;
}

int process_children(pid_t pid, pid_t *pids, int room) {
  char name[64];
  char text[8192];
  int count = 0;
  snprintf(name, sizeof name, "task/%d/children", (int)pid);
  if (read_text(pid, name, text, sizeof text) <= 0)
    return 0;
  for (char *at = text; count < room;) {
    char *end;
    long child = strtol(at, &end, 10);
    if (end == at)
      break;
    pids[count++] = (pid_t)child;
    at = end;
  }
  return count;
}

void process_describe(char *text, size_t size, pid_t pid) {
  struct process process;
  char place[128] = "";
  if (process_read(&process, pid) < 0) {
    snprintf(text, size, "%d: gone", (int)pid);
    return;
  }
  read_text(pid, "wchan", place, sizeof place);
  snprintf(text, size, "%d (%s) state %c, parent %d, group %d, in %s", (int)pid, process.name,
           process.state, (int)process.parent, (int)process.group, place);
}

int process_ids(pid_t pid, unsigned *uid, unsigned *gid, int *groups) {
  char text[4096];
  if (read_text(pid, "status", text, sizeof text) <= 0)
    return -1;
  const char *users = strstr(text, "\nUid:");
  const char *all = strstr(text, "\nGid:");
  const char *others = strstr(text, "\nGroups:");
  if (users == NULL || all == NULL || others == NULL || sscanf(users + 5, "%u", uid) != 1 ||
      sscanf(all + 5, "%u", gid) != 1)
    return -1;
  *groups = 0;
  for (const char *at = others + 8; *at != '\n' && *at != '\0'; at++)
    *groups += *at >= '0' && *at <= '9' && !(at[1] >= '0' && at[1] <= '9');
  return 0;
}

/* The process-wide clock of another process: clock_getcpuclockid(3). */
int64_t process_cpu(pid_t pid) {
  clockid_t clock;
  struct timespec used;
  if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &used) < 0)
    return -1;
  return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}
