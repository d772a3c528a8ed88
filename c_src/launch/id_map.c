/* SPDX-License-Identifier: MIT */
#include "launch/id_map.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "base/syscalls.h"
#include "launch/id_map_helper.h"
#include "setup/capabilities.h"

struct failure id_map_check(const struct child_start *start) {
  const struct request *request = start->request;
  bool is_fresh = start->target == NULL && (request->namespaces & CLONE_NEWUSER) != 0;
  bool uid = request->uid_map.count > 0;
  bool gid = request->gid_map.count > 0;
  if (uid && (!gid || !is_fresh))
    return failure_of(STAGE_UID_MAP, -EINVAL);
  if (gid && !uid)
    return failure_of(STAGE_GID_MAP, -EINVAL);
  return failure_of(STAGE_SETGROUPS, request->setgroups != SETGROUPS_DEFAULT && !uid ? -EINVAL : 0);
}

static int write_all(int fd, const char *text, size_t size) {
  long count = sys_write(fd, text, size);
  return count < 0 ? (int)count : (size_t)count == size ? 0 : -EIO;
}

/* A descriptor as a result: its errno is the step's. */
static int write_to(int fd, const char *text, size_t size) {
  return fd < 0 ? fd : write_all(fd, text, size);
}

static int open_of(pid_t pid, const char *name, int flags) {
  char path[PROC_PATH_SIZE];
  proc_path(path, pid, name);
  return sys_open(path, flags | O_CLOEXEC);
}

static int write_file(pid_t pid, const char *name, const char *text, size_t size) {
  cleanup_close int fd = open_of(pid, name, O_WRONLY);
  return write_to(fd, text, size);
}

/* capabilities(7) */
#define CAP_SETGID_MASK (1U << 6)

static bool may_set_groups(void) {
  struct capability_data own[2];
  return capabilities_get(own) == 0 && (own[0].effective & CAP_SETGID_MASK) != 0;
}

static struct failure settle_setgroups(const struct child_start *start, pid_t pid) {
  enum setgroups wanted = start->request->setgroups;
  if (!start->is_root) /* the child has denied it, or a helper may */
    return failure_none();
  if (wanted == SETGROUPS_DEFAULT && !may_set_groups())
    wanted = SETGROUPS_DENY;
  const char *word = wanted == SETGROUPS_DENY ? "deny" : "allow";
  return failure_of(STAGE_SETGROUPS, wanted == SETGROUPS_DEFAULT
                                         ? 0
                                         : write_file(pid, "/setgroups", word, strlen(word)));
}

/* newgidmap(1) denies setgroups(2) for a user without a range of groups. */
static struct failure check_setgroups(const struct child_start *start, pid_t pid) {
  char word[8] = "";
  if (start->request->setgroups != SETGROUPS_ALLOW)
    return failure_none();
  cleanup_close int fd = open_of(pid, "/setgroups", O_RDONLY);
  long count = fd < 0 ? fd : sys_read(fd, word, sizeof word - 1);
  int result = count < 0 ? (int)count : strncmp(word, "allow", 5) == 0 ? 0 : -EPERM;
  return failure_of(STAGE_SETGROUPS, result);
}

struct map_file {
  const char *file, *helper;
  enum stage stage, helper_stage;
};

/* EACCES: the file is root's. What root may not write, because it lacks a capability, a helper must
 * not write for it. */
static struct failure write_map(const struct child_start *start, pid_t pid,
                                const struct id_map *map, const struct map_file *file) {
  static char text[ID_MAP_TEXT_SIZE];
  int result = write_file(pid, file->file, text, id_map_format(text, map));
  if ((result != -EPERM && result != -EACCES) || start->is_root)
    return failure_of(file->stage, result);
  return failure_of(file->helper_stage, id_map_helper_run(file->helper, pid, map));
}

struct failure id_map_write(const struct child_start *start, pid_t pid) {
  static const struct map_file gids = {"/gid_map", "newgidmap", STAGE_GID_MAP, STAGE_NEWGIDMAP};
  static const struct map_file uids = {"/uid_map", "newuidmap", STAGE_UID_MAP, STAGE_NEWUIDMAP};
  struct failure failure = settle_setgroups(start, pid);
  if (!failure_is(failure))
    failure = write_map(start, pid, &start->request->uid_map, &uids);
  if (!failure_is(failure))
    failure = write_map(start, pid, &start->request->gid_map, &gids);
  return failure_is(failure) ? failure : check_setgroups(start, pid);
}
