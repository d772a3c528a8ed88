/* SPDX-License-Identifier: MIT */
#include "launch/enter.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/syscalls.h"
#include "launch/namespace_owner.h"
#include "launch/user_namespace.h"

static void link_path(char path[PROC_PATH_SIZE], pid_t pid, const char *link) {
  char rest[32] = "/ns/";
  strncat(rest, link, sizeof rest - 5);
  proc_path(path, pid, rest);
}

/* Whether the agent is in the same namespace. */
static int is_shared(const struct enter_target *target, int kind) {
  char path[PROC_PATH_SIZE];
  struct inode own;
  link_path(path, getpid(), namespace_kinds[kind].link);
  int result = inode_find(&own, AT_FDCWD, path);
  return result < 0 ? result : inode_is_same(&own, &target->namespaces[kind]);
}

static int open_path(pid_t pid, int kind) {
  char path[PROC_PATH_SIZE];
  link_path(path, pid, namespace_kinds[kind].link);
  return sys_open(path, O_RDONLY | O_CLOEXEC);
}

static int open_link(struct enter_target *target, pid_t pid, int kind) {
  cleanup_close int fd = open_path(pid, kind);
  int result = fd < 0 ? fd : inode_find(&target->namespaces[kind], fd, "");
  if (result == 0)
    result = is_shared(target, kind);
  if (result != 0)
    return result < 0 ? result : 0;
  target->links[kind] = fd_take(&fd);
  target->flags |= namespace_kinds[kind].flag;
  return 0;
}

/* Whether the pinned process exists: 0, -ESRCH, or another negative errno when the kernel does not
 * say. Signal 0 is permission-checked, and only for a process that exists. */
static int find_pinned(const struct enter_target *target) {
  int result = sys_pidfd_send_signal(target->pidfd, 0);
  return result == -EPERM ? 0 : result;
}

static bool is_gone(const struct enter_target *target) {
  return find_pinned(target) == -ESRCH;
}

/* The id that a process without any has (/proc/sys/kernel/overflowuid); it owns nothing. */
#define OVERFLOW_ID 65534

/* What id 0 of a map under /proc/<pid> is to the agent, or `unmapped`. -errno. */
static int64_t outside_of_root(pid_t pid, const char *map, uint32_t unmapped) {
  char path[PROC_PATH_SIZE];
  proc_path(path, pid, map);
  int64_t outside = proc_id_map_outside(path, 0);
  return outside == -ENOENT ? unmapped : outside;
}

static int find_ids(struct enter_target *target, pid_t pid, int user_link) {
  uid_t owner = 0;
  target->uid = target->gid = ID_KEEP;
  if (user_link < 0)
    return 0;
  if (ioctl(user_link, LINX_NS_GET_OWNER_UID, &owner) < 0)
    return -errno;
  target->is_own = owner == geteuid();
  if (!user_namespace_is_privileged())
    return 0;
  uint32_t unmapped = target->is_own ? ID_KEEP : OVERFLOW_ID;
  int64_t uid = outside_of_root(pid, "/uid_map", unmapped);
  int64_t gid = outside_of_root(pid, "/gid_map", unmapped);
  target->uid = (uint32_t)uid;
  target->gid = (uint32_t)gid;
  return uid < 0 ? (int)uid : gid < 0 ? (int)gid : 0;
}

/* A kernel without this kind of namespace has nothing to join, unless it was asked for. */
static bool is_unknown_kind(const struct enter_target *target, const struct request *request,
                            int kind, int result) {
  char path[PROC_PATH_SIZE];
  if (result != -ENOENT || request->namespaces_given || is_gone(target))
    return false;
  link_path(path, getpid(), namespace_kinds[kind].link);
  return access(path, F_OK) < 0;
}

static struct failure open_links(struct enter_target *target, const struct request *request) {
  for (int kind = 0; kind < NAMESPACE_COUNT; kind++) {
    const struct namespace_kind *row = &namespace_kinds[kind];
    if (request->namespaces_given && (request->namespaces & row->flag) == 0)
      continue;
    int result = open_link(target, request->target, kind);
    if (result < 0 && !is_unknown_kind(target, request, kind, result))
      return failure_of(row->open_stage, is_gone(target) ? -ESRCH : result);
  }
  return failure_none();
}

/*
 * The target may change its namespaces between one handle and the next, to lead a privileged agent
 * into a mount namespace of its own without the user namespace that goes with it. The owner of the
 * mounts chooses the program that runs, and it would run with the agent's rights on the host.
 */
static struct failure check_mount_owner(const struct enter_target *target) {
  int link = target->links[NAMESPACE_MOUNT];
  if (link < 0 || !user_namespace_is_privileged())
    return failure_none();
  return failure_of(STAGE_OPEN_NS_MOUNT,
                    namespace_owner_check(link, target->links[NAMESPACE_USER]));
}

/* Whether the target's user namespace is the one that was found, and so the one whose id maps were
 * read: 0, -EXDEV, or another negative errno. */
static int check_same_user_namespace(const struct enter_target *target, pid_t pid) {
  struct inode now;
  const struct inode *found = &target->namespaces[NAMESPACE_USER];
  if (found->number == 0) /* it is not to be joined, or there is no such kind */
    return 0;
  cleanup_close int fd = open_path(pid, NAMESPACE_USER);
  int result = fd < 0 ? fd : inode_find(&now, fd, "");
  return result < 0 ? result : inode_is_same(&now, found) ? 0 : -EXDEV;
}

struct failure enter_prepare(struct enter_target *target, const struct request *request) {
  *target = (struct enter_target){.pidfd = -1, .uid = ID_KEEP, .gid = ID_KEEP};
  for (int kind = 0; kind < NAMESPACE_COUNT; kind++)
    target->links[kind] = -1;
  target->pidfd = sys_pidfd_open(request->target);
  if (target->pidfd < 0)
    return failure_of(STAGE_PIDFD_OPEN, target->pidfd);
  struct failure failure = open_links(target, request);
  if (failure_is(failure))
    return failure;
  int result = find_ids(target, request->target, target->links[NAMESPACE_USER]);
  if (result == 0)
    result = check_same_user_namespace(target, request->target);
  if (result < 0)
    return failure_of(STAGE_OPEN_NS_USER, is_gone(target) ? -ESRCH : result);
  failure = check_mount_owner(target);
  if (failure_is(failure))
    return failure;
  /* The handles are the pinned process's own only if it still is what /proc showed. */
  return failure_of(STAGE_PIDFD_OPEN, find_pinned(target));
}
