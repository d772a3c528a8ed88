/* SPDX-License-Identifier: MIT */
/*
 * Scope-bound ownership of file descriptors. A variable marked cleanup_close is closed when it goes
 * out of scope; fd_take hands the descriptor over and leaves -1 behind.
 */
#ifndef LINX_BASE_CLEANUP_H
#define LINX_BASE_CLEANUP_H

#include "base/syscalls.h"

static inline void fd_close(int *fd) {
  if (*fd >= 0)
    sys_close(*fd);
  *fd = -1;
}

static inline int fd_take(int *fd) {
  int taken = *fd;
  *fd = -1;
  return taken;
}

#define cleanup_close __attribute__((cleanup(fd_close)))

#endif
