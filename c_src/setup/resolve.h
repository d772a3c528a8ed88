/* SPDX-License-Identifier: MIT */
/*
 * Opening files of a root that an attacker may have filled with links, and may change meanwhile.
 * Returns a descriptor, close-on-exec, or a negative errno.
 */
#ifndef LINX_SETUP_RESOLVE_H
#define LINX_SETUP_RESOLVE_H

/*
 * Opens an absolute path in the calling process's root, out of which no link leads: neither "..",
 * nor the links of /proc to other processes' roots and descriptors (openat2(2), RESOLVE_IN_ROOT and
 * RESOLVE_NO_MAGICLINKS; before Linux 5.6 a walk of its own). `flags` are those of openat2(2)
 * without O_CREAT.
 */
int resolve_open(const char *path, int flags);

/* The walk alone. */
int resolve_walk(const char *path, int flags);

#endif
