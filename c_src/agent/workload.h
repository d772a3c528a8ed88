/* SPDX-License-Identifier: MIT */
/*
 * What is done to the child: signals, its end with a failure, the guard. And frames, to the BEAM
 * and to the child.
 */
#ifndef LINX_AGENT_WORKLOAD_H
#define LINX_AGENT_WORKLOAD_H

#include "agent/session.h"

void session_signal(struct session *session, int signum, enum signal_scope scope);

/* SIGKILL, again and again for as long as the child is there. A parked one also loses its pipe. */
void session_kill(struct session *session, enum signal_scope scope);

/* Ends the child, with a failure to be reported. */
void session_fail(struct session *session, int error, enum stage stage);

/* Starts the guard before a pipe of the workload's is touched for the first time. False when that
 * fails, which ends the session: then the pipe is not to be touched. */
bool session_guard(struct session *session);

/* Appends a frame for the BEAM. Without memory for one the session fails. */
void session_emit(struct session *session, const struct frame *frame);

/* Sends what waits for the child. A pipe that fails, but for the child's own end, ends the session.
 */
void session_flush_down(struct session *session);

/* Once the child has ended, or is not created: ends the threads that wait to open a FIFO for it
 * (launch/fifo.h). */
void session_cancel_openers(const struct session *session);

#endif
