/* SPDX-License-Identifier: MIT */
/* When frames leave: at once, together with the next, or when there is memory for the write. */
#ifndef LINX_AGENT_PACING_H
#define LINX_AGENT_PACING_H

#include "agent/session.h"

/* Milliseconds that a frame waits for the next one, which is expected at once, to share a write
 * with it. */
#define DELAY_MS 2

/* Milliseconds for which the agent keeps what it cannot deliver: to a client that has closed fd 3
 * and not fd 4, or while the kernel has no memory for a write. */
#define LEAVE_MS 5000

/* Writes what may leave now, and the acknowledgements behind it. */
void session_deliver(struct session *session);

#endif
