/* SPDX-License-Identifier: MIT */
/*
 * Ids in and around a user namespace (user_namespaces(7)): leaving the agent's behind, and taking
 * those of the namespace. Everything acts on the calling process.
 */
#ifndef LINX_LAUNCH_USER_NAMESPACE_H
#define LINX_LAUNCH_USER_NAMESPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/failure.h"

/* Whether the calling process has rights beyond those of an ordinary user: effective uid 0, or any
 * effective capability. */
bool user_namespace_is_privileged(void);

/*
 * Empties the supplementary groups. 0; 1 when the kernel does not allow it (EPERM: no CAP_SETGID,
 * or a user namespace that denies setgroups) and there are some; -errno.
 */
int user_namespace_clear_groups(void);

/*
 * Whether groups that could not be emptied are no more than the process's user has anyway: it is an
 * ordinary user, or its own user namespace denies setgroups to a process that has CAP_SETGID.
 */
bool user_namespace_may_keep_groups(void);

/* An id that user_namespace_assume leaves as it is. */
#define ID_KEEP UINT32_MAX

/* setresgid and setresuid to ids of the present user namespace, keeping the permitted and effective
 * capability sets, which a change from uid 0 would clear (capabilities(7)). */
struct failure user_namespace_assume(uint32_t uid, uint32_t gid);

/*
 * Takes id 0, as far as the namespace's maps have one: without that, exec would strip the
 * capabilities (capabilities(7)). The thread's capability sets are kept as they are. Supplementary
 * groups go where setgroups is allowed and stay where the namespace denies it. *changed: an id was
 * set; the maps have one, and are written.
 */
struct failure user_namespace_become_root(bool *changed);

/*
 * Whether the user namespace maps each of the process's user and group ids: EINVAL when one is
 * unmapped, at setresuid or setresgid. The kernel returns the overflow id (65534, by default) for
 * an unmapped id, and refuses to set it; where the namespace maps that number, too, the process has
 * that id afterwards.
 */
struct failure user_namespace_check_mapped(void);

#endif
