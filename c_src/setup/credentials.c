#include "setup/credentials.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/syscalls.h"
#include "wire/command.h"

#define CAPABILITY_VERSION_3 0x20080522

struct capability_header {
  uint32_t version;
  int pid;
};

/* capget(2): two of these, the low 32 bits first. */
struct capability_data {
  uint32_t effective;
  uint32_t permitted;
  uint32_t inheritable;
};

static int get_capabilities(struct capability_data data[2]) {
  struct capability_header header = {.version = CAPABILITY_VERSION_3};
  return (int)sys_result(syscall(SYS_capget, &header, data));
}

static int set_capabilities(const struct capability_data data[2]) {
  struct capability_header header = {.version = CAPABILITY_VERSION_3};
  return (int)sys_result(syscall(SYS_capset, &header, data));
}

/* PR_CAPBSET_READ refuses a capability that the kernel does not know. */
static int check_known(uint64_t mask) {
  for (int bit = 63; bit >= 0; bit--)
    if ((mask >> bit & 1) != 0 && prctl(PR_CAPBSET_READ, (unsigned long)bit, 0UL, 0UL, 0UL) < 0)
      return -EINVAL;
  return 0;
}

int credentials_drop_bounding(uint64_t mask) {
  int result = check_known(mask);
  if (result < 0)
    return result;
  for (int bit = 0; bit < 64; bit++)
    if ((mask >> bit & 1) != 0 && prctl(PR_CAPBSET_DROP, (unsigned long)bit, 0UL, 0UL, 0UL) < 0)
      return -errno;
  return 0;
}

int credentials_set_thread(uint64_t effective, uint64_t permitted, uint64_t inheritable) {
  int result = check_known(effective | permitted | inheritable);
  if (result < 0)
    return result;
  const struct capability_data data[2] = {
      {(uint32_t)effective, (uint32_t)permitted, (uint32_t)inheritable},
      {(uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32)},
  };
  return set_capabilities(data);
}

int credentials_set_ambient(uint64_t mask) {
  int result = check_known(mask);
  if (result < 0)
    return result;
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0UL, 0UL, 0UL) < 0)
    return -errno;
  for (int bit = 0; bit < 64; bit++)
    if ((mask >> bit & 1) != 0 &&
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)bit, 0UL, 0UL) < 0)
      return -errno;
  return 0;
}

/* The raw calls: libc's apply to every thread of a process, and there is one. */
static int set_groups(size_t count, const uint32_t *groups) {
  return (int)sys_result(syscall(SYS_setgroups, count, groups));
}

static int set_gid(uint32_t gid) {
  return (int)sys_result(syscall(SYS_setresgid, gid, gid, gid));
}

static int set_uid(uint32_t uid) {
  return (int)sys_result(syscall(SYS_setresuid, uid, uid, uid));
}

int credentials_set_ids(uint32_t uid, uint32_t gid, struct term_reader groups) {
  static uint32_t ids[NGROUPS_MAX];
  int count = 0;
  int result = term_read_unsigned_list(&groups, COMMAND_ID_MAX, ids, NGROUPS_MAX, &count);
  if (result < 0 || count > NGROUPS_MAX)
    return -EINVAL;
  result = set_groups((size_t)count, ids);
  /* A namespace that denies setgroups takes an empty list where there are none to lose. */
  if (result == -EPERM && count == 0 && getgroups(0, NULL) == 0)
    result = 0;
  if (result == 0)
    result = set_gid(gid);
  if (result == 0)
    result = set_uid(uid);
  return result;
}

bool credentials_are_privileged(void) {
  struct capability_data own[2];
  return geteuid() == 0 || get_capabilities(own) < 0 || own[0].effective != 0 ||
         own[1].effective != 0;
}

int credentials_clear_groups(void) {
  int result = set_groups(0, NULL);
  if (result != -EPERM)
    return result;
  int count = getgroups(0, NULL);
  return count < 0 ? -errno : count > 0;
}

int credentials_assume(uint32_t uid, uint32_t gid, enum stage *stage) {
  struct capability_data before[2];
  *stage = STAGE_CAP_SET_THREAD;
  int result = get_capabilities(before);
  if (result < 0)
    return result;
  *stage = STAGE_SETRESGID;
  result = set_gid(gid);
  if (result < 0)
    return result;
  *stage = STAGE_SETRESUID;
  if (prctl(PR_SET_KEEPCAPS, 1UL, 0UL, 0UL, 0UL) < 0)
    return -errno;
  result = set_uid(uid);
  if (result < 0)
    return result;
  if (prctl(PR_SET_KEEPCAPS, 0UL, 0UL, 0UL, 0UL) < 0)
    return -errno;
  *stage = STAGE_CAP_SET_THREAD;
  return set_capabilities(before);
}

int credentials_check_mapped(enum stage *stage) {
  uid_t uids[3];
  gid_t gids[3];
  *stage = STAGE_SETRESUID;
  if (getresuid(&uids[0], &uids[1], &uids[2]) < 0)
    return -errno;
  int result = (int)sys_result(syscall(SYS_setresuid, uids[0], uids[1], uids[2]));
  if (result < 0)
    return result;
  *stage = STAGE_SETRESGID;
  if (getresgid(&gids[0], &gids[1], &gids[2]) < 0)
    return -errno;
  return (int)sys_result(syscall(SYS_setresgid, gids[0], gids[1], gids[2]));
}

int credentials_become_root(enum stage *stage) {
  struct capability_data before[2];
  *stage = STAGE_CAP_SET_THREAD;
  int result = get_capabilities(before);
  if (result < 0)
    return result;
  *stage = STAGE_SETGROUPS;
  result = set_groups(0, NULL);
  if (result < 0 && result != -EPERM)
    return result;
  /* EINVAL: the map has no 0, or is not written yet. */
  *stage = STAGE_SETRESGID;
  int gid = set_gid(0);
  if (gid < 0 && gid != -EINVAL)
    return gid;
  *stage = STAGE_SETRESUID;
  int uid = set_uid(0);
  if (uid < 0 && uid != -EINVAL)
    return uid;
  /* Becoming uid 0 raises effective to permitted; undo that. */
  *stage = STAGE_CAP_SET_THREAD;
  result = set_capabilities(before);
  return result < 0 ? result : gid == 0 || uid == 0;
}

int credentials_set_no_new_privs(void) {
  return prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0 ? -errno : 0;
}
