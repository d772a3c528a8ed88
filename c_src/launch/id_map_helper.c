/* SPDX-License-Identifier: MIT */
#include "launch/id_map_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/decimal.h"
#include "base/fds.h"
#include "base/poll_wait.h"
#include "base/syscalls.h"

/* Milliseconds that a helper has: it may have to ask a name service over the network. */
#define HELPER_MS 10000

/* What a helper exits with that could not be executed; those of newuidmap are 0 and 1. */
#define EXIT_ABSENT 127

#define ARGUMENTS   (2 + 3 * ID_MAP_ROWS_MAX)

static char texts[ARGUMENTS - 1][DECIMAL_SIZE];
static char *arguments[ARGUMENTS + 1];

static void prepare(char *name, pid_t pid, const struct id_map *map) {
  int count = 0;
  decimal_format(texts[count++], (unsigned long)pid);
  for (int i = 0; i < map->count; i++) {
    decimal_format(texts[count++], map->rows[i].inside);
    decimal_format(texts[count++], map->rows[i].outside);
    decimal_format(texts[count++], map->rows[i].count);
  }
  arguments[0] = name;
  for (int i = 0; i < count; i++)
    arguments[1 + i] = texts[i];
  arguments[1 + count] = NULL;
}

/* Runs in the new process. */
_Noreturn static void execute(const char *name) {
  static char *const none[] = {NULL};
  static const char *const directories[] = {"/usr/bin/", "/bin/"};
  char path[64];
  int null = sys_open("/dev/null", O_RDWR);
  for (int fd = 0; fd < 3; fd++)
    if (null < 0 || sys_dup(null, fd, 0) < 0)
      sys_exit(1);
  if (fds_close_from(3) < 0)
    sys_exit(1);
  for (size_t i = 0; i < sizeof directories / sizeof directories[0]; i++) {
    size_t length = strlen(directories[i]);
    memcpy(path, directories[i], length);
    memcpy(path + length, name, strlen(name) + 1);
    sys_call(SYS_execve, path, arguments, none);
  }
  sys_exit(EXIT_ABSENT);
}

static int await(pid_t pid, int pidfd) {
  struct pollfd ended = {.fd = pidfd, .events = POLLIN};
  int status = 0;
  bool is_late = poll_wait(&ended, 1, HELPER_MS) <= 0;
  /* One that has given itself root's ids for good cannot be killed, and is not waited for. */
  if (is_late && kill(pid, SIGKILL) < 0)
    return -ETIMEDOUT;
  while (waitpid(pid, &status, 0) < 0)
    if (errno != EINTR)
      return -errno;
  if (is_late)
    return -ETIMEDOUT;
  if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_ABSENT)
    return -ENOENT;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

int id_map_helper_run(const char *name, pid_t pid, const struct id_map *map) {
  static char program[16];
  cleanup_close int pidfd = -1;
  memcpy(program, name, strlen(name) + 1);
  prepare(program, pid, map);
  long helper = sys_fork_with(0, SIGCHLD, &pidfd);
  if (helper == 0)
    execute(name);
  return helper < 0 ? (int)helper : await((pid_t)helper, pidfd);
}
