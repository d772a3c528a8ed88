/* SPDX-License-Identifier: MIT */
#include "setup/sysctl.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/file_system.h"
#include "base/inode.h"
#include "base/openat2.h"
#include "base/syscalls.h"
#include "setup/sysctl_name.h"

#define PROC_ROOT_INODE 1 /* linux/proc_fs.h */

/* Whether the descriptor is of the root of a procfs: 0, -EXDEV or another negative errno. */
static int check_proc(int fd) {
  struct file_system file_system;
  struct inode inode;
  int result = file_system_find(&file_system, fd);
  if (result == 0)
    result = inode_find(&inode, fd, "");
  if (result != 0)
    return result;
  bool is_root = file_system.type == FILE_SYSTEM_PROC && inode.number == PROC_ROOT_INODE;
  return is_root ? 0 : -EXDEV;
}

static int open_below(int proc, const char *path) {
  int result = check_proc(proc);
  if (result < 0)
    return result;
  return sys_openat2(proc, path, O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

/* By the descriptor that the child has of the host's, else in its own root. */
static int open_parameter(const struct setup *setup, const char *path) {
  if (setup->proc >= 0)
    return open_below(setup->proc, path);
  cleanup_close int proc = sys_open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
  return proc < 0 ? proc : open_below(proc, path);
}

/* A write of no bytes would change nothing, and an end of line is no part of any value. */
static int write_value(int fd, const struct argument_text *value) {
  const struct argument_text line = {.bytes = "\n", .size = 1};
  const struct argument_text *written = value->size > 0 ? value : &line;
  long count = sys_write(fd, written->bytes, written->size);
  return count < 0 ? (int)count : (size_t)count == written->size ? 0 : -EINVAL;
}

int sysctl_set(struct setup *setup, const struct argument *arguments) {
  char path[SYSCTL_PATH_SIZE];
  int result = sysctl_path(path, &arguments[0].text);
  cleanup_close int fd = result < 0 ? result : open_parameter(setup, path);
  return fd < 0 ? fd : write_value(fd, &arguments[1].text);
}
