/* SPDX-License-Identifier: MIT */
#include "launch/own_namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>

#include "base/cleanup.h"
#include "base/syscalls.h"
#include "launch/command_list.h"
#include "setup/setup.h"
#include "setup/sysctl_name.h"

/* The CLONE_NEW* bits of all that are fresh, whichever process makes them. */
static uint64_t fresh(const struct child_start *start) {
  return start->target != NULL ? 0 : start->request->namespaces;
}

/* What a row of setup/commands.def may need, as CLONE_NEW* bits. */
static const struct {
  unsigned need;
  uint64_t flag;
} needs[] = {
    {NEEDS_NET, CLONE_NEWNET}, {NEEDS_MOUNT, CLONE_NEWNS},  {NEEDS_UTS, CLONE_NEWUTS},
    {NEEDS_IPC, CLONE_NEWIPC}, {NEEDS_USER, CLONE_NEWUSER},
};

/* The NEEDS_* of a command with these arguments, or -EINVAL. */
static int needs_of(enum setup_command command, const struct argument *arguments) {
  char path[SYSCTL_PATH_SIZE];
  unsigned changes = setup_rows[command].changes;
  return (changes & NEEDS_BY_NAME) != 0 ? sysctl_path(path, &arguments[0].text) : (int)changes;
}

struct failure own_namespaces_allow(const struct child_start *start, enum setup_command command,
                                    const struct argument *arguments) {
  uint64_t own = start->target != NULL ? start->target->flags : fresh(start);
  int changes = needs_of(command, arguments);
  if (changes < 0)
    return failure_of(setup_command_stage(command), changes);
  if ((changes & NEEDS_SPAWN) != 0 && start->target != NULL)
    return failure_of(setup_command_stage(command), -EPERM);
  for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++)
    if (((unsigned)changes & needs[i].need) != 0 && (own & needs[i].flag) == 0)
      return failure_of(setup_command_stage(command), -EPERM);
  return failure_none();
}

static struct failure allow(void *start, enum setup_command command,
                            const struct argument *arguments, int index) {
  (void)index;
  return own_namespaces_allow(start, command, arguments);
}

static bool has_time_offsets(const struct child_start *start) {
  return start->request->time_offsets.count > 0;
}

struct failure own_namespaces_check(struct child_start *start) {
  if (has_time_offsets(start) && (fresh(start) & CLONE_NEWTIME) == 0)
    return failure_of(STAGE_TIME_OFFSETS, -EINVAL);
  struct failure failure = command_list_each(start->request->setup, NULL, allow, start);
  return failure_is(failure) ? failure
                             : command_list_each(start->request->final, NULL, allow, start);
}

uint64_t own_namespaces_of_clone(const struct child_start *start) {
  uint64_t later = CLONE_NEWCGROUP | (has_time_offsets(start) ? CLONE_NEWTIME : 0);
  return fresh(start) & ~later;
}

static int write_time_offsets(const struct time_offsets *offsets) {
  char text[TIME_OFFSETS_SIZE];
  int length = time_offsets_format(text, offsets);
  cleanup_close int fd =
      length < 0 ? length : sys_open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return fd;
  long count = sys_write(fd, text, (size_t)length);
  return count < 0 ? (int)count : count == length ? 0 : -EIO;
}

/* unshare(2) makes it for the children of the process; the process itself moves by setns(2). */
static int join_own_time(void) {
  cleanup_close int fd = sys_open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
  return fd < 0 ? fd : (int)sys_call(SYS_setns, fd, CLONE_NEWTIME);
}

struct failure own_namespaces_make_time(const struct child_start *start) {
  if (!has_time_offsets(start))
    return failure_none();
  int result = (int)sys_call(SYS_unshare, CLONE_NEWTIME);
  if (result == -EINVAL) /* a kernel without time namespaces */
    result = -ENOSYS;
  if (result == 0)
    result = write_time_offsets(&start->request->time_offsets);
  if (result == 0)
    result = join_own_time();
  return failure_of(STAGE_TIME_OFFSETS, result);
}

struct failure own_namespaces_make_mounts_slave(const struct child_start *start) {
  if ((fresh(start) & CLONE_NEWNS) == 0)
    return failure_none();
  return failure_of(STAGE_MOUNT_SLAVE,
                    (int)sys_call(SYS_mount, "none", "/", NULL, MS_REC | MS_SLAVE, NULL));
}

struct failure own_namespaces_make_cgroup(const struct child_start *start) {
  if ((fresh(start) & CLONE_NEWCGROUP) == 0)
    return failure_none();
  return failure_of(STAGE_UNSHARE_CGROUP, (int)sys_call(SYS_unshare, CLONE_NEWCGROUP));
}
