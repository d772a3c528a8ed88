/* SPDX-License-Identifier: MIT */
/*
 * Opening, and making, files of a root that an attacker may have filled with links, and may change
 * meanwhile. Returns a descriptor, close-on-exec, or a negative errno.
 */
#ifndef LINX_SETUP_RESOLVE_H
#define LINX_SETUP_RESOLVE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Opens an absolute path in the calling process's root, out of which no link leads: neither "..",
 * nor the links of /proc to other processes' roots and descriptors (openat2(2), RESOLVE_IN_ROOT and
 * RESOLVE_NO_MAGICLINKS; before Linux 5.6 a walk of its own). `flags` are those of openat2(2)
 * without O_CREAT.
 */
int resolve_open(const char *path, int flags);

/* The walk alone. */
int resolve_walk(const char *path, int flags);

/* What is made where there is nothing. */
struct resolve_new {
  bool is_directory; /* and not an empty file */
  uint32_t mode;     /* exact: the umask does not count */
  bool is_made;      /* set when it was */
};

/*
 * Opens with O_PATH as above, and makes what does not exist: directories on the way, with mode
 * 0755, and what the path names. A link that leads to nothing is followed, and what it names is
 * made, in the root as well. With `no_follow` the last name may be a link, which is opened itself.
 */
int resolve_make(const char *path, bool no_follow, struct resolve_new *new);

/*
 * Opens the directory that has the entry which the path names, and copies the name of that to
 * `name`; the entry itself need not exist. With `follows` it is the entry that the last link leads
 * to; with `makes` directories on the way are made, with mode 0755. -EINVAL when the path ends in
 * "." or "..", or names the root.
 */
int resolve_entry(const char *path, bool follows, bool makes, char name[NAME_MAX + 1]);

#endif
