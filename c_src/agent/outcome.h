/* SPDX-License-Identifier: MIT */
/* How a session ended, decided from what is known of it. Pure. */
#ifndef LINX_AGENT_OUTCOME_H
#define LINX_AGENT_OUTCOME_H

#include <stdbool.h>
#include <sys/types.h>

#include "wire/failure.h"
#include "wire/frame.h"

struct ending {
  bool aborted;           /* the BEAM sent :abort */
  struct failure failure; /* what was reported, by the child or by the agent's own checks */
  bool proceeding;        /* the child was past the checkpoint */
  bool execed;
  int wait_status; /* as wait4(2) gave it */
  pid_t child_pid; /* as the child sees it; until it is ready, as the agent does */
};

/* Writes the final frame. */
void outcome_frame(struct frame *frame, const struct ending *ending);

/* The agent's exit code for that end. */
enum exit_code outcome_exit_code(const struct ending *ending);

#endif
