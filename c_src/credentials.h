/*
 * Ids, capabilities and no_new_privs of the calling process (credentials(7), capabilities(7)).
 * Everything here runs in the child between clone and exec. Returns 0 or a negative errno.
 */
#ifndef LINX_CREDENTIALS_H
#define LINX_CREDENTIALS_H

#include <stdint.h>

#include "stage.h"
#include "term.h"

/* Drops a mask from the bounding set, all or nothing: bits the kernel does not know are -EINVAL
 * before the first drop. */
int credentials_drop_bounding(uint64_t mask);

/* capset(2); bits the kernel does not know are -EINVAL, where capset would ignore them. */
int credentials_set_thread(uint64_t effective, uint64_t permitted, uint64_t inheritable);

/* Makes the ambient set exactly the mask (capabilities(7), PR_CAP_AMBIENT). */
int credentials_set_ambient(uint64_t mask);

/* setgroups, setresgid, setresuid. `groups` stands on a list of ids that has been checked. */
int credentials_set_ids(uint32_t uid, uint32_t gid, struct term_reader groups);

/*
 * Takes id 0 in a user namespace, as far as its maps have one: without that, exec would strip the
 * capabilities (capabilities(7)). The thread's capability sets are kept as they are. Supplementary
 * groups go where setgroups is allowed and stay where the namespace denies it
 * (user_namespaces(7)). On failure *stage names the step.
 */
int credentials_become_root(enum stage *stage);

int credentials_set_no_new_privs(void);

#endif
