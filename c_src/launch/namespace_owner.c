/* SPDX-License-Identifier: MIT */
#include "launch/namespace_owner.h"

#include <errno.h>
#include <fcntl.h>

#include "base/cleanup.h"
#include "base/inode.h"
#include "base/syscalls.h"

/* Whether `owner` is the user namespace of `user_link` or one above it, as far up as the caller's
 * own, above which the kernel shows none (EPERM). */
static int check_ancestors(const struct inode *owner, int user_link) {
  struct inode found;
  cleanup_close int at = (int)sys_call(SYS_fcntl, user_link, F_DUPFD_CLOEXEC, 0);
  int result = at < 0 ? at : inode_find(&found, at, "");
  while (result == 0 && !inode_is_same(&found, owner)) {
    int parent = (int)sys_call(SYS_ioctl, at, LINX_NS_GET_PARENT);
    if (parent < 0)
      return parent;
    fd_close(&at);
    at = parent;
    result = inode_find(&found, at, "");
  }
  return result;
}

int namespace_owner_check(int link, int user_link) {
  struct inode owner;
  struct inode own;
  cleanup_close int owner_link = (int)sys_call(SYS_ioctl, link, LINX_NS_GET_USERNS);
  int result = owner_link < 0 ? owner_link : inode_find(&owner, owner_link, "");
  if (result == 0)
    result = inode_find(&own, AT_FDCWD, "/proc/self/ns/user");
  if (result < 0 || inode_is_same(&owner, &own))
    return result;
  return user_link < 0 ? -EPERM : check_ancestors(&owner, user_link);
}
