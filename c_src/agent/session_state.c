/* SPDX-License-Identifier: MIT */
#include "agent/session.h"

/* Which states may follow which, a bit each. */
static const unsigned followers[] = {
    [STATE_STARTING] = 1U << STATE_PARKED | 1U << STATE_EXECING | 1U << STATE_CLEARING,
    [STATE_PARKED] = 1U << STATE_EXECING | 1U << STATE_CLEARING,
    [STATE_EXECING] = 1U << STATE_RUNNING | 1U << STATE_CLEARING,
    [STATE_RUNNING] = 1U << STATE_CLEARING,
    [STATE_CLEARING] = 1U << STATE_DRAINING,
    [STATE_DRAINING] = 1U << STATE_DONE,
    [STATE_DONE] = 0,
};

void session_enter(struct session *session, enum session_state state) {
  if ((followers[session->state] & 1U << state) == 0)
    __builtin_trap(); /* the kernel kills the workload then; the library reports :agent_died */
  session->state = state;
}
