/* SPDX-License-Identifier: MIT */
#include "setup/sysctl_name.h"

#include <errno.h>
#include <string.h>

#include "setup/setup.h"

static const char below_proc[] = "sys/";

/* namespaces(7), ipc_namespaces(7), proc_sys_user(5). A name that ends with a slash stands for all
 * below it. */
static const struct {
  const char *name;
  int needs;
} parameters[] = {
    {"net/", NEEDS_NET},
    {"user/", NEEDS_USER},
    {"fs/mqueue/", NEEDS_IPC},
    {"kernel/auto_msgmni", NEEDS_IPC},
    {"kernel/msg_next_id", NEEDS_IPC},
    {"kernel/msgmax", NEEDS_IPC},
    {"kernel/msgmnb", NEEDS_IPC},
    {"kernel/msgmni", NEEDS_IPC},
    {"kernel/sem", NEEDS_IPC},
    {"kernel/sem_next_id", NEEDS_IPC},
    {"kernel/shm_next_id", NEEDS_IPC},
    {"kernel/shm_rmid_forced", NEEDS_IPC},
    {"kernel/shmall", NEEDS_IPC},
    {"kernel/shmmax", NEEDS_IPC},
    {"kernel/shmmni", NEEDS_IPC},
    {"kernel/domainname", NEEDS_UTS},
};

static void exchange_separators(char *path) {
  for (; *path != '\0'; path++)
    if (*path == '.' || *path == '/')
      *path = *path == '.' ? '/' : '.';
}

/* No part is empty, "." or "..". */
static bool is_plain(const char *path) {
  for (;;) {
    size_t size = strcspn(path, "/");
    if (size == 0 || (path[0] == '.' && (size == 1 || (size == 2 && path[1] == '.'))))
      return false;
    if (path[size] == '\0')
      return true;
    path += size + 1;
  }
}

static bool is_of(const char *path, const char *name) {
  size_t size = strlen(name);
  return name[size - 1] == '/' ? strncmp(path, name, size) == 0 : strcmp(path, name) == 0;
}

int sysctl_path(char path[SYSCTL_PATH_SIZE], const struct argument_text *name) {
  char *at = path + sizeof below_proc - 1;
  if (name->size > SYSCTL_PATH_SIZE - sizeof below_proc)
    return -EINVAL;
  memcpy(path, below_proc, sizeof below_proc - 1);
  memcpy(at, name->bytes, name->size);
  at[name->size] = '\0';
  if (at[strcspn(at, "./")] == '.')
    exchange_separators(at);
  if (!is_plain(at))
    return -EINVAL;
  for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++)
    if (is_of(at, parameters[i].name))
      return parameters[i].needs;
  return -EINVAL;
}
