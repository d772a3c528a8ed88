/* SPDX-License-Identifier: MIT */
/* The working directory of the calling process. */
#ifndef LINX_SETUP_DIRECTORY_H
#define LINX_SETUP_DIRECTORY_H

#include <limits.h>

#include "setup/setup.h"

/*
 * Reads the working directory's path. Returns 0; -ENOENT when the root does not lead to the
 * directory, for which getcwd(2) returns a path that begins with "(unreachable)", and when it has
 * been removed; or another negative errno.
 */
int directory_read_path(char path[PATH_MAX]);

/*
 * P: changes to a directory, to which the root leads: neither ".." nor a link of /proc leads out of
 * it (setup/resolve.h). The program has it as well, where its root still leads to it and no later
 * command says otherwise (launch/working_directory.h).
 */
setup_fn directory_change;

#endif
