/* SPDX-License-Identifier: MIT */
#include "base/file_system.h"

#include <sys/statfs.h>

#include "base/syscalls.h"

int file_system_find(struct file_system *file_system, int fd) {
  struct statfs found;
#ifdef SYS_fstatfs64
  int result = (int)sys_call(SYS_fstatfs64, fd, sizeof found, &found);
#else
  int result = (int)sys_call(SYS_fstatfs, fd, &found);
#endif
  if (result == 0)
    *file_system = (struct file_system){.type = (unsigned long)found.f_type,
                                        .flags = (unsigned long)found.f_flags};
  return result;
}
