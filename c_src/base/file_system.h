/* SPDX-License-Identifier: MIT */
/* Which file system a descriptor is on, and how that is mounted (statfs(2)). */
#ifndef LINX_BASE_FILE_SYSTEM_H
#define LINX_BASE_FILE_SYSTEM_H

#include <stdint.h>

/* Types */
#define FILE_SYSTEM_PROC  0x9fa0UL
#define FILE_SYSTEM_SYSFS 0x62656572UL
#define FILE_SYSTEM_TMPFS 0x01021994UL

/* Flags */
#define MOUNTED_RDONLY      0x0001UL
#define MOUNTED_NOSUID      0x0002UL
#define MOUNTED_NODEV       0x0004UL
#define MOUNTED_NOEXEC      0x0008UL
#define MOUNTED_NOATIME     0x0400UL
#define MOUNTED_NODIRATIME  0x0800UL
#define MOUNTED_RELATIME    0x1000UL
#define MOUNTED_NOSYMFOLLOW 0x2000UL /* since Linux 5.10 */

struct file_system {
  unsigned long type, flags;
};

/* 0 or a negative errno. */
int file_system_find(struct file_system *file_system, int fd);

#endif
