/* SPDX-License-Identifier: MIT */
/* The child's ids in a user namespace, fresh or entered: steps of launch/child.c. */
#ifndef LINX_LAUNCH_CHILD_IDS_H
#define LINX_LAUNCH_CHILD_IDS_H

#include <stdbool.h>

#include "launch/child.h"
#include "wire/failure.h"

struct child_ids {
  bool are_set;   /* by command; those of the namespace are not taken then */
  bool are_taken; /* once and for all, because the request has the maps */
};

/*
 * Makes the child dumpable while its maps can be written. A process that is not root can write the
 * id maps of a child only while the child is dumpable, because otherwise the files under
 * /proc/<pid> are root's (proc(5)). A child of root is never dumpable, because it has root's ids
 * until it takes the namespace's id 0, and a process that enters its user namespace could trace it
 * there. The agent's id is compared, because the child's ids are not mapped yet in the new
 * namespace.
 */
struct failure child_ids_allow_maps(const struct child_start *start);

/*
 * Takes id 0 of the child's user namespace as soon as its maps have one. Called before each command
 * and after :proceed, because the maps may be written at any moment until then. Where the request
 * has them it takes id 0, or else the first that they have, once they are written. *changed: the
 * dumpable attribute and the parent-death signal have to be set again.
 */
struct failure child_ids_take(const struct child_start *start, struct child_ids *ids,
                              bool *changed);

/*
 * A process with an id that its user namespace does not map has the agent's id as far as files are
 * concerned, while the owner of the namespace has every capability over the process. So a child
 * that enters a user namespace, or whose agent is privileged, must have mapped ids; in a fresh
 * namespace these are what it has taken, unless a command has set others. An ordinary user's own
 * namespace may stay without maps, because the unmapped ids are that user's.
 */
struct failure child_ids_check(const struct child_start *start, const struct child_ids *ids);

#endif
