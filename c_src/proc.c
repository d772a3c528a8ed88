#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "buffer.h"
#include "cleanup.h"

/* include/linux/sched.h: forked but didn't exec */
#define PF_FORKNOEXEC 0x00000040UL

static size_t put_number(char *to, unsigned long number) {
  char digits[24];
  size_t count = 0;
  do
    digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) > 0);
  for (size_t i = 0; i < count; i++)
    to[i] = digits[count - 1 - i];
  return count;
}

void proc_path(char path[PROC_PATH_SIZE], pid_t pid, const char *rest) {
  memcpy(path, "/proc/", 6);
  size_t length = 6 + put_number(path + 6, (unsigned long)pid);
  while (*rest != '\0' && length < PROC_PATH_SIZE - 1)
    path[length++] = *rest++;
  path[length] = '\0';
}

static bool parse_number(const char **text, unsigned long *number) {
  const char *at = *text;
  *number = 0;
  for (; *at >= '0' && *at <= '9'; at++)
    *number = *number * 10 + (unsigned long)(*at - '0');
  bool found = at != *text;
  *text = at;
  return found;
}

static const char *skip_fields(const char *text, int count) {
  while (count > 0 && *text != '\0')
    if (*text++ == ' ')
      count--;
  return text;
}

int proc_parse_stat(const char *text, struct proc_stat *stat) {
  unsigned long pid = 0;
  unsigned long parent = 0;
  const char *at = text;
  /* The name stands in parentheses and may hold anything, parentheses included. */
  const char *name_end = strrchr(text, ')');
  if (!parse_number(&at, &pid) || name_end == NULL)
    return -EINVAL;
  at = skip_fields(name_end, 2); /* state, ppid */
  if (!parse_number(&at, &parent))
    return -EINVAL;
  at = skip_fields(at, 5); /* pgrp, session, tty_nr, tpgid, flags */
  if (!parse_number(&at, &stat->flags))
    return -EINVAL;
  stat->pid = (pid_t)pid;
  stat->parent = (pid_t)parent;
  return 0;
}

static ssize_t read_file(const char *path, char *text, size_t size) {
  cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  ssize_t count = read(fd, text, size - 1);
  if (count < 0)
    return -errno;
  text[count] = '\0';
  return count;
}

int proc_has_execed(pid_t child) {
  char path[PROC_PATH_SIZE];
  char text[512] = "";
  struct proc_stat stat;
  proc_path(path, child, "/stat");
  ssize_t count = read_file(path, text, sizeof text);
  if (count < 0)
    return (int)count;
  if (proc_parse_stat(text, &stat) < 0)
    return -EINVAL;
  /* A /proc of another pid namespace shows a stranger under that number. */
  if (stat.pid != child || stat.parent != getpid())
    return -ESRCH;
  return (stat.flags & PF_FORKNOEXEC) == 0;
}

/* Appends the pids in /proc/<pid>/task/<pid>/children (proc(5)); a child that another thread has
 * forked stands in that thread's file, and agents and most workloads have one thread that forks. */
static int append_children(struct buffer *pids, pid_t pid) {
  char path[PROC_PATH_SIZE];
  char text[1024];
  char rest[PROC_PATH_SIZE] = "/task/";
  size_t length = 6 + put_number(rest + 6, (unsigned long)pid);
  memcpy(rest + length, "/children", sizeof "/children");
  proc_path(path, pid, rest);
  cleanup_close int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  unsigned long number = 0;
  ssize_t count;
  while ((count = read(fd, text, sizeof text)) > 0)
    for (ssize_t i = 0; i < count; i++) {
      if (text[i] >= '0' && text[i] <= '9') {
        number = number * 10 + (unsigned long)(text[i] - '0');
        continue;
      }
      pid_t child = (pid_t)number;
      number = 0;
      if (buffer_append(pids, &child, sizeof child) < 0)
        return -ENOMEM;
    }
  return 0;
}

/* `buffer` holds whole pids. */
static pid_t pid_at(const struct buffer *pids, size_t index) {
  pid_t pid;
  memcpy(&pid, buffer_start(pids) + index * sizeof pid, sizeof pid);
  return pid;
}

static bool is_own_child(pid_t pid) {
  siginfo_t state;
  return waitid(P_PID, (id_t)pid, &state, WEXITED | WNOHANG | WNOWAIT) == 0;
}

void proc_signal_own_children(int signum) {
  struct buffer pids = {.size = 0};
  append_children(&pids, getpid());
  for (size_t i = 0; i < buffer_length(&pids) / sizeof(pid_t); i++)
    /* A /proc of another pid namespace shows a stranger's children. */
    if (is_own_child(pid_at(&pids, i)))
      kill(pid_at(&pids, i), signum);
  buffer_release(&pids);
}

void proc_signal_descendants(pid_t pid, int signum) {
  struct buffer pids = {.size = 0};
  int result = append_children(&pids, pid);
  for (size_t i = 0; result == 0 && i < buffer_length(&pids) / sizeof(pid_t); i++)
    result = append_children(&pids, pid_at(&pids, i));
  /* Parents first, so that nobody is replaced by the one that waits for it. */
  for (size_t i = 0; i < buffer_length(&pids) / sizeof(pid_t); i++)
    kill(pid_at(&pids, i), signum);
  buffer_release(&pids);
}
