/* SPDX-License-Identifier: MIT */
#include "base/fds.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/decimal.h"
#include "base/directory.h"
#include "base/syscalls.h"

int fds_occupy_standard(void) {
  for (int fd = 0; fd <= 2; fd++) {
    if (fcntl(fd, F_GETFD) >= 0)
      continue;
    /* The lowest free number is this one: those below are taken. */
    if (open("/dev/null", O_RDWR) < 0)
      return -errno;
  }
  return 0;
}

static int number_of(const char *name) {
  unsigned long number = 0;
  return decimal_parse(&name, &number) && *name == '\0' ? (int)number : -1;
}

static int close_listed(int first) {
  struct directory directory;
  const char *name;
  cleanup_close int listed = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (listed < 0)
    return -errno;
  directory_begin(&directory, listed);
  while ((name = directory_next(&directory)) != NULL) {
    int fd = number_of(name);
    if (fd >= first && fd != listed)
      close(fd);
  }
  return -directory.error;
}

static int close_up_to_limit(int first) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
    return -errno;
  int last = limit.rlim_max > INT_MAX ? INT_MAX : (int)limit.rlim_max;
  for (int fd = first; fd < last; fd++)
    close(fd);
  return 0;
}

int fds_close_from(int first) {
  if (sys_close_range((unsigned)first, UINT_MAX, 0) == 0)
    return 0;
  return close_listed(first) == 0 ? 0 : close_up_to_limit(first);
}

int fds_set_nonblocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  if (flags < 0)
    return -errno;
  if ((flags & O_NONBLOCK) == 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
    return -errno;
  return 0;
}
