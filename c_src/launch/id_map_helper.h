/* SPDX-License-Identifier: MIT */
/* newuidmap(1) and newgidmap(1), which write a map that /etc/subuid or /etc/subgid allows. */
#ifndef LINX_LAUNCH_ID_MAP_HELPER_H
#define LINX_LAUNCH_ID_MAP_HELPER_H

#include <sys/types.h>

#include "wire/id_map.h"

/*
 * Executes the program of that name, from /usr/bin or /bin, with an empty environment and /dev/null
 * for fds 0, 1 and 2, and waits for its end. 0; -EPERM when it exits with another code than 0;
 * -ENOENT when there is none; -ETIMEDOUT when it has not ended after HELPER_MS, and was killed.
 */
int id_map_helper_run(const char *name, pid_t pid, const struct id_map *map);

#endif
