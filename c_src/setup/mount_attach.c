/* SPDX-License-Identifier: MIT */
#include "setup/mount_attach.h"

#include <errno.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/inode.h"
#include "setup/mount_calls.h"
#include "setup/resolve.h"

/* What is mounted, and how mount(2) finds it once it is. */
struct found_place {
  struct mount_place place;
  int directory; /* belongs to it, or -1 */
  char name[NAME_MAX + 1];
};

static int find_place(struct found_place *found, int mounted, const struct mount_target *target) {
  struct inode_kind kind;
  int result = inode_describe(&kind, mounted);
  found->directory = -1;
  found->place = (struct mount_place){.directory = mounted, .name = "."};
  if (result < 0 || S_ISDIR(kind.mode))
    return result;
  found->directory = resolve_entry(target->path, !target->no_follow, false, found->name);
  found->place = (struct mount_place){.directory = found->directory, .name = found->name};
  return found->directory < 0 ? found->directory : 0;
}

static int change_attributes_at(int mounted, const struct mount_target *target,
                                const struct mount_attributes *attributes) {
  struct found_place found;
  int result = find_place(&found, mounted, target);
  if (result == 0)
    result = mount_set_attributes_at(&found.place, mounted, attributes);
  fd_close(&found.directory);
  return result;
}

static int change_propagation_at(int mounted, const struct mount_target *target,
                                 uint64_t propagation, bool recursive) {
  struct found_place found;
  int result = find_place(&found, mounted, target);
  if (result == 0)
    result = mount_set_propagation_at(&found.place, propagation, recursive);
  fd_close(&found.directory);
  return result;
}

int mount_change_attributes(int mounted, const struct mount_target *target,
                            const struct mount_attributes *attributes, bool recursive) {
  int result = mount_set_attributes(mounted, attributes, recursive);
  return result == -ENOSYS && !recursive ? change_attributes_at(mounted, target, attributes)
                                         : result;
}

int mount_change_propagation(int mounted, const struct mount_target *target, uint64_t propagation,
                             bool recursive) {
  int result = mount_set_propagation(mounted, propagation, recursive);
  return result == -ENOSYS ? change_propagation_at(mounted, target, propagation, recursive)
                           : result;
}

static int attach(int fd, bool is_shared, const struct mount_target *target,
                  const struct mount_wish *wish) {
  int result = mount_set_attributes(fd, &wish->attributes, wish->recursive);
  bool later = result == -ENOSYS && !wish->recursive;
  if (result == 0 || later)
    result = mount_move(fd, target->fd);
  if (result == 0 && is_shared)
    result = change_propagation_at(fd, target, MS_PRIVATE, true);
  return result == 0 && later ? change_attributes_at(fd, target, &wish->attributes) : result;
}

/* Before Linux 6.15 only a mount that is attached can be copied: EINVAL for any other. So the
 * slot's own one goes first there, and later ones are copies of that. */
static int copy_of(struct slots *slots, unsigned slot, int fd, bool *is_own) {
  bool is_attached = slots_has(slots, slot, SLOT_IS_ATTACHED);
  int copy = mount_copy(fd, true);
  *is_own = copy == -EINVAL && !is_attached;
  return copy;
}

int mount_attach(struct slots *slots, unsigned slot, const struct mount_target *target,
                 const struct mount_wish *wish) {
  bool is_shared = slots_has(slots, slot, SLOT_IS_SHARED);
  bool is_own = !wish->keeps && !slots_has(slots, slot, SLOT_IS_ATTACHED);
  int fd = slots_get(slots, slot);
  cleanup_close int copy = fd < 0 || is_own ? -1 : copy_of(slots, slot, fd, &is_own);
  int result = fd < 0 ? fd : !is_own && copy < 0 ? copy : 0;
  if (result == 0)
    result = attach(is_own ? fd : copy, is_shared, target, wish);
  if (result < 0)
    return result;
  if (is_own)
    slots_note(slots, slot, SLOT_IS_ATTACHED);
  slots_done(slots, slot, wish->keeps);
  return 0;
}
