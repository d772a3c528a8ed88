/* SPDX-License-Identifier: MIT */
/*
 * Directories, links, files and devices in the calling process's root, out of which no link leads
 * (setup/resolve.h). Directories on the way are made, with mode 0755. Modes are exact: the umask
 * does not count. Each function's first line has the letters of its arguments.
 */
#ifndef LINX_SETUP_FILES_H
#define LINX_SETUP_FILES_H

#include "setup/setup.h"

/* PMuu: a directory with a mode and an owner. One that exists is left as it is; anything else there
 * is ENOTDIR. */
setup_fn files_make_directory;

/* LP: what a symbolic link contains, and its path. EEXIST, unless the same link is there. */
setup_fn files_make_link;

/* PMb: a file with a mode and contents, of FILES_BYTES_MAX at most: EFBIG. EEXIST. */
setup_fn files_make_file;

#define FILES_BYTES_MAX ((size_t)1 << 20)

/* PdiiMuu: a node (mknod(2)): its kind, its major and minor number, its mode and its owner. One of
 * the same kind and number is left as it is; EEXIST for anything else. */
setup_fn files_make_device;

#endif
