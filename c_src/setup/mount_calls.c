/* SPDX-License-Identifier: MIT */
#include "setup/mount_calls.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/directory.h"
#include "base/file_system.h"
#include "base/inode.h"
#include "base/syscalls.h"

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifndef AT_NO_AUTOMOUNT
#define AT_NO_AUTOMOUNT 0x800
#endif

static unsigned recursion(bool recursive) {
  return recursive ? TREE_RECURSIVE : 0;
}

int mount_copy(int fd, bool recursive) {
  return (int)sys_call(SYS_open_tree, fd, "",
                       AT_EMPTY_PATH | AT_NO_AUTOMOUNT | O_CLOEXEC | TREE_CLONE |
                           recursion(recursive));
}

struct mount_attributes mount_attributes_of(uint64_t set, uint64_t clear) {
  const uint64_t times = ATTR_ATIME_FIELD | ATTR_RELATIME;
  if (((set | clear) & times) != 0)
    clear = (clear & ~times) | ATTR_ATIME_FIELD;
  return (struct mount_attributes){.set = set & ~ATTR_RELATIME, .clear = clear};
}

int mount_set_attributes(int fd, const struct mount_attributes *attributes, bool recursive) {
  if (attributes->set == 0 && attributes->clear == 0)
    return 0;
  return (int)sys_call(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | recursion(recursive), attributes,
                       sizeof *attributes);
}

int mount_set_propagation(int fd, uint64_t propagation, bool recursive) {
  struct mount_attributes attributes = {.propagation = propagation};
  return (int)sys_call(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | recursion(recursive), &attributes,
                       sizeof attributes);
}

int mount_move(int fd, int target) {
  return (int)sys_call(SYS_move_mount, fd, "", target, "",
                       MOVE_FROM_EMPTY_PATH | MOVE_TO_EMPTY_PATH);
}

bool mount_shows_kernel(int fd) {
  struct file_system found;
  return file_system_find(&found, fd) < 0 || found.type == FILE_SYSTEM_PROC ||
         found.type == FILE_SYSTEM_SYSFS;
}

static int open_listing(int directory) {
  return (int)sys_call(SYS_openat, directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
}

int mount_take_mode(int fd, int target) {
  struct inode_kind covered;
  cleanup_close int root = open_listing(fd);
  int result = root < 0 ? root : inode_describe(&covered, target);
  return result < 0 ? result : (int)sys_call(SYS_fchmod, root, covered.mode & 07777);
}

int mount_check_null(int fd) {
  struct inode_kind found;
  int result = inode_describe(&found, fd);
  if (result < 0)
    return result;
  return S_ISCHR(found.mode) && found.major == 1 && found.minor == 3 ? 0 : -EINVAL;
}

static int check_no_entries(int fd) {
  struct directory listing;
  const char *name = NULL;
  cleanup_close int root = open_listing(fd);
  if (root < 0)
    return root;
  directory_begin(&listing, root);
  while ((name = directory_next(&listing)) != NULL)
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
      return -EINVAL;
  return -listing.error;
}

int mount_check_empty(int fd) {
  struct file_system found;
  struct inode_kind kind;
  int result = inode_describe(&kind, fd);
  if (result == 0)
    result = file_system_find(&found, fd);
  if (result != 0)
    return result;
  if (!S_ISDIR(kind.mode) || found.type != FILE_SYSTEM_TMPFS)
    return -EINVAL;
  return check_no_entries(fd);
}
