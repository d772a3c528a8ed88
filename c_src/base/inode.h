/* SPDX-License-Identifier: MIT */
/* Which file a path or descriptor leads to: the device and the number of its inode (inode(7)). */
#ifndef LINX_BASE_INODE_H
#define LINX_BASE_INODE_H

#include <stdbool.h>
#include <stdint.h>

struct inode {
  uint32_t major, minor; /* of the device */
  uint64_t number;       /* 0: none, and the same as no other */
};

/* Of `path`, relative to the directory `at` (statx(2), since Linux 4.11); of `at` itself where the
 * path is empty. Links are followed. 0 or a negative errno. */
int inode_find(struct inode *inode, int at, const char *path);

struct inode_kind {
  uint32_t mode;         /* for S_ISREG and the like */
  uint64_t size;         /* bytes */
  uint32_t major, minor; /* of a device, the one that it stands for */
};

/* Of what the descriptor stands for, which may be a link (open(2), O_PATH). 0 or a negative errno.
 */
int inode_describe(struct inode_kind *kind, int fd);

/* The number of the mount that a path or descriptor leads to, as above; 0 before Linux 5.8, where
 * statx(2) does not say. */
int inode_find_mount(uint64_t *number, int at, const char *path);

/* What kind of file it is, and whose. */
struct device {
  uint16_t mode; /* S_ISCHR and the others of inode(7) are for this */
  uint32_t uid;
  uint32_t major, minor; /* that a device node stands for */
};

/* Of a descriptor, also one that was opened with O_PATH. 0 or a negative errno. */
int device_find(struct device *device, int fd);

bool inode_is_same(const struct inode *one, const struct inode *other);

#endif
