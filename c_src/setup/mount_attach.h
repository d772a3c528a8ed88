/* SPDX-License-Identifier: MIT */
/* Mounting what a slot holds. */
#ifndef LINX_SETUP_MOUNT_ATTACH_H
#define LINX_SETUP_MOUNT_ATTACH_H

#include <stdbool.h>

#include "base/mount_api.h"
#include "setup/slots.h"

/* Where a mount goes: the descriptor is what it covers, and what the path led to. */
struct mount_target {
  int fd;
  const char *path;
  bool no_follow; /* of the path's last name */
};

struct mount_wish {
  struct mount_attributes attributes;
  bool recursive; /* the attributes are those of each mount in the tree */
  bool keeps;     /* the slot stays filled: a copy is mounted */
};

/* 0 or a negative errno: -ENOSYS for recursive attributes before Linux 5.12. */
int mount_attach(struct slots *slots, unsigned slot, const struct mount_target *target,
                 const struct mount_wish *wish);

/*
 * The attributes and the propagation type of a mount that is attached, also before Linux 5.12,
 * where `target` says how to find it again. EINVAL: `mounted` is not the root of a mount.
 */
int mount_change_attributes(int mounted, const struct mount_target *target,
                            const struct mount_attributes *attributes, bool recursive);
int mount_change_propagation(int mounted, const struct mount_target *target, uint64_t propagation,
                             bool recursive);

#endif
