/* SPDX-License-Identifier: MIT */
/*
 * Users and groups by name, as /etc/passwd and /etc/group of the calling process's root have them.
 * That root may be an attacker's: both are read only if they are regular files of it
 * (setup/resolve.h), no more than 16 MiB large, and a file that is absent has no entries. Returns 0
 * or a negative errno: ENOENT for a name without an entry, EINVAL for a file of another kind, EFBIG
 * for a larger one.
 */
#ifndef LINX_SETUP_USER_H
#define LINX_SETUP_USER_H

#include "setup/setup.h"

/*
 * sS: "user[:group]", each a name or an id, and more groups, the same. A text of digits is an id.
 *
 * The gid is that of `group`, else that of the user's entry, else 0. The supplementary groups are
 * the further ones, and without `group` those whose entries list the user. An empty user leaves the
 * uid as it is, and without `group` the gid too.
 *
 * Where setgroups(2) is refused, because the user namespace denies it or because the ids stay those
 * of a process that may not call it, the supplementary groups stay as they are; EPERM if one of the
 * further groups is not among them.
 *
 * HOME becomes the directory of the user's entry, else "/", where the environment has none or an
 * empty one.
 */
setup_fn user_set;

/* u: HOME alone, of the user with that id. */
setup_fn user_set_home;

#endif
