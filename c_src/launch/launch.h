/* SPDX-License-Identifier: MIT */
/* Clones the child, for which everything was prepared. */
#ifndef LINX_LAUNCH_LAUNCH_H
#define LINX_LAUNCH_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "launch/enter.h"
#include "launch/stdio.h"
#include "wire/failure.h"
#include "wire/request.h"

/* A child that exists. The descriptors are close-on-exec and belong to the caller, and `down` and
 * `up` are non-blocking. */
struct launched {
  pid_t pid;
  int pidfd;
  int down;             /* commands to the child; -1: it takes none */
  int up;               /* frames from it */
  int terminal;         /* a socket for the master of a terminal that it opens; -1: it opens none */
  bool awaits_maps;     /* it waits for launch_map_ids, and then for a frame */
  bool is_intermediate; /* it joins a pid namespace and forks the workload's process */
};

/*
 * Gives up what of the agent's identity has no place in the child's user namespace, and clones the
 * child. `target` is NULL for spawn. Closes the child's ends of the plan. After a failure
 * descriptors may stay open.
 */
struct failure launch(struct launched *launched, const struct request *request,
                      struct stdio_plan *plan, const struct enter_target *target);

/* Writes the id maps of the request for the child that was launched. */
struct failure launch_map_ids(const struct launched *launched);

#endif
