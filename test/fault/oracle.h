/* SPDX-License-Identifier: MIT */
/*
 * What may come of an injected failure: one error frame with a stage that fits, the documented
 * fallback with a workload that lacks nothing, or, where it is the control channel that failed, the
 * exit code that stands for it.
 */
#ifndef LINX_FAULT_ORACLE_H
#define LINX_FAULT_ORACLE_H

#include <stddef.h>

#include "run.h"

enum outcome {
  OUTCOME_REPORTED,    /* an error frame */
  OUTCOME_WENT_ON,     /* the end that the session has without a failure, and the same workload */
  OUTCOME_CHANNEL,     /* the channel failed, which is the end of the session */
  OUTCOME_NOT_REACHED, /* the call did not come in this run */
  OUTCOME_FAULT,
  OUTCOME_COUNT,
};

#define REASON_SIZE 256

/* `usual` is a run without injection. For a fault, says what is wrong. */
enum outcome judge(const struct injection *injection, const struct result *usual,
                   const struct result *result, char reason[REASON_SIZE]);

/* Whether a run without injection is what the session says; else what is wrong. */
bool judge_usual(const struct session *session, const struct result *usual,
                 char reason[REASON_SIZE]);

#endif
