/* SPDX-License-Identifier: MIT */
/*
 * The steps of mounting, on descriptors. Each function returns 0 or a negative errno; those that
 * return a descriptor give it to the caller.
 */
#ifndef LINX_SETUP_MOUNT_CALLS_H
#define LINX_SETUP_MOUNT_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mount_api.h"

/* A copy of the mount and, recursively, of those in it, that is attached nowhere. */
int mount_copy(int fd, bool recursive);

/* The attributes to set and to clear, masks of ATTR_*. The time of access is a field of them:
 * setting or clearing one of its values clears it whole. */
struct mount_attributes mount_attributes_of(uint64_t set, uint64_t clear);

/* -ENOSYS before Linux 5.12. */
int mount_set_attributes(int fd, const struct mount_attributes *attributes, bool recursive);
int mount_set_propagation(int fd, uint64_t propagation, bool recursive);

/* Mounts `fd` on `target`. */
int mount_move(int fd, int target);

/* Whether it is procfs or sysfs. */
bool mount_shows_kernel(int fd);

/* Gives the root of a file system the mode of the directory that it is going to cover. */
int mount_take_mode(int fd, int target);

/* 0 when it is the null device (null(4)), or an empty tmpfs; -EINVAL when it is something else. */
int mount_check_null(int fd);
int mount_check_empty(int fd);

/*
 * What mount(2) and umount2(2) find a mount by: its name in a directory, which becomes the working
 * directory for the call. The name "." is a mount whose root the descriptor is.
 */
struct mount_place {
  int directory;
  const char *name;
};

/* Unmounts; no link is followed. */
int mount_remove(const struct mount_place *place, bool detach);

/* The attributes of a mount before Linux 5.12, alone. `mounted` is a descriptor of it, at which its
 * attributes are compared afterwards: -EXDEV where they are not as they were meant. */
int mount_set_attributes_at(const struct mount_place *place, int mounted,
                            const struct mount_attributes *attributes);
int mount_set_propagation_at(const struct mount_place *place, uint64_t propagation, bool recursive);

#endif
