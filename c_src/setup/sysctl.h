/* SPDX-License-Identifier: MIT */
/* Kernel parameters of the calling process's namespaces (sysctl(8)). */
#ifndef LINX_SETUP_SYSCTL_H
#define LINX_SETUP_SYSCTL_H

#include "setup/setup.h"

/*
 * ss: a name as sysctl_path takes it, and a value, which is one write(2) to the file of that name.
 * It is found below a directory that is the root of a procfs, by a path that crosses neither a link
 * nor a mount (openat2(2), since Linux 5.6; else ENOSYS), because a file system that an image or
 * another process has put there could be anything. EXDEV: a mount is in the way. What a procfs
 * shows below sys/ are the parameters of the process that opens it, whichever procfs that is.
 */
setup_fn sysctl_set;

#endif
