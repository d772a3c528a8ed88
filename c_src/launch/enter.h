/* SPDX-License-Identifier: MIT */
/* Joining the namespaces of a live process (setns(2)). */
#ifndef LINX_LAUNCH_ENTER_H
#define LINX_LAUNCH_ENTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/inode.h"
#include "wire/failure.h"
#include "wire/namespace.h"
#include "wire/request.h"

struct enter_target {
  int pidfd;
  uint64_t flags;             /* what there is to join: the target's that are not the agent's */
  int links[NAMESPACE_COUNT]; /* open handles, -1 where there is nothing to join */
  struct inode namespaces[NAMESPACE_COUNT]; /* those that were looked at */
  /* What the ids become before a user namespace is joined: what its id 0 is to the agent; where it
   * maps none, the overflow id if the namespace is another user's. Else ID_KEEP. */
  uint32_t uid, gid;
  bool is_own; /* the user namespace to be joined was made by the agent's own user */
};

/*
 * In the agent: pins the target with a pidfd, then opens a handle for every namespace to be joined.
 * The descriptors belong to the target.
 */
struct failure enter_prepare(struct enter_target *target, const struct request *request);

/*
 * In the child: joins all of them and compares. A user namespace of another user is joined with ids
 * that are not the agent's, because its owner has every capability over the processes in it, and
 * they must have no right that the owner lacks.
 */
struct failure enter_join(const struct enter_target *target);

#endif
