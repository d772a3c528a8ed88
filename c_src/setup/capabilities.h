/* SPDX-License-Identifier: MIT */
/* Capability sets of the calling process (capabilities(7)). Returns 0 or a negative errno. */
#ifndef LINX_SETUP_CAPABILITIES_H
#define LINX_SETUP_CAPABILITIES_H

#include <stdint.h>

#include "setup/setup.h"

/* capget(2) and capset(2): two of these, the low 32 bits first. */
struct capability_data {
  uint32_t effective;
  uint32_t permitted;
  uint32_t inheritable;
};

int capabilities_get(struct capability_data data[2]);
int capabilities_put(const struct capability_data data[2]);

/* m: drops a mask from the bounding set, all or nothing: bits that the kernel does not know are
 * -EINVAL before the first drop. */
setup_fn capabilities_drop_bounding;

/*
 * mmm: effective, permitted, inheritable; bits that the kernel does not know are -EINVAL, where
 * capset would ignore them, and so is taking a capability from the ambient set that a command has
 * asked for. When the process is root, its bounding set is limited to `permitted`, because exec
 * would give root all of it. Without CAP_SETPCAP that is left to capabilities_settle.
 */
setup_fn capabilities_set_thread;

/* m: makes the ambient set exactly the mask (PR_CAP_AMBIENT). */
setup_fn capabilities_set_ambient;

/* N: the securebits (PR_SET_SECUREBITS(2const)). EPERM without CAP_SETPCAP, for a bit that the
 * kernel does not know, and for one that is locked. */
setup_fn capabilities_set_securebits;

/* B: whether a change from uid 0 leaves the permitted set (PR_SET_KEEPCAPS(2const));
 * set_credentials and set_user leave it where no command has said. EPERM: the flag is locked. */
setup_fn capabilities_keep;

/*
 * After a change of ids, which clears the sets when it is one from uid 0 to others: puts back those
 * that commands have asked for. An ambient set that no command has asked for is cleared after any
 * change. -EPERM when the permitted set has not been kept (PR_SET_KEEPCAPS).
 */
int capabilities_after_ids(const struct capability_promise *promise);

/*
 * After the last command: makes sure that exec keeps what commands have promised. After a change of
 * ids without cap_set_thread a process that is not root keeps the capabilities that cap_set_ambient
 * has asked for, and no others. -EINVAL when exec cannot keep a promise; -EPERM without
 * CAP_SETPCAP, when only a smaller bounding set would.
 */
int capabilities_settle(const struct capability_promise *promise);

#endif
