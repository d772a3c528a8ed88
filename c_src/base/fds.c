/* SPDX-License-Identifier: MIT */
#include "base/fds.h"

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
    if (sys_call(SYS_fcntl, fd, F_GETFD) >= 0)
      continue;
    /* The lowest free number is this one: those below are taken. */
    int result = sys_open("/dev/null", O_RDWR);
    if (result < 0)
      return result;
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
  cleanup_close int listed = sys_open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (listed < 0)
    return listed;
  directory_begin(&directory, listed);
  while ((name = directory_next(&directory)) != NULL) {
    int fd = number_of(name);
    if (fd >= first && fd != listed)
      sys_close(fd);
  }
  return -directory.error;
}

static int close_up_to_limit(int first) {
  uint64_t limits[2] = {0, 0}; /* the soft and the hard one */
  int result = (int)sys_call(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, limits);
  if (result < 0)
    return result;
  int last = limits[1] > INT_MAX ? INT_MAX : (int)limits[1];
  for (int fd = first; fd < last; fd++)
    sys_close(fd);
  return 0;
}

int fds_close_from(int first) {
  if (sys_close_range((unsigned)first, UINT_MAX, 0) == 0)
    return 0;
  return close_listed(first) == 0 ? 0 : close_up_to_limit(first);
}

int fds_set_nonblocking(int fd) {
  int flags = (int)sys_call(SYS_fcntl, fd, F_GETFL);
  if (flags < 0 || (flags & O_NONBLOCK) != 0)
    return flags < 0 ? flags : 0;
  return (int)sys_call(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
}
