/* SPDX-License-Identifier: MIT */
/* The child: its frames, its exec, its end. */
#ifndef LINX_AGENT_SESSION_CHILD_H
#define LINX_AGENT_SESSION_CHILD_H

#include "agent/session.h"

/* A child has been cloned; queues :spawned where it is the workload's own. */
void session_child_cloned(struct session *session);

/* Takes every frame that has come from the child. */
void session_child_frames(struct session *session);

/* The child's pidfd is readable: reports the end once everything before it has been taken. */
void session_child_ended(struct session *session);

/* The workload is reaped: reports its end once no descendant is left that the session is to kill.
 */
void session_report_end(struct session *session);

#endif
