/* SPDX-License-Identifier: MIT */
#include "setup/resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file_system.h"
#include "base/inode.h"
#include "base/openat2.h"
#include "base/syscalls.h"

/* Directories below one another, and links that are followed (path_resolution(7)). */
#define DEPTH_MAX 64
#define LINKS_MAX 40

/* What a step of a walk returns that has not come to the end of the path: no errno. */
#define GO_ON INT_MIN

struct walk {
  int directories[DEPTH_MAX]; /* the root first; ".." goes back, and is not asked of the kernel */
  int depth;                  /* of the last one */
  int links;
  int flags;               /* to open with what the path names */
  bool makes;              /* directories that do not exist */
  struct resolve_new *new; /* what the path names is made like this; may be NULL */
  char *entry;             /* not NULL: gets the last name, which is not opened */
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

/*
 * Whether a link in the last directory is one of procfs that leads to where another process's root,
 * directory or file is, whatever its text says (proc(5)). The links in the root of procfs, whose
 * inode has the number 1, are ordinary ones.
 */
static bool is_magic(const struct walk *walk, int link) {
  struct file_system found;
  struct inode here;
  if (file_system_find(&found, link) == 0 && found.type != FILE_SYSTEM_PROC)
    return false;
  return inode_find(&here, walk->directories[walk->depth], "") < 0 || here.number != 1;
}

/* Puts what a link contains before the rest of the path. */
static int follow(struct walk *walk, int link) {
  char target[PATH_MAX];
  target[0] = '\0';
  long size = sys_call(SYS_readlinkat, link, "", target, sizeof target);
  size_t rest = strlen(walk->rest);
  if (size < 0)
    return (int)size;
  if (is_magic(walk, link))
    return -ELOOP;
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

/* Makes a directory, and gives it its mode by the descriptor that it returns. */
static int make_directory(int parent, const char *name, uint32_t mode) {
  int result = (int)sys_call(SYS_mkdirat, parent, name, 0700);
  int fd = result < 0 ? result : open_below(parent, name, O_RDONLY | O_DIRECTORY);
  if (fd < 0)
    return fd;
  result = (int)sys_call(SYS_fchmod, fd, mode);
  if (result < 0)
    sys_close(fd);
  return result < 0 ? result : fd;
}

static int make_file(int parent, const char *name, uint32_t mode) {
  int fd = (int)sys_call(SYS_openat, parent, name,
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  int result = fd < 0 ? fd : (int)sys_call(SYS_fchmod, fd, mode);
  if (result < 0 && fd >= 0)
    sys_close(fd);
  return result < 0 ? result : fd;
}

static int make_last(struct resolve_new *new, int parent, const char *name) {
  int fd = new->is_directory ? make_directory(parent, name, new->mode)
                             : make_file(parent, name, new->mode);
  new->is_made = fd >= 0;
  return fd;
}

/* Opens an entry of the last directory with O_PATH. One that does not exist is made where the walk
 * is to make it, and one that another process makes meanwhile is opened. */
static int open_or_make(struct walk *walk, const char *name, bool is_last) {
  int here = walk->directories[walk->depth];
  int fd = open_below(here, name, O_PATH);
  if (fd != -ENOENT)
    return fd;
  if (is_last && walk->new != NULL)
    fd = make_last(walk->new, here, name);
  else if (!is_last && walk->makes)
    fd = make_directory(here, name, 0755);
  return fd == -EEXIST ? open_below(here, name, O_PATH) : fd;
}

/* The walk has come to the last name, and `fd`, which is no link to follow, is what has it. */
static int give_last(struct walk *walk, const char *name, int fd, const struct inode_kind *kind) {
  if ((walk->flags & O_PATH) != 0) {
    if ((walk->flags & O_DIRECTORY) == 0 || S_ISDIR(kind->mode))
      return fd;
    sys_close(fd);
    return -ENOTDIR;
  }
  sys_close(fd);
  return open_below(walk->directories[walk->depth], name, walk->flags);
}

static int give_entry(struct walk *walk, const char *name) {
  memcpy(walk->entry, name, strlen(name) + 1);
  return open_below(walk->directories[walk->depth], ".", O_PATH | O_DIRECTORY);
}

static int enter(struct walk *walk, int fd, const struct inode_kind *kind) {
  int result = !S_ISDIR(kind->mode)           ? -ENOTDIR
               : walk->depth + 1 == DEPTH_MAX ? -ENAMETOOLONG
                                              : GO_ON;
  if (result == GO_ON)
    walk->directories[++walk->depth] = fd;
  else
    sys_close(fd);
  return result;
}

/* Goes to `name`. Returns a descriptor when that is what the path names, else GO_ON to go on, or
 * another negative errno. */
static int step(struct walk *walk, const char *name) {
  struct inode_kind kind;
  bool is_last = walk->rest[0] == '\0';
  bool follows = !is_last || (walk->flags & O_NOFOLLOW) == 0;
  if (strcmp(name, ".") == 0)
    return GO_ON;
  if (strcmp(name, "..") == 0) {
    go_up(walk, walk->depth > 0 ? walk->depth - 1 : 0);
    return GO_ON;
  }
  if (is_last && walk->entry != NULL && !follows)
    return give_entry(walk, name);
  int next = open_or_make(walk, name, is_last);
  if (next == -ENOENT && is_last && walk->entry != NULL)
    return give_entry(walk, name);
  int result = next < 0 ? next : inode_describe(&kind, next);
  if (result < 0) {
    fd_close(&next);
    return result;
  }
  if (S_ISLNK(kind.mode) && follows) {
    result = follow(walk, next);
    sys_close(next);
    return result < 0 ? result : GO_ON;
  }
  if (!is_last)
    return enter(walk, next, &kind);
  if (walk->entry == NULL)
    return give_last(walk, name, next, &kind);
  sys_close(next);
  return give_entry(walk, name);
}

/* The path has ended at a directory. */
static int give_directory(struct walk *walk) {
  if (walk->entry != NULL)
    return -EINVAL;
  return open_below(walk->directories[walk->depth], ".", walk->flags);
}

static int go(struct walk *walk, const char *path) {
  char name[NAME_MAX + 1];
  size_t size = strlen(path);
  int result = open_root();
  if (result < 0)
    return result;
  walk->directories[0] = result;
  result = size < sizeof walk->rest ? GO_ON : -ENAMETOOLONG;
  if (result == GO_ON)
    memcpy(walk->rest, path, size + 1);
  while (result == GO_ON) {
    if (take_name(walk, name, &result))
      result = step(walk, name);
    else if (result == 0)
      result = give_directory(walk);
  }
  go_up(walk, -1);
  return result;
}

int resolve_walk(const char *path, int flags) {
  struct walk walk = {.flags = flags};
  return go(&walk, path);
}

int resolve_open(const char *path, int flags) {
  int root = open_root();
  if (root < 0)
    return root;
  int result = sys_openat2(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  sys_close(root);
  /* ENOSYS and EPERM: an older kernel, or a filter that does not know the call. EAGAIN: a directory
   * was moved while ".." was resolved. */
  if (result == -ENOSYS || result == -EPERM || result == -EAGAIN)
    return resolve_walk(path, flags);
  return result;
}

/* Without a slash at its end a path names what may be made as a file or a directory. */
static void strip_slashes(char path[PATH_MAX]) {
  size_t size = strlen(path);
  while (size > 1 && path[size - 1] == '/')
    path[--size] = '\0';
}

static int copy_path(char copy[PATH_MAX], const char *path) {
  size_t size = strlen(path);
  if (size >= PATH_MAX)
    return -ENAMETOOLONG;
  memcpy(copy, path, size + 1);
  strip_slashes(copy);
  return 0;
}

int resolve_make(const char *path, bool no_follow, struct resolve_new *new) {
  char stripped[PATH_MAX];
  int flags = O_PATH | (no_follow ? O_NOFOLLOW : 0);
  struct walk walk = {.flags = flags, .makes = true, .new = new};
  int result = copy_path(stripped, path);
  new->is_made = false;
  if (result == 0)
    result = resolve_open(stripped, flags);
  return result == -ENOENT ? go(&walk, stripped) : result;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the walk writes to it */
int resolve_entry(const char *path, bool follows, bool makes, char name[NAME_MAX + 1]) {
  char stripped[PATH_MAX];
  struct walk walk = {.flags = O_PATH | (follows ? 0 : O_NOFOLLOW), .makes = makes, .entry = name};
  int result = copy_path(stripped, path);
  return result < 0 ? result : go(&walk, stripped);
}
