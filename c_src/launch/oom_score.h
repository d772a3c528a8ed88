/* SPDX-License-Identifier: MIT */
/*
 * How readily the kernel kills the workload when memory runs out (proc(5), oom_score_adj). The
 * child has the value from its first instruction, because the agent has it while it clones: a child
 * with mapped ids may not even open the file.
 */
#ifndef LINX_LAUNCH_OOM_SCORE_H
#define LINX_LAUNCH_OOM_SCORE_H

#include "wire/failure.h"
#include "wire/request.h"

struct oom_score {
  int fd;       /* of the agent's file; -1: the request has no value */
  char own[16]; /* what the agent has */
  int length;
};

/* Before clone. EACCES: a lower value than the process's takes CAP_SYS_RESOURCE. */
struct failure oom_score_set(struct oom_score *score, const struct request *request);

/* After it: the agent has its own value again. Closes the descriptor. */
struct failure oom_score_restore(struct oom_score *score);

#endif
