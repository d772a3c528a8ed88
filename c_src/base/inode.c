/* SPDX-License-Identifier: MIT */
#include "base/inode.h"

#include "base/syscalls.h"

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif

/* STATX_TYPE | STATX_INO */
#define WANTED 0x101U

/* STATX_TYPE | STATX_UID */
#define WANTED_OF_DEVICE 0x009U

/* The kernel's struct statx (statx(2)), which musl-gcc's headers need not have. */
struct kernel_statx {
  uint32_t mask, block_size;
  uint64_t attributes;
  uint32_t links, uid, gid;
  uint16_t mode, reserved;
  uint64_t inode, size, blocks, attributes_mask;
  struct {
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t reserved;
  } times[4];
  uint32_t represented_major, represented_minor;
  uint32_t major, minor;
  uint64_t mount;
  uint64_t rest[13];
};

_Static_assert(sizeof(struct kernel_statx) == 256, "as large as the kernel's");

int inode_find(struct inode *inode, int at, const char *path) {
  struct kernel_statx found = {.mask = 0};
  int flags = path[0] == '\0' ? AT_EMPTY_PATH : 0;
  int result = (int)sys_call(SYS_statx, at, path, flags, WANTED, &found);
  if (result == 0)
    *inode = (struct inode){.major = found.major, .minor = found.minor, .number = found.inode};
  return result;
}

/* STATX_TYPE | STATX_MODE | STATX_SIZE */
#define KIND 0x203U

/* STATX_MNT_ID */
#define MOUNT 0x1000U

int inode_describe(struct inode_kind *kind, int fd) {
  struct kernel_statx found = {.mask = 0};
  int result = (int)sys_call(SYS_statx, fd, "", AT_EMPTY_PATH, KIND, &found);
  if (result == 0)
    *kind = (struct inode_kind){.mode = found.mode,
                                .size = found.size,
                                .major = found.represented_major,
                                .minor = found.represented_minor};
  return result;
}

int inode_find_mount(uint64_t *number, int at, const char *path) {
  struct kernel_statx found = {.mask = 0};
  int flags = path[0] == '\0' ? AT_EMPTY_PATH : 0;
  int result = (int)sys_call(SYS_statx, at, path, flags, MOUNT, &found);
  *number = result == 0 && (found.mask & MOUNT) != 0 ? found.mount : 0;
  return result;
}

int device_find(struct device *device, int fd) {
  struct kernel_statx found = {.mask = 0};
  int result = (int)sys_call(SYS_statx, fd, "", AT_EMPTY_PATH, WANTED_OF_DEVICE, &found);
  if (result == 0)
    *device = (struct device){.mode = found.mode,
                              .uid = found.uid,
                              .major = found.represented_major,
                              .minor = found.represented_minor};
  return result;
}

bool inode_is_same(const struct inode *one, const struct inode *other) {
  return one->number == other->number && one->number != 0 && one->major == other->major &&
         one->minor == other->minor;
}
