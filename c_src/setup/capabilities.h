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

/* mmm: effective, permitted, inheritable; bits that the kernel does not know are -EINVAL, where
 * capset would ignore them. */
setup_fn capabilities_set_thread;

/* m: makes the ambient set exactly the mask (PR_CAP_AMBIENT). */
setup_fn capabilities_set_ambient;

#endif
