/* SPDX-License-Identifier: MIT */
#include "launch/pooled.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/environment_change.h"
#include "base/proc.h"
#include "base/syscalls.h"

/* Another file at the path is another version of the agent, or another build. Of the device and the
 * inode the VM knows the low 32 bits (Linx.Agent.Identity). */
static int check_file(const struct pooled *pooled) {
  struct stat file;
  if (pooled->file == NULL)
    return 0;
  if (stat(pooled->file, &file) < 0)
    return -ESTALE;
  bool same = (uint32_t)file.st_dev == (uint32_t)pooled->device &&
              (uint32_t)file.st_ino == (uint32_t)pooled->inode && file.st_size == pooled->size &&
              file.st_mtime == pooled->mtime;
  return same ? 0 : -ESTALE;
}

static int take_environment(const struct pooled *pooled) {
  if (pooled->set == NULL && pooled->unset == NULL)
    return 0;
  return environment_change(&environ, environ, pooled->set, pooled->unset);
}

/* `dir` may be the link to another process's directory in /proc, which leads there after that
 * directory has been removed as well, and which is another process's where /proc is that of another
 * pid namespace. */
static int change_directory(const struct pooled *pooled) {
  char path[PATH_MAX];
  path[0] = '\0';
  if (pooled->dir == NULL)
    return 0;
  int result = proc_check_own();
  if (result == 0 && chdir(pooled->dir) < 0)
    result = -errno;
  if (result == 0)
    result = (int)sys_call(SYS_getcwd, path, PATH_MAX);
  return result < 0 ? result : path[0] == '/' ? 0 : -ENOENT;
}

struct failure pooled_take_over(const struct pooled *pooled) {
  int result = check_file(pooled);
  if (result >= 0)
    result = change_directory(pooled);
  if (result < 0)
    return failure_of(STAGE_STALE, result);
  return failure_of(STAGE_ALLOCATE, take_environment(pooled));
}
