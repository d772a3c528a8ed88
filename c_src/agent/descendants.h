/* SPDX-License-Identifier: MIT */
/* Children of the agent beside the workload: what a subreaper adopts, and what an entry that ended
 * too early has left. */
#ifndef LINX_AGENT_DESCENDANTS_H
#define LINX_AGENT_DESCENDANTS_H

#include "agent/session.h"

/* Whether the session is to kill and reap such children. */
bool session_owns_descendants(const struct session *session);

/* Whether there are any. Kills them. */
bool session_has_descendants(struct session *session);

/* SIGCHLD arrived: reaps what the subreaper has adopted. */
void session_reap_adopted(struct session *session);

/*
 * Kills what a workload that has ended has left in its session (setsid(2)), where the agent gets no
 * such process as a child. True while some of it may be alive: the workload is not to be reaped
 * before session->look_at, because its session is known by its number.
 */
bool session_sweep(struct session *session);

#endif
