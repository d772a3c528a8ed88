/* SPDX-License-Identifier: MIT */
#include "launch/working_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/inode.h"
#include "base/syscalls.h"
#include "setup/directory.h"

static int change(const char *path) {
  return (int)sys_call(SYS_chdir, path);
}

/* AT_FDCWD with an empty path is the working directory, also one that the child has no rights to.
 */
static int find_present(struct inode *inode) {
  return inode_find(inode, AT_FDCWD, "");
}

/* Changes to the directory that `path`, the working directory's own, leads to. Returns -ENOENT when
 * that is another one, because something was mounted over the directory or above it. */
static int resolve_again(const char *path) {
  struct inode before;
  struct inode after;
  int result = find_present(&before);
  if (result == 0)
    result = change(path);
  if (result == 0)
    result = find_present(&after);
  return result < 0 ? result : inode_is_same(&before, &after) ? 0 : -ENOENT;
}

/* Without rights to a directory on the way nothing can be resolved. Then the directory stays if the
 * root leads to it: the mounts are the agent's own, or it was resolved before the rights were given
 * up. */
static int or_stay(const struct working_directory *directory, int result) {
  return result == -EACCES && (directory->is_entered || !directory->has_other_mounts) ? 0 : result;
}

static int enter_inherited(const struct working_directory *directory) {
  char path[PATH_MAX];
  int result = directory_read_path(path);
  if (result == -ENAMETOOLONG && !directory->has_other_mounts)
    return 0;
  if (result == 0)
    result = or_stay(directory, change(path));
  return result < 0 ? change("/") : 0;
}

static int enter_wanted(const struct working_directory *directory) {
  char path[PATH_MAX];
  /* First, because `wanted` may be relative to the inherited directory: "..", /proc/self/cwd. */
  int result = directory->has_other_mounts ? enter_inherited(directory) : 0;
  if (result == 0)
    result = change(directory->wanted);
  if (result == 0)
    result = directory_read_path(path);
  if (result < 0 || strcmp(path, directory->wanted) == 0) /* and so it was resolved just now */
    return result;
  return or_stay(directory, resolve_again(path));
}

struct failure working_directory_enter(struct working_directory *directory) {
  int result = directory->wanted != NULL ? enter_wanted(directory) : enter_inherited(directory);
  directory->is_entered = result == 0;
  if (result == 0 && directory->wanted != NULL && directory->is_confirmed_later)
    result = find_present(&directory->entered);
  return failure_of(STAGE_SETUP_chdir, directory->wanted != NULL && result == -EACCES ? 0 : result);
}

void working_directory_take(struct working_directory *directory, const char *wanted) {
  directory->wanted = wanted;
  directory->is_entered = find_present(&directory->entered) == 0;
}

/* Whether the child is where it was, and the root leads there. */
static bool is_still_there(const struct working_directory *directory) {
  char path[PATH_MAX];
  struct inode now;
  return directory->is_entered && find_present(&now) == 0 &&
         inode_is_same(&now, &directory->entered) && directory_read_path(path) == 0 &&
         or_stay(directory, resolve_again(path)) == 0;
}

struct failure working_directory_confirm(struct working_directory *directory) {
  int result = 0;
  if (directory->wanted == NULL)
    result = enter_inherited(directory);
  else if (!is_still_there(directory))
    result = enter_wanted(directory);
  return failure_of(STAGE_SETUP_chdir, result);
}
