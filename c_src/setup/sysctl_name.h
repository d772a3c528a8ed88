/* SPDX-License-Identifier: MIT */
/* Kernel parameters by their names (sysctl.d(5)), and the namespaces that have them. Pure. */
#ifndef LINX_SETUP_SYSCTL_NAME_H
#define LINX_SETUP_SYSCTL_NAME_H

#include "wire/argument.h"

/* Bytes of a path below /proc, with its NUL. */
#define SYSCTL_PATH_SIZE 512

/*
 * The path below /proc of a parameter of a namespace. Where the first separator of the name is a
 * dot, dots are slashes and slashes dots: "net.ipv4.conf.eth0/1.forwarding". Returns the NEEDS_*
 * flag of the namespace (setup/setup.h); -EINVAL for a parameter that belongs to none, because it
 * would be the host's, and for what is no name.
 */
int sysctl_path(char path[SYSCTL_PATH_SIZE], const struct argument_text *name);

#endif
