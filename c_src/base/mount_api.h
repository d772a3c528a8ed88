/* SPDX-License-Identifier: MIT */
/*
 * The mount API of file descriptors (open_tree(2), move_mount(2), fsopen(2), fsconfig(2),
 * fsmount(2), mount_setattr(2)), whose header musl-gcc does not see. The numbers of the calls are
 * the same on every architecture that linx runs on.
 */
#ifndef LINX_BASE_MOUNT_API_H
#define LINX_BASE_MOUNT_API_H

#include <stdint.h>
#include <sys/syscall.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#endif
#ifndef SYS_move_mount
#define SYS_move_mount 429
#endif
#ifndef SYS_fsopen
#define SYS_fsopen 430
#endif
#ifndef SYS_fsconfig
#define SYS_fsconfig 431
#endif
#ifndef SYS_fsmount
#define SYS_fsmount 432
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

/* open_tree(2) also takes O_CLOEXEC and the AT_* flags. */
#define TREE_CLONE 1U

/* The AT_* flag of open_tree(2) and mount_setattr(2). */
#define TREE_RECURSIVE 0x8000U

/* move_mount(2) */
#define MOVE_FROM_EMPTY_PATH 0x00000004U
#define MOVE_TO_EMPTY_PATH   0x00000040U

/* fsopen(2), fsmount(2) */
#define FS_CLOEXEC 1U

/* fsconfig(2) */
#define FS_SET_FLAG   0U
#define FS_SET_STRING 1U
#define FS_CREATE     6U

/* mount_setattr(2), fsmount(2): the attributes, of which the times of access are a field. */
#define ATTR_RDONLY      0x00000001U
#define ATTR_NOSUID      0x00000002U
#define ATTR_NODEV       0x00000004U
#define ATTR_NOEXEC      0x00000008U
#define ATTR_ATIME_FIELD 0x00000070U
#define ATTR_NOATIME     0x00000010U
#define ATTR_STRICTATIME 0x00000020U
#define ATTR_NODIRATIME  0x00000080U
#define ATTR_NOSYMFOLLOW 0x00200000U /* since Linux 5.14 */

/* Not the kernel's, for which it is 0: the time of access is set, to what the others do not say. */
#define ATTR_RELATIME (UINT64_C(1) << 32)

struct mount_attributes { /* struct mount_attr */
  uint64_t set, clear, propagation, user_namespace;
};

#endif
