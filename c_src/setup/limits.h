/* SPDX-License-Identifier: MIT */
/*
 * Resource limits of the calling process (getrlimit(2)), which exec keeps.
 */
#ifndef LINX_SETUP_LIMITS_H
#define LINX_SETUP_LIMITS_H

#include "setup/setup.h"

/*
 * rll: a resource, its soft and its hard limit. EINVAL for a soft limit above the hard one; EPERM
 * for a hard limit above the one that there is, without CAP_SYS_RESOURCE in the initial user
 * namespace, or for more descriptors than fs.nr_open (proc(5)) allows.
 */
setup_fn limits_set;

#endif
