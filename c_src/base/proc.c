/* SPDX-License-Identifier: MIT */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/decimal.h"
#include "base/directory.h"
#include "base/syscalls.h"

/* include/linux/sched.h: forked but didn't exec */
#define PF_FORKNOEXEC 0x00000040UL

/* Room for /proc/<pid>/stat: 52 fields of 20 characters at the most, most of them short. */
#define STAT_SIZE 1280

void proc_path(char path[PROC_PATH_SIZE], pid_t pid, const char *rest) {
  memcpy(path, "/proc/", 6);
  size_t length = 6 + decimal_format(path + 6, (unsigned long)pid);
  while (*rest != '\0' && length < PROC_PATH_SIZE - 1)
    path[length++] = *rest++;
  path[length] = '\0';
}

/* The number `count` fields behind the one that `text` stands on; 0 when there are not so many. */
static unsigned long field_after(const char *text, int count) {
  unsigned long number = 0;
  while (count > 0 && *text != '\0')
    if (*text++ == ' ')
      count--;
  decimal_parse(&text, &number);
  return number;
}

int proc_parse_stat(const char *text, struct proc_stat *stat) {
  unsigned long pid = 0;
  const char *at = text;
  /* The name stands in parentheses and may hold anything, parentheses included. */
  const char *name = strchr(text, '(');
  const char *name_end = strrchr(text, ')');
  if (!decimal_parse(&at, &pid) || name == NULL || name_end == NULL || name > name_end ||
      name_end[1] != ' ' || name_end[2] == '\0')
    return -EINVAL;
  /* Field 3 of proc(5), counted from 1; the others by their distance from it. */
  at = name_end + 2;
  *stat = (struct proc_stat){
      .pid = (pid_t)pid,
      .state = *at,
      .parent = (pid_t)field_after(at, 1),
      .group = (pid_t)field_after(at, 2),
      .session = (pid_t)field_after(at, 3),
      .flags = field_after(at, 6),
      .minor_faults = field_after(at, 7),
      .major_faults = field_after(at, 9),
      .user_ticks = field_after(at, 11),
      .system_ticks = field_after(at, 12),
      .exit_code = (int)field_after(at, 49),
  };
  for (size_t i = 0; i < sizeof stat->name - 1 && ++name < name_end; i++)
    stat->name[i] = *name;
  return 0;
}

static bool parse_field(const char **text, unsigned long *number) {
  while (**text == ' ')
    (*text)++;
  return decimal_parse(text, number);
}

int64_t proc_parse_id_map(const char *text, uint32_t inside) {
  while (*text != '\0') {
    unsigned long first = 0;
    unsigned long outside = 0;
    unsigned long count = 0;
    if (!parse_field(&text, &first) || !parse_field(&text, &outside) ||
        !parse_field(&text, &count) || *text++ != '\n')
      return -EINVAL;
    if (inside < first || inside - first >= count)
      continue;
    /* A row that the reader's own user namespace does not map begins with (uid_t)-1. */
    int64_t id = (int64_t)(outside + (inside - first));
    return outside == UINT32_MAX || id >= UINT32_MAX ? -ENOENT : id;
  }
  return -ENOENT;
}

/* 340 rows of three numbers in eleven characters each (user_namespaces(7)) are 11,220 bytes. */
#define ID_MAP_SIZE 12288

int64_t proc_id_map_outside(const char *path, uint32_t inside) {
  char text[ID_MAP_SIZE];
  size_t size = 0;
  cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  while (size < sizeof text - 1) {
    ssize_t count = read(fd, text + size, sizeof text - 1 - size);
    if (count < 0 && errno == EINTR)
      continue;
    if (count < 0)
      return -errno;
    if (count == 0)
      break;
    size += (size_t)count;
  }
  text[size] = '\0';
  return proc_parse_id_map(text, inside);
}

int proc_check_own(void) {
  char link[24];
  unsigned long pid = 0;
  const char *at = link;
  ssize_t length = readlink("/proc/self", link, sizeof link - 1);
  if (length < 0)
    return -errno;
  link[length] = '\0';
  return decimal_parse(&at, &pid) && *at == '\0' && (pid_t)pid == getpid() ? 0 : -ESRCH;
}

/* The number of bytes from the beginning of an open file, and a NUL behind them. -errno. */
static ssize_t read_open_file(int fd, char *text, size_t size) {
  ssize_t count;
  do
    count = pread(fd, text, size - 1, 0);
  while (count < 0 && errno == EINTR);
  if (count < 0)
    return -errno;
  text[count] = '\0';
  return count;
}

int proc_open_stat(pid_t pid) {
  char path[PROC_PATH_SIZE];
  proc_path(path, pid, "/stat");
  return sys_open(path, O_RDONLY | O_CLOEXEC);
}

int proc_read_open_stat(int fd, struct proc_stat *stat) {
  char text[STAT_SIZE];
  ssize_t count = read_open_file(fd, text, sizeof text);
  return count < 0 ? (int)count : proc_parse_stat(text, stat);
}

int proc_read_stat(pid_t pid, struct proc_stat *stat) {
  cleanup_close int fd = proc_open_stat(pid);
  return fd < 0 ? fd : proc_read_open_stat(fd, stat);
}

int proc_has_execed(int fd, pid_t child) {
  struct proc_stat stat;
  int result = proc_read_open_stat(fd, &stat);
  if (result < 0)
    return result;
  /* A /proc of another pid namespace shows another process under that number. */
  if (stat.pid != child || stat.parent != getpid())
    return -ESRCH;
  return (stat.flags & PF_FORKNOEXEC) == 0;
}

int proc_open_own_children(void) {
  char path[PROC_PATH_SIZE];
  proc_children_path(path, getpid());
  return sys_open(path, O_RDONLY | O_CLOEXEC);
}

void proc_children_path(char path[PROC_PATH_SIZE], pid_t pid) {
  char rest[PROC_PATH_SIZE] = "/task/";
  size_t length = 6 + decimal_format(rest + 6, (unsigned long)pid);
  memcpy(rest + length, "/children", sizeof "/children");
  proc_path(path, pid, rest);
}

/* A process, and the parent that it was found under. */
struct found {
  pid_t pid;
  pid_t parent;
};

/* Appends the pids in an open file of a process's children, the oldest first. */
static int append_listed(struct buffer *found, int fd, pid_t pid, size_t most) {
  char text[1024];
  unsigned long number = 0;
  ssize_t count;
  off_t offset = 0;
  for (; most > 0 && (count = pread(fd, text, sizeof text, offset)) > 0; offset += count)
    for (ssize_t i = 0; i < count && most > 0; i++) {
      if (text[i] >= '0' && text[i] <= '9') {
        number = number * 10 + (unsigned long)(text[i] - '0');
        continue;
      }
      const struct found child = {.pid = (pid_t)number, .parent = pid};
      number = 0;
      most--;
      if (buffer_append(found, &child, sizeof child) < 0)
        return -ENOMEM;
    }
  return 0;
}

/* Appends the pids in each /proc/<pid>/task/<tid>/children (proc(5)): a child stands in the file of
 * the thread that forked it. */
static int append_children(struct buffer *found, pid_t pid) {
  char path[PROC_PATH_SIZE];
  struct directory directory;
  proc_path(path, pid, "/task");
  cleanup_close int tasks = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (tasks < 0)
    return 0;
  directory_begin(&directory, tasks);
  int result = 0;
  const char *name;
  while (result == 0 && (name = directory_next(&directory)) != NULL) {
    unsigned long thread = 0;
    if (!decimal_parse(&name, &thread))
      continue;
    char file[DECIMAL_SIZE + sizeof "/children"];
    size_t length = decimal_format(file, thread);
    memcpy(file + length, "/children", sizeof "/children");
    cleanup_close int fd = openat(tasks, file, O_RDONLY | O_CLOEXEC);
    if (fd >= 0)
      result = append_listed(found, fd, pid, SIZE_MAX);
  }
  return result;
}

/* `buffer` holds whole entries. */
static size_t found_count(const struct buffer *found) {
  return buffer_length(found) / sizeof(struct found);
}

static struct found found_at(const struct buffer *found, size_t index) {
  struct found entry;
  memcpy(&entry, buffer_start(found) + index * sizeof entry, sizeof entry);
  return entry;
}

/*
 * A pidfd of the process that was found, or a negative errno. The number may belong to another
 * process by now, so it is pinned first and looked at then: it is the one that was found if it has
 * that parent, or has been adopted by the caller. With a /proc of another pid namespace it has
 * neither.
 */
static int pin(struct found found) {
  struct proc_stat stat;
  cleanup_close int pidfd = sys_pidfd_open(found.pid);
  if (pidfd < 0)
    return pidfd;
  int result = proc_read_stat(found.pid, &stat);
  if (result < 0)
    return result;
  if (stat.pid != found.pid || (stat.parent != found.parent && stat.parent != getpid()))
    return -ESRCH;
  return fd_take(&pidfd);
}

static void signal_found(struct found found, int signum) {
  cleanup_close int pidfd = pin(found);
  if (pidfd >= 0)
    sys_pidfd_send_signal(pidfd, signum);
}

/* A child that is not reaped keeps its number, so it can be signalled without being pinned. */
static void kill_child(pid_t pid, int signum) {
  siginfo_t unused;
  if (waitid(P_PID, (id_t)pid, &unused, WEXITED | WNOHANG | WNOWAIT) == 0)
    kill(pid, signum);
}

/* The most processes that are pinned at a time. */
#define PINNED_MAX 128

/*
 * When a process's parent dies, the process becomes another's child, and nothing shows any more
 * that it belonged to the session. So as many as possible are pinned before the first is signalled,
 * parents first, because a process may start another in the place of one that has ended. Those that
 * are not pinned are signalled before them, children first.
 */
static void signal_all(const struct buffer *found, int signum) {
  int pinned[PINNED_MAX];
  size_t pins = 0;
  while (pins < PINNED_MAX && pins < found_count(found)) {
    pinned[pins] = pin(found_at(found, pins));
    pins++;
  }
  for (size_t i = found_count(found); i > pins; i--)
    signal_found(found_at(found, i - 1), signum);
  for (size_t i = 0; i < pins; i++) {
    if (pinned[i] < 0 && pinned[i] != -ESRCH)
      kill_child(found_at(found, i).pid, signum);
    if (pinned[i] >= 0)
      sys_pidfd_send_signal(pinned[i], signum);
    fd_close(&pinned[i]);
  }
}

/* Takes over `found`, which has the first generation, or else the error that kept it from that. */
static void signal_with_descendants(struct buffer found, int result, int signum) {
  for (size_t i = 0; result == 0 && i < found_count(&found); i++)
    result = append_children(&found, found_at(&found, i).pid);
  signal_all(&found, signum);
  buffer_release(&found);
}

/* Groups that need not be killed again; of more than these each may be. */
struct groups {
  pid_t ids[64];
  size_t count;
};

static bool has_group(const struct groups *groups, pid_t id) {
  for (size_t i = 0; i < groups->count; i++)
    if (groups->ids[i] == id)
      return true;
  return false;
}

/* Whether a child is a zombie; then its group is killed. A zombie that is not reaped stays in its
 * group, which so keeps its number. The caller's own group is that of a child which has not begun
 * one, and of others. */
static bool kill_group_of_zombie(pid_t child, struct groups *killed) {
  struct proc_stat stat;
  if (proc_read_stat(child, &stat) < 0 || stat.pid != child || stat.parent != getpid() ||
      stat.state != 'Z')
    return false;
  if (stat.group <= 1 || stat.group == getpgrp() || has_group(killed, stat.group))
    return true;
  kill(-stat.group, SIGKILL);
  if (killed->count < sizeof killed->ids / sizeof killed->ids[0])
    killed->ids[killed->count++] = stat.group;
  return true;
}

void proc_kill_own_children(int fd, size_t most) {
  struct buffer found = {.size = 0};
  struct groups killed = {.count = 0};
  size_t living = 0;
  append_listed(&found, fd, getpid(), most);
  for (size_t i = 0; i < found_count(&found); i++) {
    const struct found child = found_at(&found, i);
    if (!kill_group_of_zombie(child.pid, &killed))
      memcpy(found.bytes + found.start + living++ * sizeof child, &child, sizeof child);
  }
  found.end = found.start + living * sizeof(struct found);
  signal_all(&found, SIGKILL);
  buffer_release(&found);
}

void proc_signal_own_descendants(int fd, int signum) {
  struct buffer found = {.size = 0};
  int result = append_listed(&found, fd, getpid(), SIZE_MAX);
  signal_with_descendants(found, result, signum);
}

void proc_signal_descendants(pid_t pid, int signum) {
  struct buffer found = {.size = 0};
  int result = append_children(&found, pid);
  signal_with_descendants(found, result, signum);
}

bool proc_has_living_children(int fd) {
  struct buffer found = {.size = 0};
  struct proc_stat stat;
  bool living = append_listed(&found, fd, getpid(), SIZE_MAX) < 0;
  for (size_t i = 0; !living && i < found_count(&found); i++)
    living = proc_read_stat(found_at(&found, i).pid, &stat) == 0 && stat.state != 'Z' &&
             stat.state != 'X';
  buffer_release(&found);
  return living;
}
