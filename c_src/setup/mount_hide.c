/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/inode.h"
#include "setup/mount_attach.h"
#include "setup/mount_calls.h"
#include "setup/mounts.h"
#include "setup/path_text.h"
#include "setup/resolve.h"

/* Opens what is to be covered. */
static int open_path(struct mount_target *target, const struct argument *path,
                     char text[PATH_MAX]) {
  text_copy(text, &path->text);
  target->path = text;
  target->fd = resolve_open(text, O_PATH);
  int result = target->fd < 0 ? target->fd : mounts_check_not_root(target->fd);
  if (result < 0)
    fd_close(&target->fd);
  return result;
}

static int cover_readonly(int target) {
  const struct mount_attributes attributes = {.set = ATTR_RDONLY};
  cleanup_close int tree = mount_copy(target, true);
  int result = tree < 0 ? tree : mount_set_attributes(tree, &attributes, true);
  return result < 0 ? result : mount_move(tree, target);
}

int mounts_make_readonly(struct setup *setup, const struct argument *arguments) {
  char path[PATH_MAX];
  struct mount_target target;
  (void)setup;
  int result = open_path(&target, &arguments[0], path);
  if (result < 0)
    return result == -ENOENT ? 0 : result;
  result = cover_readonly(target.fd);
  fd_close(&target.fd);
  return result;
}

/* What an image may have put into the place of the slot's source is not trusted. */
static int check_slot(const struct setup *setup, unsigned slot, int (*check)(int fd)) {
  int fd = slots_get(&setup->slots, slot);
  if (fd < 0 || (setup->has_root && !slots_has(&setup->slots, slot, SLOT_IS_OF_HOST)))
    return -EINVAL;
  return check(fd);
}

static int cover(struct slots *slots, const struct mount_target *target, unsigned file,
                 unsigned directory) {
  const struct mount_wish wish = {.attributes = {.set = ATTR_RDONLY | ATTR_NOSUID | ATTR_NOEXEC},
                                  .keeps = true};
  struct inode_kind kind;
  int result = inode_describe(&kind, target->fd);
  if (result < 0)
    return result;
  return mount_attach(slots, S_ISDIR(kind.mode) ? directory : file, target, &wish);
}

int mounts_mask(struct setup *setup, const struct argument *arguments) {
  char path[PATH_MAX];
  struct mount_target target = {.no_follow = false};
  unsigned file = arguments[1].slot;
  unsigned directory = arguments[2].slot;
  int result = check_slot(setup, file, mount_check_null);
  if (result == 0)
    result = check_slot(setup, directory, mount_check_empty);
  if (result < 0)
    return result;
  slots_done(&setup->slots, file, true);
  slots_done(&setup->slots, directory, true);
  result = open_path(&target, &arguments[0], path);
  if (result < 0)
    return result == -ENOENT ? 0 : result;
  result = cover(&setup->slots, &target, file, directory);
  fd_close(&target.fd);
  return result;
}
