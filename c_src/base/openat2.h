/* SPDX-License-Identifier: MIT */
/* openat2(2), since Linux 5.6, whose header musl-gcc does not see. */
#ifndef LINX_BASE_OPENAT2_H
#define LINX_BASE_OPENAT2_H

#include <stdint.h>

#include "base/syscalls.h"

/* The number is the same on every architecture. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

/* linux/openat2.h */
#define RESOLVE_NO_XDEV       0x01U
#define RESOLVE_NO_MAGICLINKS 0x02U
#define RESOLVE_NO_SYMLINKS   0x04U
#define RESOLVE_BENEATH       0x08U
#define RESOLVE_IN_ROOT       0x10U

struct open_how {
  uint64_t flags, mode, resolve;
};

/* A descriptor that is close-on-exec, or a negative errno. `flags` are without O_CREAT. */
static inline int sys_openat2(int directory, const char *path, int flags, unsigned resolve) {
  const struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                               .resolve = resolve};
  return (int)sys_call(SYS_openat2, directory, path, &how, sizeof how);
}

#endif
