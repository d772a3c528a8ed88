/* SPDX-License-Identifier: MIT */
/*
 * Whether the child shares the agent's memory until it execs (clone(2), CLONE_VM), which spares the
 * kernel a copy of it, or has a copy.
 *
 * Until exec the child runs the agent's own code, and no other process can run code in its memory
 * or reach it: it is not dumpable, and belongs to the agent's user namespace (ptrace(2)). The child
 * has a stack of its own, writes only to that and to variables that the agent does not read, and
 * uses no libc function that writes errno (scripts/check-child).
 */
#ifndef LINX_LAUNCH_SHARING_H
#define LINX_LAUNCH_SHARING_H

#include <stdbool.h>

#include "launch/child.h"

/* May read /proc. Called in the agent, before clone. */
bool sharing_is_safe(const struct child_start *start);

#endif
