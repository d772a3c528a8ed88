/* SPDX-License-Identifier: MIT */
/*
 * The names of the host in the calling process's UTS namespace (uts_namespaces(7)). Each command
 * needs one of the session's own.
 */
#ifndef LINX_SETUP_HOST_H
#define LINX_SETUP_HOST_H

#include "setup/setup.h"

/* h: sethostname(2), setdomainname(2). */
setup_fn host_set_name;
setup_fn host_set_domain;

#endif
