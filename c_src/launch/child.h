/* SPDX-License-Identifier: MIT */
/*
 * What the child does between clone and exec. It shares no memory with the agent, only two pipes;
 * the request and the plan are in its copy of the agent's memory.
 */
#ifndef LINX_LAUNCH_CHILD_H
#define LINX_LAUNCH_CHILD_H

#include <stdbool.h>

#include "launch/enter.h"
#include "launch/stdio.h"
#include "wire/request.h"

struct child_start {
  const struct request *request;
  const struct stdio_plan *plan;
  const struct enter_target *target; /* NULL for spawn */
  int down;                          /* commands from the agent */
  int up;                            /* frames to the agent */
  int agent_down;                    /* the other ends, which the child has no use for */
  int agent_up;
  bool is_root;       /* the agent's effective uid is 0 */
  bool is_privileged; /* the agent, as user_namespace_is_privileged says */
};

/* Whether the child has a user namespace of its own, whose id 0 it takes. */
bool child_has_user_namespace(const struct child_start *start);

_Noreturn void child_run(const struct child_start *start);

#endif
