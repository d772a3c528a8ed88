/* SPDX-License-Identifier: MIT */
#include "idmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int write_file(pid_t pid, const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return -errno;
  ssize_t count = write(fd, text, strlen(text));
  int result = count < 0 ? -errno : 0;
  close(fd);
  return result;
}

static int write_map(pid_t pid, const char *name, unsigned outside, unsigned count) {
  char text[64];
  snprintf(text, sizeof text, "0 %u %u\n", outside, count);
  return write_file(pid, name, text);
}

int idmap_write_range(pid_t pid) {
  int result = write_map(pid, "gid_map", IDMAP_BASE, 65536);
  return result < 0 ? result : write_map(pid, "uid_map", IDMAP_BASE, 65536);
}

int idmap_write_own(pid_t pid, uid_t uid, gid_t gid) {
  int result = write_file(pid, "setgroups", "deny");
  if (result == 0)
    result = write_map(pid, "gid_map", gid, 1);
  return result < 0 ? result : write_map(pid, "uid_map", uid, 1);
}
