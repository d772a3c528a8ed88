/* SPDX-License-Identifier: MIT */
/* The network of the calling process. */
#ifndef LINX_SETUP_NETWORK_H
#define LINX_SETUP_NETWORK_H

#include "setup/setup.h"

/* The loopback interface goes up: in a fresh net namespace it is down, and 127.0.0.1 unreachable
 * (network_namespaces(7)). Takes CAP_NET_ADMIN. */
setup_fn network_raise_loopback;

#endif
