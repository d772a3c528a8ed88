/* SPDX-License-Identifier: MIT */
#include "setup/mounts.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/inode.h"
#include "setup/mount_attach.h"
#include "setup/mount_calls.h"
#include "setup/path_text.h"
#include "setup/resolve.h"

/* The path of a directory that a mount makes, and of a file. */
#define DIRECTORY_MODE 0755
#define FILE_MODE      0444

static bool has_flag(const struct argument *argument, unsigned flag) {
  return (argument->flags.bits & flag) != 0;
}

static int copy_tree(const struct argument *path, const struct argument *flags, unsigned *facts) {
  char text[PATH_MAX];
  bool recursive = has_flag(flags, FLAG_RECURSIVE);
  text_copy(text, &path->text);
  cleanup_close int found =
      resolve_open(text, O_PATH | (has_flag(flags, FLAG_NOFOLLOW) ? O_NOFOLLOW : 0));
  cleanup_close int tree = found < 0 ? found : mount_copy(found, recursive);
  if (tree < 0)
    return tree;
  int result = mount_set_propagation(tree, MS_PRIVATE, recursive);
  if (result == -ENOSYS) { /* before Linux 5.12; done once it is attached */
    *facts |= SLOT_IS_SHARED;
    result = 0;
  }
  return result < 0 ? result : fd_take(&tree);
}

int mounts_open_tree(struct setup *setup, const struct argument *arguments) {
  unsigned facts = 0;
  int tree = copy_tree(&arguments[1], &arguments[2], &facts);
  if (tree == -ENOENT && has_flag(&arguments[2], FLAG_OPTIONAL))
    facts = SLOT_IS_LEFT_OUT;
  return slots_put(&setup->slots, arguments[0].slot, tree, facts);
}

/* The kernel has no errors of its own for these. */
static int check_kinds(const struct inode_kind *mounted, int target) {
  struct inode_kind covered;
  int result = inode_describe(&covered, target);
  if (result < 0)
    return result;
  if (S_ISLNK(covered.mode))
    return -ELOOP;
  if (S_ISDIR(mounted->mode) != S_ISDIR(covered.mode))
    return S_ISDIR(mounted->mode) ? -ENOTDIR : -EISDIR;
  return 0;
}

int mounts_check_not_root(int target) {
  struct inode root;
  struct inode found;
  uint64_t mounts[2];
  int result = inode_find(&root, AT_FDCWD, "/");
  if (result == 0)
    result = inode_find(&found, target, "");
  if (result == 0)
    result = inode_find_mount(&mounts[0], AT_FDCWD, "/");
  if (result == 0)
    result = inode_find_mount(&mounts[1], target, "");
  if (result != 0)
    return result;
  return inode_is_same(&root, &found) && mounts[0] == mounts[1] ? -EINVAL : 0;
}

/* Opens what is to be covered, and makes it where there is nothing. */
static int open_target(struct mount_target *target, const struct inode_kind *mounted,
                       const struct argument_flags *flags) {
  struct resolve_new new = {.is_directory = S_ISDIR(mounted->mode)};
  new.mode = (flags->bits & FLAG_MODE) != 0 ? flags->mode
             : new.is_directory             ? DIRECTORY_MODE
                                            : FILE_MODE;
  target->fd = resolve_make(target->path, target->no_follow, &new);
  int result = target->fd < 0 ? target->fd : mounts_check_not_root(target->fd);
  return result == 0 ? check_kinds(mounted, target->fd) : result;
}

/* A tmpfs without an option of its own for it, the first time that it is attached. */
static int take_mode(const struct slots *slots, unsigned slot, int target) {
  bool takes = slots_has(slots, slot, SLOT_TAKES_MODE) && !slots_has(slots, slot, SLOT_IS_USED);
  return takes ? mount_take_mode(slots_get(slots, slot), target) : 0;
}

static int attach_at(struct slots *slots, unsigned slot, struct mount_target *target,
                     const struct argument *arguments) {
  struct inode_kind kind;
  int mounted = slots_get(slots, slot);
  struct mount_wish wish = {.attributes = mount_attributes_of(arguments[2].mask, 0),
                            .recursive = has_flag(&arguments[3], FLAG_RECURSIVE),
                            .keeps = has_flag(&arguments[3], FLAG_KEEP)};
  int result = inode_describe(&kind, mounted);
  if (result < 0)
    return result;
  target->no_follow =
      has_flag(&arguments[3], FLAG_NOFOLLOW) || (S_ISDIR(kind.mode) && mount_shows_kernel(mounted));
  result = open_target(target, &kind, &arguments[3].flags);
  if (result == 0)
    result = take_mode(slots, slot, target->fd);
  return result == 0 ? mount_attach(slots, slot, target, &wish) : result;
}

int mounts_attach(struct setup *setup, const struct argument *arguments) {
  char path[PATH_MAX];
  struct mount_target target = {.fd = -1, .path = path};
  unsigned slot = arguments[0].slot;
  int result = slots_get(&setup->slots, slot);
  if (result == -ENOENT) /* left out, and so is what attaches it */
    slots_done(&setup->slots, slot, has_flag(&arguments[3], FLAG_KEEP));
  if (result < 0)
    return result == -ENOENT ? 0 : result;
  text_copy(path, &arguments[1].text);
  result = attach_at(&setup->slots, slot, &target, arguments);
  fd_close(&target.fd);
  return result;
}
