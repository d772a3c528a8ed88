/* SPDX-License-Identifier: MIT */
/* The root of the calling process, whose working directory is the root afterwards. */
#ifndef LINX_SETUP_ROOT_H
#define LINX_SETUP_ROOT_H

#include "setup/setup.h"

/*
 * kp: a slot, and the propagation type of what it holds, which becomes the root; the old one is
 * detached (pivot_root(2)). From here on no path leads to the host's tree, whatever links the new
 * root holds. EXDEV: the root is another one than that afterwards. EINVAL: there was one before.
 * ENOTDIR: it is no directory.
 */
setup_fn root_pivot;

/* P: chroot(2), for a session without a mount namespace of its own. It is no boundary: a process
 * with CAP_SYS_CHROOT leaves it. */
setup_fn root_change;

#endif
