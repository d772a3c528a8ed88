/* SPDX-License-Identifier: MIT */
/*
 * An ordinary user's user namespace that waits to be entered:
 *
 *   lurer UID_MAP GID_MAP [pid]
 *
 * Each map is a line of /proc/<pid>/uid_map and gid_map (user_namespaces(7)), or "-" for a map that
 * is not written. With "pid" there is a pid namespace as well, and what is to be entered is the
 * only child. Says "ready", and from then on tries to trace and read every process that comes
 * later, with all capabilities in its namespace; what it gets at is said as "took PID WHAT".
 * Orders: "try PID" says of each way whether it is open or refused, "report" says "reported after N
 * sweeps".
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "neighbour.h"

#define PID_MAX 4194304

/* The processes that were there before: none of this test's business. */
static char is_known[PID_MAX + 1];

static void write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY);

  if (fd < 0 || write(fd, text, strlen(text)) < 0)
    fail(path);
  close(fd);
}

/* Without a privilege outside, setgroups(2) has to be given up for a map of groups. */
static void make_namespace(const char *uid_map, const char *gid_map, int flags) {
  if (unshare(CLONE_NEWUSER | flags) < 0)
    fail("unshare");
  if (strcmp(uid_map, "-") != 0)
    write_file("/proc/self/uid_map", uid_map);
  if (strcmp(gid_map, "-") != 0) {
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/gid_map", gid_map);
  }
}

static int can_trace(int pid) {
  if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) < 0)
    return 0;
  /* Let go at once: a traced process that ends is kept from its parent (ptrace(2)). */
  ptrace(PTRACE_INTERRUPT, pid, NULL, NULL);
  waitpid(pid, NULL, __WALL);
  ptrace(PTRACE_DETACH, pid, NULL, NULL);
  return 1;
}

/* Whether a file of the process can be opened and, because a process without memory has files that
 * can be opened by all, read. */
static int can_read(int pid, const char *name) {
  char path[64];
  char byte;
  int fd;
  ssize_t count;

  snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
  fd = open(path, O_RDONLY);
  if (fd < 0)
    return 0;
  count = read(fd, &byte, 1);
  close(fd);
  return count > 0;
}

static int can_open(int pid, const char *name, int flags) {
  char path[64];
  int fd;

  snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
  fd = open(path, flags);
  if (fd < 0)
    return 0;
  close(fd);
  return 1;
}

static int can_follow(int pid, const char *name) {
  char path[64];
  char target[256];

  snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
  return readlink(path, target, sizeof(target)) >= 0;
}

static void try_all_ways(int pid) {
  say("mem %s\n", can_open(pid, "mem", O_RDWR) ? "open" : "refused");
  say("environ %s\n", can_read(pid, "environ") ? "open" : "refused");
  say("fd %s\n", can_open(pid, "fd", O_RDONLY | O_DIRECTORY) ? "open" : "refused");
  say("root %s\n", can_follow(pid, "root") ? "open" : "refused");
  say("ptrace %s\n", can_trace(pid) ? "open" : "refused");
  say("tried %d\n", pid);
}

static void took(int pid, const char *what) {
  is_known[pid] = 1;
  say("took %d %s\n", pid, what);
}

static void sweep(void (*look)(int pid)) {
  DIR *proc = opendir("/proc");
  struct dirent *entry;

  if (!proc)
    fail("/proc");
  while ((entry = readdir(proc)))
    if (isdigit((unsigned char)entry->d_name[0])) {
      int pid = atoi(entry->d_name);

      if (pid > 0 && pid <= PID_MAX && !is_known[pid])
        look(pid);
    }
  closedir(proc);
}

static void remember(int pid) {
  is_known[pid] = 1;
}

static void attack(int pid) {
  if (can_follow(pid, "fd/0"))
    took(pid, "fd/0");
  else if (can_read(pid, "environ"))
    took(pid, "environ");
  else if (can_trace(pid))
    took(pid, "ptrace");
}

/* The only child: the first process of a pid namespace, there for others to join it. */
static void fork_first(void) {
  pid_t child = fork();

  if (child < 0)
    fail("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    wait_forever();
  }
}

int main(int argc, char **argv) {
  char order[64];
  long sweeps = 0;
  int has_pid_namespace = argc > 3 && strcmp(argv[3], "pid") == 0;

  if (argc < 3)
    return 127;
  make_namespace(argv[1], argv[2], has_pid_namespace ? CLONE_NEWPID : 0);
  if (has_pid_namespace)
    fork_first();
  sweep(remember);
  say("ready\n");
  for (;; sweeps++) {
    if (next_order(order, sizeof(order), 0)) {
      if (strncmp(order, "try ", 4) == 0)
        try_all_ways(atoi(order + 4));
      else
        say("reported after %ld sweeps\n", sweeps);
    }
    sweep(attack);
  }
}
