/* SPDX-License-Identifier: MIT */
/* Id maps of a user namespace (user_namespaces(7)), written by its parent. */
#ifndef LINX_FAULT_IDMAP_H
#define LINX_FAULT_IDMAP_H

#include <sys/types.h>

/* Ids 0 to 65535 are IDMAP_BASE and following outside. Needs root. Returns 0 or a negative errno.
 */
int idmap_write_range(pid_t pid);

/* Id 0 is these ids outside; setgroups(2) is denied, as an ordinary user has to. */
int idmap_write_own(pid_t pid, uid_t uid, gid_t gid);

#define IDMAP_BASE 100000

#endif
