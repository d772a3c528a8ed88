/* SPDX-License-Identifier: MIT */
/* What of launch/id_map.h runs in the child. */
#include "launch/id_map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/syscalls.h"

bool id_map_is_given(const struct child_start *start) {
  return start->request->uid_map.count > 0;
}

/* With setgroups: :allow it takes CAP_SETGID in the agent's user namespace. */
bool id_map_is_childs(const struct child_start *start) {
  const struct request *request = start->request;
  return id_map_is_given(start) && request->setgroups != SETGROUPS_ALLOW &&
         id_map_is_own(&request->uid_map, start->uid) &&
         id_map_is_own(&request->gid_map, start->gid);
}

bool id_map_is_agents(const struct child_start *start) {
  return id_map_is_given(start) && !id_map_is_childs(start);
}

static int write_all(int fd, const char *text, size_t size) {
  long count = sys_write(fd, text, size);
  return count < 0 ? (int)count : (size_t)count == size ? 0 : -EIO;
}

/* A descriptor as a result: its errno is the step's. */
static int write_to(int fd, const char *text, size_t size) {
  return fd < 0 ? fd : write_all(fd, text, size);
}

static int write_row(int fd, const struct id_map *map) {
  char text[ID_MAP_ROW_SIZE + 1];
  return write_to(fd, text, id_map_format(text, map));
}

static int open_own(const char *path, bool is_wanted) {
  return is_wanted ? sys_open(path, O_WRONLY | O_CLOEXEC) : -1;
}

/* An ordinary user denies setgroups(2) before the gid map; only the child can open the file. */
static bool denies_itself(const struct child_start *start) {
  bool is_asked = start->request->setgroups == SETGROUPS_DENY && !start->is_root;
  return id_map_is_childs(start) || is_asked;
}

struct failure id_map_write_own(const struct child_start *start) {
  const struct request *request = start->request;
  bool maps = id_map_is_childs(start);
  bool denies = denies_itself(start);
  cleanup_close int setgroups = open_own("/proc/self/setgroups", denies);
  cleanup_close int gid_map = open_own("/proc/self/gid_map", maps);
  cleanup_close int uid_map = open_own("/proc/self/uid_map", maps);
  int result = sys_prctl(PR_SET_DUMPABLE, 0, 0);
  if (result < 0)
    return failure_of(STAGE_PRCTL, result);
  result = denies ? write_to(setgroups, "deny", 4) : 0;
  if (result < 0)
    return failure_of(STAGE_SETGROUPS, result);
  result = maps ? write_row(gid_map, &request->gid_map) : 0;
  if (result < 0)
    return failure_of(STAGE_GID_MAP, result);
  return failure_of(STAGE_UID_MAP, maps ? write_row(uid_map, &request->uid_map) : 0);
}
