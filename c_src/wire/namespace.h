/* SPDX-License-Identifier: MIT */
/*
 * The eight kinds of namespace, one row each. Pure.
 */
#ifndef LINX_WIRE_NAMESPACE_H
#define LINX_WIRE_NAMESPACE_H

#include <stdint.h>

#include "wire/stage.h"

#define NAMESPACE_COUNT 8

/* The rows of the user namespace, which is the first, and of the mount namespace. */
#define NAMESPACE_USER  0
#define NAMESPACE_MOUNT 6

struct namespace_kind {
  const char *name; /* on the wire */
  const char *link; /* under /proc/<pid>/ns */
  uint64_t flag;    /* CLONE_NEW* */
  enum stage open_stage;
  enum stage setns_stage;
};

/* In the order in which they are joined one by one: the user namespace first, because it gives the
 * capabilities that joining the others takes (setns(2)); the pid namespace last. */
extern const struct namespace_kind namespace_kinds[NAMESPACE_COUNT];

/* The CLONE_NEW* bit of a namespace's wire name, 0 when there is none of that name. */
uint64_t namespace_flag(const char *name);

#endif
