/* SPDX-License-Identifier: MIT */
/*
 * What the test programs share that play a hostile neighbour: they say facts on fd 1, one a line,
 * take orders on fd 3, one a line, and end with the end of fd 3.
 */
#ifndef LINX_TEST_NEIGHBOUR_H
#define LINX_TEST_NEIGHBOUR_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The generic table's numbers: the same on every architecture that has these calls. */
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

#define ORDERS 3

/* A line is written whole: other processes may write to the same fd. */
__attribute__((format(printf, 1, 2))) static inline void say(const char *format, ...) {
  va_list values;

  va_start(values, format);
  vdprintf(1, format, values);
  va_end(values);
}

static inline _Noreturn void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  _exit(127);
}

static inline _Noreturn void wait_forever(void) {
  for (;;)
    pause();
}

/* Joins a namespace of a process, by the name of its link and its CLONE_NEW* flag (setns(2)). */
static inline void join_namespace(const char *pid, const char *link, int flag) {
  char path[64];
  int fd;

  snprintf(path, sizeof(path), "/proc/%s/ns/%s", pid, link);
  fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || setns(fd, flag) < 0)
    fail("setns");
  close(fd);
}

/*
 * The next order, without its newline, if one comes within `timeout_ms` milliseconds (-1: for
 * ever). Ends the process at the end of fd 3.
 */
static inline int next_order(char *line, size_t size, int timeout_ms) {
  struct pollfd orders = {.fd = ORDERS, .events = POLLIN};
  size_t length = 0;

  if (poll(&orders, 1, timeout_ms) <= 0)
    return 0;
  while (length < size - 1 && read(ORDERS, line + length, 1) == 1)
    if (line[length++] == '\n') {
      line[length - 1] = '\0';
      return 1;
    }
  _exit(0);
}

#endif
