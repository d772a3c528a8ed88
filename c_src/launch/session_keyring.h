/* SPDX-License-Identifier: MIT */
/*
 * The session keyring of the workload (keyrings(7)). A process that has one possesses its keys,
 * whatever its ids, so a workload that is confined does not share the agent's: one in namespaces,
 * with ids of its own, or behind a filter. Any other one has the BEAM's ids and could use its keys
 * by way of the BEAM itself (ptrace(2)), so that one of its own would only count against the user's
 * quota, which holds 200.
 */
#ifndef LINX_LAUNCH_SESSION_KEYRING_H
#define LINX_LAUNCH_SESSION_KEYRING_H

#include <stdbool.h>

#include "launch/child.h"
#include "wire/failure.h"

/*
 * In the child: joins a new one, if the request says so or the workload is confined. `is_confined`:
 * a command has already set ids, or given a filter. Where the kernel has no keyrings (ENOSYS) or a
 * filter denies the call (EPERM), also to the workload, the workload shares none, which is a
 * failure only of a request for a new one.
 */
struct failure session_keyring_settle(const struct child_start *start, bool is_confined);

#endif
