/* SPDX-License-Identifier: MIT */
/* User and group ids of the calling process (credentials(7)). Returns 0 or a negative errno. */
#ifndef LINX_SETUP_IDENTITY_H
#define LINX_SETUP_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "setup/setup.h"

/* Real, effective and saved id; UINT32_MAX leaves them as they are. */
int identity_set_groups(size_t count, const uint32_t *groups);
int identity_set_gid(uint32_t gid);
int identity_set_uid(uint32_t uid);

int identity_set_no_new_privs(void);

/*
 * Changes the two ids, after the supplementary groups; UINT32_MAX leaves one as it is. Every
 * command that changes ids does so here. Pipes and a terminal of linx's become the user's first.
 * The sets that cap_set_thread and cap_set_ambient have asked for stay as they are. Without
 * cap_set_thread the permitted set stays until capabilities_settle, so that commands which follow
 * can take from it, and the effective one is what the kernel makes of it: empty after a change from
 * uid 0.
 */
int identity_change(struct setup *setup, uint32_t uid, uint32_t gid);

/*
 * vvV: uid, gid and supplementary groups, as identity_change has them; what is kept stays as it is.
 * Where setgroups(2) is denied (user_namespaces(7)), no groups can be asked for if there are none.
 */
setup_fn identity_set;

/* o: the file mode creation mask (umask(2)). */
setup_fn identity_set_umask;

/* N: the execution domain (personality(2)). Exec clears some of its bits for a set-user-ID program.
 */
setup_fn identity_set_personality;

/* No exec from here on gives privileges (PR_SET_NO_NEW_PRIVS(2const)). */
setup_fn identity_forbid_new_privs;

#endif
