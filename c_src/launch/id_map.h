/* SPDX-License-Identifier: MIT */
/*
 * The id maps of the child's user namespace, where the request has them (user_namespaces(7)). One
 * id that is the agent's own the child maps itself, without a word from the agent; everything else
 * the agent writes, or newuidmap(1) and newgidmap(1) for a user who may not.
 */
#ifndef LINX_LAUNCH_ID_MAP_H
#define LINX_LAUNCH_ID_MAP_H

#include <stdbool.h>
#include <sys/types.h>

#include "launch/child.h"
#include "wire/failure.h"

/* Whether the request has maps, and whether the child or the agent writes them. */
bool id_map_is_given(const struct child_start *start);
bool id_map_is_childs(const struct child_start *start);
bool id_map_is_agents(const struct child_start *start);

/* In the agent, before clone: EINVAL at :uid_map or :gid_map for maps without a fresh user
 * namespace, and for one map without the other; at :setgroups for that without maps. */
struct failure id_map_check(const struct child_start *start);

/*
 * In the child: opens the files that it writes, is not dumpable from then on, and writes them. The
 * files are those of the child's user while it is dumpable, and root's otherwise (proc(5)).
 */
struct failure id_map_write_own(const struct child_start *start);

/* In the agent: writes the maps of the child `pid`. */
struct failure id_map_write(const struct child_start *start, pid_t pid);

#endif
