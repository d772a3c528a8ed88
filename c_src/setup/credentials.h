/*
 * Ids, capabilities and no_new_privs of the calling process (credentials(7), capabilities(7)).
 * Everything here runs in the child between clone and exec. Returns 0 or a negative errno.
 */
#ifndef LINX_SETUP_CREDENTIALS_H
#define LINX_SETUP_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/etf.h"
#include "wire/stage.h"

/* Drops a mask from the bounding set, all or nothing: bits the kernel does not know are -EINVAL
 * before the first drop. */
int credentials_drop_bounding(uint64_t mask);

/* capset(2); bits the kernel does not know are -EINVAL, where capset would ignore them. */
int credentials_set_thread(uint64_t effective, uint64_t permitted, uint64_t inheritable);

/* Makes the ambient set exactly the mask (capabilities(7), PR_CAP_AMBIENT). */
int credentials_set_ambient(uint64_t mask);

/* setgroups, setresgid, setresuid. `groups` stands on a list of ids that has been checked. */
int credentials_set_ids(uint32_t uid, uint32_t gid, struct term_reader groups);

/* Whether the calling process has rights beyond those of an ordinary user: effective uid 0, or any
 * effective capability. */
bool credentials_are_privileged(void);

/*
 * Empties the supplementary groups. 0; 1 when the kernel does not allow it (EPERM: no CAP_SETGID,
 * or a user namespace that denies setgroups, user_namespaces(7)) and there are some; -errno.
 */
int credentials_clear_groups(void);

/* An id that credentials_assume leaves as it is. */
#define CREDENTIALS_KEEP UINT32_MAX

/*
 * setresgid and setresuid to ids of the caller's present user namespace, keeping the permitted and
 * effective capability sets, which a change from uid 0 would clear (capabilities(7)). On failure
 * *stage names the step.
 */
int credentials_assume(uint32_t uid, uint32_t gid, enum stage *stage);

/*
 * Takes id 0 in a user namespace, as far as its maps have one: without that, exec would strip the
 * capabilities (capabilities(7)). The thread's capability sets are kept as they are. Supplementary
 * groups go where setgroups is allowed and stay where the namespace denies it
 * (user_namespaces(7)). 1 when an id was set, 0 when the maps have none or are not written yet; on
 * failure -errno, and *stage names the step.
 */
int credentials_become_root(enum stage *stage);

/*
 * Whether the caller's user namespace maps each of its user and group ids: -EINVAL when one is
 * unmapped, and *stage names setresgid or setresuid. The kernel returns the overflow id (65534, by
 * default) for an unmapped id, and refuses to set it; where the namespace maps that number, too,
 * the caller has that id afterwards.
 */
int credentials_check_mapped(enum stage *stage);

int credentials_set_no_new_privs(void);

#endif
