/* SPDX-License-Identifier: MIT */
#include "launch/namespace_owner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/syscalls.h"

static bool is_same(const struct stat *one, const struct stat *other) {
  return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* Whether `owner` is the user namespace of `user_link` or one above it, as far up as the caller's
 * own, above which the kernel shows none (EPERM). */
static int check_ancestors(const struct stat *owner, int user_link) {
  struct stat found;
  cleanup_close int at = fcntl(user_link, F_DUPFD_CLOEXEC, 0);
  while (at >= 0) {
    if (fstat(at, &found) < 0)
      return -errno;
    if (is_same(&found, owner))
      return 0;
    int parent = ioctl(at, LINX_NS_GET_PARENT);
    if (parent < 0)
      return -errno;
    close(at);
    at = parent;
  }
  return -errno;
}

int namespace_owner_check(int link, int user_link) {
  struct stat owner;
  struct stat own;
  cleanup_close int owner_link = ioctl(link, LINX_NS_GET_USERNS);
  if (owner_link < 0 || fstat(owner_link, &owner) < 0 || stat("/proc/self/ns/user", &own) < 0)
    return -errno;
  if (is_same(&owner, &own))
    return 0;
  return user_link < 0 ? -EPERM : check_ancestors(&owner, user_link);
}
