/* SPDX-License-Identifier: MIT */
#include "setup/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/inode.h"
#include "base/syscalls.h"

/* openat2(2), linux/openat2.h */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#define RESOLVE_NO_MAGICLINKS 0x02
#define RESOLVE_IN_ROOT       0x10

struct open_how {
  uint64_t flags, mode, resolve;
};

/* Directories below one another, and links that are followed (path_resolution(7)). */
#define DEPTH_MAX 64
#define LINKS_MAX 40

struct walk {
  int directories[DEPTH_MAX]; /* the root first; ".." goes back, and is not asked of the kernel */
  int depth;                  /* of the last one */
  int links;
  char rest[PATH_MAX];
};

static int open_root(void) {
  return (int)sys_call(SYS_openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
}

static int open_below(int directory, const char *name, int flags) {
  return (int)sys_call(SYS_openat, directory, name, flags | O_NOFOLLOW | O_CLOEXEC, 0);
}

static void go_up(struct walk *walk, int depth) {
  while (walk->depth > depth)
    sys_close(walk->directories[walk->depth--]);
}

/* Takes the first name off `rest`; false when there is none. */
static bool take_name(struct walk *walk, char name[NAME_MAX + 1], int *result) {
  const char *start = walk->rest + strspn(walk->rest, "/");
  size_t size = strcspn(start, "/");
  *result = size > NAME_MAX ? -ENAMETOOLONG : 0;
  if (size == 0 || *result < 0)
    return false;
  memcpy(name, start, size);
  name[size] = '\0';
  memmove(walk->rest, start + size, strlen(start + size) + 1);
  return true;
}

/* Puts what a link contains before the rest of the path. */
static int follow(struct walk *walk, int link) {
  char target[PATH_MAX];
  long size = sys_call(SYS_readlinkat, link, "", target, sizeof target);
  size_t rest = strlen(walk->rest);
  if (size < 0)
    return (int)size;
  if (++walk->links > LINKS_MAX)
    return -ELOOP;
  if ((size_t)size + rest >= PATH_MAX)
    return -ENAMETOOLONG;
  memmove(walk->rest + size, walk->rest, rest + 1);
  memcpy(walk->rest, target, (size_t)size);
  if (size > 0 && target[0] == '/')
    go_up(walk, 0);
  return 0;
}

/* Goes to `name`. Returns a descriptor when that is what the path names, else -EAGAIN to go on, or
 * another negative errno. */
static int step(struct walk *walk, const char *name, int flags) {
  struct inode_kind kind;
  int here = walk->directories[walk->depth];
  if (strcmp(name, ".") == 0)
    return -EAGAIN;
  if (strcmp(name, "..") == 0) {
    go_up(walk, walk->depth > 0 ? walk->depth - 1 : 0);
    return -EAGAIN;
  }
  int next = open_below(here, name, O_PATH);
  int result = next < 0 ? next : inode_describe(&kind, next);
  if (result == 0 && S_ISLNK(kind.mode)) {
    result = follow(walk, next);
    sys_close(next);
    return result < 0 ? result : -EAGAIN;
  }
  if (result == 0 && walk->rest[0] == '\0') {
    sys_close(next);
    return open_below(here, name, flags);
  }
  if (result == 0)
    result = !S_ISDIR(kind.mode) ? -ENOTDIR : walk->depth + 1 == DEPTH_MAX ? -ENAMETOOLONG : 0;
  if (result == 0)
    walk->directories[++walk->depth] = next;
  else if (next >= 0)
    sys_close(next);
  return result < 0 ? result : -EAGAIN;
}

int resolve_walk(const char *path, int flags) {
  struct walk walk = {.directories = {open_root()}};
  char name[NAME_MAX + 1];
  int result = walk.directories[0];
  if (result < 0)
    return result;
  if (strlen(path) >= sizeof walk.rest)
    result = -ENAMETOOLONG;
  else
    memcpy(walk.rest, path, strlen(path) + 1);
  for (bool goes_on = result >= 0; goes_on;) {
    if (!take_name(&walk, name, &result)) {
      if (result == 0) /* the path has ended at a directory */
        result = open_below(walk.directories[walk.depth], ".", flags);
      break;
    }
    result = step(&walk, name, flags);
    goes_on = result == -EAGAIN;
  }
  go_up(&walk, -1);
  return result;
}

int resolve_open(const char *path, int flags) {
  struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
                         .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  int root = open_root();
  if (root < 0)
    return root;
  int result = (int)sys_call(SYS_openat2, root, path, &how, sizeof how);
  sys_close(root);
  /* ENOSYS and EPERM: an older kernel, or a filter that does not know the call. EAGAIN: a directory
   * was moved while ".." was resolved. */
  if (result == -ENOSYS || result == -EPERM || result == -EAGAIN)
    return resolve_walk(path, flags);
  return result;
}
