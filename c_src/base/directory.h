/* SPDX-License-Identifier: MIT */
/* Listing a directory with getdents64(2), without libc's allocation. */
#ifndef LINX_BASE_DIRECTORY_H
#define LINX_BASE_DIRECTORY_H

/* Holds a few entries at a time. `fd` belongs to the caller. */
struct directory {
  int fd;
  int error; /* errno at which the listing ended; 0: at its end */
  long at, size;
  union {
    char bytes[1024];
    long aligned;
  } entries;
};

void directory_begin(struct directory *directory, int fd);

/* The next name, in place until the next call, or NULL at the end. */
const char *directory_next(struct directory *directory);

#endif
