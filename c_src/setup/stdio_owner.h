/* SPDX-License-Identifier: MIT */
/*
 * Whose the workload's pipes and its terminal are. Linx makes them as the agent's user, and a
 * workload with other ids could use but not open them: /dev/stdout, /proc/self/fd/1, its own
 * terminal. Files, sockets, /dev/null and inherited descriptors belong to others and are left
 * alone.
 */
#ifndef LINX_SETUP_STDIO_OWNER_H
#define LINX_SETUP_STDIO_OWNER_H

#include "setup/setup.h"

/*
 * Makes the user `uid` the owner of those among fds 0, 1 and 2. A terminal keeps its mode and group
 * (tty, from devpts); in a user namespace that does not map the group it gets the process's own
 * one, and mode 0600. 0; -EPERM when the calling process has no right to; another negative errno,
 * EINVAL for an id that its user namespace does not map.
 */
int stdio_owner_set(const struct setup *setup, uint32_t uid);

/* Before a change of ids, when the rights are still there: the same, if no command has said whose
 * they are. Where it fails the child asks the agent before exec (launch/child.c). */
void stdio_owner_follow(const struct setup *setup, uint32_t uid);

/* u: stdio_owner_set, after which they follow the workload's ids no more. */
setup_fn stdio_owner_command;

#endif
