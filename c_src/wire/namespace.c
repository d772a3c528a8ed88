/* SPDX-License-Identifier: MIT */
#include "wire/namespace.h"

#include <sched.h>
#include <string.h>

#include "base/syscalls.h"

const struct namespace_kind namespace_kinds[NAMESPACE_COUNT] = {
    {"user", "user", CLONE_NEWUSER, STAGE_OPEN_NS_USER, STAGE_SETNS_USER},
    {"cgroup", "cgroup", CLONE_NEWCGROUP, STAGE_OPEN_NS_CGROUP, STAGE_SETNS_CGROUP},
    {"ipc", "ipc", CLONE_NEWIPC, STAGE_OPEN_NS_IPC, STAGE_SETNS_IPC},
    {"uts", "uts", CLONE_NEWUTS, STAGE_OPEN_NS_UTS, STAGE_SETNS_UTS},
    {"net", "net", CLONE_NEWNET, STAGE_OPEN_NS_NET, STAGE_SETNS_NET},
    {"time", "time", CLONE_NEWTIME, STAGE_OPEN_NS_TIME, STAGE_SETNS_TIME},
    {"mount", "mnt", CLONE_NEWNS, STAGE_OPEN_NS_MOUNT, STAGE_SETNS_MOUNT},
    {"pid", "pid", CLONE_NEWPID, STAGE_OPEN_NS_PID, STAGE_SETNS_PID},
};

uint64_t namespace_flag(const char *name) {
  for (int i = 0; i < NAMESPACE_COUNT; i++)
    if (strcmp(namespace_kinds[i].name, name) == 0)
      return namespace_kinds[i].flag;
  return 0;
}
