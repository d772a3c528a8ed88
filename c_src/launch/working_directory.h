/* SPDX-License-Identifier: MIT */
/*
 * The working directory of the calling process, which is the child. The workload's root leads to
 * it, because from a directory outside the root "../.." leads to the host's tree (CVE-2024-21626).
 */
#ifndef LINX_LAUNCH_WORKING_DIRECTORY_H
#define LINX_LAUNCH_WORKING_DIRECTORY_H

#include <stdbool.h>

#include "base/inode.h"
#include "wire/failure.h"

struct working_directory {
  const char *wanted;      /* the one that was asked for, or NULL: the inherited one */
  bool has_other_mounts;   /* than the agent's: a fresh mount namespace, or one that was entered */
  bool is_confirmed_later; /* working_directory_confirm follows if the directory can be entered */
  bool is_entered;
  struct inode entered; /* `wanted` */
};

/*
 * Changes to `wanted`. A mount, pivot_root(2) or chroot(2) may have left a directory below a mount
 * or outside the root, and a link such as /proc/<pid>/cwd leads to one. So the path of the
 * directory is resolved once more: where it leads elsewhere, and where there is none, `wanted` is
 * ENOENT at :chdir, and the root takes the place of an inherited directory. `wanted` that is denied
 * (EACCES) is no failure yet, and is_entered is false.
 */
struct failure working_directory_enter(struct working_directory *directory);

/* The working directory is `wanted` from here on: a command has changed to it. */
void working_directory_take(struct working_directory *directory, const char *wanted);

/*
 * After commands that may have changed the root or the ids: the same once more. A directory that
 * was denied may be one that the workload's user alone can enter.
 */
struct failure working_directory_confirm(struct working_directory *directory);

#endif
