/* SPDX-License-Identifier: MIT */
/*
 * The first process of a container that takes descriptors away: with CAP_SYS_PTRACE it duplicates
 * those of every process that appears in its pid namespace, by pidfd_getfd(2) and through
 * /proc/<pid>/fd, from the moment that it is there. Runs as root, without a user namespace.
 *
 * Says "ready", and of each thing that it got, once:
 *
 *   took socket INODE | took pipe INODE | took directory DEVICE INODE | took proc DEVICE INODE
 *
 * A "directory" is any but this container's own /proc, and "proc" is a file of a /proc that is not
 * it. Order: "report" says "reported N", with the number of processes that came by.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "neighbour.h"

#define PROC_MAGIC 0x9fa0
#define FDS        24
#define KNOWN      4096

static dev_t own_proc;

/* What was told already. */
static struct {
  dev_t device;
  ino_t inode;
} known[KNOWN];
static int known_count;

static int is_new(const struct stat *what) {
  for (int i = 0; i < known_count; i++)
    if (known[i].device == what->st_dev && known[i].inode == what->st_ino)
      return 0;
  if (known_count < KNOWN) {
    known[known_count].device = what->st_dev;
    known[known_count++].inode = what->st_ino;
  }
  return 1;
}

static void tell(int fd) {
  struct stat what;
  struct statfs system;

  if (fstat(fd, &what) < 0 || fstatfs(fd, &system) < 0 || !is_new(&what))
    return;
  if (S_ISSOCK(what.st_mode))
    say("took socket %lu\n", (unsigned long)what.st_ino);
  else if (S_ISFIFO(what.st_mode))
    say("took pipe %lu\n", (unsigned long)what.st_ino);
  else if (system.f_type == PROC_MAGIC && what.st_dev != own_proc)
    say("took proc %lu %lu\n", (unsigned long)what.st_dev, (unsigned long)what.st_ino);
  else if (S_ISDIR(what.st_mode) && what.st_dev != own_proc)
    say("took directory %lu %lu\n", (unsigned long)what.st_dev, (unsigned long)what.st_ino);
}

static void take(int pidfd) {
  for (int fd = 3; fd < FDS; fd++) {
    int taken = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);

    if (taken >= 0) {
      tell(taken);
      close(taken);
    }
  }
}

/* The same things through the file system: what is a directory or a file can be opened anew. */
static void open_all(int pid) {
  char path[64];

  for (int fd = 3; fd < FDS; fd++) {
    int opened;

    snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
    opened = open(path, O_PATH);
    if (opened >= 0) {
      tell(opened);
      close(opened);
    }
  }
}

/* All that a process has, so long as it is there: its descriptors change on the way to exec. */
static void rob(int pid, int pidfd, int seen) {
  char order[16];

  while (syscall(SYS_pidfd_send_signal, pidfd, 0, NULL, 0) == 0) {
    take(pidfd);
    open_all(pid);
    if (next_order(order, sizeof(order), 0))
      say("reported %d\n", seen);
  }
}

int main(void) {
  struct stat proc;
  char order[16];
  int next = 2; /* the number that the next process gets, if none has been missed */
  int idle = 0;
  int seen = 0;

  if (getpid() != 1 || stat("/proc/self", &proc) < 0)
    return 127;
  own_proc = proc.st_dev;
  say("ready\n");
  for (;; idle++) {
    /* Before there was anything to be had there is nothing to report. */
    if (seen > 0 && next_order(order, sizeof(order), 0))
      say("reported %d\n", seen);
    /* The longer nothing is found, the more have been missed. */
    for (int pid = next; pid < next + 4 + idle / 16; pid++) {
      int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

      if (pidfd < 0)
        continue;
      rob(pid, pidfd, ++seen);
      close(pidfd);
      next = pid + 1;
      idle = 0;
    }
  }
}
