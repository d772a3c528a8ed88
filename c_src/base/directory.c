/* SPDX-License-Identifier: MIT */
#include "base/directory.h"

#include <stddef.h>
#include <stdint.h>

#include "base/syscalls.h"

/* struct linux_dirent64 of getdents64(2), without its name. */
struct directory_entry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

void directory_begin(struct directory *directory, int fd) {
  directory->fd = fd;
  directory->error = 0;
  directory->at = directory->size = 0;
}

const char *directory_next(struct directory *directory) {
  if (directory->at >= directory->size) {
    directory->at = 0;
    directory->size = sys_call(SYS_getdents64, directory->fd, directory->entries.bytes,
                               sizeof directory->entries.bytes);
    if (directory->size <= 0) {
      directory->error = (int)-directory->size;
      return NULL;
    }
  }
  const struct directory_entry *entry =
      (const struct directory_entry *)(void *)(directory->entries.bytes + directory->at);
  directory->at += entry->length;
  return entry->name;
}
