/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stddef.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/file_system.h"
#include "base/syscalls.h"
#include "setup/mount_calls.h"

#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif
#ifndef UMOUNT_NOFOLLOW
#define UMOUNT_NOFOLLOW 8
#endif
#define MS_NOSYMFOLLOW_FLAG 256UL /* mount(2), since Linux 5.10 */

/* Changes the working directory; `before` receives the present one. */
static int enter(int directory, int *before) {
  *before = (int)sys_call(SYS_openat, AT_FDCWD, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  return *before < 0 ? *before : (int)sys_call(SYS_fchdir, directory);
}

static int leave(int before, int result) {
  int back = (int)sys_call(SYS_fchdir, before);
  return result < 0 ? result : back;
}

int mount_remove(const struct mount_place *place, bool detach) {
  cleanup_close int before = -1;
  int result = enter(place->directory, &before);
  if (result < 0)
    return result;
  result = (int)sys_call(SYS_umount2, place->name, UMOUNT_NOFOLLOW | (detach ? MNT_DETACH : 0));
  return leave(before, result);
}

static int change_at(const struct mount_place *place, unsigned long flags) {
  cleanup_close int before = -1;
  int result = enter(place->directory, &before);
  if (result < 0)
    return result;
  result = (int)sys_call(SYS_mount, NULL, place->name, NULL, flags, NULL);
  return leave(before, result);
}

int mount_set_propagation_at(const struct mount_place *place, uint64_t propagation,
                             bool recursive) {
  return change_at(place, (unsigned long)propagation | (recursive ? MS_REC : 0));
}

/* An attribute as mount_setattr(2), statfs(2) and mount(2) have it. */
static const struct attribute {
  uint64_t attribute;
  unsigned long mounted, flag;
} names[] = {
    {ATTR_RDONLY, MOUNTED_RDONLY, MS_RDONLY},
    {ATTR_NOSUID, MOUNTED_NOSUID, MS_NOSUID},
    {ATTR_NODEV, MOUNTED_NODEV, MS_NODEV},
    {ATTR_NOEXEC, MOUNTED_NOEXEC, MS_NOEXEC},
    {ATTR_NODIRATIME, MOUNTED_NODIRATIME, MS_NODIRATIME},
    {ATTR_NOSYMFOLLOW, MOUNTED_NOSYMFOLLOW, MS_NOSYMFOLLOW_FLAG},
};

/* The time of access of a mount, as a value of the field. */
static uint64_t time_of(unsigned long mounted) {
  return (mounted & MOUNTED_NOATIME) != 0    ? ATTR_NOATIME
         : (mounted & MOUNTED_RELATIME) != 0 ? 0
                                             : ATTR_STRICTATIME;
}

static uint64_t attributes_of(unsigned long mounted) {
  uint64_t attributes = time_of(mounted);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if ((mounted & names[i].mounted) != 0)
      attributes |= names[i].attribute;
  return attributes;
}

static unsigned long flags_of(uint64_t attributes) {
  uint64_t time = attributes & ATTR_ATIME_FIELD;
  unsigned long flags = time == ATTR_NOATIME       ? MS_NOATIME
                        : time == ATTR_STRICTATIME ? MS_STRICTATIME
                                                   : MS_RELATIME;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if ((attributes & names[i].attribute) != 0)
      flags |= names[i].flag;
  return flags;
}

/* A superblock that is read-only shows as a read-only mount, too. */
static bool is_as_meant(uint64_t found, uint64_t wanted) {
  return (found & ~ATTR_RDONLY) == (wanted & ~ATTR_RDONLY) &&
         (found & wanted & ATTR_RDONLY) == (wanted & ATTR_RDONLY);
}

int mount_set_attributes_at(const struct mount_place *place, int mounted,
                            const struct mount_attributes *attributes) {
  struct file_system found;
  int result = file_system_find(&found, mounted);
  if (result < 0)
    return result;
  uint64_t wanted = (attributes_of(found.flags) & ~attributes->clear) | attributes->set;
  result = change_at(place, MS_REMOUNT | MS_BIND | flags_of(wanted));
  if (result == 0)
    result = file_system_find(&found, mounted);
  return result < 0 ? result : is_as_meant(attributes_of(found.flags), wanted) ? 0 : -EXDEV;
}
