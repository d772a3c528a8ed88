/* SPDX-License-Identifier: MIT */
#include "setup/root.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/inode.h"
#include "setup/mount_calls.h"
#include "setup/path_text.h"
#include "setup/resolve.h"

#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

/* The mount and the inode that a path or descriptor leads to. */
struct whereabouts {
  struct inode inode;
  uint64_t mount;
};

static int find(struct whereabouts *found, int at, const char *path) {
  int result = inode_find(&found->inode, at, path);
  return result == 0 ? inode_find_mount(&found->mount, at, path) : result;
}

static int check_root(const struct whereabouts *wanted) {
  struct whereabouts found;
  int result = find(&found, AT_FDCWD, "/");
  if (result < 0)
    return result;
  return inode_is_same(&found.inode, &wanted->inode) && found.mount == wanted->mount ? 0 : -EXDEV;
}

static int set_propagation(int root, uint64_t propagation, bool recursive) {
  const struct mount_place place = {.directory = root, .name = "."};
  return mount_set_propagation_at(&place, propagation, recursive);
}

/* With "." for both the old root is mounted on the new one (pivot_root(2), NOTES), and is what
 * umount2(2) finds there. */
static int pivot(int root) {
  int result = (int)sys_call(SYS_fchdir, root);
  if (result == 0)
    result = (int)sys_call(SYS_pivot_root, ".", ".");
  if (result == 0)
    result = (int)sys_call(SYS_umount2, ".", MNT_DETACH);
  return result == 0 ? (int)sys_call(SYS_chdir, "/") : result;
}

static int change_root(int root, uint64_t propagation, bool is_shared) {
  struct whereabouts wanted;
  struct inode_kind kind;
  int result = inode_describe(&kind, root);
  if (result == 0)
    result = S_ISDIR(kind.mode) ? find(&wanted, root, "") : -ENOTDIR;
  if (result == 0)
    result = (int)sys_call(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_FROM_EMPTY_PATH);
  if (result == 0 && is_shared)
    result = set_propagation(root, MS_PRIVATE, true);
  if (result == 0)
    result = pivot(root);
  if (result == 0)
    result = check_root(&wanted);
  return result == 0 ? set_propagation(root, propagation, false) : result;
}

int root_pivot(struct setup *setup, const struct argument *arguments) {
  struct slots *slots = &setup->slots;
  unsigned slot = arguments[0].slot;
  int root = setup->has_root ? -EINVAL : slots_get(slots, slot);
  int result = root < 0
                   ? root
                   : change_root(root, arguments[1].mask, slots_has(slots, slot, SLOT_IS_SHARED));
  if (result < 0)
    return result;
  setup->has_root = true;
  slots_done(slots, slot, false);
  slots_note_root(slots);
  return 0;
}

int root_change(struct setup *setup, const struct argument *arguments) {
  char path[PATH_MAX];
  (void)setup;
  text_copy(path, &arguments[0].text);
  cleanup_close int fd = resolve_open(path, O_PATH | O_DIRECTORY);
  int result = fd < 0 ? fd : (int)sys_call(SYS_fchdir, fd);
  if (result == 0)
    result = (int)sys_call(SYS_chroot, ".");
  return result == 0 ? (int)sys_call(SYS_chdir, "/") : result;
}
